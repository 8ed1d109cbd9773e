"""Group key store: the hub's group key of the satellites, of which there is another one after each revocation."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.runtime import json_store
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.trust.group_key import GroupKey, create_group_key, decode_group_key, save_group_key
from wyoming_rosie.trust.members import Registry


@dataclass(frozen=True)
class IssuedGroupKey:
    """A key that was made after the revocation of `withheld_from`, ids of members."""

    key: GroupKey
    withheld_from: frozenset[str]


def renew_if_revoked(issued: IssuedGroupKey | None, registry: Registry) -> IssuedGroupKey:
    """Return the key that no revoked member has: the one issued, or a new one."""
    revoked: Collection[str] = registry.revoked.keys()
    if issued is not None and issued.withheld_from.issuperset(revoked):
        return issued
    number = max(registry.number, 0 if issued is None else issued.key.number + 1)
    return IssuedGroupKey(create_group_key(number), frozenset(revoked))


def load_issued(path: Path) -> IssuedGroupKey | None:
    """Return the key in a file, None if there is none that can be read, so that another one is made; blocks."""
    try:
        document = json_store.read(path)
        return IssuedGroupKey(decode_group_key(document), frozenset(Fields(document).texts("withheld_from")))
    except (OSError, ValueError):
        return None


def save_issued(path: Path, issued: IssuedGroupKey) -> None:
    """Store a key in a file that only its owner reads. Raises OSError."""
    save_group_key(path, issued.key, {"withheld_from": sorted(issued.withheld_from)})
