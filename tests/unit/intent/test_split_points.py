"""Split points of sentences."""

import pytest

from wyoming_rosie_intent.rules.split_points import SplitPoints
from wyoming_rosie_intent.rules.template_words import number_words

WHOLE = {
    "en": [
        "set a timer for an hour and 15 minutes",
        "set a timer for a minute and thirty seconds",
        "a timer for half an hour and 5 minutes",
        "a timer for 2 hours, 5 minutes and 10 seconds",
        "a timer for one hour, twenty-five minutes",
        "a timer for 1 h and 20 min",
        "a timer for 1h and 20min",
        "a timer for a day and two hours",
        "a timer for an hour and a half",
        "a timer for two and a half hours",
        "a timer for an hour and three quarters",
        "a timer for one hundred and twenty seconds",
        "turn on the salt and pepper lamp",
        "turn on the lights in the living and dining room",
    ],
    "de": [
        "Timer auf eine Stunde und 15 Minuten",
        "Timer auf eine Minute und dreißig Sekunden",
        "Timer auf eine halbe Stunde und fünf Minuten",
        "Timer auf zwei und eine halbe Stunde",
        "Timer auf eine Stunde und eine Viertelstunde",
    ],
    "fr": ["un minuteur de une heure et quinze minutes", "un minuteur d'une heure et demie"],
    "es": ["un temporizador de una hora y quince minutos", "un temporizador de una hora y media"],
    "it": ["un timer di un'ora e quindici minuti", "un timer di un'ora e mezza"],
    "nl": ["een timer van een uur en vijftien minuten", "een timer van een minuut en dertig seconden"],
}
APART = {
    "en": [
        "set a timer for 5 minutes and turn on the light",
        "a timer for 5 minutes and one for 10 minutes",
        "a timer for 5 minutes and 10 minutes",
        "a timer for 20 seconds and another for an hour",
        "turn on the salt lamp and the pepper lamp",
        "turn on the living room and dining room lights",
        "dim the lamp to 20 and the bedroom to 30",
    ],
    "de": ["Timer auf eine Stunde und das Licht an", "Licht an und Tür zu"],
}
NAMES = ("Salt and Pepper Lamp", "Living and Dining Room", "Lamp")


def _cases(said: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(language, text) for language, texts in said.items() for text in texts]


def joints(language: str) -> SplitPoints:
    return SplitPoints(NAMES, number_words(language))


@pytest.mark.parametrize(("language", "text"), _cases(WHOLE))
def test_an_amount_or_a_name_is_not_taken_apart(language: str, text: str) -> None:
    assert joints(language).find(text) == []


@pytest.mark.parametrize(("language", "text"), _cases(APART))
def test_commands_are_taken_apart(language: str, text: str) -> None:
    assert len(joints(language).find(text)) == 1


def test_an_amount_in_a_longer_sentence_is_left_whole() -> None:
    found = joints("en").find("set a timer for an hour and 15 minutes and turn on the salt and pepper lamp")
    assert [joint.start() for joint in found] == [len("set a timer for an hour and 15 minutes")]
