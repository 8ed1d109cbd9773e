"""A thread with an event loop for one plugin: whatever it does there costs nobody else's time."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import structlog

from wyoming_rosie.errors import RosieError

_LOG = structlog.get_logger()
MAX_RUNNING_CALLS = 4
"""Calls that have not ended, some of which may never end."""
_END_SECONDS = 1.0
_MOMENT_SECONDS = 0.05


class PluginError(RosieError):
    """A plugin did not do what it was asked; the text is for the person on call."""

    code = "plugin"


class PluginThread:
    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name=f"plugin-{name}", daemon=True)
        self._running = 0
        self._heartbeat: Future[None] | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread as soon as the plugin lets it; nobody waits for that."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    @property
    def is_blocked(self) -> bool:
        """Tell whether it has been asked something that it does not come back from."""
        return self._running >= MAX_RUNNING_CALLS or (self._heartbeat is not None and not self._heartbeat.done())

    async def call(self, call: Callable[[], Any], seconds: float) -> Any:
        """Return what `call`, or the coroutine that it makes, returns. Raises PluginError."""
        await self._wait_for_heartbeat()
        if self.is_blocked:
            raise PluginError(f"the plugin {self._name} is still busy with an earlier call")
        future = asyncio.run_coroutine_threadsafe(self._run_call(call), self._loop)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise PluginError(f"the plugin {self._name} has not answered for {seconds:g} s") from None
        finally:
            if not future.done() or future.cancelled():
                self._heartbeat = asyncio.run_coroutine_threadsafe(_heartbeat(), self._loop)

    async def _wait_for_heartbeat(self) -> None:
        """Give a plugin whose call was just ended a moment to notice."""
        if self._heartbeat is not None and not self._heartbeat.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(_MOMENT_SECONDS):
                    await asyncio.shield(asyncio.wrap_future(self._heartbeat))

    async def _run_call(self, call: Callable[[], Any]) -> Any:
        self._running += 1
        try:
            made = call()
            return await made if inspect.isawaitable(made) else made
        except GeneratorExit:
            raise
        except BaseException as err:  # a plugin may raise anything, even what would end the thread
            if isinstance(err, asyncio.CancelledError) and _is_cancelled():
                raise
            _LOG.debug("plugin", name=self._name, exc_info=err)
            reason = str(err) if isinstance(err, RosieError) else type(err).__name__  # other texts may be what was said
            raise PluginError(f"the plugin {self._name} failed: {reason}") from None
        finally:
            self._running -= 1

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(_cancel_all())
        finally:
            self._loop.close()


def _is_cancelled() -> bool:
    """Tell whether this task is cancelled by us, and not by what it calls."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _heartbeat() -> None:
    """Show that the loop turns."""


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_END_SECONDS)
