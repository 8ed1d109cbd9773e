"""What concerns the same object is done one after the other."""

import asyncio

import pytest

from wyoming_rosie_bridge.vision.frigate.locks import KeyedLocks


async def test_the_same_key_is_held_by_one_at_a_time_and_in_order() -> None:
    locks, done = KeyedLocks(), []

    async def work(name: str, *keys: str) -> None:
        async with locks.hold(keys):
            done.append(f"{name} begins")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            done.append(f"{name} ends")

    await asyncio.gather(work("one", "a"), work("two", "b", "a"), work("three", "a", "b"), work("other", "c"))
    alone = [line for line in done if "other" not in line]
    assert alone == [f"{name} {what}" for name in ("one", "two", "three") for what in ("begins", "ends")]
    assert done.index("other begins") < done.index("one ends")
    assert len(locks) == 0


async def test_a_lock_is_released_by_an_error_and_by_a_cancellation() -> None:
    locks = KeyedLocks()
    with pytest.raises(ValueError, match="wrong"):
        async with locks.hold(["a"]):
            raise ValueError("wrong")
    async with locks.hold(["a"]):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), locks.hold(["b", "a"]):
                pytest.fail("it is held")
        async with locks.hold(["b"]):
            assert len(locks) == 2
    assert len(locks) == 0
