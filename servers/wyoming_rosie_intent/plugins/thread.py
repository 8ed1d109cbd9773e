"""Thread with an event loop for one plugin, so that it cannot block the daemon."""

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
"""Unfinished calls per plugin, including those that hang."""
_END_SECONDS = 1.0
_MOMENT_SECONDS = 0.05


class PluginError(RosieError):
    """A call of a plugin failed; the text is for the log."""

    code = "plugin"


class PluginBusyError(PluginError):
    """The plugin does not return from earlier calls, so that it was not called."""


class PluginTimeoutError(PluginError):
    """The plugin did not return in time."""


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
        """End the thread as soon as the plugin returns, without waiting for it."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    @property
    def is_blocked(self) -> bool:
        """Whether the plugin does not return from its calls."""
        return self._running >= MAX_RUNNING_CALLS or (self._heartbeat is not None and not self._heartbeat.done())

    async def call(self, call: Callable[[], Any], seconds: float) -> Any:
        """Run a function or the coroutine that it returns in the thread, and return the result. Raises PluginError."""
        await self._wait_for_heartbeat()
        if self.is_blocked:
            raise PluginBusyError(f"the plugin {self._name} is still busy with an earlier call")
        future = asyncio.run_coroutine_threadsafe(self._run_call(call), self._loop)
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise PluginTimeoutError(f"the plugin {self._name} has not answered for {seconds:g} s") from None
        finally:
            if not future.done() or future.cancelled():
                self._heartbeat = asyncio.run_coroutine_threadsafe(_heartbeat(), self._loop)

    async def _wait_for_heartbeat(self) -> None:
        """Give a plugin a moment to handle the cancellation of its previous call."""
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
            _LOG.debug("plugin call failed", name=self._name, exc_info=err)
            reason = (
                str(err) if isinstance(err, RosieError) else type(err).__name__
            )  # other texts may contain what was said
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
    """Return whether the daemon cancelled this task, rather than the called code."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _heartbeat() -> None:
    """Do nothing: its completion shows that the event loop runs."""


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_END_SECONDS)
