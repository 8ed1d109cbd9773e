"""The made set of the memory: 2,000 memories of a household and 200 questions, 160 of which one memory answers."""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORIES = 2_000
ANSWERABLE = 160
_SET = Path(__file__).with_name("memory_set.toml")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Question:
    """A question, and the memory that answers it; None: nothing should be found."""

    text: str
    answer: str | None
    is_counted: bool  # else thresholds may be set on it


@dataclass(frozen=True)
class MemorySet:
    facts: tuple[str, ...]
    talk: tuple[str, ...]
    questions: tuple[Question, ...]


def make(seed: int = 1) -> MemorySet:
    """Make the set; the same one for the same seed."""
    source, draw = tomllib.loads(_SET.read_text("utf-8")), random.Random(seed)
    facts, questions = _make_facts(source["facts"], source["slots"], draw)
    talk = [_fill(draw.choice(source["talk"]), source["slots"], draw)[0] for _ in range(MEMORIES - len(facts))]
    nothing = [Question(text, None, number % 2 == 0) for number, text in enumerate(source["unanswerable"], 1)]
    return MemorySet(tuple(facts), tuple(talk), (*questions, *nothing))


def _make_facts(
    templates: Sequence[Mapping[str, object]], slots: Mapping[str, list[str]], draw: random.Random
) -> tuple[list[str], list[Question]]:
    """Fill each template for all its persons, as far as its questions tell them apart, else once."""
    facts: list[str] = []
    questions: list[Question] = []
    for number, template in enumerate(templates, 1):
        say, asks = str(template["say"]), list(map(str, template["ask"]))  # type: ignore[call-overload]
        named = next((slot for slot in _SLOT.findall(say) if all(f"{{{slot}}}" in ask for ask in asks)), None)
        for index, value in enumerate(draw.sample(slots[named], min(4, len(slots[named]))) if named else [None]):
            fact, filled = _fill(say, slots, draw, {named: value} if named and value else {})
            facts.append(fact)
            chosen = asks if index == 0 else asks[:1] if index == 1 else []
            questions += [Question(_insert(ask, filled), fact, number % 2 == 0) for ask in chosen]
    return facts, questions[:ANSWERABLE]


def _fill(
    text: str, slots: Mapping[str, list[str]], draw: random.Random, given: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str]]:
    filled = dict(given or {})
    for slot in _SLOT.findall(text):
        filled.setdefault(slot, draw.choice(slots[slot]))
    return _insert(text, filled), filled


def _insert(text: str, filled: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda slot: filled[slot[1]], text)
