"""Suggestions for a misspelt name."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

MAX_NAMES = 3
MIN_SIMILARITY = 0.6
"""Minimum ratio of difflib.SequenceMatcher."""
MIN_WORD_SIMILARITY = 0.75
"""Ratio from which a name is like one word of another name, such as a brand in the name of an audio device."""


def find_close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return up to MAX_NAMES known names that are like this one or contain it, the closest first; case does not count.

    If there are none, return those with a word that is like this name.
    """
    by_key = {_key(known_name): known_name for known_name in known}
    similar = get_close_matches(_key(name), by_key, MAX_NAMES, MIN_SIMILARITY)
    containing = [key for key in by_key if len(name) > 2 and _key(name) in key]
    found = [*similar, *containing] or _with_similar_word(_key(name), by_key)
    return [by_key[key] for key in dict.fromkeys(found)][:MAX_NAMES]


def _with_similar_word(key: str, known: Iterable[str]) -> list[str]:
    by_word: dict[str, list[str]] = {}
    for known_name in known:
        for word in re.findall(r"\w{3,}", known_name):
            by_word.setdefault(word, []).append(known_name)
    words = get_close_matches(key, by_word, MAX_NAMES, MIN_WORD_SIMILARITY)
    return [known_name for word in words for known_name in by_word[word]]


def describe_unknown_name(kind: str, name: str, known: Iterable[str], list_command: str = "") -> str:
    """Return the error text for an unknown name: similar names, or some that exist, and the command that lists all."""
    known = list(known)
    close_names = find_close_names(name, known)
    if close_names:
        hint = f"did you mean {' or '.join(close_names)}?"
    elif len(known) > 2 * MAX_NAMES and list_command:
        hint = f"there are {len(known)}, such as {', '.join(known[:MAX_NAMES])}"
    else:
        hint = f"there are: {', '.join(known) or 'none'}"
    more = f" (all of them: {list_command})" if list_command else ""
    return f"no {kind} is named {name[:50]!r}; {hint}{more}"


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")
