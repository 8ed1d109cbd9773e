"""Titles of daemons in `info`, which Home Assistant shows and identifies them by.

A title names the role and the machine, and does not change with the engine, which the description names.
"""

import socket
from collections.abc import Mapping
from typing import Any, Protocol

from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol import address

_ROLES = {"wake": "wake words", "asr": "speech to text", "intent": "conversation", "tts": "text to speech"}
_SECTIONS = ("wake", "asr", "intent", "handle", "tts")


class InfoProgram(Protocol):
    """A program of an `info` event."""

    name: str
    description: str | None


def title(role: str, name: str | None, uri: str) -> str | None:
    """Return the title of a daemon with this `--name`, if any, that listens at `uri`; None for roles without a title."""
    return f"Rosie {_ROLES[role]} ({name or _format_location(role, uri)})" if role in _ROLES else None


def with_title(info: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    """Return the info with its programs renamed to the title; unchanged without a title and for a satellite."""
    if name is None or info.get("satellite"):
        return info
    sections = {
        section: [_rename_program(program, name) for program in info.get(section) or ()] for section in _SECTIONS
    }
    return {**info, **{section: programs for section, programs in sections.items() if programs}}


def engine_name(program: InfoProgram) -> str:
    """Return the engine of one of our daemons, or the name of another project's program."""
    known, _, title = (program.description or "").partition(": ")
    return known if title and program.name.startswith("Rosie ") else program.name


def _rename_program(program: Mapping[str, Any], called: str) -> Mapping[str, Any]:
    about = program.get("description")
    return {**program, "name": called, "description": f"{program['name']}: {about}" if about else program["name"]}


def _format_location(role: str, uri: str) -> str:
    """Return the host name, with the port unless it is the role's default."""
    machine = socket.gethostname().partition(".")[0] or "host"
    match address.parse(uri):
        case address.Tcp(_, port) | address.Tls(_, port) if port not in (0, BY_ROLE[role].port):
            return f"{machine}:{port}"
    return machine
