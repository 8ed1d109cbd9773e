"""Key events from a file descriptor of the kernel."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable

from wyoming_rosie_satellite.integrations.buttons import MAX_QUEUED_EVENTS, KeyEvent


async def read_events(descriptor: int, read: Callable[[], Iterable[KeyEvent]]) -> AsyncGenerator[KeyEvent, None]:
    """Yield what `read` returns whenever the descriptor is readable. `read` must not block, and may raise OSError."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[KeyEvent | OSError] = asyncio.Queue(MAX_QUEUED_EVENTS)

    def on_readable() -> None:  # read here and not later: only now is it certain that this does not block
        try:
            for event in read():
                _enqueue(queue, event)
        except OSError as err:
            loop.remove_reader(descriptor)
            _enqueue(queue, err)

    loop.add_reader(descriptor, on_readable)
    try:
        while True:
            item = await queue.get()
            if isinstance(item, OSError):
                raise item
            yield item
    finally:
        loop.remove_reader(descriptor)


def _enqueue(queue: "asyncio.Queue[KeyEvent | OSError]", item: KeyEvent | OSError) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(item)
