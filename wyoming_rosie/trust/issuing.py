"""Issuing identities on the hub's machine, and the hub's changes of the registry. Needs cryptography."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.trust import authority as authorities
from wyoming_rosie.trust.authority import Authority, AuthorityFiles
from wyoming_rosie.trust.identity import IdentityFiles, save_identity
from wyoming_rosie.trust.members import (
    Member,
    Registry,
    load_registry,
    new_id,
    save_registry,
)
from wyoming_rosie.trust.roster import save_roster
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope


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


def change_registry(folder: Path, change: Callable[[Registry], Registry]) -> Registry:
    """Change the registry in the authority's folder, and return it; blocks. Raises ConfigError."""
    path = AuthorityFiles(folder).registry
    registry = change(load_registry(path))
    try:
        save_registry(path, registry)
    except OSError as err:
        raise ConfigError(f"{path} cannot be written: {err.strerror}") from err
    return registry


def issue_local(
    house: Path,
    role: str,
    name: str,
    identity: Path,
    *,
    room: str | None = None,
    scopes: frozenset[Scope] = TALK_SCOPES,
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
        save_identity(identity, key, certificate, authority.pem)
        save_roster(IdentityFiles(identity).roster, authority.sign_roster(registry, issued_at))
    except OSError as err:
        raise ConfigError(f"the identity cannot be stored in {identity}: {err.strerror}") from err
    return member
