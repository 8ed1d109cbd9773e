"""Routing of prompts: a cheap classification by sentence patterns, with the reasons for it. Pure.

The patterns are data, one file per language in the folder `languages`. Each rule adds its score to a route, once; the scores
of a route are its confidence. A prompt in no known language is compared with all of them.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_rosie.bus import names
from wyoming_rosie.text.language_tags import base_language

FOLDER = Path(__file__).with_name("languages")
DEFAULT_LANGUAGE = "en"
MAX_CHARACTERS = 600
"""Characters that are compared at a time; of a longer prompt only the length counts besides, and whether it asks for harm."""
MAX_HARM_CHARACTERS, OVERLAP_CHARACTERS = 20_000, 150
SURE = 0.6
"""Confidence from which on a prompt is acted on, or is taken for mere talk."""
MAX_CONFIDENCE = 0.99
CHAT, LARGE_CHAT = "chat.small", "chat.large"
ACTIONS = tuple(route for route in names.ROUTES if route not in (CHAT, LARGE_CHAT))
_LONG_PROMPTS = ((40, 0.7), (25, 0.3))
"""Words, and the score that they add to `chat.large`."""
_PLACEHOLDER = re.compile(r"<([a-z]+)>")
_EDGES = " \t\n.,;:!?\u00a1\u00bf\u2026\"'"


@dataclass(frozen=True)
class Routing:
    """Where a prompt goes, and why. The reasons quote nothing of the prompt."""

    route: str
    confidence: float
    reasons: tuple[str, ...]
    allow_tools: bool
    blocked: str | None = None
    """The kind of harm for which it is not answered by a model."""


@dataclass(frozen=True)
class _Rule:
    route: str
    score: float
    reason: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class _Language:
    """What a language file says."""

    polite: re.Pattern[str]
    harmless: re.Pattern[str]
    unsafe: Mapping[str, re.Pattern[str]]
    rules: Sequence[_Rule]
    sentences: Mapping[str, str]


def classify(text: str, language: str | None = None, *, allow_tools: bool = True) -> Routing:
    """Return where a prompt goes; `language` is a BCP 47 tag."""
    if (harm := _find_harm(text)) is not None:
        return Routing(CHAT, MAX_CONFIDENCE, (f"unsafe: {harm}",), allow_tools=False, blocked=harm)
    normalized = _normalize(text[:MAX_CHARACTERS])
    scored = [_score(normalized, rules) for rules in _select_languages(language)]
    reasons, scores = max(scored, key=lambda found: max(found[1].values()))
    for words, score in _LONG_PROMPTS:
        if len(text.split()) >= words:
            scores[LARGE_CHAT] += score
            reasons.append(f"{LARGE_CHAT} {score:+g}: {words} words or more")
            break
    return _choose(scores, reasons, allow_tools=allow_tools)


def sentence(name: str, language: str | None) -> str:
    """Return a sentence for a person, such as that for `expired`, in the language or in English; else that for `failed`."""
    sentences = _LANGUAGES.get(base_language(language or ""), _LANGUAGES[DEFAULT_LANGUAGE]).sentences
    return sentences.get(name, sentences["failed"])


def languages() -> frozenset[str]:
    """Return the languages that have a file."""
    return frozenset(_LANGUAGES)


def _choose(scores: Mapping[str, float], reasons: Sequence[str], *, allow_tools: bool) -> Routing:
    """Return the best route: what is not surely an action is only talked about, with tools unless it is surely talk."""
    confidences = {route: min(MAX_CONFIDENCE, max(0.0, round(score, 2))) for route, score in scores.items()}
    action = max(ACTIONS, key=lambda route: confidences[route])
    large, small = confidences[LARGE_CHAT], confidences[CHAT]
    if allow_tools and confidences[action] >= SURE and confidences[action] >= large:
        return Routing(action, confidences[action], tuple(reasons), allow_tools=True)
    if not allow_tools and confidences[action] >= SURE:
        reasons = [*reasons, "tools are not allowed"]
    if large >= SURE:
        return Routing(LARGE_CHAT, large, tuple(reasons), allow_tools=False)
    if not reasons:
        reasons = ["no pattern matched"]
    return Routing(CHAT, small or 1 - SURE, tuple(reasons), allow_tools=allow_tools and small < SURE)


def _find_harm(text: str) -> str | None:
    """Return the kind of harm that a prompt asks for anywhere, in any language."""
    step = MAX_CHARACTERS - OVERLAP_CHARACTERS
    for start in range(0, min(len(text), MAX_HARM_CHARACTERS), step):
        normalized = _normalize(text[start : start + MAX_CHARACTERS])
        for language in _LANGUAGES.values():
            serious = language.harmless.sub(" ", normalized)
            for harm, pattern in language.unsafe.items():
                if pattern.search(serious):
                    return harm
    return None


def _normalize(text: str) -> str:
    return " ".join(text.lower().replace("\u2019", "'").split())


def _score(normalized: str, language: _Language) -> tuple[list[str], dict[str, float]]:
    stripped = _strip_polite_words(normalized, language.polite)
    matched = [rule for rule in language.rules if rule.pattern.search(stripped)]
    scores = dict.fromkeys(names.ROUTES, 0.0)
    for rule in matched:
        scores[rule.route] += rule.score
    return [f"{rule.route} {rule.score:+g}: {rule.reason}" for rule in matched], scores


def _strip_polite_words(normalized: str, polite: re.Pattern[str]) -> str:
    text, before = normalized.strip(_EDGES), ""
    while text != before:
        before, text = text, polite.sub("", text).strip(_EDGES)
    return text or normalized


def _select_languages(language: str | None) -> Iterable[_Language]:
    known = _LANGUAGES.get(base_language(language or ""))
    return [known] if known else _LANGUAGES.values()


def _load(path: Path) -> _Language:
    table = tomllib.loads(path.read_text("utf-8"))
    lists: dict[str, str] = {name: "|".join(entries) for name, entries in table["lists"].items()}

    def compile_patterns(patterns: Iterable[str]) -> re.Pattern[str]:
        joined = "|".join(f"(?:{pattern})" for pattern in patterns)
        return re.compile(_PLACEHOLDER.sub(lambda found: f"(?:{lists[found[1]]})", joined))

    polite = "|".join(re.escape(word) for word in table["polite"])
    return _Language(
        re.compile(rf"^(?:{polite})\b|\b(?:{polite})$"),
        compile_patterns(pattern for entry in table["harmless"] for pattern in entry["patterns"]),
        {entry["category"]: compile_patterns(entry["patterns"]) for entry in table["unsafe"]},
        [_read_rule(entry, compile_patterns(entry["patterns"])) for entry in table["rule"]],
        table["sentences"],
    )


def _read_rule(entry: Mapping[str, Any], pattern: re.Pattern[str]) -> _Rule:
    if entry["route"] not in names.ROUTES:
        raise ValueError(f"a rule names the route '{entry['route']}', which does not exist")
    return _Rule(entry["route"], float(entry["score"]), entry["reason"], pattern)


_LANGUAGES = {path.stem: _load(path) for path in sorted(FOLDER.glob("*.toml"))}
