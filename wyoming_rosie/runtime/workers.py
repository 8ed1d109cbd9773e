"""Workers keep engines off the event loop: a thread, or a process for code that holds the interpreter's lock.

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
"""Time for a cancelled call to end by itself; a new child takes about as long to start."""
NICENESS = 5


class ThreadWorker:
    """Runs calls in order on one thread, of a lower priority than the event loop's unless its calls are short and awaited."""

    def __init__(self, name: str, *, is_background: bool = True) -> None:
        initializer = lower_priority if is_background else None
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name, initializer=initializer)
        self._callers = 0

    @property
    def waiting(self) -> int:
        """Callers that wait for another call to end."""
        return max(0, self._callers - 1)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function and return its result; a cancellation drops the result of a call that has started."""
        self._callers += 1
        try:
            return await asyncio.wrap_future(self._threads.submit(function, *args, **kwargs))
        finally:
            self._callers -= 1

    def submit(self, function: Callable[[], object]) -> None:
        """Run a function without waiting for its result."""
        self._threads.submit(function)

    def close(self) -> None:
        """Start no more calls; the result of a running one is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class ProcessWorker:
    """Calls the methods of an object that lives in a child process, one call at a time.

    A cancelled call has CANCEL_GRACE_SECONDS to end by itself, which is cheaper than a new child; then the child is killed, since
    nothing else stops native code, and a new one starts. `factory` must be picklable; each new child calls it again.
    """

    def __init__(self, factory: Callable[[], object], name: str) -> None:
        self._factory = factory
        self._name = name
        self._lock = asyncio.Lock()
        self._thread = ThreadWorker(name)
        self._child: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._current_call: asyncio.Task[Any] | None = None
        self._cancellations: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the child and load the object. Raises EngineError with the reason if that fails."""
        async with self._lock:
            await self._start()

    async def call(self, method: str, *args: object) -> Any:
        """Call a method and return its result. Raises EngineError if it fails or its process dies."""
        call = asyncio.create_task(self._call(method, args))
        call.add_done_callback(
            lambda ended: ended.cancelled() or ended.exception()
        )  # its caller may have been cancelled
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
        """Wait briefly for a cancelled call, then kill the child, and start a new one."""
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
        self._pipe, child_pipe = spawn.Pipe()
        child = spawn.Process(
            target=_serve, args=(self._factory, child_pipe, os.getpid()), name=self._name, daemon=True
        )
        await self._thread.run(child.start)
        self._child = child  # only now: if this was cancelled, it ends by itself, since its pipe is closed
        child_pipe.close()
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
    """Lower this thread's priority below the event loop's (Linux has priorities per thread)."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _serve(factory: Callable[[], object], pipe: Connection, parent: int) -> None:
    child_processes.set_parent_exit_signal(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    lower_priority()
    try:
        served = factory()
    except ImportError as err:
        pipe.send((f"{err.name} is not installed; run: {install_command(['all'])}", None))
        return
    except Exception as err:  # noqa: BLE001 - the parent reports it
        pipe.send((f"{type(err).__name__}: {err}", None))
        return
    with suppress(EOFError, OSError):  # the parent is gone
        pipe.send((None, None))
        while True:
            method, args = pipe.recv()
            pipe.send(_result(served, method, args))


def _result(served: object, method: str, args: tuple[object, ...]) -> tuple[str | None, Any]:
    try:
        return None, getattr(served, method)(*args)
    except Exception as err:  # noqa: BLE001 - the edge of the process: the caller gets it as an EngineError
        return f"{type(err).__name__}: {err}", None
