"""What may be heard of a model's answer, after what was said and done; the sentences are in `said/`.

Every second sentence was looked at while the rules were made, the others, and those in `unseen_*`, were only counted.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.llm import language_markers
from wyoming_rosie_intent.llm.action_claims import Deeds, Stake, Witness, stake
from wyoming_rosie_intent.llm.claim_guard import Guard
from wyoming_rosie_intent.llm.clause_splitter import Spoken

FOLDER = Path(__file__).with_name("said")
TURNED_ON = "Turned on the Kitchen Light."


def lines(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (FOLDER / name).read_text("utf-8").splitlines()]


CLAIMS, INNOCENT, AFTER_DEED = lines("claims.tsv"), lines("innocent.tsv"), lines("after_deed.tsv")


def spoken(home: Home, language: str, said: str, answer: str) -> bool:
    """Tell whether all of an answer is heard."""
    actor = DemoActor(home)
    guard = Guard(Witness(said, language_markers.of(language), home, actor.states), None)
    clauses = Spoken()
    for clause in (*clauses.feed(answer), *clauses.finish()):
        guard.hear(clause)
    guard.finish()
    return not guard.held


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


# ------------------------------------------------------------------------------------------------------ after a deed


def after_deed(home: Home, sentence: str) -> bool:
    """Tell whether a sentence is heard after the kitchen light was turned on."""
    light = home.find_by_name("Kitchen Light")
    states = {**DemoActor(home).states(), light[0].id: {"state": "on"}}
    guard = Guard(
        Witness("make it bright", language_markers.of("en"), home, lambda: states), Deeds(light, (TURNED_ON,))
    )
    clauses = Spoken()
    for clause in (*clauses.feed(sentence), *clauses.finish()):
        guard.hear(clause)
    guard.finish()
    return not guard.held


@pytest.mark.parametrize("line", AFTER_DEED, ids="-".join)
def test_after_a_deed_what_tells_of_another_is_not_heard(home: Home, line: list[str]) -> None:
    assert after_deed(home, line[1]) == (line[0] == "true")


# ------------------------------------------------------------------------------------------------ how things are


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


# ------------------------------------------------------------------------------------------------------- what was said


@pytest.mark.parametrize(
    ("language", "said", "expected"),
    [
        ("en", "turn on the disco ball", Stake.ORDER),
        ("en", "could you turn on the disco ball?", Stake.ORDER),
        ("en", "could you tell me a joke?", Stake.QUESTION),
        ("en", "is the light on", Stake.QUESTION),
        ("en", "good morning", Stake.TALK),
        ("de", "kannst du bitte das Licht anmachen", Stake.ORDER),
        ("de", "warum ist das Licht an", Stake.QUESTION),
        ("pl", "włącz światło", Stake.ORDER),
        ("ja", "電気をつけてください", Stake.ORDER),
        ("xx", "blorb", Stake.TALK),
        ("en", "", Stake.TALK),
    ],
)
def test_what_a_sentence_asks_for_is_told_by_its_form(language: str, said: str, expected: Stake) -> None:
    assert stake(said, language_markers.of(language)) is expected


def test_small_talk_is_heard_clause_by_clause_and_an_answer_to_an_order_only_as_sentences(home: Home) -> None:
    states = DemoActor(home).states
    clause = "Well, that is a long story, "
    assert Guard(Witness("good morning", language_markers.of("en"), home, states), None).hear(clause) == [clause]
    assert Guard(Witness("turn on the pump", language_markers.of("en"), home, states), None).hear(clause) == []


@given(
    st.text(max_size=200), st.sampled_from(["en", "de", "ja", "xx"]), st.sampled_from(["turn it on", "hello", "why"])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_text_can_be_judged_and_none_of_it_is_lost(home: Home, text: str, language: str, said: str) -> None:
    guard = Guard(Witness(said, language_markers.of(language), home, DemoActor(home).states), None)
    heard = [*guard.hear(text), *guard.finish()]
    assert "".join((*heard, *guard.held)) == text
