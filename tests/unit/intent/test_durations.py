"""Sentences with durations: timers of any length and delayed commands."""

from functools import cache

import pytest

from tests.unit.intent.sentence_tables import table
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.rules import durations, hassil, multi_command
from wyoming_rosie_intent.rules.hassil import HassilRecognizer


@cache
def recognizer(language: str) -> HassilRecognizer:
    return hassil.load(hassil.Settings(("en", "de")), table.load_home(language))


def understood(text: str, language: str = "en") -> tuple[Match, ...]:
    rules = recognizer("de" if language == "de" else "en")
    return multi_command.parse_commands(
        text,
        lambda one: rules.recognize(one, language, table.AREA),
        table.load_split_rules("de" if language == "de" else "en"),
    )


def meaning(text: str, language: str = "en") -> list[tuple[str, dict[str, object]]]:
    return [(match.intent.removeprefix("Hass"), dict(match.slots)) for match in understood(text, language)]


STARTED: list[tuple[str, str, dict[str, object]]] = [
    ("en", "set a timer for an hour and 15 minutes", {"hours": 1, "minutes": 15}),
    ("en", "set a timer for a minute and thirty seconds", {"minutes": 1, "seconds": 30}),
    ("en", "set a timer for half an hour and 5 minutes", {"minutes": 35}),
    ("en", "set a timer for 120 minutes", {"minutes": 120}),
    ("en", "set a timer for 5 min", {"minutes": 5}),
    ("en", "set a timer for 1:30", {"hours": 1, "minutes": 30}),
    ("en", "start a half hour timer", {"minutes": 30}),
    ("en", "set a pizza timer for 5 minutes", {"minutes": 5, "name": "pizza"}),
    ("en", "set a timer called the pizza timer for 10 minutes", {"minutes": 10, "name": "pizza"}),
    ("en", "set a 10 minute timer called the pizza timer", {"minutes": 10, "name": "pizza"}),
    ("en", "set a 10 minute pizza timer", {"minutes": 10, "name": "pizza"}),
    ("en", "set a second timer for 5 minutes", {"minutes": 5}),
    ("en", "set another timer for 10 minutes", {"minutes": 10}),
    ("de", "stell einen Timer auf eine Stunde und 15 Minuten", {"hours": 1, "minutes": 15}),
    ("de", "stelle einen Timer auf 200 Sekunden", {"seconds": 200}),
    ("de", "stelle einen Timer auf eine Dreiviertelstunde", {"minutes": 45}),
    ("de", "stell einen Pizza-Timer auf 5 Minuten", {"minutes": 5, "name": "Pizza"}),
    ("de", "stelle einen 10-Minuten-Timer", {"minutes": 10}),
    ("de", "stelle einen Timer für 10 Minuten namens der Pizza Timer", {"minutes": 10, "name": "Pizza"}),
    ("fr", "mets un minuteur d'une heure et demie", {"hours": 1, "minutes": 30}),
    ("fr", "mets un minuteur de 5 minutes pour la pizza", {"minutes": 5, "name": "pizza"}),
    ("es", "pon un temporizador de una hora y media", {"hours": 1, "minutes": 30}),
    ("it", "imposta un timer di mezz'ora", {"minutes": 30}),
    ("nl", "zet een timer van anderhalf uur", {"hours": 1, "minutes": 30}),
]


@pytest.mark.parametrize(("language", "text", "slots"), STARTED, ids=[text for _, text, _ in STARTED])
def test_a_timer_of_any_length_is_one_timer(language: str, text: str, slots: dict[str, object]) -> None:
    assert meaning(text, language) == [("StartTimer", slots)]


OTHERS: list[tuple[str, str, str, dict[str, object]]] = [
    ("en", "extend the timer by 5 minutes", "IncreaseTimer", {"minutes": 5}),
    ("en", "extend the pizza timer by an hour and a half", "IncreaseTimer", {"hours": 1, "minutes": 30, "name": "pizza"}),
    ("en", "add 2 minutes to the 10 minute timer", "IncreaseTimer", {"minutes": 2, "start_minutes": 10}),
    ("en", "pause all timers", "PauseTimer", {"which": "all"}),
    ("en", "resume all timers", "UnpauseTimer", {"which": "all"}),
    ("en", "how much longer on the pizza timer", "TimerStatus", {"name": "pizza"}),
    ("en", "how long is left", "TimerStatus", {}),
    ("en", "cancel all the timers", "CancelAllTimers", {}),
    ("en", "cancel the hour and a half timer", "CancelTimer", {"start_minutes": 90}),
    ("en", "cancel the kitchen timer", "CancelTimer", {"area": "Kitchen"}),
    ("en", "add five more minutes", "IncreaseTimer", {"minutes": 5}),
    ("en", "make the timer 5 minutes longer", "IncreaseTimer", {"minutes": 5}),
    ("en", "what is left on the pizza timer", "TimerStatus", {"name": "pizza"}),
    ("en", "add five minute rice to the shopping list", "ListAddItem", {"item": "five minute rice", "name": "Shopping List"}),
    ("de", "verlängere den Timer um weitere 5 Minuten", "IncreaseTimer", {"minutes": 5}),
    ("de", "pausiere alle Timer", "PauseTimer", {"which": "all"}),
    ("de", "füge dem Timer 5 Minuten hinzu", "IncreaseTimer", {"minutes": 5}),
    ("de", "wie lange läuft der Pizza-Timer noch", "TimerStatus", {"name": "Pizza"}),
    ("de", "brich alle Timer ab", "CancelAllTimers", {}),
    ("de", "brich den 10-Minuten-Timer ab", "CancelTimer", {"start_minutes": 10}),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "intent", "slots"), OTHERS, ids=[text for _, text, _, _ in OTHERS])
def test_timers_are_changed_and_asked_about(language: str, text: str, intent: str, slots: dict[str, object]) -> None:
    assert meaning(text, language) == [(intent, slots)]


def later(command: str, **time: object) -> tuple[str, dict[str, object]]:
    return "StartTimer", {**time, "conversation_command": command}


LATER = [
    ("en", "turn off the tv in ten minutes", [later("turn off the tv", minutes=10)]),
    ("en", "in half an hour turn off the light", [later("turn off the light", minutes=30)]),
    ("en", "turn off the tv 10 minutes from now", [later("turn off the tv", minutes=10)]),
    ("en", "unlock the front door in a quarter of an hour", [later("unlock the front door", minutes=15)]),
    ("en", "turn off the kitchn lihgt in 5 minutes", [later("turn off the kitchn lihgt", minutes=5)]),
    (
        "en",
        "turn off the tv and the kitchen light in ten minutes",
        [later("turn off the tv and the kitchen light", minutes=10)],
    ),
    (
        "en",
        "in ten minutes turn off the tv and turn on the kitchen light",
        [later("turn off the tv and turn on the kitchen light", minutes=10)],
    ),
    (
        "en",
        "turn off the tv in ten minutes and turn on the kitchen light",
        [later("turn off the tv", minutes=10), ("TurnOn", {"name": "Kitchen Light"})],
    ),
    ("en", "wait half an hour and then turn off the tv", [later("turn off the tv", minutes=30)]),
    ("de", "schalte in 10 Minuten den Fernseher aus", [later("schalte den Fernseher aus", minutes=10)]),
    ("de", "schalte den Fernseher in zehn Minuten aus", [later("schalte den Fernseher aus", minutes=10)]),
    ("fr", "éteins la lumière dans dix minutes", [later("éteins la lumière", minutes=10)]),
    ("es", "apaga la luz dentro de media hora", [later("apaga la luz", minutes=30)]),
    ("it", "tra mezz'ora spegni la luce", [later("spegni la luce", minutes=30)]),
    ("nl", "doe over tien minuten het licht uit", [later("doe het licht uit", minutes=10)]),
]


@pytest.mark.parametrize(("language", "text", "meant"), LATER, ids=[text for _, text, _ in LATER])
def test_what_is_to_be_done_later_is_known_now(
    language: str, text: str, meant: list[tuple[str, dict[str, object]]]
) -> None:
    assert meaning(text, language) == meant


@pytest.mark.parametrize(
    "text",
    [
        "I will be home in five minutes",
        "what will the weather be in 2 hours",
        "what time is it in ten minutes",
        "frobnicate the light in ten minutes",
        "never mind in ten minutes",
    ],
)
def test_what_is_no_command_is_not_kept_for_later(text: str) -> None:
    assert not any("conversation_command" in match.slots for match in understood(text))


@pytest.mark.parametrize(
    ("name", "is_sentence"),
    [
        ("pizza", False),
        ("mac and cheese", False),
        ("don't set a", True),
        ("tell tom to set a", True),
        ("make the children set a", True),
        ("whatever you do please start the long", True),
        ("she said", True),
    ],
)
def test_the_beginning_of_a_sentence_is_no_name_of_a_timer(name: str, is_sentence: bool) -> None:
    match = Match("HassStartTimer", {"minutes": 5, "name": name})
    assert durations.has_sentence_as_name(match, ("a", "the"), ("don't", "tell", "said", "she", "and")) is is_sentence
