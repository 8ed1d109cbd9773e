"""Pairing code: ten digits for one program, and the rules of how long and how often it may be tried."""

import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from wyoming_rosie.errors import UsageError

PORT = 10_901
SCHEME = "rosie"
CODE_SECONDS = 120.0
MAX_WRONG_TRIES = 3
"""One guess in 10^8 each: three leave an attacker a chance of 3 in 10^8 for each code (docs/decisions/0047)."""
NAMEPLATE_DIGITS = 2
SECRET_DIGITS = 8
_PAIRING_PATH = "/join"
_SEPARATORS = re.compile(r"[\s-]+")
_DIGITS = re.compile(rf"(?P<nameplate>[0-9]{{{NAMEPLATE_DIGITS}}})(?P<secret>[0-9]{{{SECRET_DIGITS}}})")


@dataclass(frozen=True)
class PairingCode:
    """The nameplate is announced on the network, so that the right hub is asked; only the other digits are secret."""

    nameplate: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        half = SECRET_DIGITS // 2
        return f"{self.nameplate}-{self.secret[:half]}-{self.secret[half:]}"


@dataclass(frozen=True)
class Invitation:
    """A code, and where the hub is that shows it; without a host it is looked for on the network."""

    code: PairingCode
    host: str | None = None
    port: int = PORT

    @property
    def uri(self) -> str:
        """The address for a QR code. The code is its fragment, which no program sends on. Only with a host."""
        host = f"[{self.host}]" if self.host and ":" in self.host else self.host
        return f"{SCHEME}://{host}:{self.port}{_PAIRING_PATH}#{self.code}"


class CodeEnd(StrEnum):
    """Why a code counts no longer."""

    USED = "used"
    EXPIRED = "expired"
    GUESSED = "guessed"


class OfferedCode:
    """A code that is shown, and counts until `deadline`, one success or MAX_WRONG_TRIES wrong tries of all machines together."""

    def __init__(self, code: PairingCode, deadline: float) -> None:
        self.code = code
        self.deadline = deadline
        self.wrong_tries = 0
        self._is_used = False

    def end(self, now: float) -> CodeEnd | None:
        """Return why the code counts no longer, None while it does."""
        if self._is_used:
            return CodeEnd.USED
        if self.wrong_tries >= MAX_WRONG_TRIES:
            return CodeEnd.GUESSED
        return CodeEnd.EXPIRED if now >= self.deadline else None

    def note_wrong_try(self) -> None:
        """Count a try by somebody who does not know the code."""
        self.wrong_tries += 1

    def use(self, now: float) -> CodeEnd | None:
        """Take the code for one program; return why that is impossible, None if it is taken now."""
        end = self.end(now)
        self._is_used = self._is_used or end is None
        return end


def create_code() -> PairingCode:
    """Return a random code."""
    return PairingCode(_random_digits(NAMEPLATE_DIGITS), _random_digits(SECRET_DIGITS))


def parse_code(text: str) -> PairingCode:
    """Return the code that a person has typed, with or without hyphens and spaces. Raises UsageError."""
    found = _DIGITS.fullmatch(_SEPARATORS.sub("", text))
    if found is None:
        raise UsageError(
            "that is no pairing code: it has ten digits, such as 47-1234-5678; `wyoming-rosie pair NAME` shows it"
        )
    return PairingCode(found["nameplate"], found["secret"])


def parse_invitation(text: str) -> Invitation:
    """Return what `CODE`, `CODE@HOST`, `CODE@HOST:PORT` or the address in a QR code says. Raises UsageError."""
    text = text.strip()
    if text.startswith(f"{SCHEME}://"):
        location, _, code = text.removeprefix(f"{SCHEME}://").partition("#")
        return _at(parse_code(code), location.removesuffix(_PAIRING_PATH))
    code, at, location = text.partition("@")
    return _at(parse_code(code), location) if at else Invitation(parse_code(code))


def _at(code: PairingCode, location: str) -> Invitation:
    try:
        parts = urlsplit(f"//{location}")
        host, port = parts.hostname, parts.port
    except ValueError as err:
        raise UsageError(f"'{location}' is no address; write CODE@HOST or CODE@HOST:PORT") from err
    if not host or port == 0 or location != parts.netloc or "@" in location:
        raise UsageError(f"'{location}' is no address; write CODE@HOST or CODE@HOST:PORT")
    return Invitation(code, host, PORT if port is None else port)


def _random_digits(count: int) -> str:
    return f"{secrets.randbelow(10**count):0{count}}"
