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


def test_a_text_that_is_only_guessed_is_a_hallucination_even_of_speech() -> None:
    assert hallucinations.is_hallucination("The", log_probability=-3.6, speech_probability=0.75)
    assert not hallucinations.is_hallucination("The lamp", log_probability=-1.2, speech_probability=0.75)


@pytest.mark.parametrize(
    ("text", "is_echo"),
    [
        ("New York, Outdoor Humidity.", True),
        ("kitchen, New York", True),
        ("Kitchen.", False),
        ("Turn on the kitchen, New York.", False),
        ("", False),
    ],
)
def test_a_list_of_the_names_that_the_model_was_told_is_an_echo(text: str, *, is_echo: bool) -> None:
    assert hallucinations.is_prompt_echo(text, ("Kitchen", "New York", "Outdoor Humidity")) is is_echo
