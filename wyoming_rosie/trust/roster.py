"""The roster: the house's members and revocations, numbered and signed by its authority, for every member."""

import base64
import json
from collections.abc import Mapping
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
    """`issued_at` is in Unix seconds; `revoked` has the ids of members that were revoked."""

    number: int = 0
    issued_at: int = 0
    members: Mapping[str, Member] = field(default_factory=dict)
    revoked: frozenset[str] = frozenset()


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


def create_text(registry: Registry, now: float) -> str:
    """Return the text of the roster of a registry, for the authority to sign."""
    return json.dumps(
        {
            "number": registry.number,
            "issued_at": int(now),
            "members": encode_members(registry.members),
            "revoked": sorted(registry.revoked),
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
    except (KeyError, TypeError, RecursionError) as err:
        raise ValueError("a roster must have number, issued_at, members and revoked") from err
    return Roster(number, issued_at, members, revoked)


def verify(signed: SignedRoster, authority: bytes) -> Roster:
    """Return the roster if the authority, whose certificate is PEM, has signed it. Raises UntrustedPeerError.

    Loads cryptography, 10 MB: call it in a thread. Raises ConfigError where it is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as err:
        raise ConfigError(f"a roster needs {err.name}; run: {install_command(['tls'])}") from err

    key = x509.load_pem_x509_certificate(authority).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(signed.signature, signed.signed_bytes, ec.ECDSA(hashes.SHA256()))
        return parse_text(signed.text)
    except InvalidSignature as err:
        raise UntrustedPeerError("the roster is not signed by the authority of this house") from err
    except ValueError as err:
        raise UntrustedPeerError(f"the roster cannot be read: {err}; update this program") from err


def check_newer(known: Roster, received: Roster) -> bool:
    """Return whether a received roster replaces the known one. Raises UntrustedPeerError for one that is older."""
    if received.number < known.number:
        raise UntrustedPeerError(f"roster {received.number} is older than {known.number}, which is known here already")
    return received.number > known.number


def load_roster(path: Path) -> Roster:
    """Return the roster in a file, an empty one if there is none. Raises ConfigError.

    Its signature was verified before it was stored, beside the certificate of the authority, which is trusted as well.
    """
    try:
        document = json_store.read(path)
        return Roster() if document is None else parse_text(parse_signed(document).text)
    except (OSError, ValueError) as err:
        raise ConfigError(
            f"the roster in {path} cannot be read: {err}; delete that file, and join the house again"
        ) from err


def save_roster(path: Path, signed: SignedRoster) -> None:
    """Store a roster that was verified. Raises OSError."""
    json_store.write(path, signed.document, atomic_file.PRIVATE)
