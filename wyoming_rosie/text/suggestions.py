"""Suggestions for a misspelt name."""

from collections.abc import Iterable
from difflib import get_close_matches

MAX_NAMES = 3
MIN_SIMILARITY = 0.6
"""Ratio of difflib from which two names are alike."""


def find_close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return up to MAX_NAMES known names that are like this one or contain it, the closest first; case does not count."""
    by_key = {_key(one): one for one in known}
    similar = get_close_matches(_key(name), by_key, MAX_NAMES, MIN_SIMILARITY)
    containing = [key for key in by_key if len(name) > 2 and _key(name) in key]
    return [by_key[key] for key in dict.fromkeys([*similar, *containing])][:MAX_NAMES]


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
