"""Report of `wyoming-rosie doctor --security`. It holds no secret: of secret files their place, mode and age."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """HIGH: strangers can use or read something. MEDIUM: whoever is in the home network can. LOW: worth a look."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Protection(StrEnum):
    """What a listener asks of whoever connects, as far as its answer shows."""

    PLAIN = "plain"  # Wyoming without TLS
    TLS = "tls"  # Wyoming for members of the house, or HTTPS
    HTTP = "http"  # without TLS
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Listener:
    """A port on which a program of the suite listens; `allow` are its networks, None if it has no such setting.

    `plain` are the other machines that a member of a house admits without TLS; None for a program that is no member.
    """

    role: str
    host: str
    port: int
    protection: Protection
    allow: tuple[str, ...] | None = None
    plain: tuple[str, ...] | None = None


@dataclass(frozen=True)
class PrivateFile:
    """A file that only its owner may read; `setting` names what it is for."""

    setting: str
    path: str
    mode: int  # permission bits
    age_days: float
    is_secret: bool = True  # False for what people said, and for lists of members and keys


@dataclass(frozen=True)
class StoredIdentity:
    """The identity of a program in the house; `days_left` of its certificate, None if it cannot be read."""

    role: str
    name: str
    days_left: float | None
    trouble: str = ""


@dataclass(frozen=True)
class ApiKey:
    """A key of the hub's API; its age is None if an earlier version made it."""

    name: str
    age_days: float | None


@dataclass(frozen=True)
class SecurityReport:
    listeners: tuple[Listener, ...] = ()
    files: tuple[PrivateFile, ...] = ()
    identities: tuple[StoredIdentity, ...] = ()
    members: tuple[str, ...] = ()  # of the house, where the hub is
    keys: tuple[ApiKey, ...] = ()
    brokers: tuple[tuple[str, str, str], ...] = ()  # bus, scheme and host
    debugging: tuple[str, ...] = ()  # roles that log what people say
    acts_without_audit: bool = False
    unpinned_models: tuple[str, ...] = ()  # fetched without a checksum to compare with
    troubles: tuple[str, ...] = ()  # what could not be inspected


@dataclass(frozen=True)
class Finding:
    severity: Severity
    fault: str
    next_step: str
