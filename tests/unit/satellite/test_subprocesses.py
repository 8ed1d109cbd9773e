"""Commands of the operator as subprocesses."""

import asyncio

import pytest

from wyoming_rosie_satellite.subprocesses import end_process, start_process

PIPE = asyncio.subprocess.PIPE


@pytest.mark.parametrize("words", [["cat", "/dev/zero"], ["sleep", "3600"]], ids=["writes", "is silent"])
async def test_a_cancellation_takes_effect_after_the_process_has_ended(words: list[str]) -> None:
    process = await start_process(words, stdin=PIPE, stdout=PIPE)
    ending = asyncio.create_task(end_process(process))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert process.returncode is not None
