"""Tables of sentences: the share that is recognized, and no wrong command."""

import pytest

from tests.unit.intent.sentence_tables import table
from tests.unit.intent.sentence_tables.table import SentenceCase, load_sentences
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.rules import hassil

LEAST_UNDERSTOOD = 0.94
"""Share of the possible commands, in both halves of the tables."""


@pytest.fixture(scope="module", params=["en", "de"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def understands(language: str) -> IntentRecognizer:
    return hassil.load(hassil.Settings((language,)), table.load_home(language))


def test_nothing_is_done_that_was_not_said(language: str, understands: IntentRecognizer) -> None:
    wrong = [said for said in load_sentences(language) if table.evaluate(understands, said).verdict == "wrong"]
    assert wrong == []


def test_nearly_all_that_is_meant_is_understood(language: str, understands: IntentRecognizer) -> None:
    meant = [said for said in load_sentences(language) if said.expected not in {"-", "?"}]
    missed = [said.text for said in meant if not table.evaluate(understands, said).is_right]
    assert len(missed) <= (1 - LEAST_UNDERSTOOD) * len(meant), missed


def test_the_tables_are_large_and_say_nothing_twice(language: str) -> None:
    said: list[SentenceCase] = list(load_sentences(language))
    assert len({one.text for one in said}) == len(said) > 120


FRAMES = {
    "en": ("don't {}", "she said {}", "if it rains {}", "why did you {}", "i forgot to {}", "never {}", "should i {}", "i wish i could {}"),
    "de": ("{} nicht", "Anna sagte {}", "wenn es regnet {}", "warum {}", "niemals {}", "ich wollte {}", "falls es regnet {}"),
}  # fmt: skip
_FREE_TEXT = ("HassMediaSearchAndPlay", "item=")
"""Items and titles may be any words."""


def test_a_command_that_is_negated_reported_or_supposed_is_not_executed(
    language: str, understands: IntentRecognizer
) -> None:
    frames = FRAMES[language]
    meant = [said for said in load_sentences(language) if said.expected not in {"-", "?", "HassNevermind"}]
    commands = [said for said in meant if not any(slot in said.expected for slot in _FREE_TEXT)]
    framed = [frames[place % len(frames)].format(said.text) for place, said in enumerate(commands)]
    wrong = [
        text for text in framed if table.evaluate(understands, SentenceCase(text, "-", "", language)).verdict == "wrong"
    ]
    assert wrong == []
