"""Language markers: function words from `markers.toml`, and words about homes from home-assistant-intents."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import islice
from typing import Any

from wyoming_rosie.text.language_tags import base_language

MAX_LANGUAGES = 64
MAX_FORMS = 40
"""Samples that are taken from the template of one state."""
_MIN_STEM = 4
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"\{[{%].*?[}%]\}", re.DOTALL)
_SLOT = re.compile(r"\{[^{}]*\}")
_RULE = re.compile(r"<(\w+)>")
_ASKS = ("HassGet", "HassClimateGet", "HassRespond", "HassNevermind", "HassTimerStatus")
_STATES = ("on_off_states", "lock_states", "cover_states")
_KINDS = {"light": "light", "lights": "light", "fan": "fan", "fans": "fan"}
_UNSPACED = frozenset({"ja", "ko", "zh", "th"})
_NO_KINDS = frozenset(
    {"other", "of_class", "switch", "input_boolean", "sensor", "binary_sensor", "person", "scene", "weather"}
)
"""Kinds whose names are verbs as well, or too general."""
_KNOWN = frozenset({"de", "en", "es", "fr", "it", "nl"})
WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
"""Letters of scripts without spaces between words, or with short words."""
_NEVER = re.compile(r"(?!)")


@dataclass(frozen=True)
class LanguageMarkers:
    """Words by which a language denies, asks, gives commands and reports actions in a home."""

    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    has_fillers: bool = False  # `filler.is_command` knows the language's commands
    command_stems: frozenset[str] = frozenset()  # words of commands
    action_stems: frozenset[str] = frozenset()  # words of responses to commands
    home_stems: frozenset[str] = frozenset()  # words of commands and questions
    states: Mapping[str, frozenset[str]] = field(default_factory=dict)  # words of a state -> states
    domains: Mapping[str, str] = field(default_factory=dict)  # stems of an entity's words -> domain

    @property
    def has_patterns(self) -> bool:
        return bool(self.patterns)

    def contains(self, mark: str, text: str) -> bool:
        """Return whether a text in lower case contains a word of the kind."""
        return self.patterns.get(mark, _NEVER).search(text) is not None

    def starts_with(self, mark: str, text: str) -> bool:
        return self.patterns.get(mark, _NEVER).match(text) is not None

    def remove(self, mark: str, text: str) -> str:
        return self.patterns.get(mark, _NEVER).sub(" ", text)


@lru_cache(MAX_LANGUAGES)
def load_markers(language: str) -> LanguageMarkers:
    """Return the markers of a language; reads two files the first time."""
    family = base_language(language)
    home = _load_home_words(language, family)
    return LanguageMarkers(_load_patterns(family), family in _KNOWN, *home)


def get_stem(word: str) -> str:
    """Return the beginning that the forms of a word have in common."""
    return word[: max(_MIN_STEM, len(word) * 2 // 3)]


def split_words(text: str) -> list[str]:
    """Return the words of a text, without numbers."""
    return _WORD.findall(text)


def _load_patterns(family: str) -> Mapping[str, re.Pattern[str]]:
    table = _read_table().get(family, {})
    return {mark: _compile_pattern(listed, spaced=family not in _UNSPACED) for mark, listed in table.items()}


@lru_cache(1)
def _read_table() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads((resources.files("wyoming_rosie_intent.llm.output") / "markers.toml").read_text("utf-8"))


def _compile_pattern(listed: Iterable[str], *, spaced: bool) -> re.Pattern[str]:
    alternatives = sorted(map(str.lower, listed), key=len, reverse=True)
    if not spaced:
        return re.compile("|".join(map(re.escape, alternatives)))
    ends = (
        re.escape(alternative) + ("" if alternative.endswith("'") else r"(?![\w'])") for alternative in alternatives
    )
    return re.compile(rf"(?<![\w])(?:{'|'.join(ends)})")


def _load_home_words(
    language: str, family: str
) -> tuple[frozenset[str], frozenset[str], frozenset[str], Mapping[str, frozenset[str]], Mapping[str, str]]:
    from home_assistant_intents import get_intents, get_languages

    alike = (name for name in sorted(get_languages()) if name.partition("-")[0] == family)
    known = get_intents(language) or get_intents(family) or get_intents(next(alike, family)) or {}
    orders, questions = _collect_sentence_words(known)
    response_words = _collect_response_words(known)
    return (
        frozenset(map(get_stem, orders - questions)),
        frozenset(map(get_stem, response_words)),
        frozenset(map(get_stem, orders | questions)),
        _collect_state_words(known.get("lists", {})),
        {**_collect_domain_words(known), **_read_own_domain_words(family)},
    )


def _collect_sentence_words(known: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the words of commands and the words of questions."""
    orders: set[str] = set()
    questions: set[str] = set()
    for intent, definition in known.get("intents", {}).items():
        found = questions if intent.startswith(_ASKS) else orders
        for data in definition["data"]:
            for sentence in data["sentences"]:
                found.update(_extract_words(_expand_rules(sentence, known.get("expansion_rules", {}))))
    return orders, questions


def _collect_response_words(known: Mapping[str, Any]) -> set[str]:
    """Return the words that only responses to commands have."""
    done: set[str] = set()
    other: set[str] = set()
    responses = known.get("responses", {})
    for intent, texts in responses.get("intents", {}).items():
        for text in texts.values():
            (other if intent.startswith(_ASKS) else done).update(_extract_words(_CODE.sub(" ", text)))
    for text in responses.get("errors", {}).values():
        other.update(_extract_words(_CODE.sub(" ", text)))
    nouns = {word for rule in _KINDS for word in _extract_words(known.get("expansion_rules", {}).get(rule, ""))}
    return {word for word in done - other - nouns if len(word) > _MIN_STEM or WIDE.search(word)}


def _is_content_word(word: str) -> bool:
    """Return whether a word is long enough to have a meaning of its own; fragments of templates are shorter."""
    return len(word) >= _MIN_STEM or (len(word) > 1 and WIDE.search(word) is not None)


def _extract_words(text: str) -> Iterator[str]:
    plain = _SLOT.sub(" ", text).lower()
    return (word for word in _WORD.findall(plain) if _is_content_word(word))


def _expand_rules(sentence: str, rules: Mapping[str, str], depth: int = 0) -> str:
    if depth > 3:
        return sentence
    return _RULE.sub(lambda found: f" {_expand_rules(rules.get(found[1], ''), rules, depth + 1)} ", sentence)


def _collect_state_words(lists: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for name in _STATES:
        for value in _normalize_values(lists.get(name)):
            for text in _sample_template(value["in"]):
                found[text] = found.get(text, frozenset()) | {str(value["out"])}
    return found


def _collect_domain_words(known: Mapping[str, Any]) -> Mapping[str, str]:
    rules = known.get("expansion_rules", {})
    named = {rule: _WORD.findall(rules.get(rule, "").lower()) for rule in _KINDS}
    found = {get_stem(word): _KINDS[rule] for rule, listed in named.items() for word in listed if len(word) > 2}
    covers = (
        text
        for value in _normalize_values(known.get("lists", {}).get("cover_classes"))
        for text in _sample_template(value["in"])
    )
    return {**{get_stem(text): "cover" for text in covers if " " not in text and len(text) >= _MIN_STEM}, **found}


def _read_own_domain_words(family: str) -> Mapping[str, str]:
    """Return the domains by the stems of our own phrases for them, where these are one word."""
    file = resources.files("wyoming_rosie_intent.responses") / "phrases" / f"{family}.toml"
    table = tomllib.loads(file.read_text("utf-8")).get("kinds", {}) if file.is_file() else {}
    listed = {kind: split_words(str(name).lower()) for kind, name in table.items() if kind not in _NO_KINDS}
    return {
        get_stem(name[0].removesuffix("s")): kind
        for kind, name in listed.items()
        if len(name) == 1 and name != listed.get("sensor")
    }


def _normalize_values(listed: Any) -> list[Mapping[str, Any]]:
    values = (listed or {}).get("values", ())
    return [value if isinstance(value, Mapping) else {"in": value, "out": value} for value in values]


def _sample_template(template: str) -> list[str]:
    """Return the texts that a short template matches."""
    from hassil.parse_expression import parse_sentence
    from hassil.sample import sample_sentence

    try:
        made = islice(sample_sentence(parse_sentence(template)), MAX_FORMS)
        return [" ".join(text.lower().split()) for text in made]
    except Exception:  # noqa: BLE001 - a template that refers to others is skipped
        return []
