"""Members of a house for its administrator: who they are, when they were seen, and changes by name.

Changes need cryptography, which is loaded by them alone: where there are members, it is installed.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import member_status
from wyoming_rosie.trust.identity import FOLDER, house_id, load_identity
from wyoming_rosie.trust.member_status import MemberStatus
from wyoming_rosie.trust.members import (
    AUTHORITY_FOLDER,
    PREVIOUS_FOLDER,
    REGISTRY_FILE,
    Member,
    Registry,
    load_registry,
)
from wyoming_rosie.trust.state_folders import give_to_owner


@dataclass(frozen=True)
class ListedMember:
    """A member as the hub knows it; no status of one that has not been connected yet."""

    member: Member
    status: MemberStatus | None
    is_rotating: bool = False

    @property
    def values(self) -> dict[str, Any]:
        """The JSON values for clients; times in seconds since the epoch."""
        return {
            "kind": "member",
            "id": self.member.id,
            "name": self.member.name,
            "role": self.member.role,
            "room": self.member.room,
            "scopes": sorted(self.member.scopes),
            "last_used_at": None if self.status is None else self.status.seen_at,
            "certificate_until": None if self.status is None else self.status.certificate_until,
            "is_rotating": self.is_rotating,
        }


class MemberDirectory:
    """The members of the house whose hub has this data folder. All of it blocks. Raises ConfigError."""

    def __init__(self, hub_folder: Path) -> None:
        self._folder = hub_folder
        self._house = hub_folder / AUTHORITY_FOLDER
        self._hub_identity = hub_folder / FOLDER

    def list_members(self) -> list[ListedMember]:
        """Return the members in the order of their names."""
        registry = load_registry(self._house / REGISTRY_FILE)
        statuses = member_status.load_statuses(self._house / member_status.FILE_NAME)
        members = sorted(registry.members, key=lambda one: one.name.casefold())
        issuer = self._new_issuer()

        def is_rotating(member: Member) -> bool:
            status = statuses.get(member.id)
            is_over = issuer is None or (status is not None and status.issuer == issuer)
            return member.id in registry.rotating or not is_over

        return [ListedMember(one, statuses.get(one.id), is_rotating(one)) for one in members]

    def find(self, name_or_id: str) -> Member | None:
        """Return a member by its name or id."""
        return load_registry(self._house / REGISTRY_FILE).find(name_or_id)

    def revoke(self, name_or_id: str) -> Member:
        """Revoke a member, and return it."""
        member = load_registry(self._house / REGISTRY_FILE).get(name_or_id)
        if member.id == self._hub_id():
            raise ConfigError(
                f"{member} is the hub that has the house's authority; to end the house, remove {self._house}"
            )
        self._change(lambda registry: registry.revoke(member.id, time.time()))
        return member

    def rotate(self, name_or_id: str) -> Member:
        """Let a member get another certificate from the hub, at once or when it is connected again; return it."""
        return self._change(lambda registry: registry.request_rotation(name_or_id)).get(name_or_id)

    def rotate_authority(self) -> int:
        """Put another authority in the place of the present one; return how many members get another certificate."""
        from wyoming_rosie.trust import rollover

        former = b"".join(rollover.trusted(self._house))
        rollover.begin(self._house, datetime.now(UTC))
        house = house_id(former)
        return len(self._change(lambda old: replace(old, number=old.number + 1, house=old.house or house)).members)

    def _change(self, change: Callable[[Registry], Registry]) -> Registry:
        from wyoming_rosie.trust.authority import find_authority
        from wyoming_rosie.trust.issuing import change_registry

        find_authority(self._house)  # without it no member would learn of the change
        changed = change_registry(self._house, change)
        give_to_owner(self._house, self._folder)
        return changed

    def _new_issuer(self) -> str | None:
        """Return the serial of the authority that takes the place of the one before, None if none does."""
        if not (self._house / PREVIOUS_FOLDER).exists():
            return None
        from wyoming_rosie.trust.authority import find_authority

        return find_authority(self._house).serial

    def _hub_id(self) -> str | None:
        with suppress(ConfigError):
            if (identity := load_identity(self._hub_identity)) is not None:
                return identity.certificate.member.id
        return None
