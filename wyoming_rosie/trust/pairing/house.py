"""The house that a program is to join: its authority and registry, in the hub's state folder."""

from datetime import UTC, datetime
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import identity, issuing, joining, state_folders
from wyoming_rosie.trust.authority import AuthorityFiles
from wyoming_rosie.trust.members import AUTHORITY_FOLDER, Member, Registry, load_registry
from wyoming_rosie.trust.pairing.messages import Application, Welcome


class FolderHouse:
    """The house of a hub's state folder, and the member that it is to get. All calls block."""

    def __init__(self, state: Path, member: Member) -> None:
        self._state = state
        self._folder = state / AUTHORITY_FOLDER
        self._member = member

    def prepare(self) -> None:
        """Make the authority if there is none. Raises ConfigError, also if the member cannot be added."""
        state_folders.check_writable(self._state)
        load_registry(AuthorityFiles(self._folder).registry).add(self._member)
        issuing.ensure_authority(self._folder)
        self._give_to_owner()

    def admit(self, application: Application) -> Welcome:
        """Make the program a member. Raises ConfigError, BadEventError."""
        admitted = issuing.admit(self._folder, self._member, application.request, datetime.now(UTC))
        self._give_to_owner()
        return Welcome(
            self._member.name, self._member.room, admitted.certificate, admitted.authorities, admitted.roster
        )

    def take_back(self) -> None:
        """Undo `admit`, also one that has failed. Raises ConfigError."""
        issuing.change_registry(self._folder, self._without_member)
        self._give_to_owner()

    def admit_local(self, state: Path) -> None:
        """Make the program of this machine with this state folder a member. Raises ConfigError."""
        folder, member = state / identity.FOLDER, self._member
        state_folders.check_writable(folder)
        if (own := joining.load_usable(folder)) is not None:
            raise ConfigError(
                f"{member.role} of this machine belongs to a house already, as {own.certificate.member};"
                f" to make it a member anew, delete {folder}"
            )
        issuing.issue_local(self._folder, member.role, member.name, folder, room=member.room, scopes=member.scopes)
        state_folders.give_to_owner(folder, state)
        self._give_to_owner()

    def _without_member(self, registry: Registry) -> Registry:
        if registry.find(self._member.id) is None:
            return registry
        return registry.revoke(self._member.id, datetime.now(UTC).timestamp())

    def _give_to_owner(self) -> None:
        state_folders.give_to_owner(self._folder, self._state)
