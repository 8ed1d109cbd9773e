"""Tests of the plugin; run `pytest` in this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wyoming_rosie_intent.plugins.testing import Trial, trial

HERE = Path(__file__).resolve().parent


@pytest.fixture
async def bins() -> AsyncIterator[Trial]:
    async with trial(HERE, {"days": {"paper": "Monday"}}) as running:
        yield running


async def test_it_is_healthy(bins: Trial) -> None:
    assert bins.problem is None


async def test_it_knows_the_day_of_a_bin(bins: Trial) -> None:
    answer = await bins.say("when is the paper bin collected")
    assert answer is not None
    assert answer.text == "The paper bin is collected on Monday."


async def test_it_understands_german(bins: Trial) -> None:
    answer = await bins.say("welche Tonne wird morgen abgeholt", "de")
    assert answer is not None
    assert answer.done


@pytest.mark.parametrize("text", ["turn on the light", "when is the moon collected", "bin"])
async def test_it_leaves_other_sentences_alone(bins: Trial, text: str) -> None:
    assert await bins.say(text) is None
