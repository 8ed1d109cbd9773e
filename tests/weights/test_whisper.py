"""Whisper tiny.en with real weights: the short window and the names of the home, on recorded commands."""

import asyncio
from pathlib import Path

import pytest

from benchmarks import whisper
from benchmarks.accuracy_asr import home
from tests.weights.conftest import WEIGHTS
from wyoming_rosie.home.model import Home

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]
TINY = WEIGHTS / "whisper" / "tiny.en"
MARGIN = 0.06
"""Two standard errors of the word error rate of 150 words, of which up to a sixth are wrong."""


@pytest.fixture(scope="module")
def model() -> Path:
    if not (TINY / "model.bin").is_file():
        pytest.skip(f"there is no Whisper tiny.en in {WEIGHTS}; scripts/weights fetches it")
    return TINY


@pytest.fixture(params=["commands-en", "commands-en-tts"])
def recordings(model: Path, shared_data: Path, request: pytest.FixtureRequest) -> list[whisper.Recording]:
    return whisper.load_set(shared_data / request.param)


@pytest.fixture
def known(shared_data: Path) -> Home:
    return home(shared_data)


async def error_rate(model: Path, recordings: list[whisper.Recording], prompted: Home, *, is_short: bool) -> float:
    engine = await asyncio.to_thread(whisper.create_engine, model, is_short=is_short)
    try:
        await engine.change_home(prompted)
        return (await whisper.measure(engine, recordings)).error_rate
    finally:
        await engine.close()


async def test_a_short_window_is_as_accurate_as_a_whole_one(model: Path, recordings: list[whisper.Recording]) -> None:
    whole = await error_rate(model, recordings, Home(), is_short=False)
    assert await error_rate(model, recordings, Home(), is_short=True) <= whole + MARGIN


async def test_the_names_of_the_home_do_no_harm(model: Path, recordings: list[whisper.Recording], known: Home) -> None:
    without = await error_rate(model, recordings, Home(), is_short=True)
    assert await error_rate(model, recordings, known, is_short=True) <= without


@pytest.fixture
def without_speech(model: Path, shared_data: Path) -> list[bytes]:
    return [*whisper.quiet_clips(), *whisper.room_clips(shared_data)]


async def test_audio_without_speech_has_no_text(model: Path, known: Home, without_speech: list[bytes]) -> None:
    engine = await asyncio.to_thread(whisper.create_engine, model, is_short=True)
    await engine.change_home(known)
    assert await whisper.invent_texts(engine, without_speech) == []
    await engine.close()
