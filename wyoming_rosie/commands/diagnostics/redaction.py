"""Redaction of reports: names of people and machines, and public addresses."""

import ipaddress
import re
from collections.abc import Iterable

_OWNER = re.compile(r"\b[\w.-]+['\u2019]s\b")
_OF_OWNER = re.compile(r"\b(of|de|von|di|van)\s+[A-Z]\w+")
_ADDRESS = re.compile(
    r"(?<![\w.])\[?((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]*:[0-9a-fA-F:]+:[0-9a-fA-F:.]*)(%\w+)?\]?(?![\w.])"
)


def redact(text: str, names: Iterable[str]) -> str:
    """Return the text without owners ("Ada's headset"), without `names` and without public addresses."""
    text = _OWNER.sub("somebody's", text)
    text = _OF_OWNER.sub(r"\1 somebody", text)
    for name in sorted({name for name in names if len(name) > 1}, key=len, reverse=True):
        text = re.sub(rf"(?<![a-zA-Z0-9]){re.escape(name)}(?![a-zA-Z0-9])", "(name)", text, flags=re.IGNORECASE)
    return _ADDRESS.sub(_redact_address, text)


def _redact_address(found: re.Match[str]) -> str:
    try:
        is_private = ipaddress.ip_address(found[1]).is_private
    except ValueError:
        return found[0]
    return found[0] if is_private else "(public address)"
