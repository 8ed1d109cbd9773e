"""The peer of a connection: who is at the other end, as far as the connection proves it."""

from dataclasses import dataclass
from enum import StrEnum

from wyoming_rosie.protocol import hosts
from wyoming_rosie.trust.members import Member
from wyoming_rosie.trust.tls import MemberCertificate


class PeerKind(StrEnum):
    LOCAL = "local"  # a program of this machine
    MEMBER = "member"  # a program that has proved by its certificate that it belongs to the house
    PLAIN = "plain"  # a program of another machine that has proved nothing


@dataclass(frozen=True)
class Peer:
    """`host` is an address, `unix` or `stdio`; only a MEMBER has a `member` and a `certificate`."""

    kind: PeerKind
    host: str
    member: Member | None = None
    certificate: MemberCertificate | None = None

    def __str__(self) -> str:
        return self.host if self.member is None else str(self.member)


def plain_peer(host: str) -> Peer:
    """Return the peer at an address without TLS."""
    return Peer(PeerKind.LOCAL if hosts.is_loopback(host) else PeerKind.PLAIN, host)


def member_peer(host: str, member: Member, certificate: MemberCertificate) -> Peer:
    """Return the peer at an address that has proved by its certificate to be a member."""
    return Peer(PeerKind.MEMBER, host, member, certificate)


UNIX_PEER = Peer(PeerKind.LOCAL, "unix")
STDIO_PEER = Peer(PeerKind.LOCAL, "stdio")
