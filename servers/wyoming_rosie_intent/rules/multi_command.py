"""Several commands in one sentence: "turn on the light, close the blinds and set the lamp and the radio to quiet"."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import WHICH, AnyOf, Match, Value
from wyoming_rosie_intent.rules import templates
from wyoming_rosie_intent.rules.filler_words import Words, words_of
from wyoming_rosie_intent.rules.split_points import Joints, is_joined
from wyoming_rosie_intent.rules.template_words import number_words

Understand: TypeAlias = Callable[[str], Match | None]
Matches: TypeAlias = tuple[Match, ...]
MOST_COMMANDS = 4
_MOST_TRIES = 96
"""Parts of one sentence that are looked at; a sentence that needs more is none that people say."""
LONGEST_SENTENCE = 500
"""Characters, of all commands together."""
_LONGEST_VERB = 6  # words: could you please turn off all
_LONGEST_END = 4  # words
_LONGEST_VALUE = 4  # words: to twenty five percent
_SAID_WHOLE = frozenset({"search_query"})
"""Slots with words of which any may be a title: a verb that is said once would make one of each."""
_BOTH = re.compile(r"\b(?:both|beide|sowohl)\s+", re.IGNORECASE)
_HERE = re.compile(
    r"\b(?:here|(?:this|my) (?:room|area)|hier|(?:diesem|diesen|dieses) (?:raum|zimmer|bereich)|ici|cette pièce"
    r"|aquí|esta habitación|qui|questa stanza|deze (?:kamer|ruimte))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Speech:
    """How people of one home speak in one language."""

    joints: Joints
    courtesies: frozenset[Words] = frozenset()

    def without_courtesies(self, text: str) -> str:
        """Return a text without what is only polite at its end."""
        said, words = text.split(), words_of(text)
        while said and len(said) == len(words):
            length = next((len(one) for one in self.courtesies if words[-len(one) :] == one), 0)
            if not length:
                break
            said, words = said[:-length], words[:-length]
        return " ".join(said)


_ANY_SPEECH = Speech(Joints())


def speech(home: Home, language: str | None) -> Speech:
    """Return how people of a home speak in a language; English when none is given. Reads a file the first time."""
    family = (language or "en").replace("_", "-").partition("-")[0].casefold()
    names = {name for things in (home.areas, home.floors, home.entities) for thing in things for name in thing.names}
    courtesies = templates.own_sentences(family).get("courtesies", ())
    return Speech(Joints(names, number_words(family)), frozenset(words_of(one) for one in courtesies))


def understand(text: str, one: Understand, spoken: Speech = _ANY_SPEECH) -> Matches:
    """Return the commands of a sentence in order; nothing unless every part of it is understood by `one`.

    A part that is only a courtesy ("and thank you") is no command.
    """
    if len(text) > LONGEST_SENTENCE:
        return ()
    whole = " ".join(text.split())
    parts = _Parts(one, spoken.joints)
    found = parts.of(_without_courtesies(whole, spoken)) or parts.of(whole)
    return _in_rooms(_merged(found)) if len(found) <= MOST_COMMANDS else ()


class _Parts:
    """One sentence while it is taken apart."""

    def __init__(self, one: Understand, joints: Joints) -> None:
        self._one = one
        self._joints = joints
        self._seen: dict[str, Match | None] = {}

    def of(self, text: str) -> Matches:
        whole = self._match(text)
        if whole is not None and not _took_a_joint(whole):
            return (whole,)
        return self._split(text, said_once=whole is None) or ((whole,) if whole else ())

    def _match(self, text: str) -> Match | None:
        if text not in self._seen:
            if len(self._seen) >= _MOST_TRIES:
                return None
            self._seen[text] = self._one(text)
        return self._seen[text]

    def _split(self, text: str, *, said_once: bool) -> Matches:
        """Split at a joint; a verb or an end that is `said_once` belongs to what is before and after it."""
        joints = self._joints.within(text)
        if len(joints) >= MOST_COMMANDS:
            return ()
        for joint in joints:
            head, tail = _BOTH.sub("", text[: joint.start()]), text[joint.end() :]
            for first in self._first(head, tail, said_once=said_once):
                if rest := self._rest(first, head, tail, said_once=said_once):
                    return (first, *rest)
        return ()

    def _first(self, head: str, tail: str, *, said_once: bool) -> Iterator[Match]:
        """Yield what the first part means: as it is, or with the end of the last: "set the lamp and the radio to red"."""
        if (first := self._match(head)) is not None:
            yield first
        elif said_once:
            words = tail.split()
            for length in range(1, min(_LONGEST_END, len(words) - 1) + 1):
                if (first := self._match(" ".join((head, *words[-length:])))) is not None:
                    yield first

    def _rest(self, first: Match, head: str, text: str, *, said_once: bool) -> Matches:
        """Understand what follows; "turn the lamp on and the radio off" says its verb only once."""
        if said_once and (found := self._more_of_it(first, head, text)):
            return found
        words = head.split()
        for length in range(min(_LONGEST_VERB if said_once else 0, len(words) - 1) + 1):
            verb = " ".join((*words[:length], ""))
            is_cut = self._joints.within(verb) or self._joints.is_in_name(head, len(verb))
            found = () if is_cut else self.of(verb + text)
            is_title = length > 0 and found != () and not _SAID_WHOLE.isdisjoint(found[0].slots)
            if found and not is_title and (first.text == head or found[0].intent == first.intent):
                return found
        return ()

    def _more_of_it(self, first: Match, head: str, text: str) -> Matches:
        """Understand another value of the thing that the first part set: "set the lamp to red | and 20 percent"."""
        joint = next(iter(self._joints.within(text)), None)
        value = text[: joint.start()] if joint else text
        if not _how(first) or not _SAID_WHOLE.isdisjoint(first.slots) or len(value.split()) > _LONGEST_VALUE:
            return ()
        words = head.split()
        for length in range(len(words) - 1, 0, -1):
            beginning = " ".join((*words[:length], ""))
            found = self._match(beginning + value)
            if found is not None and found.intent == first.intent and _which(found) == _which(first) and _how(found):
                rest = self._rest(found, beginning + value, text[joint.end() :], said_once=True) if joint else ()
                return (found, *rest) if rest or not joint else ()
        return ()


def _took_a_joint(match: Match) -> bool:
    """Tell whether free text such as a song's name may have taken in a second command."""
    return any(
        isinstance(value, str) and is_joined(value) and not _is_for_all(match, slot)
        for slot, value in match.slots.items()
    )


def _is_for_all(match: Match, slot: str) -> bool:
    """Tell whether a time that the sentence begins with is for all that follows: "in ten minutes lock up and …"."""
    return slot == "conversation_command" and match.text.casefold().endswith(str(match.slots[slot]).casefold())


def _without_courtesies(text: str, spoken: Speech) -> str:
    """Leave out the parts of a sentence that are only polite."""
    found = spoken.joints.within(text)
    starts, ends = (0, *(joint.end() for joint in found)), (*(joint.start() for joint in found), len(text))
    parts = [
        (text[start:end], joint)
        for start, end, joint in zip(starts, ends, ("", *(one[0] for one in found)), strict=True)
    ]
    kept = [(part, joint) for part, joint in parts if not _is_polite(words_of(part), spoken.courtesies)]
    return "".join(f"{joint if place else ''}{part}" for place, (part, joint) in enumerate(kept))


def _is_polite(words: Words, courtesies: frozenset[Words]) -> bool:
    return any(
        words[: len(one)] == one and (len(words) == len(one) or _is_polite(words[len(one) :], courtesies))
        for one in courtesies
    )


def _merged(matches: Matches) -> Matches:
    """Make one of neighbours that set different values of the same thing."""
    merged: list[Match] = []
    for match in matches:
        last = merged[-1] if merged else None
        if last and _is_same_thing(last, match) and _how(last).keys().isdisjoint(_how(match)):
            merged[-1] = replace(last, slots={**last.slots, **match.slots})
        else:
            merged.append(match)
    return tuple(merged)


def _is_same_thing(one: Match, other: Match) -> bool:
    return bool(_how(one) and _how(other)) and (one.intent, one.where, _which(one)) == (
        other.intent,
        other.where,
        _which(other),
    )


def _in_rooms(matches: Matches) -> Matches:
    """Give each part that names no place the room of the part before it."""
    held: str | None = None
    placed = []
    for match in matches:
        if match.room or "floor" in match.slots or _HERE.search(match.text):
            held = match.room
        placed.append(match if match.room else replace(match, room=held))
    return tuple(placed)


def _which(match: Match) -> Mapping[str, Value | AnyOf]:
    """Return the slots that say which thing is meant."""
    return {slot: value for slot, value in match.slots.items() if slot in WHICH}


def _how(match: Match) -> Mapping[str, Value | AnyOf]:
    """Return the slots that say what it is set to."""
    return {slot: value for slot, value in match.slots.items() if slot not in WHICH}
