"""Tasks that end together."""

import asyncio

import pytest

from wyoming_rosie.runtime.tasks import run_until_first_exit


async def forever() -> None:
    await asyncio.sleep(60)


async def test_the_first_failure_ends_all() -> None:
    async def fail() -> None:
        raise ValueError("this one")

    with pytest.raises(ValueError, match="this one"):
        await run_until_first_exit(forever(), fail())


async def test_the_first_end_ends_all() -> None:
    async def end() -> None:
        await asyncio.sleep(0)

    await run_until_first_exit(forever(), end())
    assert len(asyncio.all_tasks()) == 1


async def test_being_cancelled_is_not_forgotten_when_a_part_fails_just_then() -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        whole.cancel()
        raise ValueError("at the same moment")

    whole = asyncio.create_task(run_until_first_exit(fail(), forever()))
    with pytest.raises(asyncio.CancelledError):
        await whole
