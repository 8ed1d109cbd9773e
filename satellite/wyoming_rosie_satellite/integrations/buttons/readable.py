"""Moves that come through a file descriptor of the kernel's."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable

from wyoming_rosie_satellite.integrations.buttons import MOVES_WAITING, Move


async def moves_of(descriptor: int, read: Callable[[], Iterable[Move]]) -> AsyncGenerator[Move, None]:
    """Yield what `read` returns whenever something can be read; it does not wait then, and may raise OSError."""
    loop = asyncio.get_running_loop()
    happened: asyncio.Queue[Move | OSError] = asyncio.Queue(MOVES_WAITING)

    def take() -> None:  # here and not later: only now is it sure that reading does not wait
        try:
            for move in read():
                _put(happened, move)
        except OSError as err:
            loop.remove_reader(descriptor)
            _put(happened, err)

    loop.add_reader(descriptor, take)
    try:
        while True:
            found = await happened.get()
            if isinstance(found, OSError):
                raise found
            yield found
    finally:
        loop.remove_reader(descriptor)


def _put(happened: "asyncio.Queue[Move | OSError]", found: Move | OSError) -> None:
    if happened.full():
        happened.get_nowait()
    happened.put_nowait(found)
