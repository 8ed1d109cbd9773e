"""The local VAD: a command's audio to inputs of the rules."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.vad.fakes import FRAME_BYTES, LoudnessEngine
from tests.waiting import wait_until
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.local_vad import LocalVad

FIRST_MS = 500
FRAME_MS = 32
SILENCE, NOISE, SPEECH = (bytes(FRAME_BYTES), b"\x00\x04" * (FRAME_BYTES // 2), b"\x00\x40" * (FRAME_BYTES // 2))


@pytest.fixture
def inputs() -> list[m.Input]:
    """What the rules were told, without the progress."""
    return []


@pytest.fixture
async def vad(inputs: list[m.Input]) -> AsyncIterator[LocalVad]:
    vad = LocalVad(LoudnessEngine())
    vad.start(lambda given: None if isinstance(given, m.VadProgress) else inputs.append(given))
    yield vad
    vad.close()


async def push(vad: LocalVad, inputs: list[m.Input], frame: bytes, frames: int, last: type[m.Input]) -> None:
    """Push frames, and wait until an input of type `last` is the latest."""
    for _ in range(frames):
        vad.push_audio(frame, FIRST_MS)
    await wait_until(lambda: inputs and isinstance(inputs[-1], last))


async def test_noise_is_reported_where_it_starts_and_stops(vad: LocalVad, inputs: list[m.Input]) -> None:
    await push(vad, inputs, SILENCE, 10, m.NoiseStopped)
    await push(vad, inputs, NOISE, 20, m.NoiseStarted)
    await push(vad, inputs, SILENCE, 10, m.NoiseStopped)
    started, stopped = FIRST_MS + 10 * FRAME_MS, FIRST_MS + 30 * FRAME_MS
    assert inputs == [m.NoiseStopped(FIRST_MS), m.NoiseStarted(started), m.NoiseStopped(stopped)]


async def test_speech_is_reported_where_it_starts_and_stops(vad: LocalVad, inputs: list[m.Input]) -> None:
    vad.push_audio(SPEECH * 20, FIRST_MS)
    vad.push_audio(SILENCE * 30, FIRST_MS)
    await wait_until(lambda: len(inputs) == 4)
    voices = [given for given in inputs if isinstance(given, m.VoiceStarted | m.VoiceStopped)]
    assert voices == [m.VoiceStarted(FIRST_MS), m.VoiceStopped(FIRST_MS + 20 * FRAME_MS)]
