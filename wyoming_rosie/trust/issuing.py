"""Issuing identities on the hub's machine, and the hub's changes of the registry. Needs cryptography."""

import fcntl
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Admitted:
    """What a new member gets; certificates are PEM, `authorities` those of the house."""

    certificate: bytes
    authorities: bytes
    roster: SignedRoster


def admit(house: Path, member: Member, request: bytes, now: datetime) -> Admitted:
    """Add a member to the registry, and sign its certificate request; blocks.

    `house` is the folder of the authority. Raises ConfigError; BadEventError for a request that is none.
    """
    authority = authorities.find_authority(house)
    key = authorities.read_request(request)
    registry = change_registry(house, lambda registry: registry.add(member))
    certificate = authority.issue_member(member, key, now)
    return Admitted(certificate, b"".join(rollover.trusted(house)), sign_roster(house, registry, now))


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
    ensure_authority(house, issued_at)
    member = Member(new_id(), name, role, room, scopes)
    key, request = authorities.create_request()
    admitted = admit(house, member, request, issued_at)
    try:
        identity.mkdir(parents=True, exist_ok=True, mode=0o700)
        save_roster(IdentityFiles(identity).roster, admitted.roster)
        save_service_uri(identity, service_uri)
        save_identity(identity, key, admitted.certificate, admitted.authorities)
    except OSError as err:
        raise ConfigError(f"the identity cannot be stored in {identity}: {err.strerror}") from err
    return member
