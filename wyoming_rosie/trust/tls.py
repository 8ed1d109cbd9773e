"""TLS 1.3 between members: contexts that trust the house's authority alone, and what a certificate proves."""

import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import UntrustedPeerError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.roster import Roster
from wyoming_rosie.trust.scopes import Scope

DOMAIN = "rosie.internal"
PORT_OFFSET = 1000
"""Distance of a program's TLS port from its plain port."""
NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL (x509_vfy.h): dates are checked by `verify_peer`, whose clock may be better."""
NO_SCOPES: frozenset[Scope] = frozenset()
"""Scopes of a member that the roster does not know yet: only the roster gives a room and scopes."""
PLAIN_PEER = "WRONG_VERSION_NUMBER"
"""OpenSSL's reason for a peer that does not speak TLS."""
UNREADABLE_PEM = "PEM lib"
"""OpenSSL's text for a file that is cut off; it gives no reason for it."""
_NAME = re.compile(rf"(?P<id>[0-9a-f]{{16}})\.(?P<role>[a-z]+)\.{re.escape(DOMAIN)}")
_EXPLANATIONS = {
    PLAIN_PEER: "it does not speak TLS there",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not from this house",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it has no certificate",
    "UNSUPPORTED_PROTOCOL": "it speaks an older TLS than 1.3",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks an older TLS than 1.3",
    "TLSV1_ALERT_UNKNOWN_CA": "it belongs to another house",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate",
    "KEY_VALUES_MISMATCH": "the key belongs to another certificate",
    "NO_CERTIFICATE_OR_CRL_FOUND": "there is no certificate in the file",
    "NO_START_LINE": "the file has no key or no certificate",
}
_CLOSED = "it closed the connection during the handshake"


@dataclass(frozen=True)
class MemberCertificate:
    """What a member's certificate says; times in Unix seconds. `issuer` is the serial of the authority."""

    member: Member
    not_before: float
    not_after: float
    issuer: str = ""


def member_host(member_id: str, role: str) -> str:
    """Return the DNS name in a member's certificate."""
    return f"{member_id}.{role}.{DOMAIN}"


def server_context(member: Path, house: Path) -> ssl.SSLContext:
    """Return the context of a listener; blocks. Raises OSError, such as ssl.SSLError."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, member, house)
    context.num_tickets = 0  # each connection proves itself anew
    return context


def client_context(member: Path, house: Path) -> ssl.SSLContext:
    """Return the context of outgoing connections; blocks. Raises OSError, such as ssl.SSLError."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, member, house)


def _context(protocol: int, member: Path, house: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False  # a member is told by its id and role, wherever it is
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= NO_CHECK_TIME
    context.load_verify_locations(house)
    context.load_cert_chain(member)
    return context


def read_certificate(certificate: Mapping[str, Any] | None) -> MemberCertificate:
    """Return what a certificate says that OpenSSL has verified, as `getpeercert` returns it. Raises UntrustedPeerError."""
    if not certificate:
        raise UntrustedPeerError("it has shown no certificate")
    alternatives = certificate.get("subjectAltName", ())
    found = _NAME.fullmatch(alternatives[0][1]) if len(alternatives) == 1 and alternatives[0][0] == "DNS" else None
    if found is None or found["role"] not in BY_ROLE:
        raise UntrustedPeerError("its certificate is not that of a program")
    subject, issuer = (_read_name(certificate.get(key, ())) for key in ("subject", "issuer"))
    return MemberCertificate(
        Member(found["id"], subject.get("commonName", ""), found["role"], scopes=NO_SCOPES),
        ssl.cert_time_to_seconds(certificate["notBefore"]),
        ssl.cert_time_to_seconds(certificate["notAfter"]),
        issuer.get("serialNumber", ""),
    )


def _read_name(name: Iterable[Iterable[tuple[str, str]]]) -> dict[str, str]:
    """Return the attributes of a distinguished name, as Python gives it."""
    return {key: value for part in name for key, value in part}


def verify_peer(shown: MemberCertificate, roster: Roster, now: float, role: str | None = None) -> Member:
    """Return the member whose certificate is shown, as the roster knows it. Raises UntrustedPeerError.

    A certificate from the future is accepted: only the authority makes one, so that this machine's clock is wrong.
    With `role`, the member must have it.
    """
    if shown.not_after < now:
        expired, today = _date(shown.not_after), _date(now)
        raise UntrustedPeerError(
            f"the certificate of {shown.member} has expired on {expired}, and this machine's clock says {today}; "
            "set the clock if it is wrong, else let that program join the house again"
        )
    check_member(shown, roster)
    member = roster.members.get(shown.member.id, shown.member)
    if member.role != shown.member.role or role not in (None, member.role):
        raise UntrustedPeerError(f"{shown.member} is there, which is no {role or member.role}")
    return member


def check_member(shown: MemberCertificate, roster: Roster) -> None:
    """Raise UntrustedPeerError for a member that was revoked, or that is missing in a roster newer than its certificate."""
    if shown.member.id in roster.revoked:
        raise UntrustedPeerError(f"{shown.member} was revoked; it must join the house again")
    if shown.member.id not in roster.members and shown.not_before < roster.issued_at:
        raise UntrustedPeerError(f"{shown.member} is no member of the house any more; it must join again")


def prove_to_itself(member: Path, house: Path) -> MemberCertificate:
    """Return what the certificate in a file says, once a handshake in memory has proved key and authority; blocks.

    Raises OSError, such as ssl.SSLError; UntrustedPeerError.
    """
    sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context(member, house).wrap_bio(sent, received, server_side=True)
    client = client_context(member, house).wrap_bio(received, sent)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return read_certificate(server.getpeercert())


def explain(error: Exception) -> str:
    """Return the reason why a handshake failed or a file cannot be used."""
    if isinstance(error, ssl.SSLError):
        if UNREADABLE_PEM in str(error):
            return "a key or a certificate in it is damaged"
        known = _EXPLANATIONS.get(error.reason or "")
        return known or (error.reason or str(error)).replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return _CLOSED if isinstance(error, ConnectionError) else str(error)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
