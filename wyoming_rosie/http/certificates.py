"""HTTPS certificate of this machine, signed by the house's authority, which is made with it, and renewed in time."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import hosts
from wyoming_rosie.runtime import atomic_file
from wyoming_rosie.trust import authority as authorities
from wyoming_rosie.trust.authority import CLOCK_SKEW, Authority, AuthorityFiles, load_certificate

CERTIFICATE_DAYS = 397
"""Apple's systems refuse certificates that are valid for longer than 398 days."""
RENEWAL_DAYS = 30


@dataclass(frozen=True)
class CertificateFiles:
    """Files of the authority and of this machine's certificate, in one folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        return AuthorityFiles(self.folder).certificate

    @property
    def authority_key(self) -> Path:
        return AuthorityFiles(self.folder).key

    @property
    def certificate(self) -> Path:
        """The certificate, and the authority's after it."""
        return self.folder / "house.crt"

    @property
    def key(self) -> Path:
        return self.folder / "house.key"


@dataclass(frozen=True)
class CertificateUpdate:
    """Whether a certificate was made, and the names that the authority may not sign for."""

    is_new: bool
    left_out: tuple[str, ...] = ()


def ensure_certificate(files: CertificateFiles, names: Collection[str], now: datetime) -> CertificateUpdate:
    """Make what is missing, expires soon or lacks one of the names and addresses. Raises ConfigError."""
    try:
        files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _needs_authority(files, now):
            authorities.create_authority(files.folder, names, now)
        authority = authorities.load_authority(files.folder)
        covered = [name for name in names if authority.may_sign(name)]
        left_out = tuple(name for name in names if name not in covered)
        if _is_valid(files, authority, covered, now):
            return CertificateUpdate(False, left_out)
        _make_certificate(files, authority, covered, now)
    except (OSError, ValueError) as err:
        raise ConfigError(f"certificates in {files.folder}: {err}; delete the folder to make new ones") from err
    return CertificateUpdate(True, left_out)


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of a certificate as systems show it: `AB:CD:…`."""
    return load_certificate(file).fingerprint(hashes.SHA256()).hex(":").upper()


def utc_now() -> datetime:
    """Return the wall clock, for certificates."""
    return datetime.now(UTC)


def _needs_authority(files: CertificateFiles, now: datetime) -> bool:
    """Return whether to make an authority: never another one for a house with members, whom a wrong clock would lock out."""
    if not files.authority.exists():
        return True
    has_members = AuthorityFiles(files.folder).registry.exists()
    return not has_members and authorities.needs_renewal(load_certificate(files.authority), now, RENEWAL_DAYS)


def _make_certificate(files: CertificateFiles, authority: Authority, names: Collection[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH]
    start = now - CLOCK_SKEW
    certificate = authority.issue(
        min(names), _alternative_names(names), key.public_key(), usages, start, CERTIFICATE_DAYS
    )
    atomic_file.write(files.key, authorities.encode_key(key), atomic_file.PRIVATE)
    atomic_file.write(files.certificate, authorities.encode_certificate(certificate) + authority.pem, 0o644)


def _is_valid(files: CertificateFiles, authority: Authority, names: Collection[str], now: datetime) -> bool:
    if not (files.certificate.exists() and files.key.exists()):
        return False
    certificate = load_certificate(files.certificate)
    if not authority.has_signed(certificate):
        return False
    covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    is_covered = set(_alternative_names(names)) <= set(covered)
    return is_covered and not authorities.needs_renewal(certificate, now, RENEWAL_DAYS)


def _alternative_names(names: Collection[str]) -> Sequence[x509.GeneralName]:
    addresses = {name: hosts.parse_ip(name) for name in sorted(names)}
    return [x509.DNSName(name) if address is None else x509.IPAddress(address) for name, address in addresses.items()]
