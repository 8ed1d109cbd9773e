"""The tables of what people say: how much of it is understood, and that nothing else is done."""

import pytest

from tests.unit.intent.said import table
from tests.unit.intent.said.table import Said, sentences
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.rules import hassil

LEAST_UNDERSTOOD = 0.94
"""Of what people may mean as commands, in both halves of the tables."""


@pytest.fixture(scope="module", params=["en", "de"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def understands(language: str) -> IntentRecognizer:
    return hassil.load(hassil.Settings((language,)), table.house(language))


def test_nothing_is_done_that_was_not_said(language: str, understands: IntentRecognizer) -> None:
    wrong = [said for said in sentences(language) if table.outcome(understands, said).verdict == "wrong"]
    assert wrong == []


def test_nearly_all_that_is_meant_is_understood(language: str, understands: IntentRecognizer) -> None:
    meant = [said for said in sentences(language) if said.expected not in {"-", "?"}]
    missed = [said.text for said in meant if not table.outcome(understands, said).right]
    assert len(missed) <= (1 - LEAST_UNDERSTOOD) * len(meant), missed


def test_the_tables_are_large_and_say_nothing_twice(language: str) -> None:
    said: list[Said] = list(sentences(language))
    assert len({one.text for one in said}) == len(said) > 120
