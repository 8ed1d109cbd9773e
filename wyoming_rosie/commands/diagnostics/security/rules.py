"""Findings of a security report: each fault with its severity and one next step."""

import ipaddress
from collections.abc import Iterator

from wyoming_rosie.commands.diagnostics.security.report import (
    ApiKey,
    Finding,
    Listener,
    PrivateFile,
    Protection,
    SecurityReport,
    Severity,
    StoredIdentity,
)
from wyoming_rosie.protocol import hosts
from wyoming_rosie.protocol.admission import PRIVATE_NETWORKS

OLD_DAYS = 365
"""Age from which a secret should be replaced."""
EXPIRES_SOON_DAYS = 7
OTHERS = 0o077
ORDER = tuple(Severity)
PLAIN_SCHEMES = {"mqtt": "mqtts", "redis": "rediss", "nats": "tls"}


def assess(report: SecurityReport) -> list[Finding]:
    """Return the findings, the most severe first."""
    found = [
        *(finding for listener in report.listeners for finding in _assess_listener(listener)),
        *(finding for file in report.files for finding in _assess_file(file)),
        *(finding for identity in report.identities for finding in _assess_identity(identity)),
        *(finding for key in report.keys for finding in _assess_key(key)),
        *_assess_brokers(report),
        *_assess_logging(report),
        *_assess_models(report),
        *(
            Finding(Severity.LOW, trouble, "run it again as the user of the programs, or with sudo")
            for trouble in report.troubles
        ),
    ]
    return sorted(found, key=lambda finding: ORDER.index(finding.severity))


def reach(listener: Listener) -> str:
    """Return to whom a listener is open."""
    if hosts.is_loopback(listener.host):
        return "this machine"
    if listener.plain is not None:
        return ", ".join(("this machine", *listener.plain))
    if listener.allow is None:
        return "all who reach this machine"
    return "wider than private networks" if _find_public(listener.allow) else "private networks"


def _assess_listener(listener: Listener) -> Iterator[Finding]:
    if hosts.is_loopback(listener.host) or listener.plain == ():
        return
    where = f"{listener.role} at port {listener.port}"
    public = _find_public(listener.allow or ()) if listener.plain is None else []
    if public:
        yield Finding(
            Severity.HIGH if listener.protection is not Protection.TLS else Severity.MEDIUM,
            f"{where} admits {', '.join(public)}, which is wider than private networks",
            "give --allow only the networks of the home, such as 192.168.1.0/24",
        )
    if listener.plain:
        yield Finding(
            Severity.LOW,
            f"{where} is open to {', '.join(listener.plain)} without TLS: who poses as it can listen and send",
            "keep --plain for Home Assistant alone, which cannot speak TLS",
        )
    elif listener.protection is Protection.PLAIN and listener.allow is not None:
        yield Finding(
            Severity.MEDIUM,
            f"{where} is open to {reach(listener)} without TLS: who is there can listen and send",
            f"make it a member of the house: wyoming-rosie pair NAME --local {listener.role}; or --uri tcp://127.0.0.1:{listener.port}",
        )
    elif listener.protection is Protection.HTTP:
        yield Finding(
            Severity.HIGH if listener.role == "hub" else Severity.LOW,
            f"{where} speaks HTTP without TLS to other machines",
            "the hub's page: let it make its certificate, see docs/https.md; health and metrics: --http-host 127.0.0.1",
        )


def _find_public(networks: tuple[str, ...]) -> list[str]:
    """Return the networks that are in no private one."""
    private = [ipaddress.ip_network(network) for network in PRIVATE_NETWORKS]
    return [text for text in networks if not _is_within(ipaddress.ip_network(text, strict=False), private)]


def _is_within(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
    others: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> bool:
    for other in others:
        if isinstance(network, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
            if network.subnet_of(other):
                return True
        elif (
            isinstance(network, ipaddress.IPv6Network)
            and isinstance(other, ipaddress.IPv6Network)
            and network.subnet_of(other)
        ):
            return True
    return False


def _assess_file(file: PrivateFile) -> Iterator[Finding]:
    if file.mode & OTHERS:
        yield Finding(
            Severity.HIGH if file.mode & 0o007 else Severity.MEDIUM,
            f"other users of this machine may read or change {file.path} ({file.setting}, mode {file.mode:o})",
            f"chmod 600 {file.path}",
        )
    if file.is_secret and file.age_days > OLD_DAYS:
        yield Finding(
            Severity.LOW,
            f"{file.setting} in {file.path} is {file.age_days:.0f} days old",
            "make another one where it comes from, and write it into the file",
        )


def _assess_identity(identity: StoredIdentity) -> Iterator[Finding]:
    if identity.trouble:
        yield Finding(
            Severity.HIGH,
            f"{identity.role} has an identity that cannot be used: {identity.trouble}",
            "wyoming-rosie pair NAME on the hub's machine tells how to join again",
        )
    elif identity.days_left is not None and identity.days_left < EXPIRES_SOON_DAYS:
        yield Finding(
            Severity.MEDIUM,
            f"the certificate of {identity.role} ends in {identity.days_left:.0f} days and was not renewed",
            "is the hub running, and reachable at port 10900? Its log tells why a renewal failed",
        )


def _assess_key(key: ApiKey) -> Iterator[Finding]:
    if key.age_days is not None and key.age_days > OLD_DAYS:
        yield Finding(
            Severity.LOW,
            f"the API key '{key.name}' is {key.age_days:.0f} days old",
            f"wyoming-rosie key rotate '{key.name}', or revoke it if it is not used",
        )


def _assess_brokers(report: SecurityReport) -> Iterator[Finding]:
    for bus, scheme, host in report.brokers:
        if scheme in PLAIN_SCHEMES and not hosts.is_loopback(host):
            yield Finding(
                Severity.HIGH,
                f"the bridge speaks to the {bus} broker on another machine without TLS",
                f"use {PLAIN_SCHEMES[scheme]}://, see docs/bus-security.md",
            )


def _assess_models(report: SecurityReport) -> Iterator[Finding]:
    if report.unpinned_models:
        yield Finding(
            Severity.LOW,
            f"no checksum is known for these models: {', '.join(report.unpinned_models)}",
            "compare their files with the publisher's, or use models of: wyoming-rosie models list --available",
        )


def _assess_logging(report: SecurityReport) -> Iterator[Finding]:
    for role in report.debugging:
        yield Finding(Severity.MEDIUM, f"{role} logs at --debug, and so what people say", "start it without --debug")
    if report.acts_without_audit:
        yield Finding(
            Severity.LOW,
            "intent acts on the home and writes no audit file",
            "give it one: wyoming-rosie-intent --audit-file FILE",
        )
