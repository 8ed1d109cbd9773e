"""Checks of a model's sentences against the executed actions; the sentences are in `claims/`.

Every second sentence was looked at while the rules were made; the others and those in `unseen_*` were only counted.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.llm.output import language_markers
from wyoming_rosie_intent.llm.output.action_claims import ClaimChecker, ExecutedActions, RequestType, classify_request
from wyoming_rosie_intent.llm.output.claim_guard import ActionClaimGuard
from wyoming_rosie_intent.llm.output.clause_splitter import SpeechSplitter

FOLDER = Path(__file__).with_name("claims")
TURNED_ON = "Turned on the Kitchen Light."


def lines(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (FOLDER / name).read_text("utf-8").splitlines()]


CLAIMS, INNOCENT, AFTER_DEED = lines("claims.tsv"), lines("innocent.tsv"), lines("after_deed.tsv")


def spoken(home: Home, language: str, said: str, answer: str) -> bool:
    """Tell whether all of an answer is heard."""
    actor = DemoActor(home)
    guard = ActionClaimGuard(ClaimChecker(said, language_markers.load_markers(language), home, actor.states), None)
    clauses = SpeechSplitter()
    for clause in (*clauses.feed(answer), *clauses.flush()):
        guard.feed(clause)
    guard.flush()
    return not guard.withheld


@pytest.mark.parametrize("line", CLAIMS[::2], ids="-".join)
def test_a_claim_without_a_deed_is_not_heard(home: Home, line: list[str]) -> None:
    assert not spoken(home, *line)


@pytest.mark.parametrize("line", INNOCENT[::2], ids="-".join)
def test_questions_refusals_explanations_and_talk_are_heard(home: Home, line: list[str]) -> None:
    assert spoken(home, *line)


def test_of_sentences_that_were_only_counted_nearly_all_are_judged_rightly(home: Home) -> None:
    claims = [*CLAIMS[1::2], *lines("unseen_claims.tsv")]
    innocent = [*INNOCENT[1::2], *lines("unseen_innocent.tsv")]
    assert sum(spoken(home, *line) for line in claims) <= len(claims) // 20
    assert sum(not spoken(home, *line) for line in innocent) <= len(innocent) // 20


# --------------------------------------------------------------------------------------------------- after an action


def after_deed(home: Home, sentence: str) -> bool:
    """Tell whether a sentence is heard after the kitchen light was turned on."""
    light = home.find_by_name("Kitchen Light")
    states = {**DemoActor(home).states(), light[0].id: {"state": "on"}}
    guard = ActionClaimGuard(
        ClaimChecker("make it bright", language_markers.load_markers("en"), home, lambda: states),
        ExecutedActions(light, (TURNED_ON,)),
    )
    clauses = SpeechSplitter()
    for clause in (*clauses.feed(sentence), *clauses.flush()):
        guard.feed(clause)
    guard.flush()
    return not guard.withheld


@pytest.mark.parametrize("line", AFTER_DEED, ids="-".join)
def test_after_a_deed_what_tells_of_another_is_not_heard(home: Home, line: list[str]) -> None:
    assert after_deed(home, line[1]) == (line[0] == "true")


# ------------------------------------------------------------------------------------------------------------ states


@pytest.mark.parametrize(
    ("language", "answer", "heard"),
    [
        ("en", "Yes, the Bed Light is on.", False),
        ("en", "The Bed Light is off.", True),
        ("en", "The Front Door is unlocked.", False),
        ("en", "It is locked: the Front Door is locked.", True),
        ("en", "The Garage Door is open, and it is cold.", False),
        ("de", "Das Bed Light ist an.", False),
        ("de", "Das Bed Light ist aus.", True),
        ("fr", "La Bed Light est allumée.", False),
        ("pl", "Bed Light jest wyłączone.", True),
    ],
)
def test_an_answer_to_a_question_may_say_what_the_states_say(
    home: Home, language: str, answer: str, heard: bool
) -> None:
    said = {"en": "what about the bed", "de": "was ist mit dem Bett", "fr": "et le lit ?", "pl": "co z łóżkiem"}
    assert spoken(home, language, said[language], answer) is heard


# ------------------------------------------------------------------------------------------- classification of requests


@pytest.mark.parametrize(
    ("language", "said", "expected"),
    [
        ("en", "turn on the disco ball", RequestType.COMMAND),
        ("en", "could you turn on the disco ball?", RequestType.COMMAND),
        ("en", "could you tell me a joke?", RequestType.QUESTION),
        ("en", "is the light on", RequestType.QUESTION),
        ("en", "good morning", RequestType.OTHER),
        ("de", "kannst du bitte das Licht anmachen", RequestType.COMMAND),
        ("de", "warum ist das Licht an", RequestType.QUESTION),
        ("pl", "włącz światło", RequestType.COMMAND),
        ("ja", "電気をつけてください", RequestType.COMMAND),
        ("xx", "blorb", RequestType.OTHER),
        ("en", "", RequestType.OTHER),
    ],
)
def test_what_a_sentence_asks_for_is_told_by_its_form(language: str, said: str, expected: RequestType) -> None:
    assert classify_request(said, language_markers.load_markers(language)) is expected


def test_small_talk_is_heard_clause_by_clause_and_an_answer_to_an_order_only_as_sentences(home: Home) -> None:
    states = DemoActor(home).states
    clause = "Well, that is a long story, "
    assert ActionClaimGuard(ClaimChecker("good morning", language_markers.load_markers("en"), home, states), None).feed(
        clause
    ) == [clause]
    assert (
        ActionClaimGuard(
            ClaimChecker("turn on the pump", language_markers.load_markers("en"), home, states), None
        ).feed(clause)
        == []
    )


@given(
    st.text(max_size=200), st.sampled_from(["en", "de", "ja", "xx"]), st.sampled_from(["turn it on", "hello", "why"])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_text_can_be_judged_and_none_of_it_is_lost(home: Home, text: str, language: str, said: str) -> None:
    guard = ActionClaimGuard(
        ClaimChecker(said, language_markers.load_markers(language), home, DemoActor(home).states), None
    )
    heard = [*guard.feed(text), *guard.flush()]
    assert "".join((*heard, *guard.withheld)) == text
