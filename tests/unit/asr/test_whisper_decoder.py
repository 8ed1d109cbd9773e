"""Whisper's parts at work on a model that recites one text where something is loud and another where nothing is."""

from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.whisper_model import TEXT, build
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_asr.engines.faster_whisper.decoder import (
    MIN_LOG_PROBABILITY,
    SHORT_MARGIN_SECONDS,
    SHORT_WINDOW_SECONDS,
    WINDOW_SECONDS,
    DecodeOptions,
    DeviceConfig,
    WhisperDecoder,
    short_window_seconds,
)

QUIET = "Thank you."


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> WhisperDecoder:
    return WhisperDecoder(build(tmp_path_factory.mktemp("whisper"), quiet_text=QUIET), DeviceConfig("cpu", "int8", 1))


def hum(seconds: float, level: float = 0.3) -> bytes:
    """Return a chord, as loud as a voice."""
    at = np.arange(round(seconds * SPEECH.rate)) / SPEECH.rate
    waves = sum(np.sin(2 * np.pi * hertz * at) for hertz in range(120, 1200, 60))
    return bytes((level * 32767 * waves / np.abs(waves).max()).astype("<i2"))


def wanted(*languages: str, beam: int = 1, prompt: str = "", short: bool = False) -> DecodeOptions:
    return DecodeOptions(languages, beam, prompt, short)


@pytest.mark.parametrize("short", [False, True], ids=["whole window", "short window"])
@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("prompt", ["", "Ada and Bob. " * 200], ids=["no prompt", "long prompt"])
def test_the_text_depends_on_the_audio_alone(decoder: WhisperDecoder, beam: int, prompt: str, short: bool) -> None:
    loud, quiet = decoder.decode([hum(2), hum(2, 0.0)], wanted("en", beam=beam, prompt=prompt, short=short), Event())
    assert [loud.text, quiet.text] == [TEXT, QUIET]
    assert MIN_LOG_PROBABILITY < loud.log_probability <= 0
    assert loud.speech_probability > 0.9


@pytest.mark.parametrize(
    ("allowed", "found"), [((), "en"), (("de", "en"), "en"), (("de",), "de")], ids=["any", "two", "one"]
)
def test_the_most_likely_allowed_language_is_detected(
    decoder: WhisperDecoder, allowed: tuple[str, ...], found: str
) -> None:
    assert {one.language for one in decoder.decode([hum(1), hum(1)], wanted(*allowed), Event())} == {found}


@pytest.mark.parametrize("samples", [16, 159, 480_000])
def test_a_window_may_be_of_any_length(decoder: WhisperDecoder, samples: int) -> None:
    (heard,) = decoder.decode([hum(samples / SPEECH.rate)], wanted("en", short=True), Event())
    assert heard.text in (TEXT, QUIET)


def test_cancelled_segments_are_not_decoded(decoder: WhisperDecoder) -> None:
    dropped = Event()
    dropped.set()
    assert decoder.decode([hum(1)], wanted("en"), dropped) == []


@given(st.floats(0, 30))
def test_a_short_window_has_the_audio_and_a_margin_and_is_never_shorter_than_models_bear(seconds: float) -> None:
    window = short_window_seconds(seconds)
    assert SHORT_WINDOW_SECONDS <= window <= WINDOW_SECONDS
    assert window >= min(seconds + SHORT_MARGIN_SECONDS, WINDOW_SECONDS)
    assert window in (SHORT_WINDOW_SECONDS, seconds + SHORT_MARGIN_SECONDS, WINDOW_SECONDS)
