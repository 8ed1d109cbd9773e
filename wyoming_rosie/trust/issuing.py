"""Issuing identities on the hub's machine, and the hub's changes of the registry. Needs cryptography."""

import fcntl
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import authority as authorities
from wyoming_rosie.trust import rollover
from wyoming_rosie.trust.authority import Authority, AuthorityFiles
from wyoming_rosie.trust.identity import IdentityFiles, save_identity, save_service_uri
from wyoming_rosie.trust.members import (
    Member,
    Registry,
    load_registry,
    new_id,
    save_registry,
)
from wyoming_rosie.trust.messages import SERVICE_PORT
from wyoming_rosie.trust.roster import SignedRoster, save_roster
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope

Change: TypeAlias = Callable[[Registry], Registry]
LOCAL_SERVICE = f"tls://127.0.0.1:{SERVICE_PORT}"
"""Address of the trust service for programs of the hub's machine."""


def ensure_authority(folder: Path, now: datetime | None = None) -> Authority:
    """Return the authority in a folder of the hub's state, made if there is none; blocks. Raises ConfigError."""
    files = AuthorityFiles(folder)
    if files.certificate.exists() or files.key.exists():
        return authorities.find_authority(folder)
    host = socket.gethostname().partition(".")[0].lower() or "localhost"
    try:
        return authorities.create_authority(folder, [host], now or datetime.now(UTC))
    except OSError as err:
        raise ConfigError(f"the authority cannot be made in {folder}: {err.strerror}") from err


def change_registry(folder: Path, change: Change) -> Registry:
    """Change the registry in the authority's folder, and return it; blocks. Raises ConfigError."""
    path = AuthorityFiles(folder).registry
    try:
        with _locked(folder):
            registry = change(load_registry(path))
            save_registry(path, registry)
    except OSError as err:
        raise ConfigError(f"{path} cannot be written: {err.strerror}") from err
    return registry


def sign_roster(folder: Path, registry: Registry, now: datetime) -> SignedRoster:
    """Return the roster of a registry, signed so that all members trust it; blocks. Raises ConfigError."""
    return rollover.find_signer(folder).sign_roster(registry, now, rollover.trusted(folder))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the registry: the hub, or a command."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "members.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        yield


def issue_local(
    house: Path,
    role: str,
    name: str,
    identity: Path,
    *,
    room: str | None = None,
    scopes: frozenset[Scope] = TALK_SCOPES,
    service_uri: str = LOCAL_SERVICE,
    now: datetime | None = None,
) -> Member:
    """Make a program of this machine a member without pairing, and store its identity; blocks. Raises ConfigError.

    `house` is the folder of the authority, which is made if there is none; `identity` that of the program's identity.
    """
    issued_at = now or datetime.now(UTC)
    authority = ensure_authority(house, issued_at)
    member = Member(new_id(), name, role, room, scopes)
    registry = change_registry(house, lambda registry: registry.add(member))
    key, request = authorities.create_request()
    certificate = authority.issue_member(member, authorities.read_request(request), issued_at)
    try:
        save_identity(identity, key, certificate, b"".join(rollover.trusted(house)))
        save_roster(IdentityFiles(identity).roster, sign_roster(house, registry, issued_at))
        save_service_uri(identity, service_uri)
    except OSError as err:
        raise ConfigError(f"the identity cannot be stored in {identity}: {err.strerror}") from err
    return member
