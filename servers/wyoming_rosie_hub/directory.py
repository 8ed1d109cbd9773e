"""Which daemon serves a role: a stranger that announces itself gets nobody's voice."""

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol.discovery import DiscoveredService

_LOG = structlog.get_logger()
MOST_NOTED = 256
"""Announced daemons that were logged; a network may hold any number."""


class Directory:
    """Where each role's daemon is: as configured, else on this machine, else as announced by one that was adopted.

    `announced` returns the services of a role, `own_addresses` those of this machine. Anybody may announce anything: an
    address of this machine leads to this machine, any other needs the operator's word, which is the name in `adopted`.
    """

    def __init__(
        self,
        configured: Mapping[str, str | None],
        adopted: Collection[str],
        announced: Callable[[str], Sequence[DiscoveredService]],
        own_addresses: Callable[[], Collection[str]],
    ) -> None:
        self._configured = configured
        self._adopted = adopted
        self._announced = announced
        self._own_addresses = own_addresses
        self._used: dict[str, str] = {}
        self._noted: set[tuple[str, str]] = set()

    def uri(self, role: str) -> str:
        """Return the address of the role's daemon, whether it answers or not."""
        return self._configured.get(role) or self._announced_uri(role) or f"tcp://127.0.0.1:{BY_ROLE[role].port}"

    def look(self) -> None:
        """Log which announced daemons are used and which are not, before anybody speaks."""
        for role in self._configured:
            self.uri(role)

    def _announced_uri(self, role: str) -> str | None:
        announced = self._announced(role)
        own = self._own_addresses() if announced else ()
        here = [one for one in announced if one.host in own]
        adopted = [one for one in announced if one.name in self._adopted]
        for one in announced:
            if one not in here and one not in adopted:
                self._note_stranger(one)
        if not (chosen := [*here, *adopted]):
            return None
        self._note_use(role, chosen[0])
        return chosen[0].uri

    def _note_use(self, role: str, one: DiscoveredService) -> None:
        if self._used.get(role) != one.uri:
            self._used[role] = one.uri
            _LOG.info("announced daemon is used", role=role, name=one.name, uri=one.uri)

    def _note_stranger(self, one: DiscoveredService) -> None:
        if (one.name, one.uri) in self._noted or len(self._noted) >= MOST_NOTED:
            return
        self._noted.add((one.name, one.uri))
        _LOG.warning(
            "announced daemon is not used",
            role=one.role,
            name=one.name,
            uri=one.uri,
            next=f"if it is yours, give the hub --adopt '{one.name}' or --{one.role}-uri {one.uri}",
        )
