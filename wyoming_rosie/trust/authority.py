"""The house's authority: its key and certificate, and what it signs. Needs cryptography."""

import ipaddress
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.protocol import hosts
from wyoming_rosie.runtime import atomic_file
from wyoming_rosie.trust.members import (
    CERTIFICATE_DAYS,
    MAX_NAME_CHARACTERS,
    PREVIOUS_FOLDER,
    REGISTRY_FILE,
    Member,
    Registry,
)
from wyoming_rosie.trust.roster import SignedRoster, create_text
from wyoming_rosie.trust.tls import member_host

AUTHORITY_DAYS = 3650
SERIAL_BYTES = 8
CLOCK_SKEW = timedelta(days=1)
LOCAL_DOMAINS = ("local", "lan", "home", "internal", "home.arpa", "localhost")
PRIVATE_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "100.64.0.0/10",
    "fc00::/7", "fe80::/10", "::1/128",
)  # fmt: skip
"""Networks for whose addresses the authority may sign: whoever steals its key cannot pose as a bank."""


@dataclass(frozen=True)
class AuthorityFiles:
    """Files of the authority, in one folder of the hub's state, and its registry of members."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.crt"

    @property
    def key(self) -> Path:
        return self.folder / "authority.key"

    @property
    def are_there(self) -> bool:
        """Whether there is a house, or a part of one."""
        return any(path.exists() for path in (self.certificate, self.key, self.registry))

    @property
    def previous(self) -> "AuthorityFiles":
        """Files of the authority before, as long as members trust it."""
        return AuthorityFiles(self.folder / PREVIOUS_FOLDER)

    @property
    def registry(self) -> Path:
        return self.folder / REGISTRY_FILE


@dataclass(frozen=True)
class Authority:
    """Signs certificates and rosters."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return encode_certificate(self.certificate)

    @property
    def serial(self) -> str:
        """What tells this authority from others of the house; empty for one of an earlier version."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        return str(found[0].value) if found else ""

    @property
    def domains(self) -> list[str]:
        """The domains in which it may sign."""
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        return [one.value for one in constraints.permitted_subtrees or [] if isinstance(one, x509.DNSName)]

    def may_sign(self, name: str) -> bool:
        """Return whether a name or an address is within the name constraints; addresses must be private."""
        if (address := hosts.parse_ip(name)) is not None:
            networks = map(ipaddress.ip_network, PRIVATE_NETWORKS)
            return any(address.version == network.version and address in network for network in networks)
        return any(name == domain or name.endswith(f".{domain}") for domain in self.domains)

    def has_signed(self, certificate: x509.Certificate) -> bool:
        """Return whether a certificate is from this authority."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def issue(
        self,
        common_name: str,
        names: Collection[x509.GeneralName],
        key: ec.EllipticCurvePublicKey,
        usages: Collection[x509.ObjectIdentifier],
        start: datetime,
        days: int,
    ) -> x509.Certificate:
        """Return a certificate for a key."""
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return (
            _create_builder(_subject(common_name), self.certificate.subject, key, start, days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(identifier, critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def issue_member(self, member: Member, key: ec.EllipticCurvePublicKey, now: datetime) -> bytes:
        """Return the certificate of a member in PEM, for both ends of a connection."""
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        host = x509.DNSName(member_host(member.id, member.role))
        return encode_certificate(self.issue(member.name, [host], key, usages, now, CERTIFICATE_DAYS))

    def sign_roster(self, registry: Registry, now: datetime, authorities: Iterable[bytes] = ()) -> SignedRoster:
        """Return the roster of a registry, signed; members trust the `authorities`, in PEM, from then on."""
        unsigned = SignedRoster(create_text(registry, now.timestamp(), authorities), b"")
        return SignedRoster(unsigned.text, self.key.sign(unsigned.signed_bytes, ec.ECDSA(hashes.SHA256())))


def load_authority(folder: Path) -> Authority:
    """Return the authority of a folder. Raises OSError, ValueError for files that cannot be used."""
    files = AuthorityFiles(folder)
    try:
        certificate = load_certificate(files.certificate)
        key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    except ValueError as err:  # the library's text is for programmers
        raise ValueError("its key or its certificate is damaged") from err
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError(f"{files.key} is not the key of {files.certificate}")
    return Authority(certificate, key)


def create_authority(folder: Path, names: Collection[str], now: datetime) -> Authority:
    """Make and store an authority, which may sign for local names, and those of `names` that are others. Raises OSError."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.SERIAL_NUMBER, secrets.token_hex(SERIAL_BYTES)),
            *_subject(f"wyoming-rosie of {max(names)}"),
        ]
    )
    domains = sorted({*LOCAL_DOMAINS, *(name for name in names if hosts.parse_ip(name) is None)})
    permitted = [
        *(x509.DNSName(domain) for domain in domains),
        *(x509.IPAddress(ipaddress.ip_network(network)) for network in PRIVATE_NETWORKS),
    ]
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _create_builder(subject, subject, key.public_key(), now - CLOCK_SKEW, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = AuthorityFiles(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    atomic_file.write(files.key, encode_key(key), atomic_file.PRIVATE)
    atomic_file.write(files.certificate, encode_certificate(certificate), 0o644)
    return Authority(certificate, key)


def read_request(request: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of a certificate request in PEM, which proves to be in its sender's hands. Raises BadEventError.

    The names in it do not count: the authority gives a member its own.
    """
    try:
        parsed = x509.load_pem_x509_csr(request)
        key = parsed.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1" and parsed.is_signature_valid:
            return key
    except (ValueError, TypeError) as err:
        raise BadEventError(f"the certificate request cannot be read: {err}") from err
    raise BadEventError("a certificate request must be for a P-256 key, and signed by it")


def create_request() -> tuple[bytes, bytes]:
    """Return a new member's private key and its certificate request, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return encode_key(key), request.public_bytes(serialization.Encoding.PEM)


def needs_renewal(certificate: x509.Certificate, now: datetime, days: int) -> bool:
    """Return whether a certificate expires within some days, or begins in the future."""
    return certificate.not_valid_after_utc - now < timedelta(days=days) or certificate.not_valid_before_utc > now


def load_certificate(file: Path) -> x509.Certificate:
    """Return the certificate in a PEM file. Raises OSError, ValueError."""
    return x509.load_pem_x509_certificate(file.read_bytes())


def encode_certificate(certificate: x509.Certificate) -> bytes:
    """Return a certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def encode_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key in PEM, not encrypted."""
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)


def find_authority(folder: Path) -> Authority:
    """Return the authority of a house, whose folder is in the hub's state. Raises ConfigError."""
    try:
        return load_authority(folder)
    except FileNotFoundError as err:
        is_damaged = AuthorityFiles(folder).are_there
        next_step = "restore it from a backup" if is_damaged else "there is no house here; run this where the hub runs"
        raise ConfigError(f"{err.filename} is missing: {next_step}") from err
    except (OSError, ValueError) as err:
        raise ConfigError(f"the authority in {folder} cannot be used: {err}; restore it from a backup") from err


def _subject(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:MAX_NAME_CHARACTERS])])


def _create_builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
