"""Words of other languages in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tts.fakes import UNCHANGED, LetterEngine, Listener
from wyoming_rosie_tts.phrase_cache import PhraseCache
from wyoming_rosie_tts.reply_audio import TtsContext
from wyoming_rosie_tts.synthesis_scheduler import SynthesisScheduler
from wyoming_rosie_tts.text.writing_systems import split_by_language


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Playing Катюша by Blanter.", "en-US", [("Playing ", None), ("Катюша ", "ru"), ("by Blanter.", None)]),
        ("Now in Ελλάδα, 25 degrees.", "en", [("Now in ", None), ("Ελλάδα, ", "el"), ("25 degrees.", None)]),
        ("Playing 夜に駆ける.", "en", [("Playing ", None), ("夜に駆ける.", "ja")]),
        ("Die Straße is closed.", "en", [("Die ", None), ("Straße ", "de"), ("is closed.", None)]),
        ("Die Straße ist gesperrt.", "de-AT", [("Die Straße ist gesperrt.", None)]),
        ("Сейчас играет Yesterday.", "ru", [("Сейчас играет Yesterday.", None)]),
        ("Зараз Київ", "uk", [("Зараз Київ", None)]),
        ("The resistor has 5 Ω, the angle is π.", "en", [("The resistor has 5 Ω, the angle is π.", None)]),
        ("Café, naïve and Zoë", "en", [("Café, naïve and Zoë", None)]),
        ("Катюша", "", [("Катюша", None)]),
        ("", "en", [("", None)]),
    ],
)
def test_a_word_that_its_language_cannot_write_is_of_another(
    text: str, language: str, expected: list[tuple[str, str | None]]
) -> None:
    assert list(split_by_language(text, language)) == expected


@given(st.text(max_size=60), st.sampled_from(["en", "de", "ru", "ja", "el", ""]))
def test_nothing_of_a_text_is_lost(text: str, language: str) -> None:
    parts = list(split_by_language(text, language))
    assert "".join(part for part, _ in parts) == text
    assert all(other != language for _, other in parts)


async def test_a_name_is_spoken_by_a_voice_of_its_language() -> None:
    engine, scheduler = LetterEngine("en"), SynthesisScheduler("test", workers=1)
    listener = Listener(TtsContext(engine, scheduler, PhraseCache(0), UNCHANGED))
    await listener.send("synthesize", text="Playing Катюша now.")
    scheduler.close()
    assert engine.spoken == ["Playing", "ru: Катюша", "now."]
    assert listener.types == ["audio-start", "audio-chunk", "audio-stop"]
    assert listener.letters == "".join(("Playing", "Катюша", "now."))
