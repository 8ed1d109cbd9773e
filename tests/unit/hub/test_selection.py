"""Timer selection: answers to "which one?"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.text import sentences
from wyoming_rosie.timers.model import DelayedCommand, HubTimer
from wyoming_rosie.timers.selection import SelectionCancelled, TimerSelection, parse_selection

NOW = 1000.0
LATER = DelayedCommand("turn off the tv", "turn off the TV", "en")
AMONG = (
    HubTimer(id="one", total_seconds=60, name=None, ends_at=NOW + 50, satellite_id="k", area="Kitchen"),
    HubTimer(id="pasta", total_seconds=600, name="pasta", ends_at=NOW + 590, satellite_id="k", area="Kitchen"),
    HubTimer(id="den", total_seconds=600, name=None, ends_at=NOW + 180, satellite_id="d", area="Living Room"),
    HubTimer(
        id="tv", total_seconds=900, name=None, ends_at=NOW + 900, satellite_id="d", area="Living Room", command=LATER
    ),
)


def ids(text: str, language: str = "en") -> list[str] | str | None:
    found = parse_selection(text, AMONG, language, NOW)
    match found:
        case TimerSelection(timers, every):
            return [timer.id for timer in timers] + (["(all)"] if every else [])
        case SelectionCancelled():
            return "never"
    return found


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("The first.", ["one"]),
        ("the second one please", ["pasta"]),
        ("the last one", ["tv"]),
        ("number two", ["pasta"]),
        ("the 1 minute one", ["one"]),
        ("one minute", ["one"]),
        ("the ten minute one in the kitchen", ["pasta"]),
        ("the one with three minutes left", ["den"]),
        ("the pasta one", ["pasta"]),
        ("Pasta.", ["pasta"]),
        ("the tv one", ["tv"]),
        ("the one in the kitchen", ["one", "pasta"]),
        ("living room", ["den", "tv"]),
        ("the shortest", ["one"]),
        ("both", ["one", "pasta", "den", "tv", "(all)"]),
        ("all of them", ["one", "pasta", "den", "tv", "(all)"]),
        ("all in the kitchen", ["one", "pasta", "(all)"]),
        ("the twenty minute one", []),
        ("the fifth", []),
        ("Never mind!", "never"),
        ("none of them", "never"),
        ("turn on the light", None),
        ("the timer", None),
        ("the", None),
        ("", None),
        ("what time is it", None),
    ],
)
def test_a_selection_is_parsed(text: str, chosen: object) -> None:
    assert ids(text) == chosen


@pytest.mark.parametrize(
    ("language", "text", "chosen"),
    [
        ("de", "der erste", ["one"]),
        ("de", "den zweiten bitte", ["pasta"]),
        ("de", "der letzte", ["tv"]),
        ("de", "der über eine Minute", ["one"]),
        ("de", "der Pasta-Timer", ["pasta"]),
        ("de", "beide", ["one", "pasta", "den", "tv", "(all)"]),
        ("de", "vergiss es", "never"),
        ("fr", "le premier", ["one"]),
        ("fr", "celui d'une minute", ["one"]),
        ("fr", "laisse tomber", "never"),
        ("es", "el último", ["tv"]),
        ("es", "el de un minuto", ["one"]),
        ("it", "il secondo", ["pasta"]),
        ("it", "tutti", ["one", "pasta", "den", "tv", "(all)"]),
        ("nl", "de eerste", ["one"]),
        ("nl", "laat maar", "never"),
    ],
)
def test_a_selection_is_parsed_in_other_languages(language: str, text: str, chosen: object) -> None:
    assert ids(text, language) == chosen


@given(st.text(max_size=60), st.sampled_from(sorted(sentences.languages())))
def test_any_text_is_a_selection_or_none(text: str, language: str) -> None:
    found = parse_selection(text, AMONG, language, NOW)
    assert not isinstance(found, TimerSelection) or set(found.timers) <= set(AMONG)
