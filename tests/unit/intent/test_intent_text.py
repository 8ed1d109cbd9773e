"""Texts of intents, which Home Assistant speaks after handling them."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from home_assistant_intents import get_intents
from jinja2.sandbox import ImmutableSandboxedEnvironment

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import IntentRecognizer, Match
from wyoming_rosie_intent.execution import targets
from wyoming_rosie_intent.responses.intent_text import create_intent_text
from wyoming_rosie_intent.rules import hassil

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def understands(home: Home) -> IntentRecognizer:
    return hassil.load(hassil.Settings(("en", "de", "pl")), home)


def text_of(
    understands: IntentRecognizer, home: Home, said: str, language: str = "en", *, renders: bool = False
) -> str:
    match = understands.recognize(said, language, "kitchen")
    assert match is not None, said
    found = targets.find_targets(home, match, "kitchen")
    text = create_intent_text(match, found if isinstance(found, tuple) else (), NOON, renders=renders)
    return text or ""


@pytest.mark.parametrize(
    ("language", "said", "text"),
    [
        ("en", "turn on the kitchen light", "Turned on the Kitchen Light."),
        ("en", "turn on all the lights", "Turned on all the lights."),
        ("en", "close the blinds", "Closing the blind"),  # of which this home knows none
        ("en", "add milk to the shopping list", "Added milk to the Shopping List."),
        ("en", "set a timer for 1 hour and 5 minutes", "Timer set for 1 hour and 5 minutes"),
        ("en", "set a 90 second timer named pizza", "Timer set for 90 seconds named pizza"),
        ("en", "cancel the timer", "Timer cancelled"),
        ("en", "add 5 minutes to the timer", "5 minutes added to timer"),
        ("en", "broadcast dinner is ready", "Done"),
        ("en", "what time is it", "It is twelve PM."),
        ("en", "hello", "Hello!"),
        ("en", "never mind", ""),
        ("de", "stelle einen timer auf eine stunde", "Timer für 1 Stunde gestartet"),
        ("de", "brich den timer ab", "Timer gestoppt"),
        ("pl", "ustaw minutnik na 5 minut", "Uruchomiono minutnik"),
    ],
)
def test_what_was_ordered_is_confirmed_in_the_language_of_the_order(
    understands: IntentRecognizer, home: Home, language: str, said: str, text: str
) -> None:
    assert text_of(understands, home, said, language) == text


@pytest.mark.parametrize(
    ("language", "said", "text"),
    [
        ("en", "how much time is left on the timer", "Sorry, only Home Assistant knows that."),
        ("de", "wie lange läuft der timer noch", "Das weiß leider nur Home Assistant."),
        ("en", "is the kitchen light on", "Sorry, only Home Assistant knows that."),
        ("en", "what is the weather", "Sorry, only Home Assistant knows that."),
        ("en", "cancel all timers", "None of those timers is running now."),
        ("en", "play jazz", "Looking for jazz."),
    ],
)
def test_what_came_of_an_intent_is_not_claimed_where_only_home_assistant_knows(
    understands: IntentRecognizer, home: Home, language: str, said: str, text: str
) -> None:
    assert text_of(understands, home, said, language) == text
    assert "{%" in text_of(understands, home, said, language, renders=True)


def timer(minutes: int, seconds: int, name: str = "") -> dict[str, Any]:
    """Return a timer of five minutes as Home Assistant passes it to templates."""
    left = {"total": minutes * 60 + seconds, "rounded_hours": 0, "rounded_minutes": minutes, "rounded_seconds": seconds}
    started = {"start_hours": 0, "start_minutes": 5, "start_seconds": 0}
    return {
        **{f"{unit}_left": value for unit, value in left.items()},
        "total_seconds_left": left["total"],
        **started,
        "is_active": True,
        "name": name,
    }


@pytest.mark.parametrize(
    ("language", "said", "known", "spoken"),
    [
        ("en", "how much time is left on the timer", {"timers": [timer(3, 20)]}, "3 minutes and 20 seconds left."),
        ("en", "how much time is left on the timer", {"timers": []}, "No timers."),
        ("de", "wie lange läuft der timer noch", {"timers": [timer(3, 0)]}, "3 Minuten"),
        ("en", "cancel all timers", {"canceled": 2}, "Canceled 2 timers."),
        ("en", "play jazz", {"media": None}, "Media not found"),
        ("en", "what time is it", {"time": NOON.time()}, "12:00 PM"),
        ("pl", "która godzina", {"time": NOON.time()}, "Jest godzina dwunasta zero zero"),
    ],
)
def test_home_assistant_fills_in_what_it_knows(
    understands: IntentRecognizer, home: Home, language: str, said: str, known: dict[str, Any], spoken: str
) -> None:
    text = text_of(understands, home, said, language, renders=True)
    assert spoken in " ".join(ImmutableSandboxedEnvironment().from_string(text).render(slots=known).split())


def test_a_question_about_a_thing_is_answered_from_its_state(understands: IntentRecognizer, home: Home) -> None:
    text = text_of(understands, home, "is the kitchen light on", renders=True)
    query = SimpleNamespace(matched=[], unmatched=["light"])
    spoken = ImmutableSandboxedEnvironment().from_string(text).render(query=query, state={"state_with_unit": "off"})
    assert " ".join(spoken.split()) == "No, off"


def test_nobodys_words_become_a_template() -> None:
    match = Match("HassListAddItem", {"item": "{{ 7 * 7 }} {% x %}", "name": "Groceries"}, domain="todo")
    text = create_intent_text(match, (), NOON, renders=True)
    assert text
    assert not set(text) & set("{}")


@pytest.mark.parametrize("language", ["en", "de", "fr", "pl", "ja", "zz"])
@pytest.mark.parametrize("renders", [True, False])
def test_nothing_is_carried_out_in_silence(language: str, renders: bool) -> None:
    responses = get_intents("en")["responses"]["intents"]  # type: ignore[index]
    silent = [
        (intent, question)
        for intent, questions in responses.items()
        for question in ("default", *questions)
        if not create_intent_text(Match(intent, {}, question=question, language=language), (), NOON, renders=renders)
    ]
    assert silent == [("HassNevermind", question) for question in ("default", "default")]
