"""Group key: a secret of the house's satellites, by which they know each other's packets; a revoked one does not get the next."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wyoming_rosie.runtime import atomic_file, json_store
from wyoming_rosie.runtime.fields import Fields

FILE_NAME = "group-key.json"
"""Name of its file: in a satellite's identity, and beside the hub's registry."""
HOLDER = "satellite"
"""Role of the members that have it."""
SECRET_BYTES = 32


@dataclass(frozen=True)
class GroupKey:
    """Each key of a house has a higher number than the one before."""

    number: int
    secret: bytes = field(repr=False)


def create_group_key(number: int) -> GroupKey:
    """Return a new key."""
    return GroupKey(number, secrets.token_bytes(SECRET_BYTES))


def encode_group_key(key: GroupKey) -> dict[str, int | str]:
    """Return a key as JSON values."""
    return {"number": key.number, "secret": key.secret.hex()}


def decode_group_key(document: object) -> GroupKey:
    """Return a key from JSON values. Raises ValueError, which does not contain the secret."""
    fields = Fields(document)
    number, text = fields.integer("number", 0), fields.text("secret", 2 * SECRET_BYTES, 2 * SECRET_BYTES)
    try:
        return GroupKey(number, bytes.fromhex(text))
    except ValueError:
        raise ValueError("secret must be hexadecimal") from None


def load_group_key(path: Path) -> GroupKey | None:
    """Return the key in a file, None if there is none that can be read: the hub sends it again; blocks."""
    try:
        return decode_group_key(json_store.read(path))
    except (OSError, ValueError):
        return None


def save_group_key(path: Path, key: GroupKey, more: Mapping[str, object] | None = None) -> None:
    """Store a key, with what else belongs to it, in a file that only its owner reads. Raises OSError."""
    json_store.write(path, {**encode_group_key(key), **(more or {})}, atomic_file.PRIVATE)
