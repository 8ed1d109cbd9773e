"""A model that is loaded with its first use, shared by its users, and unloaded when it has been idle for a while."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import structlog

_LOG = structlog.get_logger()
M = TypeVar("M")


class LazyModel(Generic[M]):
    """Loads a model on demand; `keep_alive_seconds` of 0 keeps it loaded."""

    def __init__(
        self,
        name: str,
        load: Callable[[], Coroutine[None, None, M]],
        unload: Callable[[M], Awaitable[None]],
        keep_alive_seconds: float,
    ) -> None:
        self._name = name
        self._load = load
        self._unload = unload
        self._keep_alive_seconds = keep_alive_seconds
        self._loading: asyncio.Task[M] | None = None
        self._users = 0
        self._idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._unloading: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[M]:
        """Load the model if necessary and hold it. Raises what `load` raises; each call tries again."""
        self._users += 1
        self._idle.clear()
        self._cancel_timer()
        try:
            yield await self._wait_until_loaded()
        finally:
            self._users -= 1
            if not self._users:
                self._idle.set()
                self._schedule_unload()

    async def prepare(self) -> None:
        """Load the model."""
        async with self.acquire():
            pass

    async def close_when_idle(self) -> None:
        """Unload the model when its present users have released it."""
        if self._users:
            await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """Unload the model."""
        self._cancel_timer()
        await self._unload_model()

    async def _wait_until_loaded(self) -> M:
        if self._unloading is not None:
            await asyncio.wait([self._unloading])
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        loading = self._loading
        try:
            return await asyncio.shield(loading)  # a user that is cancelled does not cancel it for the others
        except BaseException:
            if loading.done() and self._loading is loading and (loading.cancelled() or loading.exception()):
                self._loading = None
            raise

    def _schedule_unload(self) -> None:
        if self._loading is not None and self._keep_alive_seconds:
            self._timer = asyncio.get_running_loop().call_later(self._keep_alive_seconds, self._start_unload)

    def _start_unload(self) -> None:
        if not self._users:
            self._unloading = asyncio.create_task(self._unload_model())

    async def _unload_model(self) -> None:
        loading, self._loading = self._loading, None
        if loading is None:
            return
        if not loading.done():
            loading.cancel()
            await asyncio.wait([loading])
        if not loading.cancelled() and loading.exception() is None:
            await self._unload(loading.result())
            _LOG.info("model unloaded", model=self._name)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
