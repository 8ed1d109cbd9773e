"""Noise suppression, gain and echo cancellation, by the real libraries on synthetic audio."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.satellite.fakes import NowaitRecordingSpeaker, RecordingSpeaker
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, read_wav
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_satellite.audio.devices.speakers import VolumeSpeaker
from wyoming_rosie_satellite.audio.echo_reference import MAX_SECONDS, REVERBERATION_SECONDS, EchoReference
from wyoming_rosie_satellite.audio.processing import EchoCancellation, NoiseSuppression, create_processors
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.factory import create_echo_reference

FRAME = 640
SECONDS = 4


def noise(level: float, seed: int = 1) -> npt.NDArray[np.int16]:
    return np.asarray(np.random.default_rng(seed).normal(0, level, SECONDS * SPEECH.rate), "<i2")


def speechlike() -> npt.NDArray[np.int16]:
    """Return noise that comes and goes as syllables do."""
    place = np.arange(SECONDS * SPEECH.rate) / SPEECH.rate
    return np.asarray(noise(5000) * np.clip(np.sin(2 * np.pi * 3 * place), 0, 1), "<i2")


def frames(samples: npt.NDArray[np.int16]) -> list[bytes]:
    pcm = samples.tobytes()
    return [pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME)]


def level(pcm: list[bytes]) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(b"".join(pcm), "<i2").astype(float) ** 2)))


def test_steady_noise_becomes_softer_with_each_level() -> None:
    heard = frames(noise(1000))
    levels = [
        level([NoiseSuppression(strength, 0).process(frame) for frame in heard][100:]) for strength in (1, 2, 3, 4)
    ]
    assert levels == sorted(levels, reverse=True)
    assert levels[-1] < 500


def test_a_soft_voice_becomes_louder() -> None:
    soft = frames(speechlike() // 40)
    processor = NoiseSuppression(0, 3)
    assert level([processor.process(frame) for frame in soft][100:]) > 2 * level(soft[100:])


def test_a_lower_target_leaves_the_voice_softer(shared_data: Path) -> None:
    voice = b"".join(read_wav(path)[1] for path in sorted((shared_data / "commands-en").glob("*.wav"))[:8])
    soft = frames(np.frombuffer(voice, "<i2") // 10)
    low, high = (
        level([processor.process(frame) for frame in soft][600:])
        for processor in (NoiseSuppression(0, 20), NoiseSuppression(0, 6))
    )
    assert high > 2 * low


@pytest.mark.parametrize("delay_ms", [40, 200])
def test_what_the_speaker_plays_is_not_heard(delay_ms: int) -> None:
    played = speechlike()
    late = np.concatenate([np.zeros(delay_ms * 16, "<i2"), played])[: len(played)] // 2
    echo = EchoReference(SPEECH)
    canceller = EchoCancellation(echo)
    cleaned = []
    for said, heard in zip(frames(played), frames(late), strict=True):
        echo.push(said)
        cleaned.append(canceller.process(heard))
    assert 20 * math.log10(level(frames(late)[100:]) / level(cleaned[100:])) > 15


def test_a_silent_room_is_heard_untouched() -> None:
    frame = bytes(range(256)) * 2 + bytes(128)
    assert EchoCancellation(EchoReference(SPEECH)).process(frame) is frame


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=40))
def test_an_echo_is_bounded_and_whole_whoever_is_faster(steps: list[tuple[bool, int]]) -> None:
    echo = EchoReference(SPEECH)
    for plays, count in steps:
        for _ in range(count):
            if plays:
                echo.push(b"\x01\x02" * 320)
            elif (heard := echo.read(FRAME)) is not None:
                assert len(heard) == FRAME
    waiting = 0
    while (heard := echo.read(FRAME)) is not None:
        waiting += 1
    assert waiting * 0.02 <= MAX_SECONDS + REVERBERATION_SECONDS


async def test_audio_that_is_played_at_once_is_in_the_echo_as_well() -> None:
    echo = EchoReference(SPEECH)
    speaker = VolumeSpeaker(NowaitRecordingSpeaker(), Volume(SPEECH, percent=50), echo)
    assert speaker.play_nowait(b"\x00\x40" * 640)
    assert echo.read(FRAME) == b"\x00\x10" * 320


async def test_the_echo_is_what_is_played_at_its_volume_and_ends_with_it() -> None:
    echo = EchoReference(SPEECH)
    recorder = RecordingSpeaker()
    speaker = VolumeSpeaker(recorder, Volume(SPEECH, percent=50), echo)
    await speaker.play(b"\x00\x40" * 640)
    assert echo.read(FRAME) == recorder.played[:FRAME] == b"\x00\x10" * 320
    await speaker.stop()
    assert echo.read(FRAME) == bytes(FRAME)


def test_an_echo_of_another_format_is_heard_as_speech() -> None:
    echo = EchoReference(AudioFormat(48_000, 2, 2))
    for _ in range(10):
        echo.push(bytes(48_000 // 50 * 4))
    assert len(echo.read(6400) or b"") == 6400


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (SatelliteConfig(mic_noise_suppression=5), "--mic-noise-suppression must be from 0 to 4, not 5"),
        (SatelliteConfig(mic_auto_gain=-1), "--mic-auto-gain must be from 0 to 31, not -1"),
    ],
    ids=["noise", "gain"],
)
def test_what_cannot_be_is_refused(settings: SatelliteConfig, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        create_processors(settings)


@pytest.mark.parametrize(
    ("settings", "cancels"),
    [
        (SatelliteConfig(), True),
        (SatelliteConfig(snd_command="aplay", mic_command="arecord"), True),
        (SatelliteConfig(mic="wav:said.wav"), False),
        (SatelliteConfig(snd="wav:played.wav"), False),
        (SatelliteConfig(snd="wav:played.wav", echo_cancellation=True), True),
        (SatelliteConfig(echo_cancellation=False), False),
    ],
    ids=["devices", "commands", "a recording", "a file", "a file, as set", "off"],
)
def test_echo_is_cancelled_where_the_microphone_may_hear_it(settings: SatelliteConfig, cancels: bool) -> None:
    assert (create_echo_reference(settings) is not None) is cancels


def test_nothing_is_cleaned_unless_asked_for() -> None:
    assert create_processors(SatelliteConfig()) == []
    assert (
        len(create_processors(SatelliteConfig(mic_volume_multiplier=2.0, mic_auto_gain=5), EchoReference(SPEECH))) == 3
    )
