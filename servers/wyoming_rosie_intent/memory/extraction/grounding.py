"""Grounding: which candidates of a language model become facts. Pure.

A fact is a run of words that a person said: the model only points at it. Rules tell whether the words are a statement of the
household that holds for a while, and whether what was said around them changes what they mean.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

from wyoming_rosie.text.language_tags import base_language
from wyoming_rosie_intent.memory.extraction.candidates import FactCandidate
from wyoming_rosie_intent.memory.model import EXTRACTED, MemoryKind, MemoryRecord, SpeakerRole, create_id
from wyoming_rosie_intent.memory.retention import has_code, names_secret
from wyoming_rosie_intent.memory.spoken.statements import parse_fact
from wyoming_rosie_intent.memory.stop_words import get_stop_words
from wyoming_rosie_intent.memory.topics import find_topic

MAX_SENTENCE_CHARACTERS = 300
MAX_FACT_CHARACTERS = 200
MIN_WORDS = 3
_TABLE = Path(__file__).with_name("grounding.toml")
_WORD = re.compile(r"[^\W_]+(?:['\-.:][^\W_]+)*")
_END = re.compile(r"[.!?;](?=\s|$)")
_APOSTROPHES = str.maketrans({"\u2019": "'"})


class Rejection(StrEnum):
    """Why a candidate is no fact."""

    NO_SENTENCE = "no such sentence"
    NOT_SAID = "not said so"
    CUT = "part of a longer statement"
    NO_STATEMENT = "no statement of the household"
    PASSING = "of the moment"
    DOUBTED = "doubted, denied or asked"
    SECRET = "a secret"  # noqa: S105 - a reason
    KNOWN = "known"
    OUTDATED = "older than a fact about the same"


@dataclass(frozen=True)
class _Language:
    subject: re.Pattern[str]
    named: re.Pattern[str]
    article: re.Pattern[str]
    passing: re.Pattern[str]
    question: re.Pattern[str]
    doubt: re.Pattern[str]
    negation: re.Pattern[str]
    before: re.Pattern[str]
    after: re.Pattern[str]
    tail: re.Pattern[str]  # what another clause begins with behind a comma


@dataclass(frozen=True)
class _Quote:
    """A run of words in a sentence, and the rest of that sentence."""

    text: str
    before: str
    after: str


def may_have_facts(record: MemoryRecord) -> bool:
    """Return whether a model is to look at a record: what a person said, which was no command that the rules know."""
    return (
        record.kind is MemoryKind.CONVERSATION
        and record.speaker is SpeakerRole.PERSON
        and record.turn is not None
        and (record.intent is None or bool(record.tools))
        and base_language(record.language or "") in _load()
        and len(record.text) <= MAX_SENTENCE_CHARACTERS
        and not has_code(record.text)
        and not names_secret(record.text)
    )


def ground(
    candidates: Iterable[FactCandidate], sentences: Sequence[MemoryRecord], known: Iterable[MemoryRecord]
) -> tuple[Sequence[MemoryRecord], Sequence[Rejection]]:
    """Return the facts among the candidates, the oldest first, and why the others are none."""
    facts: list[MemoryRecord] = []
    rejections: list[Rejection] = []
    present = list(known)
    for candidate in sorted(candidates, key=lambda one: one.sentence):
        result = _ground_one(candidate, sentences, present)
        if isinstance(result, Rejection):
            rejections.append(result)
        else:
            facts.append(result)
            present.append(result)
    return facts, rejections


def _ground_one(
    candidate: FactCandidate, sentences: Sequence[MemoryRecord], known: Iterable[MemoryRecord]
) -> MemoryRecord | Rejection:
    if not 1 <= candidate.sentence <= len(sentences):
        return Rejection.NO_SENTENCE
    source = sentences[candidate.sentence - 1]
    if not may_have_facts(source):
        return Rejection.SECRET
    rules = _load()[base_language(source.language or "")]
    quote = _find_quote(candidate.text, source.text)
    if quote is None:
        return Rejection.NOT_SAID
    if (rejection := _check_context(quote, rules)) is not None:
        return rejection
    text = parse_fact(rules.tail.sub("", quote.text), base_language(source.language or ""))
    if text is None or not _is_statement(text, source.language, rules):
        return Rejection.NO_STATEMENT
    if rules.passing.search(text.lower()):
        return Rejection.PASSING
    return _compare(_create_fact(text, source), known)


def _find_quote(text: str, source: str) -> _Quote | None:
    """Return the run of words of a source that a text is, whatever its case and punctuation; None if it is none."""
    source = source.translate(_APOSTROPHES)
    wanted = [found[0].lower() for found in _WORD.finditer(text.translate(_APOSTROPHES))]
    words = list(_WORD.finditer(source))
    said = [found[0].lower() for found in words]
    for at in range(len(said) - len(wanted) + 1 if wanted else 0):
        if said[at : at + len(wanted)] == wanted:
            return _cut_sentence(source, words[at].start(), words[at + len(wanted) - 1].end())
    return None


def _cut_sentence(source: str, start: int, end: int) -> _Quote | None:
    """Return the words from `start` to `end` and what stands around them in the same sentence; None for several."""
    if _END.search(source, start, end):
        return None
    begin = max((found.end() for found in _END.finditer(source, 0, start)), default=0)
    stop = _END.search(source, end)
    return _Quote(source[start:end], source[begin:start], source[end : stop.end() if stop else len(source)])


def _check_context(quote: _Quote, rules: _Language) -> Rejection | None:
    """Return why a quote does not mean in its sentence what it says alone."""
    before, after = quote.before.strip().lower(), quote.after.strip().lower()
    whole = f"{before} {quote.text.lower()} {after}".strip()
    if after.endswith("?") or rules.question.match(whole) or rules.doubt.search(whole):
        return Rejection.DOUBTED
    if rules.negation.search(before):
        return Rejection.DOUBTED
    if before and not before.endswith((",", ":")) and not rules.before.search(before):
        return Rejection.CUT
    if after and not after.startswith((".", "!", ";")) and not rules.after.match(after):
        return Rejection.CUT
    return None


def _is_statement(text: str, language: str | None, rules: _Language) -> bool:
    """Return whether a text says something about the household: it begins so, or gives a thing a value."""
    lowered, stop_words = text.lower(), get_stop_words(language)
    words = _WORD.findall(lowered)
    if len(text) > MAX_FACT_CHARACTERS or len(words) < MIN_WORDS or stop_words.issuperset(words):
        return False
    if rules.subject.match(lowered) or (rules.named.match(lowered) and words[0] not in stop_words):
        return True
    return bool(rules.article.match(lowered)) and find_topic(text, language) is not None


def _create_fact(text: str, source: MemoryRecord) -> MemoryRecord:
    """Return a fact of the same turn, for the same readers as its source."""
    return replace(
        source,
        id=create_id(),
        kind=MemoryKind.FACT,
        text=text,
        intent=None,
        tools=(),
        tags=(EXTRACTED,),
        topic=find_topic(text, source.language),
    )


def _compare(fact: MemoryRecord, known: Iterable[MemoryRecord]) -> MemoryRecord | Rejection:
    """Return the fact, unless a known one for the same readers says the same, or something newer about the same."""
    words = _WORD.findall(fact.text.lower())
    for other in _with_readers_of(fact, known):
        if _WORD.findall(other.text.translate(_APOSTROPHES).lower()) == words:
            return Rejection.KNOWN
        if fact.topic is not None and other.topic == fact.topic and other.at > fact.at:
            return Rejection.OUTDATED
    return fact


def _with_readers_of(fact: MemoryRecord, known: Iterable[MemoryRecord]) -> Iterator[MemoryRecord]:
    for other in known:
        is_alike = (other.person, other.is_private) == (fact.person, fact.is_private)
        if is_alike and (not fact.is_private or other.room == fact.room):
            yield other


@cache
def _load() -> Mapping[str, _Language]:
    tables = tomllib.loads(_TABLE.read_text("utf-8"))
    return {name: _compile(table) for name, table in tables.items()}


def _compile(table: Mapping[str, str]) -> _Language:
    return _Language(
        subject=re.compile(rf"(?:{table['subjects']})(?![\w'])"),
        named=re.compile(rf"(?:{table['named']})(?!\w)"),
        article=re.compile(rf"(?:{table['articles']})(?!\w)"),
        passing=re.compile(rf"(?<!\w)(?:{table['passing']})(?!\w)"),
        question=re.compile(rf"(?:{table['questions']})(?!\w)"),
        doubt=re.compile(rf"(?<!\w)(?:{table['doubts']})(?!\w)"),
        negation=re.compile(rf"(?<!\w)(?:{table['negations']})(?!\w)"),
        before=re.compile(rf"(?<!\w)(?:{table['before']})$"),
        after=re.compile(rf"[,\s]*(?:{table['after']})(?!\w)"),
        tail=re.compile(rf",\s*(?:{table['after']})(?!\w).*"),
    )
