from array import array

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.text.normalize import normalize
from wyoming_rosie_tts.engine import VoiceRequest
from wyoming_rosie_tts.engines.espeak.engine import EspeakEngine, Settings, load
from wyoming_rosie_tts.text.segments import Prosody, TextSegment

pytest.importorskip("espeakng_loader", reason="the tts extra is not installed")


@pytest.fixture
def engine() -> EspeakEngine:
    return load(Settings())


def spoken(engine: EspeakEngine, text: str, language: str = "en-US", *, pause: bool = False) -> bytes:
    return b"".join(engine.select_voice(VoiceRequest(language=language)).synthesize(TextSegment(text), pause=pause))


def seconds(engine: EspeakEngine, text: str, language: str = "en-US", *, pause: bool = False) -> float:
    return engine.select_voice(VoiceRequest()).audio_format.seconds(len(spoken(engine, text, language, pause=pause)))


def test_a_sentence_has_audio(engine: EspeakEngine) -> None:
    assert max(map(abs, array("h", spoken(engine, "The kitchen light is on.")))) > 2000


def test_prosody_changes_the_audio(engine: EspeakEngine) -> None:
    def said(**prosody: float) -> bytes:
        return b"".join(
            engine.select_voice(VoiceRequest()).synthesize(
                TextSegment("The light is on.", Prosody(**prosody)), pause=False
            )
        )

    normal = said()
    assert len(said(rate=2)) < 0.6 * len(normal)
    assert said(pitch=6) != normal
    assert len(said()) == pytest.approx(len(normal), rel=0.02)


def test_voices_that_sound_different_have_different_identities(engine: EspeakEngine) -> None:
    slow = load(Settings(rate=120))
    identities = {
        one.identity
        for one in (
            engine.select_voice(VoiceRequest()),
            engine.select_voice(VoiceRequest("de")),
            slow.select_voice(VoiceRequest()),
        )
    }
    assert len(identities) == 3
    assert engine.select_voice(VoiceRequest()).identity in identities


def test_sentences_one_by_one_sound_as_long_as_together(engine: EspeakEngine) -> None:
    together = seconds(engine, "Hello world. How are you? I am fine.")
    one_by_one = sum(
        seconds(engine, text, pause=text != "I am fine.") for text in ("Hello world.", "How are you?", "I am fine.")
    )
    assert one_by_one == pytest.approx(together, rel=0.02)


@pytest.mark.parametrize("language", ["en-US", "de", "fr-FR"])
def test_symbols_are_spoken_as_words(engine: EspeakEngine, language: str) -> None:
    for sign in "<>&%":
        assert seconds(engine, f"5 {sign} 6", language) > seconds(engine, "5 6", language) + 0.05, sign


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("\U0001f600\U0001f389\U0001f525", "en-US"),
        ("ba" * 200, "en-US"),
        ("1" * 200, "en-US"),
        ("привет" * 60, "ru"),
        ("こんにちは" * 40, "ja"),
        ("สวัสดี" * 40, "th"),
    ],
    ids=["emoji", "letters", "digits", "cyrillic", "japanese", "thai"],
)
def test_twice_the_text_without_spaces_is_twice_the_audio(engine: EspeakEngine, text: str, language: str) -> None:
    one, two = (seconds(engine, normalize(text * times), language) for times in (1, 2))
    assert two == pytest.approx(2 * one, rel=0.25)


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "\u202e", "<speak><break/></speak>", "[[h@'loU]]", "\\" * 50])
def test_odd_text_crashes_nothing(engine: EspeakEngine, text: str) -> None:
    spoken(engine, normalize(text))
    assert seconds(engine, "Hello.") > 0.3


def test_every_described_voice_speaks_and_has_a_unique_name(engine: EspeakEngine) -> None:
    voices = engine.describe().voices
    names = [voice.name for voice in voices]
    assert len(set(names)) == len(names) > 100
    assert {"en-US", "en-GB", "de", "fr-FR", "pt-BR", "es-419"} <= set(names)
    for name in names:
        assert (
            sum(map(len, engine.select_voice(VoiceRequest(name)).synthesize(TextSegment("Hello 21"), pause=False)))
            > 5000
        ), name


def test_languages_are_found_as_home_assistant_names_them(engine: EspeakEngine) -> None:
    voices = {voice.name: voice.languages for voice in engine.describe().voices}
    assert "en" in voices["en-US"]
    assert "zh-CN" in voices["cmn"]
    assert "zh-HK" in voices["yue"]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (Settings(rate=20), "rate must be from 80 to 450, not 20"),
        (Settings(pitch=100), "pitch must be from 0 to 99"),
        (Settings(volume=-1), "volume must be from 0 to 200"),
        (Settings(voice="martian"), "no voice 'martian'"),
    ],
    ids=str,
)
def test_invalid_settings_are_refused(settings: Settings, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load(settings)


@pytest.mark.parametrize("language", ["en-US", "de"])
def test_the_rate_holds_for_every_voice(language: str) -> None:
    text = "The kitchen light is on."
    slow = seconds(load(Settings(rate=120)), text, language)
    fast = seconds(load(Settings(rate=300)), text, language)
    assert slow > 1.5 * fast
