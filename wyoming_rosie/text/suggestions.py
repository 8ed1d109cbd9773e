"""Names that are nearly right: what somebody may have meant who typed another one."""

from collections.abc import Iterable
from difflib import get_close_matches

MAX_NAMES = 3
MIN_SIMILARITY = 0.5


def find_close_names(name: str, known: Iterable[str], most: int = MAX_NAMES) -> list[str]:
    """Return the known names that are most like this one, whatever its capitals, the best first."""
    by_key = {_key(one): one for one in known}
    alike = get_close_matches(_key(name), by_key, most, MIN_SIMILARITY)
    holding = [key for key in by_key if len(name) > 2 and _key(name) in key]
    return [by_key[key] for key in dict.fromkeys([*alike, *holding])][:most]


def describe_unknown_name(what: str, name: str, known: Iterable[str], listed: str = "") -> str:
    """Return a sentence for a name that nothing has: the nearest ones, or some; and the command that lists all, if any."""
    known = list(known)
    near = find_close_names(name, known)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif len(known) > 2 * MAX_NAMES and listed:
        hint = f"there are {len(known)}, such as {', '.join(known[:MAX_NAMES])}"
    else:
        hint = f"there are: {', '.join(known) or 'none'}"
    more = f" (all of them: {listed})" if listed else ""
    return f"no {what} is named {name[:50]!r}; {hint}{more}"


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")
