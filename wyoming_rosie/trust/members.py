"""Members of a house: the programs that have its certificate, with their rooms and scopes."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.runtime import atomic_file, json_store
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope, parse_known_scopes

AUTHORITY_FOLDER = "tls"
"""Folder of the authority and the registry in the hub's state folder."""
MAX_MEMBERS = 256
MAX_NAME_CHARACTERS = 64  # of an X.509 common name
ID_BYTES = 8
REGISTRY_FILE = "members.json"
"""Name of the registry's file in that folder."""
PREVIOUS_FOLDER = "previous"
"""Folder in it of the authority before, as long as members trust it."""
CERTIFICATE_DAYS = 90
RENEWAL_DAYS = 30
VERSION = 1
"""Version of the registry's file; a later one may hold what this version would lose."""
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Member:
    """A program of the house; without a room it is not bound to one."""

    id: str
    name: str
    role: str
    room: str | None = None
    scopes: frozenset[Scope] = TALK_SCOPES

    def __str__(self) -> str:
        return f"{self.name} ({self.role})"


@dataclass(frozen=True)
class Registry:
    """The hub's list of members. Each change that members must know raises `number`.

    `revoked` has the time of each revocation in Unix seconds, `rotating` the ids of members that are to get another
    certificate; `house` is the id of the house once its authority is no longer the first one.
    """

    number: int = 0
    members: tuple[Member, ...] = ()
    revoked: Mapping[str, int] = field(default_factory=dict)
    rotating: frozenset[str] = frozenset()
    house: str | None = None

    def find(self, name_or_id: str) -> Member | None:
        """Return a member by its id, or its name in upper or lower case."""
        wanted = name_or_id.casefold()
        return next((one for one in self.members if wanted in (one.id, one.name.casefold())), None)

    def get(self, name_or_id: str) -> Member:
        """Return a member by its id or name. Raises ConfigError."""
        if (found := self.find(name_or_id)) is None:
            names = ", ".join(sorted(one.name for one in self.members)) or "no members"
            raise ConfigError(f"no member is named '{name_or_id}'; there are: {names}")
        return found

    def add(self, member: Member) -> "Registry":
        """Return the registry with a new member. Raises ConfigError if it is full, or the name or role cannot be used."""
        check_name(member.name)
        if member.role not in BY_ROLE:
            raise ConfigError(f"'{member.role}' is no role; there are: {', '.join(BY_ROLE)}")
        if self.find(member.name) is not None:
            raise ConfigError(
                f"a member is named '{member.name}' already; choose another name, or revoke that one first"
            )
        if len(self.members) >= MAX_MEMBERS:
            raise ConfigError(f"the house has {MAX_MEMBERS} members, which is the most; revoke one that is not used")
        return replace(self, number=self.number + 1, members=(*self.members, member))

    def change(self, member: Member) -> "Registry":
        """Return the registry with another room, name or other scopes of the member with this id. Raises ConfigError."""
        self.get(member.id)
        others = tuple(one for one in self.members if one.id != member.id)
        return replace(self, members=others).add(member)

    def revoke(self, name_or_id: str, now: float) -> "Registry":
        """Return the registry without a member, whose certificate counts no longer. Raises ConfigError."""
        gone = self.get(name_or_id)
        return replace(
            self,
            number=self.number + 1,
            members=tuple(one for one in self.members if one.id != gone.id),
            revoked={**self._unexpired(now), gone.id: int(now)},
            rotating=self.rotating - {gone.id},
        )

    def request_rotation(self, name_or_id: str) -> "Registry":
        """Return the registry in which a member is to get another certificate. Raises ConfigError."""
        return replace(self, rotating=self.rotating | {self.get(name_or_id).id})

    def recovered(
        self, number: int, members: Iterable[Member], revoked: Iterable[str], now: float, house: str | None
    ) -> "Registry":
        """Return this registry, restored from an older backup, with what a roster of a higher number knows."""
        if self.number > number:
            return self
        times = {gone: self.revoked.get(gone, int(now)) for gone in revoked}
        return replace(self, number=number, members=tuple(members), revoked=times, house=house)

    def rotate(self, name_or_id: str, new_id: str, now: float) -> "Registry":
        """Return the registry with another id of a member, so that its certificate so far counts no longer. Raises ConfigError."""
        member = self.get(name_or_id)
        without = self.revoke(member.id, now)
        return replace(without.add(replace(member, id=new_id)), number=self.number + 1)

    def _unexpired(self, now: float) -> Mapping[str, int]:
        """Return the revocations of certificates that have not expired since."""
        oldest = now - (CERTIFICATE_DAYS + 1) * _DAY_SECONDS
        return {gone: revoked_at for gone, revoked_at in self.revoked.items() if revoked_at > oldest}


def new_id() -> str:
    """Return the id of a new member: 16 hexadecimal digits."""
    return secrets.token_hex(ID_BYTES)


def check_name(name: str) -> None:
    """Raise ConfigError for a name that no certificate can have."""
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise ConfigError(
            f"'{name}' is no name: give 1 to {MAX_NAME_CHARACTERS} printable characters, no space around them"
        )


def encode_members(members: Iterable[Member]) -> list[dict[str, Any]]:
    """Return members as JSON values."""
    return [
        {"id": one.id, "name": one.name, "role": one.role, "room": one.room, "scopes": sorted(one.scopes)}
        for one in members
    ]


def decode_members(values: object) -> tuple[Member, ...]:
    """Return members from JSON values; scopes of later versions are left out. Raises ValueError."""
    if not isinstance(values, list) or len(values) > MAX_MEMBERS:
        raise ValueError(f"there must be a list of at most {MAX_MEMBERS} members")
    return tuple(map(_decode_member, values))


def load_registry(path: Path) -> Registry:
    """Return the registry in a file, an empty one if there is none. Raises ConfigError."""
    try:
        document = json_store.read(path)
        if document is None:
            return Registry()
        if document.get("version", VERSION) > VERSION:
            raise ConfigError(f"{path} was written by a later version of wyoming-rosie; update this one")
        return _decode_registry(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise ConfigError(
            f"the list of members in {path} cannot be read: {err}; restore it from a backup, or delete it while the hub"
            " runs, which writes it again from a roster"
        ) from err


def save_registry(path: Path, registry: Registry) -> None:
    """Replace the registry in a file that only its owner reads. Raises OSError."""
    document = {
        "version": VERSION,
        "number": registry.number,
        "members": encode_members(registry.members),
        "revoked": dict(registry.revoked),
        "rotating": sorted(registry.rotating),
        "house": registry.house,
    }
    json_store.write(path, document, atomic_file.PRIVATE)


def _decode_registry(document: Any) -> Registry:
    revoked = {str(gone): int(revoked_at) for gone, revoked_at in document["revoked"].items()}
    return Registry(
        int(document["number"]),
        decode_members(document["members"]),
        revoked,
        frozenset(map(str, document.get("rotating", ()))),
        document.get("house"),
    )


def _decode_member(value: Any) -> Member:
    try:
        room = value.get("room")
        scopes = parse_known_scopes(value["scopes"])
        texts = value["id"], value["name"], value["role"]
    except (AttributeError, KeyError, TypeError) as err:
        raise ValueError("a member needs id, name, role and scopes") from err
    if not all(isinstance(text, str) for text in texts) or not isinstance(room, str | None):
        raise ValueError("a member's id, name, role and room must be texts")
    member_id, name, role = texts
    return Member(member_id, name, role, room, scopes)
