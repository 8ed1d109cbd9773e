"""Members of a house for its administrator: who they are, when they were seen, and changes by name.

Changes need cryptography, which is loaded by them alone: where there are members, it is installed.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import member_status
from wyoming_rosie.trust.identity import FOLDER, house_id, load_identity
from wyoming_rosie.trust.member_status import MemberStatus
from wyoming_rosie.trust.members import AUTHORITY_FOLDER, REGISTRY_FILE, Member, load_registry


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
        self._house = hub_folder / AUTHORITY_FOLDER
        self._hub_identity = hub_folder / FOLDER

    def list_members(self) -> list[ListedMember]:
        """Return the members in the order of their names."""
        registry = load_registry(self._house / REGISTRY_FILE)
        statuses = member_status.load_statuses(self._house / member_status.FILE_NAME)
        members = sorted(registry.members, key=lambda one: one.name.casefold())
        return [ListedMember(one, statuses.get(one.id), one.id in registry.rotating) for one in members]

    def find(self, name_or_id: str) -> Member | None:
        """Return a member by its name or id."""
        return load_registry(self._house / REGISTRY_FILE).find(name_or_id)

    def revoke(self, name_or_id: str) -> Member:
        """Revoke a member, and return it."""
        from wyoming_rosie.trust.issuing import change_registry

        member = load_registry(self._house / REGISTRY_FILE).get(name_or_id)
        if member.id == self._hub_id():
            raise ConfigError(
                f"{member} is the hub that has the house's authority; to end the house, remove {self._house}"
            )
        change_registry(self._house, lambda registry: registry.revoke(member.id, time.time()))
        return member

    def rotate(self, name_or_id: str) -> Member:
        """Let a member get another certificate from the hub, at once or when it is connected again; return it."""
        from wyoming_rosie.trust.issuing import change_registry

        return change_registry(self._house, lambda registry: registry.request_rotation(name_or_id)).get(name_or_id)

    def rotate_authority(self) -> int:
        """Put another authority in the place of the present one; return how many members get another certificate."""
        from wyoming_rosie.trust import rollover
        from wyoming_rosie.trust.issuing import change_registry

        former = b"".join(rollover.trusted(self._house))
        rollover.begin(self._house, datetime.now(UTC))
        changed = change_registry(
            self._house,
            lambda registry: replace(registry, number=registry.number + 1, house=registry.house or house_id(former)),
        )
        return len(changed.members)

    def _hub_id(self) -> str | None:
        with suppress(ConfigError):
            if (identity := load_identity(self._hub_identity)) is not None:
                return identity.certificate.member.id
        return None
