from array import array
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.text.segments import Prosody, TextSegment

pytest.importorskip("py_nanotts", reason="the pico extra is not installed")
from wyoming_rosie_tts.engines.pico.engine import VOICES, PicoEngine, Settings, load

SENTENCE = "The kitchen light is on and the heating stays at twenty one degrees until the evening."


@pytest.fixture
def engine() -> PicoEngine:
    return load(Settings())


def pieces(engine: PicoEngine, text: str, language: str = "en-US", *, pause: bool = False) -> list[bytes]:
    return list(engine.select_voice(VoiceRequest(language=language)).synthesize(TextSegment(text), pause=pause))


def seconds(engine: PicoEngine, text: str, language: str = "en-US", *, pause: bool = False) -> float:
    return sum(map(len, pieces(engine, text, language, pause=pause))) / 32_000


@pytest.mark.parametrize("language", VOICES)
def test_every_language_speaks(engine: PicoEngine, language: str) -> None:
    spoken = b"".join(pieces(engine, "Hallo, 21.", language))
    assert 1 < len(spoken) / 32_000 < 4
    assert 4_000 < max(map(abs, array("h", spoken))) < 32_767


def test_audio_comes_before_the_sentence_is_finished(engine: PicoEngine) -> None:
    first, *others = (piece for piece in pieces(engine, SENTENCE) if piece)
    assert 0.2 <= len(first) / 32_000 < 0.4
    assert len(others) > 10


def test_a_synthesis_that_is_abandoned_leaves_the_others_as_they_are(engine: PicoEngine) -> None:
    voice = engine.select_voice(VoiceRequest())
    whole = list(voice.synthesize(TextSegment(SENTENCE), pause=False))
    abandoned = voice.synthesize(TextSegment(SENTENCE), pause=False)
    at_once = voice.synthesize(TextSegment(SENTENCE), pause=False)
    assert [next(at_once), next(abandoned), next(at_once)] == [whole[0], whole[0], whole[1]]
    del abandoned
    assert list(at_once) == whole[2:]


def test_a_synthesis_leaves_no_open_files(engine: PicoEngine) -> None:
    pieces(engine, "Hello.")
    before = psutil.Process().num_fds()
    for _ in range(5):
        pieces(engine, "Hello.")
    assert psutil.Process().num_fds() <= before


def test_prosody_changes_the_audio(engine: PicoEngine) -> None:
    def said(**prosody: float) -> bytes:
        segment = TextSegment("The light is on.", Prosody(**prosody))
        return b"".join(engine.select_voice(VoiceRequest()).synthesize(segment, pause=False))

    assert len(said(rate=2)) < 0.7 * len(said())
    assert len(said(rate=0.5)) > 1.5 * len(said())
    assert said(pitch=6) != said()


def test_sentences_are_separated_and_clauses_are_not(engine: PicoEngine) -> None:
    assert seconds(engine, "One.", pause=True) == pytest.approx(seconds(engine, "One.") + 0.2)
    assert seconds(engine, "One,", pause=True) == seconds(engine, "One,")


def test_little_silence_follows_the_last_word(engine: PicoEngine) -> None:
    samples = array("h", b"".join(pieces(engine, "The light is on.")))
    assert max(map(abs, samples[-4_000:])) > 500


def test_voices_that_sound_different_have_different_identities(engine: PicoEngine) -> None:
    others = [load(Settings(rate=0.8)), load(Settings(pitch=2)), load(Settings(volume=0.5))]
    voices = [engine.select_voice(VoiceRequest(language=language)) for language in VOICES]
    assert len({voice.identity for voice in [*voices, *(one.select_voice(VoiceRequest()) for one in others)]}) == 9


@pytest.mark.parametrize("text", ["", " ", "...", "\u200b", "—"], ids=ascii)
def test_a_text_without_words_has_no_audio(engine: PicoEngine, text: str) -> None:
    assert pieces(engine, text) == []


def test_a_text_in_another_script_is_refused(engine: PicoEngine) -> None:
    with pytest.raises(BadEventError, match="speaks en-US") as refusal:
        pieces(engine, "привет")
    assert refusal.value.code == "unspeakable"


def test_tags_in_a_text_are_neither_obeyed_nor_the_end_of_it(engine: PicoEngine, tmp_path: Path) -> None:
    file = tmp_path / "written.wav"
    plain = seconds(engine, "good morning")
    assert seconds(engine, f'<genfile file="{file}">good morning</genfile>') > plain
    assert seconds(engine, "good <b morning") > plain
    assert not file.exists()


@settings(max_examples=40)
@given(st.text(max_size=60) | st.text("01.,-:/ ", max_size=200))
def test_any_text_is_spoken_or_refused(text: str) -> None:
    engine = load(Settings())
    try:
        pieces(engine, text)
    except BadEventError as err:
        assert err.code == "unspeakable"
    assert seconds(engine, "Hello.") > 0.3


@pytest.mark.parametrize("text", ["x" * 500, "1" * 300, "ba" * 200, "\\" * 50, "a1" * 100], ids=lambda text: text[:4])
def test_words_without_end_are_spoken(engine: PicoEngine, text: str) -> None:
    assert (seconds(engine, text) > 5) == any(map(str.isalnum, text))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (Settings(rate=0), "rate must be from 0.2 to 5, not 0"),
        (Settings(pitch=13), "pitch must be from -12 to 12"),
        (Settings(volume=-1), "volume must be from 0 to 10"),
        (Settings(voice="martian"), "no voice 'martian'"),
    ],
    ids=str,
)
def test_invalid_settings_are_refused(settings: Settings, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(settings)
