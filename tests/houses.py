"""Houses of a test: an authority, and the members that it makes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wyoming_rosie.trust.authority import encode_certificate, encode_key, find_authority
from wyoming_rosie.trust.issuing import change_registry, issue_local
from wyoming_rosie.trust.members import Registry
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.roster import SignedRoster
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope


@dataclass(frozen=True)
class House:
    """A house in a folder of the test; each member has a folder with its identity."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "tls"

    def identity(self, name: str) -> Path:
        return self.folder / name

    def add(
        self,
        role: str,
        name: str,
        now: datetime | None = None,
        *,
        room: str | None = None,
        scopes: frozenset[Scope] = TALK_SCOPES,
    ) -> Path:
        """Make a member, and return the folder of its identity. All others get the roster, as from the trust service."""
        issue_local(self.authority, role, name, self.identity(name), room=room, scopes=scopes, now=now)
        newest = self.identity(name) / "roster.json"
        for other in self.folder.glob("*/roster.json"):
            if other != newest:
                other.write_bytes(newest.read_bytes())
        return self.identity(name)

    def member(self, role: str, name: str, now: datetime | None = None) -> Membership:
        """Make a member, and return its membership."""
        loaded = Membership.load(self.add(role, name, now))
        assert loaded is not None
        return loaded

    def sign(self, registry: Registry, now: datetime | None = None) -> SignedRoster:
        return find_authority(self.authority).sign_roster(registry, now or datetime.now(UTC))

    def revoke(self, name: str, now: datetime | None = None) -> SignedRoster:
        """Revoke a member, and return the roster without it."""
        at = now or datetime.now(UTC)
        return self.sign(change_registry(self.authority, lambda registry: registry.revoke(name, at.timestamp())), at)


def write_self_signed(file: Path, name: str, host: str) -> None:
    """Write a key and its certificate, which no authority has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(encode_key(key) + encode_certificate(certificate))
