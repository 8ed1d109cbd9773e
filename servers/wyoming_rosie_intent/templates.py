"""Sentence templates of each language: the package home-assistant-intents and our own supplements."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

from wyoming_rosie.errors import EngineError
from wyoming_rosie.home import DOMAINS

if TYPE_CHECKING:
    from hassil import Intents
    from hassil.intents import IntentData

Clause: TypeAlias = frozenset[str]
"""A sentence that fits has one of these pieces of words in it."""


@dataclass(frozen=True)
class _Template:
    intent: str
    data: "IntentData"  # of this template alone
    clauses: tuple[int, ...]  # all must hold


class Templates:
    """All templates of one language."""

    def __init__(self, intents: "Intents") -> None:
        self._intents = intents
        self._clauses: dict[Clause, int] = {}
        self._templates = tuple(self._split())

    @property
    def language(self) -> str:
        return self._intents.language

    def fitting(self, text: str) -> "Intents":
        """Return the templates that a text may fit, judged by the words that they must have; few of them do."""
        from hassil import Intents
        from hassil.intents import Intent
        from hassil.util import normalize_for_matching

        if self._intents.settings.ignore_whitespace:
            return self._intents
        heard = normalize_for_matching(text).text.casefold()
        holds = [any(piece in heard for piece in clause) for clause in self._clauses]
        by_intent: dict[str, list[IntentData]] = defaultdict(list)
        for template in self._templates:
            if all(holds[number] for number in template.clauses):
                by_intent[template.intent].append(template.data)
        return Intents(
            self._intents.language,
            {name: Intent(name, data) for name, data in by_intent.items()},
            self._intents.slot_lists,
            self._intents.expansion_rules,
            self._intents.skip_words,
            self._intents.settings,
        )

    def _split(self) -> Iterator[_Template]:
        for intent in self._intents.intents.values():
            for data in intent.data:
                rules = {**self._intents.expansion_rules, **data.expansion_rules}
                for sentence in data.sentences:
                    clauses = sorted(self._number(clause) for clause in sentence.get_required_clauses(rules))
                    alone = replace(data, sentence_texts=[sentence.text or ""])
                    alone.__dict__["sentences"] = [sentence]  # parsed already
                    yield _Template(intent.name, alone, tuple(clauses))

    def _number(self, clause: Clause) -> int:
        return self._clauses.setdefault(clause, len(self._clauses))


def languages() -> Sequence[str]:
    """Return the tags of all languages that there are sentences for. Raises ImportError without the package."""
    from home_assistant_intents import get_languages

    return sorted(get_languages())


def find(tag: str | None, known: Iterable[str]) -> str | None:
    """Return which known language a tag such as en-US, de_AT or zh means; English when none is given."""
    wanted = (tag or "en").replace("_", "-").casefold()
    tags = {one.casefold(): one for one in known}
    family = wanted.partition("-")[0]
    relatives = sorted(one for one in tags if one.partition("-")[0] == family)
    return tags.get(wanted) or tags.get(family) or (tags[relatives[0]] if relatives else None)


def load(language: str, *, bare_names: bool) -> Templates:
    """Return the templates of a language, ready to use. Raises EngineError."""
    from hassil import Intents, merge_dict
    from home_assistant_intents import get_intents

    templates = get_intents(language)
    if templates is None:
        raise EngineError(f"home-assistant-intents has no sentences for '{language}'; install a newer one")
    own = own_sentences(language)
    unwanted = frozenset() if bare_names else frozenset(own.get("unwanted", ()))
    zones = "zone" in own.get("lists", {})
    for intent in templates["intents"].values():
        intent["data"] = list(_wanted(intent["data"], unwanted, zones=zones))
    if zones:
        del templates["lists"]["zone"]
    merge_dict(templates, {key: own[key] for key in ("intents", "lists", "expansion_rules") if key in own})
    return Templates(Intents.from_dict(templates))


@cache
def own_sentences(language: str) -> Mapping[str, Any]:
    """Return our supplements to the package's sentences, in the package's format; nothing where we have none."""
    file = resources.files("wyoming_rosie_intent") / "sentences" / f"{language}.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}


def _wanted(blocks: Iterable[dict[str, Any]], unwanted: frozenset[str], *, zones: bool) -> Iterator[dict[str, Any]]:
    """Leave out what is not wanted; "who is {zone}" takes any words for a zone unless zones are given."""
    for block in blocks:
        sentences = [text for text in block["sentences"] if text not in unwanted and (zones or "{zone" not in text)]
        if sentences and block.get("slots", {}).get("domain", "light") in DOMAINS:
            yield {**block, "sentences": sentences}
