"""Voice selection: the voice that is requested for a language."""

import pytest
from wyoming.info import Attribution, TtsVoice
from wyoming.tts import SynthesizeVoice

from wyoming_rosie_hub.voice_selection import select_voice

NOBODY = Attribution("tests", "https://example.org")


def voice(name: str, *languages: str) -> TtsVoice:
    return TtsVoice(name, NOBODY, True, None, "1", languages=list(languages))


OURS = [voice("en-GB", "en-GB", "en"), voice("fr-BE", "fr-BE", "fr"), voice("fr-FR", "fr-FR", "fr")]
PIPERS = [voice("amy", "en_US"), voice("thorsten", "de_DE"), voice("eva", "de_DE")]


@pytest.mark.parametrize(
    ("voices", "language", "asked"),
    [
        (OURS, "fr", SynthesizeVoice(language="fr")),
        (OURS, "en-GB", SynthesizeVoice(language="en-GB")),
        (OURS, "en-US", SynthesizeVoice(name="en-GB")),
        (PIPERS, "de", SynthesizeVoice(name="thorsten")),
        (PIPERS, "fr", None),
        ([], "en", None),
    ],
)
def test_a_language_is_requested_by_its_tag_or_by_a_related_voice(
    voices: list[TtsVoice], language: str, asked: SynthesizeVoice | None
) -> None:
    assert select_voice(voices, language) == asked
