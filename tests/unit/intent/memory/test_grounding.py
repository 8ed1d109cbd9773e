"""What a language model may take for a fact, and what becomes one."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.memory.records import records
from wyoming_rosie_intent.memory.extraction.candidates import (
    MAX_CANDIDATES,
    ExtractionError,
    FactCandidate,
    parse_candidates,
)
from wyoming_rosie_intent.memory.extraction.grounding import MAX_FACT_CHARACTERS, Rejection, ground, may_have_facts
from wyoming_rosie_intent.memory.model import EXTRACTED, MemoryKind, MemoryRecord, SpeakerRole
from wyoming_rosie_intent.memory.retention import has_code


def said(text: str, language: str = "en", at: float = 2e9, **more: Any) -> MemoryRecord:
    record = MemoryRecord(
        MemoryKind.CONVERSATION, text, at, language=language, turn="t", conversation="c", room="kitchen"
    )
    return replace(record, **more)


def find(sentence: str, text: str | None = None, language: str = "en") -> str | Rejection:
    """Return the fact that a model finds in a sentence, or why it is none."""
    facts, rejections = ground([FactCandidate(1, text or sentence)], [said(sentence, language)], ())
    return facts[0].text if facts else rejections[0]


FACTS = [
    ("en", "well, my sister is called Ada", "my sister is called Ada", "my sister is called Ada"),
    ("en", "I'm allergic to peanuts, so no satay please", "I'm allergic to peanuts", "I'm allergic to peanuts"),
    ("en", "I don't eat meat, so find me something else", None, "I don't eat meat"),
    ("en", "I don\u2019t like mushrooms", "i don't like mushrooms.", "I don't like mushrooms"),
    ("en", "what a day! My bin day is Friday.", "My bin day is Friday", "My bin day is Friday"),
    ("en", "the spare key is under the mat", None, "the spare key is under the mat"),
    ("en", "Ben is our neighbour", None, "Ben is our neighbour"),
    ("de", "ach, meine Schwester heißt Ada", "Meine Schwester heißt Ada", "meine Schwester heißt Ada"),
    ("de", "übrigens dass mein Mülltag Dienstag ist", "dass mein Mülltag Dienstag ist", "mein Mülltag ist Dienstag"),
    ("de", "ich mag keine Pilze", None, "ich mag keine Pilze"),
    ("fr", "tiens, ma sœur s'appelle Ada", "ma sœur s'appelle Ada", "ma sœur s'appelle Ada"),
    ("fr", "je suis allergique aux noix", None, "je suis allergique aux noix"),
    ("es", "oye, mi hermana se llama Ada", "mi hermana se llama Ada", "mi hermana se llama Ada"),
    ("es", "no me gustan las setas", None, "no me gustan las setas"),
    ("it", "allora, mia sorella si chiama Ada", "mia sorella si chiama Ada", "mia sorella si chiama Ada"),
    ("it", "non mi piacciono i funghi", None, "non mi piacciono i funghi"),
    ("nl", "nou, mijn zus heet Ada", "mijn zus heet Ada", "mijn zus heet Ada"),
    ("nl", "ik ben allergisch voor noten", None, "ik ben allergisch voor noten"),
]
NO_FACTS = [
    ("en", "is my sister called Ada", None, Rejection.DOUBTED),
    ("en", "my sister is called Ada, isn't she?", "my sister is called Ada", Rejection.DOUBTED),
    ("en", "I don't think my bin day is Tuesday", "my bin day is Tuesday", Rejection.DOUBTED),
    ("en", "Ben said that my car is red", "my car is red", Rejection.DOUBTED),
    ("en", "I like mushrooms only on pizza", "I like mushrooms", Rejection.CUT),
    ("en", "put away my red coat", "my red coat", Rejection.CUT),
    ("en", "turn on the lamp", None, Rejection.NO_STATEMENT),
    ("en", "you are my assistant", None, Rejection.NO_STATEMENT),
    ("en", "my sister is called Ada", "my sister is called Eve", Rejection.NOT_SAID),
    ("en", "my sister is called Ada", "The user has a sister called Ada", Rejection.NOT_SAID),
    ("en", "my sister is called Ada", "Ada is called my sister", Rejection.NOT_SAID),
    ("en", "my cat is ill. I like tea.", "my cat is ill. I like tea", Rejection.NOT_SAID),
    ("en", "I am going to the shops", None, Rejection.PASSING),
    ("en", "I want some jazz", None, Rejection.PASSING),
    ("en", "the light is on", None, Rejection.PASSING),
    ("en", "my password is swordfish", None, Rejection.SECRET),
    ("en", "our alarm code is four seven one one", None, Rejection.SECRET),
    ("de", "heißt meine Schwester Ada", "meine Schwester Ada", Rejection.DOUBTED),
    ("de", "ich glaube meine Schwester heißt Ada", "meine Schwester heißt Ada", Rejection.DOUBTED),
    ("de", "ich bin müde", None, Rejection.PASSING),
    ("de", "mein Passwort ist Sommer", None, Rejection.SECRET),
    ("fr", "est-ce que ma sœur s'appelle Ada", "ma sœur s'appelle Ada", Rejection.DOUBTED),
    ("fr", "je suis fatigué", None, Rejection.PASSING),
    ("fr", "mets de la musique", None, Rejection.NO_STATEMENT),
    ("es", "quizás mi hermana se llama Ada", "mi hermana se llama Ada", Rejection.DOUBTED),
    ("es", "quiero escuchar música", None, Rejection.NO_STATEMENT),
    ("it", "credo che mia sorella si chiama Ada", "mia sorella si chiama Ada", Rejection.DOUBTED),
    ("it", "ho fame e sete", None, Rejection.PASSING),
    ("nl", "ik denk dat mijn zus Ada heet", "mijn zus Ada heet", Rejection.DOUBTED),
    ("nl", "ik wil muziek horen", None, Rejection.PASSING),
]


@pytest.mark.parametrize(("language", "sentence", "text", "fact"), FACTS)
def test_a_statement_of_the_household_becomes_a_fact(language: str, sentence: str, text: str | None, fact: str) -> None:
    assert find(sentence, text, language) == fact


@pytest.mark.parametrize(("language", "sentence", "text", "reason"), NO_FACTS)
def test_what_was_not_stated_becomes_none(language: str, sentence: str, text: str | None, reason: Rejection) -> None:
    assert find(sentence, text, language) is reason


def test_only_what_a_person_said_and_rules_did_not_know_is_looked_at() -> None:
    assert may_have_facts(said("my sister is Ada"))
    assert may_have_facts(said("it is cosy in my chair", intent="HassTurnOn", tools=("HassTurnOn",)))
    assert not may_have_facts(said("turn on my lamp", intent="HassTurnOn"))
    assert not may_have_facts(said("my sister is Ada", speaker=SpeakerRole.ASSISTANT))
    assert not may_have_facts(said("my sister is Ada", kind=MemoryKind.DOCUMENT))
    assert not may_have_facts(said("my sister is Ada", kind=MemoryKind.FACT))
    assert not may_have_facts(said("my sister is Ada", language="ja"))
    assert not may_have_facts(said("my sister is Ada", turn=None)), "it could not be forgotten with its source"


def test_a_fact_belongs_to_whoever_said_it_where_it_was_said() -> None:
    source = said("my bin day is Friday", person="ada", room="bedroom", is_private=True)
    (fact,), _ = ground([FactCandidate(1, source.text)], [source], ())
    assert (fact.person, fact.room, fact.is_private, fact.turn, fact.at) == ("ada", "bedroom", True, "t", source.at)
    assert (fact.tags, fact.topic, fact.kind) == ((EXTRACTED,), "my bin day|day", MemoryKind.FACT)
    assert fact.id != source.id


def test_what_is_known_or_older_than_what_is_known_is_not_stored_again() -> None:
    source = said("my bin day is Friday", at=100.0)
    candidates = [FactCandidate(1, source.text)]

    def reasons(text: str, at: float, **more: Any) -> list[Rejection]:
        topic = "my bin day|day"
        return list(ground(candidates, [source], [said(text, at=at, kind=MemoryKind.FACT, topic=topic, **more)])[1])

    assert reasons("My bin day is Friday.", 1.0) == [Rejection.KNOWN]
    assert reasons("my bin day is Monday", 200.0) == [Rejection.OUTDATED]
    assert reasons("my bin day is Monday", 1.0) == []
    assert reasons("my bin day is Friday", 1.0, person="ada") == []


@pytest.mark.parametrize(
    "answer",
    [
        "", "no facts", "[]", "null", '{"facts": [{"sentence": 1, "text"', '{"facts": {}}', '{"facts": [1]}',
        '{"facts": [{"sentence": "1", "text": "x"}]}', '{"facts": [{"sentence": 1}]}', "[" * 100_000, " " * 100_000,
        '{"facts": [' + ",".join(['{"sentence": 1, "text": "x"}'] * (MAX_CANDIDATES + 1)) + "]}",
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_refused(answer: str) -> None:
    with pytest.raises(ExtractionError):
        parse_candidates(answer)


SENTENCES = [said(sentence, language) for language, sentence, *_ in (*FACTS, *NO_FACTS)]
WORDS = " ".join(record.text for record in SENTENCES).split()
texts = st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@st.composite
def quotes(draw: st.DrawFn) -> FactCandidate:
    """A run of words of a sentence, perhaps of another one than the model says."""
    words = draw(st.sampled_from(SENTENCES)).text.split()
    start = draw(st.integers(0, len(words)))
    return FactCandidate(draw(st.integers(-1, len(SENTENCES) + 1)), " ".join(words[start : draw(st.integers(0, 12))]))


candidates = st.lists(quotes() | st.builds(FactCandidate, st.integers(-1, len(SENTENCES) + 1), texts), max_size=10)


@given(candidates, st.lists(records, max_size=5))
def test_whatever_a_model_returns_each_fact_was_said_is_in_scope_and_bounded(
    found: list[FactCandidate], more: list[MemoryRecord]
) -> None:
    sentences = [*SENTENCES, *more]
    by_text = {one.text: one for one in sentences}
    facts, rejections = ground(found, sentences, ())
    assert len(facts) + len(rejections) == len(found)
    for fact in facts:
        sources = [one for one in by_text.values() if not _letters(fact.text) - _letters(one.text)]
        alike = [one for one in sources if _scope(one) == _scope(fact) and may_have_facts(one)]
        assert alike
        assert len(fact.text) <= MAX_FACT_CHARACTERS
        assert not has_code(fact.text)
        assert fact.tags == (EXTRACTED,)


def _letters(text: str) -> Counter[str]:
    return Counter(letter for letter in text.lower().replace("\u2019", "'") if letter.isalnum())


def _scope(record: MemoryRecord) -> tuple[object, ...]:
    return record.person, record.room, record.is_private, record.turn, record.at, record.language
