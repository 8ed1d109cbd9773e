import math
from array import array
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tts.fakes import FORMAT, LetterEngine, LetterVoice
from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.audio.loudness import SPEECH_LUFS, measure_loudness
from wyoming_rosie.errors import BadEventError
from wyoming_rosie_tts.engine import StepCancellation, Voice, VoiceRequest
from wyoming_rosie_tts.engines.espeak import engine as espeak
from wyoming_rosie_tts.loudness import MAX_PEAK, Limiter, LoudnessNormalizer
from wyoming_rosie_tts.text.segments import Prosody, TextSegment

RATE = 16_000
HIGHEST = round(MAX_PEAK * 32_768)
SENTENCES = (
    "Tomorrow it will rain in the morning and clear up in the afternoon.",
    "You have a dentist appointment on Thursday at half past three.",
    "The washing machine will be ready in forty five minutes.",
)


def wave(peak: float, samples: int = 800) -> "array[int]":
    return array("h", (round(peak * 32_767 * math.sin(position / 5)) for position in range(samples)))


def limit(gain: float, pieces: Sequence["array[int]"]) -> "array[int]":
    limiter = Limiter(gain, RATE)
    return array("h", b"".join([*(limiter.apply(piece.tobytes()) for piece in pieces), limiter.finish()]))


@given(
    st.lists(st.lists(st.integers(-32_768, 32_767), max_size=700).map(lambda values: array("h", values)), max_size=6),
    st.floats(0, 40),
)
def test_no_sample_clips_and_none_is_lost(pieces: list["array[int]"], gain: float) -> None:
    found = limit(gain, pieces)
    assert len(found) == sum(map(len, pieces))
    assert all(abs(sample) <= HIGHEST for sample in found)


@given(st.lists(st.integers(1, 900), max_size=12), st.floats(0.1, 10))
def test_the_audio_does_not_depend_on_how_it_is_cut(cuts: list[int], gain: float) -> None:
    whole = wave(0.1, 1500) + wave(0.9, 500) + wave(0.2, 2000)
    edges = sorted({0, *(cut * 4 for cut in cuts), len(whole)})
    pieces = [whole[begin:end] for begin, end in pairwise(edges)]
    assert limit(gain, pieces) == limit(gain, [whole])


def test_only_what_would_clip_is_lowered_and_the_rest_soon_has_its_gain_again() -> None:
    soft = wave(0.1, RATE)
    found = limit(2.0, [soft + wave(0.9, 400) + soft])
    assert found[:15_000] == array("h", (2 * sample for sample in soft[:15_000]))
    assert max(found) > 0.9 * HIGHEST
    assert max(found[16_560:16_880]) < 1.5 * max(soft)  # not at once, which would be heard
    assert found[-8_000:] == array("h", (2 * sample for sample in soft[-8_000:]))


def test_the_gain_falls_without_a_click() -> None:
    steady = array("h", [3_000] * 1_000)
    found = limit(2.0, [steady + array("h", [30_000] * 1_000)])
    assert max(abs(after - before) for before, after in pairwise(found[:990])) < 100


def normalized(voice: Voice, text: str, **prosody: float) -> bytes:
    segment = TextSegment(text, Prosody(**prosody))
    steps = LoudnessNormalizer().synthesize(voice, segment, pause=False, cancellation=StepCancellation())
    return b"".join(steps)


def loudness(voice: Voice, **prosody: float) -> float:
    pcm = b"".join(normalized(voice, sentence, **prosody) for sentence in SENTENCES)
    return measure_loudness(pcm, voice.audio_format.rate)


def english_voices() -> Iterator[Voice]:
    yield espeak.load(espeak.Settings()).select_voice(VoiceRequest("en-US"))
    if find_spec("py_nanotts"):
        from wyoming_rosie_tts.engines.pico import engine as pico

        for language in ("en-US", "en-GB"):
            yield pico.load(pico.Settings()).select_voice(VoiceRequest(language=language))


def test_all_voices_are_equally_loud_and_none_clips() -> None:
    for voice in english_voices():
        pcm = b"".join(normalized(voice, sentence) for sentence in SENTENCES)
        assert measure_loudness(pcm, voice.audio_format.rate) == pytest.approx(SPEECH_LUFS, abs=1.0), voice.identity
        assert max(map(abs, array("h", pcm))) <= HIGHEST


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Morgen regnet es am Vormittag, und am Nachmittag wird es wieder schön."),
        ("fr", "Demain il pleuvra le matin et il fera beau dans l'après-midi."),
        ("sv", "I morgon regnar det på förmiddagen och blir fint på eftermiddagen."),
        ("mi", "Kei te pai te rangi i tēnei rā, ā, ka ua āpōpō."),
    ],
)
def test_voices_of_other_languages_are_about_as_loud(language: str, text: str) -> None:
    voice = espeak.load(espeak.Settings()).select_voice(VoiceRequest(language=language))
    assert measure_loudness(normalized(voice, text), voice.audio_format.rate) == pytest.approx(SPEECH_LUFS, abs=2.5)


def test_volumes_of_the_settings_and_of_the_text_change_the_loudness() -> None:
    quiet, plain = (espeak.load(espeak.Settings(volume=volume)).select_voice(VoiceRequest()) for volume in (50, 100))
    assert loudness(quiet) == pytest.approx(loudness(plain) - 6, abs=0.1)
    assert loudness(plain, volume=0.25) == pytest.approx(loudness(plain) - 12, abs=0.1)
    assert not any(normalized(plain, "Silence.", volume=0))
    assert max(map(abs, array("h", normalized(plain, "Louder.", volume=4)))) <= HIGHEST


class SteppingVoice(LetterVoice):
    """A voice without sounds for what it is measured with, if it is not `readable`."""

    def __init__(self, *, readable: bool, audio_format: AudioFormat = FORMAT) -> None:
        super().__init__(LetterEngine("xx"), audio_format)
        self.asked: list[str] = []
        self._readable = readable

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        self.asked.append(segment.text)
        if segment.text[0].isdigit() and not self._readable:
            raise BadEventError("no sounds for this text", "unspeakable")
        yield from super().synthesize(segment, pause=pause, cancellation=cancellation)


def test_a_voice_is_measured_once_in_steps_without_audio() -> None:
    voice, normalizer = SteppingVoice(readable=True), LoudnessNormalizer()
    first, second = (
        list(normalizer.synthesize(voice, TextSegment("ab"), pause=False, cancellation=StepCancellation()))
        for _ in range(2)
    )
    assert [text[:3] for text in voice.asked] == ["1 2", "ab", "ab"]
    assert b"".join(first) == b"".join(second)
    assert len(first) > len(second) + 5


def test_a_voice_that_cannot_read_the_sample_speaks_as_it_is() -> None:
    assert normalized(SteppingVoice(readable=False), "ab") == b"a\0" * 10 + b"b\0" * 10


def test_another_format_than_16_bit_mono_passes_unchanged() -> None:
    voice = SteppingVoice(readable=True, audio_format=AudioFormat(1000, 2, 2))
    assert normalized(voice, "ab") == b"a\0" * 10 + b"b\0" * 10
    assert voice.asked == ["ab"]
