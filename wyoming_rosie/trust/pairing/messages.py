"""Messages of pairing once both sides have the key: the joiner's application, and the hub's welcome or refusal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.protocol import strict_json
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.trust.members import MAX_NAME_CHARACTERS
from wyoming_rosie.trust.messages import SERVICE_PORT
from wyoming_rosie.trust.roster import SignedRoster, parse_signed

MAX_PEM_CHARACTERS = 8_192
MAX_ROLE_CHARACTERS = 16
MAX_VERSION_CHARACTERS = 32
MAX_PORT = 65_535
_UNPRINTABLE = "?"


class Refusal(StrEnum):
    """Why the hub goes on no further."""

    WRONG_CODE = "wrong-code"
    OVER = "over"
    BUSY = "busy"
    VERSION = "version"
    ROLE = "role"
    FAILED = "failed"


@dataclass(frozen=True)
class Application:
    """What a joiner asks for with its certificate request in PEM. Host and version are its own words, for people to read."""

    request: bytes
    role: str
    host: str
    version: str


@dataclass(frozen=True)
class Welcome:
    """What a new member gets; certificates are PEM. The trust service is at the hub's address, on `service_port`."""

    name: str
    room: str | None
    certificate: bytes
    authorities: bytes
    roster: SignedRoster
    service_port: int = SERVICE_PORT


@dataclass(frozen=True)
class Refused:
    """The hub's refusal; with Refusal.ROLE, `role` is the one that the code is for."""

    reason: Refusal
    role: str = ""


def encode_application(application: Application) -> bytes:
    """Return an application as JSON."""
    return _encode(
        {
            "request": application.request.decode(),
            "role": application.role,
            "host": application.host[:MAX_NAME_CHARACTERS],
            "version": application.version[:MAX_VERSION_CHARACTERS],
        }
    )


def decode_application(message: bytes) -> Application:
    """Return an application. Raises BadEventError."""
    fields = _fields(message)
    return Application(
        fields.text("request", 1, MAX_PEM_CHARACTERS).encode(),
        fields.text("role", 1, MAX_ROLE_CHARACTERS),
        _printable(fields.text("host", 0, MAX_NAME_CHARACTERS)),
        _printable(fields.text("version", 0, MAX_VERSION_CHARACTERS)),
    )


def encode_answer(answer: Welcome | Refused) -> bytes:
    """Return the answer to an application as JSON."""
    if isinstance(answer, Refused):
        return _encode({"refused": answer.reason, "role": answer.role})
    return _encode(
        {
            "name": answer.name,
            "room": answer.room,
            "certificate": answer.certificate.decode(),
            "authorities": answer.authorities.decode(),
            "roster": answer.roster.document,
            "service_port": answer.service_port,
        }
    )


def decode_answer(message: bytes) -> Welcome | Refused:
    """Return the answer to an application. Raises BadEventError."""
    fields = _fields(message)
    if (reason := fields.optional_text("refused")) is not None:
        return Refused(parse_refusal(reason), fields.text("role", 0, MAX_ROLE_CHARACTERS))
    try:
        roster = parse_signed(dict(fields.mapping("roster")))
    except ValueError as err:
        raise BadEventError(f"the roster cannot be read: {err}") from err
    return Welcome(
        fields.text("name", 1, MAX_NAME_CHARACTERS),
        fields.optional_text("room", 1, MAX_NAME_CHARACTERS),
        fields.text("certificate", 1, MAX_PEM_CHARACTERS).encode(),
        fields.text("authorities", 1, MAX_PEM_CHARACTERS).encode(),
        roster,
        fields.integer("service_port", 1, MAX_PORT),
    )


def parse_refusal(code: str) -> Refusal:
    """Return a refusal; one of a later version is FAILED."""
    return Refusal(code) if code in set(Refusal) else Refusal.FAILED


def _encode(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()


def _fields(message: bytes) -> Fields:
    try:
        return Fields(strict_json.loads(message), BadEventError)
    except (ValueError, RecursionError) as err:
        raise BadEventError("a message of pairing is no JSON") from err


def _printable(text: str) -> str:
    """Return a stranger's text for a terminal: characters that steer it, or the direction of text, are replaced."""
    return "".join(character if character.isprintable() else _UNPRINTABLE for character in text)
