"""The roster: the house's members and revocations, numbered and signed by its authority, for every member."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError, UntrustedPeerError
from wyoming_rosie.runtime import atomic_file, json_store
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.trust.members import Member, Registry, decode_members, encode_members

PURPOSE = b"wyoming-rosie roster\n"
"""Precedes the text under the signature, so that the authority's signature of anything else is none of a roster."""
MAX_TEXT_CHARACTERS = 500_000


@dataclass(frozen=True)
class Roster:
    """`issued_at` is in Unix seconds; `revoked` has the ids of members that were revoked.

    `authorities` are the certificates, in PEM, that a member trusts from now on; `house` is the id of the house if the
    authority is no longer the first one.
    """

    number: int = 0
    issued_at: int = 0
    members: Mapping[str, Member] = field(default_factory=dict)
    revoked: frozenset[str] = frozenset()
    authorities: tuple[str, ...] = ()
    house: str | None = None


@dataclass(frozen=True)
class SignedRoster:
    """The text of a roster, and the authority's signature of exactly that text (ECDSA with SHA-256)."""

    text: str
    signature: bytes

    @property
    def document(self) -> dict[str, str]:
        """The JSON values in which it is sent and stored."""
        return {"roster": self.text, "signature": base64.b64encode(self.signature).decode()}

    @property
    def signed_bytes(self) -> bytes:
        return PURPOSE + self.text.encode()


def create_text(registry: Registry, now: float, authorities: Iterable[bytes] = ()) -> str:
    """Return the text of the roster of a registry, for the authority to sign."""
    return json.dumps(
        {
            "number": registry.number,
            "issued_at": int(now),
            "members": encode_members(registry.members),
            "revoked": sorted(registry.revoked),
            "authorities": [one.decode() for one in authorities],
            "house": registry.house,
        },
        ensure_ascii=False,
    )


def parse_signed(document: object) -> SignedRoster:
    """Return a signed roster from JSON values, not verified. Raises ValueError."""
    text, signature = (document.get(key) if isinstance(document, dict) else None for key in ("roster", "signature"))
    if not isinstance(text, str) or not isinstance(signature, str) or len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError("a roster must have a text and a signature")
    try:
        return SignedRoster(text, base64.b64decode(signature, validate=True))
    except ValueError as err:
        raise ValueError("a roster's signature must be base64") from err


def parse_text(text: str) -> Roster:
    """Return a roster; keys of later versions are ignored. Raises ValueError."""
    try:
        values: Any = json.loads(text)
        number, issued_at = int(values["number"]), int(values["issued_at"])
        revoked = frozenset(map(str, values["revoked"]))
        members = {one.id: one for one in decode_members(values["members"])}
        authorities = tuple(map(str, values.get("authorities", ())))
        house = values.get("house")
    except (KeyError, TypeError, RecursionError) as err:
        raise ValueError("a roster must have number, issued_at, members and revoked") from err
    if not isinstance(house, str | None):
        raise ValueError("the house of a roster must be a text")  # noqa: TRY004 - as for all that is no roster
    return Roster(number, issued_at, members, revoked, authorities, house)


def verify(signed: SignedRoster, authorities: bytes) -> Roster:
    """Return the roster if one of the authorities has signed it, whose certificates are PEM. Raises UntrustedPeerError.

    Loads cryptography, 10 MB: call it in a thread. Raises ConfigError where it is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as err:
        raise ConfigError(f"a roster needs {err.name}; run: {install_command(['tls'])}") from err

    def has_signed(authority: x509.Certificate) -> bool:
        key = authority.public_key()
        try:
            assert isinstance(key, ec.EllipticCurvePublicKey)
            key.verify(signed.signature, signed.signed_bytes, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    try:
        if any(map(has_signed, x509.load_pem_x509_certificates(authorities))):
            return parse_text(signed.text)
    except ValueError as err:
        raise UntrustedPeerError(f"the roster cannot be read: {err}; update this program") from err
    raise UntrustedPeerError("the roster is not signed by the authority of this house")


def check_newer(known: Roster, received: Roster) -> bool:
    """Return whether a received roster replaces the known one. Raises UntrustedPeerError for one that is older."""
    if received.number < known.number:
        raise UntrustedPeerError(f"roster {received.number} is older than {known.number}, which is known here already")
    return received.number > known.number


def load_roster(path: Path) -> Roster:
    """Return the roster in a file, an empty one if there is none. Raises ConfigError.

    Its signature was verified before it was stored, beside the certificate of the authority, which is trusted as well.
    """
    signed = load_signed(path)
    try:
        return Roster() if signed is None else parse_text(signed.text)
    except ValueError as err:
        raise _unreadable(path, err) from err


def load_signed(path: Path) -> SignedRoster | None:
    """Return the signed roster in a file, None if there is none. Raises ConfigError."""
    try:
        document = json_store.read(path)
        return None if document is None else parse_signed(document)
    except (OSError, ValueError) as err:
        raise _unreadable(path, err) from err


def save_roster(path: Path, signed: SignedRoster) -> None:
    """Store a roster that was verified. Raises OSError."""
    json_store.write(path, signed.document, atomic_file.PRIVATE)


def _unreadable(path: Path, err: Exception) -> ConfigError:
    return ConfigError(f"the roster in {path} cannot be read: {err}; delete that file: the hub sends it again")
