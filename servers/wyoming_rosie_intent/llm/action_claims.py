"""Compares what a model says with what was done for the person, and with how things are."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie_intent.llm.filler import is_control
from wyoming_rosie_intent.llm.language_markers import WIDE, Tongue, stem, words

States: TypeAlias = Mapping[str, Mapping[str, object]]
LONGEST_SENTENCE = 400
"""Characters of one sentence that are looked at."""
_LONGEST_NAME = 6  # words
_MOST_NAMES = 500
"""Names that are looked for in a text without spaces."""
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
"""Kinds that are called like a place or a person, which says nothing of a thing."""
_OFF = frozenset({"off", "idle", "standby", "unavailable", "unknown", "closed"})


class Stake(Enum):
    """What a person's sentence asks for."""

    ORDER = auto()  # something is to be done in the home
    QUESTION = auto()  # something is to be told
    TALK = auto()  # neither, or nobody can tell


@dataclass(frozen=True)
class Deeds:
    """What was done in a turn: to which things, and in words. Things are not known of what a tool from elsewhere did."""

    targets: tuple[Entity, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Clause:
    """A part of a sentence that says one thing, and what of the home it names."""

    text: str
    things: tuple[Entity, ...]
    told: frozenset[str]  # states that it says
    kinds: frozenset[str]  # domains that it names
    rest: tuple[str, ...]  # its words, without those names


def stake(sentence: str, tongue: Tongue) -> Stake:
    """Tell what a person's sentence asks for, by its form and by the words that open it."""
    plain = _plain(sentence)
    said = words(plain)
    if not said:
        return Stake.TALK
    opening = " ".join(plain.split()[:4])
    if tongue.says("tells", opening):
        return Stake.QUESTION
    sure = frozenset(one for one in tongue.orders if len(one) > _LONG_WORD)
    opens = _is_one(said[0], sure) and not tongue.begins("self", plain)
    is_order = is_control(plain) or (opens if tongue.has_fillers else _orders(said, plain, tongue))
    if _is_question(plain) or _asks(plain, tongue):
        is_polite = tongue.says("may", " ".join(plain.split()[:2])) and (
            is_order or any(_is_one(word, tongue.orders) for word in said)
        )
        return Stake.ORDER if is_polite else Stake.QUESTION
    return Stake.ORDER if is_order else Stake.TALK


class Witness:
    """Judges the sentences of an answer to one thing that a person said."""

    def __init__(self, sentence: str, tongue: Tongue, home: Home, states: Callable[[], States]) -> None:
        self._tongue = tongue
        self._home = home
        self._states = states
        self.stake = stake(sentence, tongue)
        self._explains = False
        asked = self._clauses(sentence) if self.stake is Stake.QUESTION else ()
        self._asks_for_states = any(clause.told and (clause.kinds or clause.things) for clause in asked)

    def is_open(self, text: str, deeds: Deeds | None) -> bool:
        """Tell whether what begins a sentence must wait for its end."""
        if self.stake is Stake.ORDER and deeds is None and not self._explains:
            return True
        return any(self._is_about_home(clause) for clause in self._clauses(text))

    def believes(self, sentence: str, deeds: Deeds | None) -> bool:
        """Tell whether a sentence may be heard, after what was done."""
        if not any(map(str.isalnum, sentence)):
            return True
        plain = _plain(sentence)
        clauses = self._clauses(plain)
        if _is_question(plain) and clauses:
            clauses = clauses[:-1]
        if deeds is not None:
            return self._is_of(clauses, deeds)
        if any(self._claims(clause) for clause in clauses):
            return False
        if self.stake is not Stake.ORDER or self._explains or _is_question(plain):
            self._explains = self._explains or _is_question(plain)
            return True
        self._explains = any(self._is_marked(clause) or self._truth(clause) is True for clause in clauses)
        return self._explains

    # ---------------------------------------------------------------------------------------------- without a deed

    def _claims(self, clause: _Clause) -> bool:
        """Tell whether a clause says that something was done, or how a thing is when it is not so."""
        if self._is_marked(clause):
            return False
        truth = self._truth(clause)
        if truth is None and (self.stake is Stake.TALK or self._asks_for_states):
            truth = self._truth_of_kinds(clause)
        deed, is_self = self._has(self._tongue.deeds, clause), self._is_of_self(clause)
        if truth is not None and not (truth and is_self and (deed or self.stake is Stake.ORDER)):
            return not truth
        if self.stake is Stake.QUESTION:
            return is_self and deed
        order = self._has(self._tongue.orders, clause)
        home = self._is_about_home(clause)
        if is_self and (deed or (order and home) or clause.things or clause.kinds):
            return True
        if home and (deed or clause.told):
            return True
        return self._begins_with_deed(clause) or self._is_done(clause)

    def _is_marked(self, clause: _Clause) -> bool:
        plain = self._tongue.without("fine", clause.text)
        return self._tongue.says("denies", plain) or self._tongue.says("may", plain)

    def _is_of_self(self, clause: _Clause) -> bool:
        return self._tongue.says("self", clause.text)

    def _is_done(self, clause: _Clause) -> bool:
        is_short = len(clause.text) <= _FEW_SIGNS if WIDE.search(clause.text) else len(words(clause.text)) <= _FEW_WORDS
        plain = self._tongue.without("fine", clause.text)
        agrees = self.stake is Stake.ORDER and self._tongue.says("agrees", plain)
        return is_short and (agrees or self._tongue.says("done", plain))

    def _begins_with_deed(self, clause: _Clause) -> bool:
        first = words(clause.text)[:1]
        return bool(first) and _is_one(first[0], self._tongue.deeds) and self.stake is not Stake.QUESTION

    def _is_about_home(self, clause: _Clause) -> bool:
        return bool(clause.things or clause.kinds) or self._tongue.says("all", clause.text)

    def _has(self, stems: frozenset[str], clause: _Clause) -> bool:
        return any(_is_one(word, stems) for word in clause.rest)

    def _truth(self, clause: _Clause) -> bool | None:
        """Tell whether the things that a clause names are as it says; None when it says nothing of the kind."""
        known = [so for thing in clause.things if (so := self._is_so(thing, clause.told)) is not None]
        return all(known) if known else None

    def _truth_of_kinds(self, clause: _Clause) -> bool | None:
        """Tell whether any thing of the kinds that a clause names is as it says."""
        if not (clause.told and clause.kinds):
            return None
        some = (thing for thing in self._home.entities if thing.domain in clause.kinds)
        known = [so for thing in some if (so := self._is_so(thing, clause.told)) is not None]
        return any(known) if known else None

    def _is_so(self, thing: Entity, told: frozenset[str]) -> bool | None:
        family = _FAMILIES.get(thing.domain, _ON_OFF)
        state = self._states().get(thing.id)
        if state is None or not (told & family):
            return None
        now = str(state.get("state", "unknown"))
        if family is _ON_OFF:
            now = "off" if now in _OFF else "on"
        return now in told

    # ------------------------------------------------------------------------------------------------ after a deed

    def _is_of(self, clauses: Sequence[_Clause], deeds: Deeds) -> bool:
        """Tell whether a sentence tells of these deeds, or of no deed at all."""
        plain = [clause for clause in clauses if not self._is_marked(clause)]
        ids = {target.id for target in deeds.targets}
        for clause in plain:
            foreign = [thing for thing in clause.things if thing.id not in ids]
            if foreign and self._truth(clause) is not True:
                return False
        if not any(self._tells_of_deed(clause) for clause in plain):
            return True
        return not deeds.targets or all(self._fits(clause, deeds) for clause in plain)

    def _tells_of_deed(self, clause: _Clause) -> bool:
        deed = self._has(self._tongue.deeds, clause)
        if self._is_of_self(clause) and (deed or clause.told or self._has(self._tongue.orders, clause)):
            return True
        return self._begins_with_deed(clause) or (self._is_about_home(clause) and bool(deed or clause.told))

    def _fits(self, clause: _Clause, deeds: Deeds) -> bool:
        """Tell whether a clause names what was moved, and says of it what is so."""
        if clause.things and self._truth(clause) is True:
            return True
        domains = {target.domain for target in deeds.targets}
        so = [so for target in deeds.targets if (so := self._is_so(target, clause.told)) is not None]
        if (so and not any(so)) or (clause.kinds and not clause.kinds & domains):
            return False
        told = " ".join(deeds.texts)
        if not set(_NUMBER.findall(clause.text)) <= set(_NUMBER.findall(told)):
            return False
        if self._tongue.says("all", clause.text) and len(deeds.targets) < 2 and not clause.things:
            return False
        return bool(clause.things or clause.kinds) or self._is_explained(clause, told)

    def _is_explained(self, clause: _Clause, told: str) -> bool:
        """Tell whether no long word of a clause is about something that was not done."""
        known = frozenset(map(stem, words(_plain(told)))) | self._tongue.deeds | self._tongue.home
        own = ("self", "done", "agrees", "all", "but")
        return all(
            len(word) < _LONG_WORD or _is_one(word, known) or any(self._tongue.begins(mark, word) for mark in own)
            for word in clause.rest
        )

    # ----------------------------------------------------------------------------------------------------- reading

    def _clauses(self, text: str) -> list[_Clause]:
        parts = [part for piece in _BREAK.split(_plain(text)) for part in self._split(piece)]
        return [self._clause(part) for part in parts if any(map(str.isalnum, part))]

    def _split(self, text: str) -> list[str]:
        pattern = self._tongue.marks.get("but")
        return pattern.split(text) if pattern else [text]

    def _clause(self, text: str) -> _Clause:
        things, rest = self._named(text)
        plain = " ".join(rest) if not WIDE.search(text) else text
        told = {state for one, states in self._tongue.states.items() if _stands_in(one, plain) for state in states}
        return _Clause(
            text.strip(),
            tuple(things),
            frozenset(told),
            frozenset(kind for word in rest for one, kind in self._kinds_of(word, text) if one),
            tuple(word for word in rest if not word.isdigit()),
        )

    def _kinds_of(self, word: str, text: str) -> list[tuple[bool, str]]:
        if WIDE.search(text):
            return [(one in text, kind) for one, kind in self._tongue.kinds.items()]
        return [
            (word == one or (len(one) >= _LONG_WORD and word.startswith(one)), kind)
            for one, kind in self._tongue.kinds.items()
        ]

    def _named(self, text: str) -> tuple[list[Entity], list[str]]:
        """Return the things that a text names, and its other words."""
        if WIDE.search(text):
            found = [
                thing for thing in self._home.entities[:_MOST_NAMES] if any(n.lower() in text for n in thing.names)
            ]
            return found, _TOKEN.findall(text)
        things: list[Entity] = []
        rest: list[str] = []
        tokens = _TOKEN.findall(text)
        at = 0
        while at < len(tokens):
            size = next((n for n in range(_LONGEST_NAME, 0, -1) if self._called(tokens[at : at + n])), 0)
            if size:
                things.extend(self._called(tokens[at : at + size]))
            else:
                rest.append(tokens[at])
            at += size or 1
        return things, rest

    def _called(self, tokens: Sequence[str]) -> list[Entity]:
        return [thing for thing in self._home.find_by_name(" ".join(tokens)) if thing.domain not in _PLACES]


def _plain(text: str) -> str:
    return text.replace("\u2019", "'").strip()[-LONGEST_SENTENCE:].lower()


def _is_question(plain: str) -> bool:
    return _QUESTION.search(plain) is not None or _GREEK_QUESTION.search(plain) is not None


def _asks(plain: str, tongue: Tongue) -> bool:
    """Tell whether a sentence has a word of questions where its language puts it."""
    return tongue.says("asks", plain) if WIDE.search(plain) else tongue.begins("asks", plain)


def _orders(said: Sequence[str], plain: str, tongue: Tongue) -> bool:
    """Tell whether a sentence begins, or in some languages ends, as what has something done."""
    if WIDE.search(plain):
        return tongue.says("orders", plain) or any(one in plain for one in tongue.orders)
    edges = plain.split()
    if tongue.says("orders", " ".join(edges[:4])) or tongue.says("orders", edges[-1]):
        return True
    return any(_is_one(word, tongue.orders) for word in (*said[:3], *said[-1:]))


def _is_one(word: str, stems: frozenset[str]) -> bool:
    """Tell whether a word begins as one of the stems do."""
    if WIDE.search(word):
        return any(one in word for one in stems)
    return any(word[:size] in stems for size in range(len(word), _LONG_WORD - 1, -1)) or word in stems


def _stands_in(state: str, plain: str) -> bool:
    if WIDE.search(state):
        return state in plain
    return f" {state} " in f" {plain} "
