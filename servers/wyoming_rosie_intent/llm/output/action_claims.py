"""Action claims: compares a model's sentences with the executed actions and with the states of the home."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.llm.filler import is_command
from wyoming_rosie_intent.llm.output.language_markers import WIDE, LanguageMarkers, get_stem, split_words

States: TypeAlias = Mapping[str, Mapping[str, object]]
MAX_SENTENCE_CHARACTERS = 400
"""Characters of a sentence that are read, counted from its end."""
_MAX_NAME_WORDS = 6  # words
_MAX_NAMES = 500
"""Entities whose names are searched for in a text without spaces."""
_FEW_WORDS, _FEW_SIGNS = 3, 14
_LONG_WORD = 4
_QUESTION = re.compile(r"[?\uff1f\u061f\u055e][\"'\u201d\u00bb)\s]*\Z")
_GREEK_QUESTION = re.compile(r"[\u0370-\u03ff][^.!]*;\s*\Z")
_BREAK = re.compile(r"[,;:\u3001\uff0c]\s*|\s[\u2013\u2014-]\s|(?<=[.!?\u3002\uff01\uff1f])\s*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_TOKEN = re.compile(r"[\w'-]+")
_OPENING = {"open", "closed", "opening", "closing"}
_FAMILIES = {"cover": _OPENING, "valve": _OPENING, "lock": {"locked", "unlocked"}}
_ON_OFF = {"on", "off"}
_PLACES = frozenset({"weather", "person", "zone"})
"""Domains whose entities have the names of places or people."""
_OFF = frozenset({"off", "idle", "standby", "unavailable", "unknown", "closed"})


class RequestType(Enum):
    """The kind of a person's sentence."""

    COMMAND = auto()  # wants an action
    QUESTION = auto()  # wants an answer
    OTHER = auto()  # neither, or undecidable


@dataclass(frozen=True)
class ExecutedActions:
    """The actions executed in a turn, by their entities and in words; tools of MCP servers name no entities."""

    targets: tuple[Entity, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _ParsedClause:
    """A clause, and what it mentions of the home."""

    text: str
    entities: tuple[Entity, ...]
    states: frozenset[str]  # states that it asserts
    domains: frozenset[str]
    words: tuple[str, ...]  # without the names of entities


def classify_request(sentence: str, markers: LanguageMarkers) -> RequestType:
    """Classify a person's sentence by its form and its first words."""
    plain = _normalize(sentence)
    sentence_words = split_words(plain)
    if not sentence_words:
        return RequestType.OTHER
    opening = " ".join(plain.split()[:4])
    if markers.contains("tells", opening):
        return RequestType.QUESTION
    sure = frozenset(stem for stem in markers.command_stems if len(stem) > _LONG_WORD)
    opens = _matches_stem(sentence_words[0], sure) and not markers.starts_with("self", plain)
    is_order = is_command(plain) or (
        opens if markers.has_fillers else _has_command_word(sentence_words, plain, markers)
    )
    if _is_question(plain) or _has_question_word(plain, markers):
        is_polite = markers.contains("may", " ".join(plain.split()[:2])) and (
            is_order or any(_matches_stem(word, markers.command_stems) for word in sentence_words)
        )
        return RequestType.COMMAND if is_polite else RequestType.QUESTION
    return RequestType.COMMAND if is_order else RequestType.OTHER


class ClaimChecker:
    """Checks the sentences of the answer to one sentence of a person."""

    def __init__(self, sentence: str, markers: LanguageMarkers, home: Home, states: Callable[[], States]) -> None:
        self._markers = markers
        self._home = home
        self._states = states
        self.request_type = classify_request(sentence, markers)
        self._has_explained = False
        clauses = self._parse_clauses(sentence) if self.request_type is RequestType.QUESTION else ()
        self._asks_for_states = any(clause.states and (clause.domains or clause.entities) for clause in clauses)

    def needs_full_sentence(self, text: str, executed: ExecutedActions | None) -> bool:
        """Return whether the beginning of a sentence must not be spoken before its end is known."""
        if self.request_type is RequestType.COMMAND and executed is None and not self._has_explained:
            return True
        return any(self._is_about_home(clause) for clause in self._parse_clauses(text))

    def is_supported(self, sentence: str, executed: ExecutedActions | None) -> bool:
        """Return whether a sentence may be spoken, given the executed actions, None when there are none."""
        if not any(map(str.isalnum, sentence)):
            return True
        plain = _normalize(sentence)
        clauses = self._parse_clauses(plain)
        if _is_question(plain) and clauses:
            clauses = clauses[:-1]
        if executed is not None:
            return self._matches_actions(clauses, executed)
        if any(self._is_false_claim(clause) for clause in clauses):
            return False
        if self.request_type is not RequestType.COMMAND or self._has_explained or _is_question(plain):
            self._has_explained = self._has_explained or _is_question(plain)
            return True
        self._has_explained = any(
            self._is_negated(clause) or self._check_entities(clause) is True for clause in clauses
        )
        return self._has_explained

    # ---------------------------------------------------------------------------------------- before any action

    def _is_false_claim(self, clause: _ParsedClause) -> bool:
        """Return whether a clause claims an action, or a state that an entity is not in."""
        if self._is_negated(clause):
            return False
        truth = self._check_entities(clause)
        if truth is None and (self.request_type is RequestType.OTHER or self._asks_for_states):
            truth = self._check_domains(clause)
        has_action, is_self = self._has_stem(self._markers.action_stems, clause), self._is_first_person(clause)
        if truth is not None and not (truth and is_self and (has_action or self.request_type is RequestType.COMMAND)):
            return not truth
        if self.request_type is RequestType.QUESTION:
            return is_self and has_action
        order = self._has_stem(self._markers.command_stems, clause)
        home = self._is_about_home(clause)
        if is_self and (has_action or (order and home) or clause.entities or clause.domains):
            return True
        if home and (has_action or clause.states):
            return True
        return self._starts_with_action(clause) or self._is_done_phrase(clause)

    def _is_negated(self, clause: _ParsedClause) -> bool:
        plain = self._markers.remove("fine", clause.text)
        return self._markers.contains("denies", plain) or self._markers.contains("may", plain)

    def _is_first_person(self, clause: _ParsedClause) -> bool:
        return self._markers.contains("self", clause.text)

    def _is_done_phrase(self, clause: _ParsedClause) -> bool:
        is_short = (
            len(clause.text) <= _FEW_SIGNS if WIDE.search(clause.text) else len(split_words(clause.text)) <= _FEW_WORDS
        )
        plain = self._markers.remove("fine", clause.text)
        agrees = self.request_type is RequestType.COMMAND and self._markers.contains("agrees", plain)
        return is_short and (agrees or self._markers.contains("done", plain))

    def _starts_with_action(self, clause: _ParsedClause) -> bool:
        first = split_words(clause.text)[:1]
        return (
            bool(first)
            and _matches_stem(first[0], self._markers.action_stems)
            and self.request_type is not RequestType.QUESTION
        )

    def _is_about_home(self, clause: _ParsedClause) -> bool:
        return bool(clause.entities or clause.domains) or self._markers.contains("all", clause.text)

    def _has_stem(self, stems: frozenset[str], clause: _ParsedClause) -> bool:
        return any(_matches_stem(word, stems) for word in clause.words)

    def _check_entities(self, clause: _ParsedClause) -> bool | None:
        """Return whether the clause's entities are in the state that it asserts; None if it asserts none."""
        known = [
            matches_state
            for entity in clause.entities
            if (matches_state := self._check_state(entity, clause.states)) is not None
        ]
        return all(known) if known else None

    def _check_domains(self, clause: _ParsedClause) -> bool | None:
        """Return whether any entity of the clause's domains is in the state that it asserts; None if it asserts none."""
        if not (clause.states and clause.domains):
            return None
        some = (entity for entity in self._home.entities if entity.domain in clause.domains)
        known = [
            matches_state for entity in some if (matches_state := self._check_state(entity, clause.states)) is not None
        ]
        return any(known) if known else None

    def _check_state(self, entity: Entity, asserted: frozenset[str]) -> bool | None:
        family = _FAMILIES.get(entity.domain, _ON_OFF)
        state = self._states().get(entity.id)
        if state is None or not (asserted & family):
            return None
        now = str(state.get("state", "unknown"))
        if family is _ON_OFF:
            now = "off" if now in _OFF else "on"
        return now in asserted

    # ------------------------------------------------------------------------------------------- after an action

    def _matches_actions(self, clauses: Sequence[_ParsedClause], executed: ExecutedActions) -> bool:
        """Return whether a sentence reports only the executed actions."""
        plain = [clause for clause in clauses if not self._is_negated(clause)]
        ids = {target.id for target in executed.targets}
        for clause in plain:
            foreign = [entity for entity in clause.entities if entity.id not in ids]
            if foreign and self._check_entities(clause) is not True:
                return False
        if not any(self._is_action_report(clause) for clause in plain):
            return True
        return not executed.targets or all(self._describes_actions(clause, executed) for clause in plain)

    def _is_action_report(self, clause: _ParsedClause) -> bool:
        has_action = self._has_stem(self._markers.action_stems, clause)
        if self._is_first_person(clause) and (
            has_action or clause.states or self._has_stem(self._markers.command_stems, clause)
        ):
            return True
        return self._starts_with_action(clause) or (self._is_about_home(clause) and bool(has_action or clause.states))

    def _describes_actions(self, clause: _ParsedClause, executed: ExecutedActions) -> bool:
        """Return whether a clause mentions the executed actions' entities with their present states and numbers."""
        if clause.entities and self._check_entities(clause) is True:
            return True
        domains = {target.domain for target in executed.targets}
        matching = [
            matches_state
            for target in executed.targets
            if (matches_state := self._check_state(target, clause.states)) is not None
        ]
        if (matching and not any(matching)) or (clause.domains and not clause.domains & domains):
            return False
        reported = " ".join(executed.texts)
        if not set(_NUMBER.findall(clause.text)) <= set(_NUMBER.findall(reported)):
            return False
        if self._markers.contains("all", clause.text) and len(executed.targets) < 2 and not clause.entities:
            return False
        return bool(clause.entities or clause.domains) or self._has_only_action_words(clause, reported)

    def _has_only_action_words(self, clause: _ParsedClause, reported: str) -> bool:
        """Return whether all long words of a clause occur in the executed actions or among the language's words."""
        known = (
            frozenset(map(get_stem, split_words(_normalize(reported))))
            | self._markers.action_stems
            | self._markers.home_stems
        )
        marks = ("self", "done", "agrees", "all", "but")
        return all(
            len(word) < _LONG_WORD
            or _matches_stem(word, known)
            or any(self._markers.starts_with(mark, word) for mark in marks)
            for word in clause.words
        )

    # ----------------------------------------------------------------------------------------------------- parsing

    def _parse_clauses(self, text: str) -> list[_ParsedClause]:
        parts = [part for piece in _BREAK.split(_normalize(text)) for part in self._split_clause(piece)]
        return [self._parse_clause(part) for part in parts if any(map(str.isalnum, part))]

    def _split_clause(self, text: str) -> list[str]:
        pattern = self._markers.patterns.get("but")
        return pattern.split(text) if pattern else [text]

    def _parse_clause(self, text: str) -> _ParsedClause:
        entities, remaining = self._extract_entities(text)
        plain = " ".join(remaining) if not WIDE.search(text) else text
        asserted = {
            state
            for state_word, states in self._markers.states.items()
            if _contains_word(state_word, plain)
            for state in states
        }
        return _ParsedClause(
            text.strip(),
            tuple(entities),
            frozenset(asserted),
            frozenset(kind for word in remaining for is_match, kind in self._match_domains(word, text) if is_match),
            tuple(word for word in remaining if not word.isdigit()),
        )

    def _match_domains(self, word: str, text: str) -> list[tuple[bool, str]]:
        if WIDE.search(text):
            return [(domain_word in text, kind) for domain_word, kind in self._markers.domains.items()]
        return [
            (word == domain_word or (len(domain_word) >= _LONG_WORD and word.startswith(domain_word)), kind)
            for domain_word, kind in self._markers.domains.items()
        ]

    def _extract_entities(self, text: str) -> tuple[list[Entity], list[str]]:
        """Return the entities that a text mentions, and its other words."""
        if WIDE.search(text):
            found = [
                entity for entity in self._home.entities[:_MAX_NAMES] if any(n.lower() in text for n in entity.names)
            ]
            return found, _TOKEN.findall(text)
        entities: list[Entity] = []
        remaining: list[str] = []
        tokens = _TOKEN.findall(text)
        at = 0
        while at < len(tokens):
            size = next((n for n in range(_MAX_NAME_WORDS, 0, -1) if self._find_entities(tokens[at : at + n])), 0)
            if size:
                entities.extend(self._find_entities(tokens[at : at + size]))
            else:
                remaining.append(tokens[at])
            at += size or 1
        return entities, remaining

    def _find_entities(self, tokens: Sequence[str]) -> list[Entity]:
        return [entity for entity in self._home.find_by_name(" ".join(tokens)) if entity.domain not in _PLACES]


def _normalize(text: str) -> str:
    return text.replace("\u2019", "'").strip()[-MAX_SENTENCE_CHARACTERS:].lower()


def _is_question(plain: str) -> bool:
    return _QUESTION.search(plain) is not None or _GREEK_QUESTION.search(plain) is not None


def _has_question_word(plain: str, markers: LanguageMarkers) -> bool:
    """Return whether a sentence has a question word where its language puts it."""
    return markers.contains("asks", plain) if WIDE.search(plain) else markers.starts_with("asks", plain)


def _has_command_word(sentence_words: Sequence[str], plain: str, markers: LanguageMarkers) -> bool:
    """Return whether a sentence begins or, in some languages, ends like a command."""
    if WIDE.search(plain):
        return markers.contains("orders", plain) or any(stem in plain for stem in markers.command_stems)
    edges = plain.split()
    if markers.contains("orders", " ".join(edges[:4])) or markers.contains("orders", edges[-1]):
        return True
    return any(_matches_stem(word, markers.command_stems) for word in (*sentence_words[:3], *sentence_words[-1:]))


def _matches_stem(word: str, stems: frozenset[str]) -> bool:
    """Return whether a word begins with one of the stems."""
    if WIDE.search(word):
        return any(stem in word for stem in stems)
    return any(word[:size] in stems for size in range(len(word), _LONG_WORD - 1, -1)) or word in stems


def _contains_word(state: str, plain: str) -> bool:
    if WIDE.search(state):
        return state in plain
    return f" {state} " in f" {plain} "
