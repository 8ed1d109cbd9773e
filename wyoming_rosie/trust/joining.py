"""Joining a house at a program's start, by the code of --join."""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import secrets
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.trust import identity

if TYPE_CHECKING:
    from wyoming_rosie.trust.pairing.client import Joined

_LOG = structlog.get_logger()
FOLDER = identity.FOLDER


def join_at_start(role: str, folder: Path, given: str | None) -> None:
    """Make this program a member if a code is given, or is in its environment or systemd credential; blocks.

    A program that has an identity keeps it. Raises RosieError with the next step if it cannot join.
    """
    code = given or secrets.read_secret_variable(f"WYOMING_ROSIE_{role.upper()}_JOIN")
    if code is None:
        return
    if (own := load_usable(folder)) is not None:
        _LOG.warning(
            "this program belongs to a house already, so that the code is not used",
            member=str(own.certificate.member),
            next=f"start it without --join; to join anew, delete {folder}",
        )
        return
    joined = asyncio.run(join(role, folder, code))
    _LOG.info("joined the house", name=joined.name, room=joined.room, hub=joined.hub)


async def join(role: str, folder: Path, code: str) -> "Joined":
    """Make a program with this role a member, and store its identity in a folder. Raises RosieError with the next step."""
    await asyncio.to_thread(check_libraries)
    from wyoming_rosie.trust.pairing import client
    from wyoming_rosie.trust.pairing.code import parse_invitation

    return await client.join(parse_invitation(code), role, folder)


def check_libraries() -> None:
    """Raise ConfigError with the command that installs what pairing needs, if it is missing."""
    try:
        for name in ("cryptography", "segno", "spake2"):
            import_module(name)
    except ImportError as err:
        raise ConfigError(f"pairing needs {err.name}; run: {install_command(['tls'])}") from err


def load_usable(folder: Path) -> identity.Identity | None:
    """Return the identity in a folder, None if there is none, or a damaged one, which joining replaces; blocks."""
    try:
        return identity.load_identity(folder)
    except ConfigError:
        return None
