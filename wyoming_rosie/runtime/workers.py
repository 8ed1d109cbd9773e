"""Where engines work, so that the event loop never does: a thread, or a process for what holds the interpreter's lock.

Measured lag of an event loop beside one busy engine thread: with a switch interval of 0.5 ms 2 to 4 ms for hassil, yet
33 ms and more for pocketsphinx, which therefore gets a process.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

import structlog

from wyoming_rosie.errors import EngineError
from wyoming_rosie.runtime import child_processes
from wyoming_rosie.runtime.extras import install_command

P = ParamSpec("P")
T = TypeVar("T")
_LOG = structlog.get_logger()
START_SECONDS = 60.0
CANCEL_GRACE_SECONDS = 1.0
"""A new child takes about as long to be ready."""
NICENESS = 5


class ThreadWorker:
    """Runs calls in order on one thread of its own."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name, initializer=lower_priority)
        self._callers = 0

    @property
    def waiting(self) -> int:
        """How many callers wait for somebody else's call to end."""
        return max(0, self._callers - 1)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the function returns; when the caller is cancelled, a call that has begun ends unheard."""
        self._callers += 1
        try:
            return await asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))
        finally:
            self._callers -= 1

    def submit(self, function: Callable[[], object]) -> None:
        """Have a call made whose result nobody awaits."""
        self._threads.submit(function)

    def close(self) -> None:
        """Begin no more calls; one that has begun ends unheard."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class ProcessWorker:
    """Calls the methods of an object that lives in a child process, one call at a time.

    A call whose caller is cancelled may still end by itself, which is cheaper than a new child; after GRACE_SECONDS it
    ends with the child, and a new one takes over: there is no other way to stop native code. `make` must be picklable;
    what it makes is loaded again in each new child.
    """

    def __init__(self, make: Callable[[], object], name: str) -> None:
        self._factory = make
        self._name = name
        self._lock = asyncio.Lock()
        self._thread = ThreadWorker(name)
        self._child: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._current_call: asyncio.Task[Any] | None = None
        self._cancellations: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Load the object in a child. Raises EngineError with the reason when it cannot be made."""
        async with self._lock:
            await self._start()

    async def call(self, method: str, *args: object) -> Any:
        """Return the result of `method`. Raises EngineError when it failed or its process died."""
        call = asyncio.create_task(self._call(method, args))
        call.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # somebody may have left
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            if call is self._current_call:
                ending = asyncio.create_task(self._cancel_call(call))
                self._cancellations.add(ending)
                ending.add_done_callback(self._cancellations.discard)
            else:
                call.cancel()
            raise

    async def close(self) -> None:
        for ending in self._cancellations:
            ending.cancel()
        child = self._child
        self._kill()
        if child is not None:
            await self._thread.run(child.join)
        self._thread.close()

    async def _call(self, method: str, args: tuple[object, ...]) -> Any:
        async with self._lock:
            self._current_call = asyncio.current_task()
            await self._start()
            return await self._request(method, *args)

    async def _cancel_call(self, call: asyncio.Task[Any]) -> None:
        """Wait for a call whose result nobody wants any more, but not for long."""
        ended, _ = await asyncio.wait([call], timeout=CANCEL_GRACE_SECONDS)
        if not ended:
            self._kill()
            await asyncio.wait([call])
        with suppress(EngineError):  # the next call tries once more and tells its caller
            await self.start()

    async def _start(self) -> None:
        if self._child is not None and self._child.is_alive():
            return
        # spawn: a fork would copy the parent's threads, locks and open connections
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._child = spawn.Process(
            target=_serve, args=(self._factory, theirs, os.getpid()), name=self._name, daemon=True
        )
        await self._thread.run(self._child.start)
        theirs.close()
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._receive()
        except TimeoutError as err:
            self._kill()
            raise EngineError(f"{self._name} was not ready within {START_SECONDS:g} s") from err

    async def _request(self, method: str, *args: object) -> Any:
        assert self._pipe is not None
        try:
            await self._thread.run(self._pipe.send, (method, args))
        except OSError as err:
            raise EngineError(f"{self._name} stopped unexpectedly; it starts again with the next request") from err
        return await self._receive()

    async def _receive(self) -> Any:
        assert self._pipe is not None
        try:
            failure, result = await self._thread.run(self._pipe.recv)
        except (EOFError, OSError) as err:
            self._kill()
            raise EngineError(f"{self._name} stopped unexpectedly; it starts again with the next request") from err
        if failure is not None:
            raise EngineError(failure)
        return result

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._thread.submit(self._child.join)  # else it stays as a zombie
            self._child = None
        self._pipe = None


def lower_priority() -> None:
    """Let this thread have what the event loop leaves of the processor (Linux gives threads priorities of their own)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _serve(make: Callable[[], object], pipe: Connection, parent: int) -> None:
    child_processes.set_parent_exit_signal(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    lower_priority()
    try:
        served = make()
    except ImportError as err:
        pipe.send((f"{err.name} is not installed; run: {install_command(['all'])}", None))
        return
    except Exception as err:  # noqa: BLE001 - whatever it was, the parent says it
        pipe.send((f"{type(err).__name__}: {err}", None))
        return
    pipe.send((None, None))
    with suppress(EOFError, OSError):  # the parent is gone
        while True:
            method, args = pipe.recv()
            pipe.send(_result(served, method, args))


def _result(served: object, method: str, args: tuple[object, ...]) -> tuple[str | None, Any]:
    try:
        return None, getattr(served, method)(*args)
    except Exception as err:  # noqa: BLE001 - the edge of the process: the caller gets it as an EngineError
        return f"{type(err).__name__}: {err}", None
