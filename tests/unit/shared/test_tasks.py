"""Tasks that end together."""

import asyncio

import pytest

from wyoming_rosie.runtime.tasks import until_one_ends


async def forever() -> None:
    await asyncio.sleep(60)


async def test_the_first_failure_ends_all() -> None:
    async def fail() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        await until_one_ends(forever(), fail())


async def test_the_first_end_ends_all() -> None:
    async def end() -> None:
        await asyncio.sleep(0)

    await until_one_ends(forever(), end())
    assert len(asyncio.all_tasks()) == 1


async def test_being_cancelled_is_not_forgotten_when_a_part_fails_just_then() -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        whole.cancel()
        raise ValueError("at the same moment")

    whole = asyncio.create_task(until_one_ends(fail(), forever()))
    with pytest.raises(asyncio.CancelledError):
        await whole
