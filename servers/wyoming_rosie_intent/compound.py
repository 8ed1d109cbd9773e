"""Several commands in one sentence: "turn on the light and close the garage door"."""

import re
from collections.abc import Callable
from typing import TypeAlias

from wyoming_rosie_intent.engine import Match

Understand: TypeAlias = Callable[[str], Match | None]
MOST_COMMANDS = 4
_LONGEST_VERB = 3  # words
_JOINT = re.compile(r"(?:,\s*|\s+)(?:and then|and also|and|then)\s+", re.IGNORECASE)


def understand(text: str, one: Understand) -> tuple[Match, ...]:
    """Return the commands of a sentence in order; nothing unless every part of it is understood by `one`."""
    whole = one(text)
    if whole is not None and not _took_a_joint(whole):
        return (whole,)
    return _split(text, one, _LONGEST_VERB if whole is None else 0) or ((whole,) if whole else ())


def _split(text: str, one: Understand, longest_verb: int) -> tuple[Match, ...]:
    joints = list(_JOINT.finditer(text))
    if len(joints) >= MOST_COMMANDS:
        return ()
    for joint in joints:
        first = one(text[: joint.start()])
        rest = _rest(first, text[joint.end() :], one, longest_verb) if first else ()
        if first and rest:
            return (first, *rest)
    return ()


def _took_a_joint(match: Match) -> bool:
    """Tell whether free text such as a song's name may have taken in a second command."""
    return any(isinstance(value, str) and _JOINT.search(f" {value} ") for value in match.slots.values())


def _rest(first: Match, text: str, one: Understand, longest_verb: int) -> tuple[Match, ...]:
    """Understand what follows; "turn the lamp on and the radio off" says its verb only once."""
    words = first.text.split()
    for length in range(min(longest_verb, len(words) - 1) + 1):
        if found := understand(" ".join((*words[:length], text)), one):
            return found
    return ()
