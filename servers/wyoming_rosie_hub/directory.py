"""Daemon directory: the address of each role's daemon. Unknown daemons on other machines get no audio."""

from collections.abc import Callable, Collection, Mapping, Sequence

import structlog

from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol.service_browser import DiscoveredService

_LOG = structlog.get_logger()
MAX_LOGGED = 256
"""Unknown daemons that are logged; a network may announce any number."""


class DaemonDirectory:
    """Finds a role's daemon: as configured, else on this machine, else announced by a member or an adopted name.

    `discovered` returns the announced services of a role, `own_addresses` those of this machine. Anybody may announce
    anything: an address of this machine leads to this machine, a member of the house has proved to be one, and any other
    must have its name in `adopted`.
    """

    def __init__(
        self,
        configured: Mapping[str, str | None],
        adopted: Collection[str],
        discovered: Callable[[str], Sequence[DiscoveredService]],
        own_addresses: Callable[[], Collection[str]],
    ) -> None:
        self._configured = configured
        self._adopted = adopted
        self._discovered = discovered
        self._own_addresses = own_addresses
        self._unreachable: set[str] = set()
        self._logged_uris: dict[str, str] = {}
        self._logged_unknown: set[tuple[str, str]] = set()

    def find_uri(self, role: str) -> str:
        """Return the address of the role's daemon, reachable or not."""
        return self.find_uris(role)[0]

    def find_uris(self, role: str) -> Sequence[str]:
        """Return the address of the role's daemon, and those of others that may take its place."""
        if configured := self._configured.get(role):
            return (configured,)
        return self._discovered_uris(role) or (f"tcp://127.0.0.1:{BY_ROLE[role].port}",)

    def note_unreachable(self, uri: str) -> None:
        """Prefer other daemons from now on, until these cannot be reached either."""
        self._unreachable.add(uri)

    def log_discovered(self) -> None:
        """Log which of the announced daemons are used, before the first turn."""
        for role in self._configured:
            self.find_uri(role)

    def _discovered_uris(self, role: str) -> Sequence[str]:
        announced = self._discovered(role)
        own_addresses = self._own_addresses() if announced else ()
        local = [service for service in announced if service.host in own_addresses]
        adopted = [service for service in announced if service.tls_port or service.name in self._adopted]
        for service in announced:
            if service not in local and service not in adopted:
                self._log_unknown(service)
        usable = list({service.uri: service for service in (*local, *adopted)}.values())
        if self._unreachable.issuperset(service.uri for service in usable):
            self._unreachable.difference_update([service.uri for service in usable])
        usable.sort(key=lambda service: service.uri in self._unreachable)
        if usable:
            self._log_used(role, usable[0])
        return tuple(service.uri for service in usable)

    def _log_used(self, role: str, service: DiscoveredService) -> None:
        if self._logged_uris.get(role) != service.uri:
            self._logged_uris[role] = service.uri
            _LOG.info("announced daemon is used", role=role, name=service.name, uri=service.uri)

    def _log_unknown(self, service: DiscoveredService) -> None:
        if (service.name, service.uri) in self._logged_unknown or len(self._logged_unknown) >= MAX_LOGGED:
            return
        self._logged_unknown.add((service.name, service.uri))
        _LOG.warning(
            "announced daemon is not used",
            role=service.role,
            name=service.name,
            uri=service.uri,
            next=f"if it is yours, give the hub --adopt '{service.name}' or --{service.role}-uri {service.uri}",
        )
