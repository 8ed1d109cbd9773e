"""Several commands in one sentence: "turn on the light, close the blinds and set the lamp and the radio to quiet"."""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from wyoming_rosie_intent.engine import Match

Understand: TypeAlias = Callable[[str], Match | None]
MOST_COMMANDS = 4
_MOST_TRIES = 64
"""Parts of one sentence that are looked at; a sentence that needs more is none that people say."""
LONGEST_SENTENCE = 500
"""Characters, of all commands together."""
_LONGEST_VERB = 6  # words: could you please turn off all
_LONGEST_END = 4  # words
_THEN = r"and then|and also|and|then|as well as|after that|und dann|und auch|und|dann|danach|sowie|et puis|et|puis|y luego|y|e poi|e|en dan|en"
_JOINT = re.compile(rf"(?: ?[,;.] (?:(?:{_THEN}) )*| (?:(?:{_THEN}) )+)", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:both|beide|sowohl)\s+", re.IGNORECASE)


def understand(text: str, one: Understand) -> tuple[Match, ...]:
    """Return the commands of a sentence in order; nothing unless every part of it is understood by `one`."""
    if len(text) > LONGEST_SENTENCE:
        return ()
    found = _Parts(one).of(" ".join(text.split()))
    return found if len(found) <= MOST_COMMANDS else ()


class _Parts:
    """One sentence while it is taken apart."""

    def __init__(self, one: Understand) -> None:
        self._one = one
        self._seen: dict[str, Match | None] = {}

    def of(self, text: str) -> tuple[Match, ...]:
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

    def _split(self, text: str, *, said_once: bool) -> tuple[Match, ...]:
        """Split at a joint; a verb or an end that is `said_once` belongs to what is before and after it."""
        joints = list(_JOINT.finditer(text))
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

    def _rest(self, first: Match, head: str, text: str, *, said_once: bool) -> tuple[Match, ...]:
        """Understand what follows; "turn the lamp on and the radio off" says its verb only once."""
        words = head.split()
        for length in range(min(_LONGEST_VERB if said_once else 0, len(words) - 1) + 1):
            verb = " ".join((*words[:length], ""))
            found = () if _JOINT.search(verb) else self.of(verb + text)
            if found and (first.text == head or found[0].intent == first.intent):
                return found
        return ()


def _took_a_joint(match: Match) -> bool:
    """Tell whether free text such as a song's name may have taken in a second command."""
    return any(isinstance(value, str) and _JOINT.search(f" {value} ") for value in match.slots.values())
