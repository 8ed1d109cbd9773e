"""Certificates of the house: a private authority that is made once, and this machine's certificate, which it renews."""

import ipaddress
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import hosts

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 397
"""Apple's systems refuse certificates that are valid for longer than 398 days."""
RENEWAL_DAYS = 30
CLOCK_SKEW = timedelta(days=1)
LOCAL_DOMAINS = ("local", "lan", "home", "internal", "home.arpa", "localhost")
PRIVATE_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "100.64.0.0/10",
    "fc00::/7", "fe80::/10", "::1/128",
)  # fmt: skip
"""Networks for whose addresses the authority may sign: whoever steals its key cannot pose as a bank."""


@dataclass(frozen=True)
class CertificateFiles:
    """Files of the authority and of this machine's certificate, in one folder."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "authority.crt"

    @property
    def authority_key(self) -> Path:
        return self.folder / "authority.key"

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
        made_authority = not files.authority.exists() or _needs_renewal(_load(files.authority), now)
        if made_authority:
            _make_authority(files, names, now)
        authority = _load(files.authority)
        covered = [name for name in names if _may_sign(authority, name)]
        left_out = tuple(name for name in names if name not in covered)
        if not made_authority and _is_valid(files, authority, covered, now):
            return CertificateUpdate(False, left_out)
        _make_certificate(files, authority, covered, now)
    except (OSError, ValueError) as err:
        raise ConfigError(f"certificates in {files.folder}: {err}; delete the folder to make new ones") from err
    return CertificateUpdate(True, left_out)


def fingerprint(file: Path) -> str:
    """Return the SHA-256 of a certificate as systems show it: `AB:CD:…`."""
    return _load(file).fingerprint(hashes.SHA256()).hex(":").upper()


def _make_authority(files: CertificateFiles, names: Collection[str], now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"wyoming-rosie of {max(names)}"[:64])])
    domains = sorted({*LOCAL_DOMAINS, *(name for name in names if hosts.parse_ip(name) is None)})
    permitted = [
        *(x509.DNSName(domain) for domain in domains),
        *(x509.IPAddress(ipaddress.ip_network(network)) for network in PRIVATE_NETWORKS),
    ]
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        _builder(subject, subject, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    _write_key(files.authority_key, key)
    _write(files.authority, _pem(builder.sign(key, hashes.SHA256())), 0o644)


def _make_certificate(
    files: CertificateFiles, authority: x509.Certificate, names: Collection[str], now: datetime
) -> None:
    authority_key = serialization.load_pem_private_key(files.authority_key.read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, min(names)[:64])])
    builder = (
        _builder(subject, authority.subject, key, now, CERTIFICATE_DAYS)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    _write_key(files.key, key)
    _write(files.certificate, _pem(builder.sign(authority_key, hashes.SHA256())) + _pem(authority), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now - CLOCK_SKEW + timedelta(days=days))
    )


def _is_valid(files: CertificateFiles, authority: x509.Certificate, names: Collection[str], now: datetime) -> bool:
    if not (files.certificate.exists() and files.key.exists()):
        return False
    certificate = _load(files.certificate)
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    covered = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(_alternative_names(names)) <= set(covered) and not _needs_renewal(certificate, now)


def _may_sign(authority: x509.Certificate, name: str) -> bool:
    """Return whether the authority may sign for a name, or for an address, which must be private."""
    if (address := hosts.parse_ip(name)) is not None:
        networks = map(ipaddress.ip_network, PRIVATE_NETWORKS)
        return any(address.version == network.version and address in network for network in networks)
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    domains = [allowed.value for allowed in permitted if isinstance(allowed, x509.DNSName)]
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def _alternative_names(names: Collection[str]) -> Sequence[x509.GeneralName]:
    addresses = {name: hosts.parse_ip(name) for name in sorted(names)}
    return [x509.DNSName(name) if address is None else x509.IPAddress(address) for name, address in addresses.items()]


def _needs_renewal(certificate: x509.Certificate, now: datetime) -> bool:
    remaining = certificate.not_valid_after_utc - now
    return remaining < timedelta(days=RENEWAL_DAYS) or certificate.not_valid_before_utc > now


def _load(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    _write(file, key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain), 0o600)


def _write(file: Path, content: bytes, mode: int) -> None:
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(new, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as opened:
        opened.write(content)
    new.replace(file)


def utc_now() -> datetime:
    """Return the wall clock, for certificates."""
    return datetime.now(UTC)
