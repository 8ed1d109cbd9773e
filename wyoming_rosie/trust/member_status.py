"""Status of members, as the hub sees them: when they were connected last, and which certificate they have shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_rosie.runtime import json_store

FILE_NAME = "seen.json"
"""Name of the file beside the registry."""


@dataclass(frozen=True)
class MemberStatus:
    """Times in Unix seconds; `issuer` is the serial of the authority that signed the certificate."""

    seen_at: float
    certificate_until: float
    issuer: str = ""


def load_statuses(path: Path) -> dict[str, MemberStatus]:
    """Return the status of each member by its id, as far as the file can be read; blocks."""
    try:
        document: Any = json_store.read(path)
        return {} if document is None else {str(key): _decode(value) for key, value in document.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # it is written again as members connect
        return {}


def encode_statuses(statuses: Mapping[str, MemberStatus]) -> dict[str, Any]:
    """Return the statuses as JSON values."""
    return {
        key: {"seen_at": round(one.seen_at), "certificate_until": one.certificate_until, "issuer": one.issuer}
        for key, one in statuses.items()
    }


def _decode(value: Any) -> MemberStatus:
    return MemberStatus(float(value["seen_at"]), float(value["certificate_until"]), str(value["issuer"]))
