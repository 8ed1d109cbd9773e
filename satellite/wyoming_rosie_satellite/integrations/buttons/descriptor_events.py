"""Moves that come through a file descriptor of the kernel's."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable

from wyoming_rosie_satellite.integrations.buttons import MAX_QUEUED_EVENTS, KeyEvent


async def read_events(descriptor: int, read: Callable[[], Iterable[KeyEvent]]) -> AsyncGenerator[KeyEvent, None]:
    """Yield what `read` returns whenever something can be read; it does not wait then, and may raise OSError."""
    loop = asyncio.get_running_loop()
    happened: asyncio.Queue[KeyEvent | OSError] = asyncio.Queue(MAX_QUEUED_EVENTS)

    def take() -> None:  # here and not later: only now is it sure that reading does not wait
        try:
            for move in read():
                _enqueue(happened, move)
        except OSError as err:
            loop.remove_reader(descriptor)
            _enqueue(happened, err)

    loop.add_reader(descriptor, take)
    try:
        while True:
            found = await happened.get()
            if isinstance(found, OSError):
                raise found
            yield found
    finally:
        loop.remove_reader(descriptor)


def _enqueue(happened: "asyncio.Queue[KeyEvent | OSError]", found: KeyEvent | OSError) -> None:
    if happened.full():
        happened.get_nowait()
    happened.put_nowait(found)
