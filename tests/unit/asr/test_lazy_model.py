import asyncio

import pytest

from tests.waiting import wait_until
from wyoming_rosie.errors import EngineError
from wyoming_rosie_asr.lazy_model import LazyModel


class Library:
    """Counts how often its one book was fetched and brought back."""

    def __init__(self, keep_seconds: float = 0.0) -> None:
        self.fetched = self.returned = 0
        self.fails = False
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.book = LazyModel("book", self._fetch, self._return, keep_seconds)

    async def _fetch(self) -> str:
        await self.go_on.wait()
        if self.fails:
            raise EngineError("the shelf is empty")
        self.fetched += 1
        return f"copy {self.fetched}"

    async def _return(self, book: str) -> None:
        self.returned += 1

    async def read(self, seconds: float = 0.0) -> str:
        async with self.book.acquire() as book:
            await asyncio.sleep(seconds)
            return book


async def test_all_who_need_it_at_once_have_the_same() -> None:
    library = Library()
    assert set(await asyncio.gather(*(library.read() for _ in range(5)))) == {"copy 1"}
    await library.book.close()
    assert (library.fetched, library.returned) == (1, 1)


async def test_it_goes_when_nobody_has_needed_it_for_a_while_and_comes_back() -> None:
    library = Library(keep_seconds=0.03)
    await library.read(0.06)
    assert library.returned == 0
    await wait_until(lambda: library.returned == 1)
    assert await library.read() == "copy 2"
    await library.book.close()


async def test_who_leaves_while_it_comes_does_not_take_it_from_the_others() -> None:
    library = Library()
    library.go_on.clear()
    first, second = asyncio.create_task(library.read()), asyncio.create_task(library.read())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    library.go_on.set()
    assert await second == "copy 1"
    await library.book.close()


async def test_what_could_not_be_had_is_tried_again() -> None:
    library = Library()
    library.fails = True
    with pytest.raises(EngineError):
        await library.read()
    library.fails = False
    assert await library.read() == "copy 1"
    await library.book.close()


async def test_who_uses_it_may_finish_before_it_retires() -> None:
    library = Library()
    reading = asyncio.create_task(library.read(0.05))
    await asyncio.sleep(0.01)
    await library.book.close_when_idle()
    assert (reading.done(), library.returned) == (True, 1)


async def test_it_may_be_closed_while_it_comes() -> None:
    library = Library()
    library.go_on.clear()
    reading = asyncio.create_task(library.read())
    await asyncio.sleep(0)
    await library.book.close()
    with pytest.raises(asyncio.CancelledError):
        await reading
