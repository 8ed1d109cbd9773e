import pytest

from wyoming_rosie_asr.engines.faster_whisper import hallucinations


@pytest.mark.parametrize(
    ("text", "log_probability", "speech_probability"),
    [
        ("", 0.0, 1.0),
        (" ...", -0.1, 0.9),
        ("Thank you.", -0.4, 0.3),
        ("Thank you.", -0.8, 0.9),
        ("Thanks for watching!", -0.3, 0.5),
        ("Subtitles by the Amara.org community", -0.1, 0.99),
        ("Untertitel der Amara.org-Community", -0.1, 0.99),
        ("Vielen Dank.", -0.9, 0.8),
        ("turn on the", -1.3, 0.2),
        ("no no " * 30, -0.2, 0.99),
    ],
)
def test_hallucinations_are_detected(text: str, log_probability: float, speech_probability: float) -> None:
    assert hallucinations.is_hallucination(text, log_probability, speech_probability)


@pytest.mark.parametrize(
    ("text", "log_probability", "speech_probability"),
    [
        ("Thank you.", -0.2, 0.95),
        ("Turn on the light.", -0.9, 0.1),
        ("Turn on the light.", -1.2, 0.9),
        ("What time is it? What time is it in Rome?", -0.3, 0.9),
        ("Bye bye, see you tomorrow", -0.8, 0.5),
        ("no, no, no", -0.3, 0.9),
    ],
)
def test_speech_is_not_a_hallucination(text: str, log_probability: float, speech_probability: float) -> None:
    assert not hallucinations.is_hallucination(text, log_probability, speech_probability)
