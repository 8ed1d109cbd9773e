"""Key exchange of pairing: SPAKE2 with the code, confirmation of the key by both sides, then sealed messages.

Nothing here waits or sends. `share` and `finish` compute for about 5 ms each: call them in a thread. Needs the extra [tls].
"""

import hmac
import os
from collections.abc import Callable
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from spake2 import SPAKE2_A, SPAKE2_B, SPAKEError
from spake2.ed25519_basic import NotOnCurve

from wyoming_rosie.errors import BadEventError

PROTOCOL = b"wyoming-rosie pairing 1"
"""Part of all keys, so that programs with another version of the exchange never agree on one."""
SHARE_BYTES = 33
CONFIRMATION_BYTES = 32
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Side(StrEnum):
    JOINER = "joiner"
    HUB = "hub"

    @property
    def other(self) -> "Side":
        return Side.HUB if self is Side.JOINER else Side.JOINER


class KeyExchange:
    """One side of an exchange, for one use. Each attempt to agree on a key allows the other side one guess of the secret."""

    def __init__(self, side: Side, secret: str, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._side = side
        create = SPAKE2_A if side is Side.JOINER else SPAKE2_B
        names = {f"id{letter}": PROTOCOL + b" " + one.encode() for letter, one in (("A", Side.JOINER), ("B", Side.HUB))}
        self._spake = create(secret.encode(), **names, entropy_f=entropy)
        self._key = b""
        self._is_confirmed = False
        self._sealed = self._opened = 0

    def share(self) -> bytes:
        """Return what the other side needs; it tells nothing about the secret."""
        return bytes(self._spake.start())

    def finish(self, share: bytes) -> None:
        """Compute the key from the other side's share; only a side with the same secret has the same. Raises BadEventError."""
        if len(share) != SHARE_BYTES:
            raise BadEventError(f"a share has {SHARE_BYTES} bytes, not {len(share)}")
        try:
            self._key = bytes(self._spake.finish(share))
        except (SPAKEError, NotOnCurve, ValueError) as err:  # a share of this side, or no element of the group
            raise BadEventError("a share cannot be used") from err

    @property
    def confirmation(self) -> bytes:
        """The proof that this side has the key."""
        return self._confirmation(self._side)

    def confirm(self, confirmation: bytes) -> bool:
        """Return whether the other side has proved that it has the same key; only then messages can be sealed."""
        self._is_confirmed = hmac.compare_digest(self._confirmation(self._side.other), confirmation)
        return self._is_confirmed

    def seal(self, message: bytes) -> bytes:
        """Return a message encrypted for the other side."""
        sealed = self._cipher(self._side).encrypt(_nonce(self._sealed), message, None)
        self._sealed += 1
        return sealed

    def open(self, sealed: bytes) -> bytes:
        """Return the next message of the other side. Raises BadEventError for any other bytes."""
        try:
            message = self._cipher(self._side.other).decrypt(_nonce(self._opened), sealed, None)
        except InvalidTag as err:
            raise BadEventError("a message was changed on its way") from err
        self._opened += 1
        return message

    def _confirmation(self, side: Side) -> bytes:
        return hmac.digest(self._derive(f"confirmation of the {side}"), b"", "sha256")

    def _cipher(self, sender: Side) -> ChaCha20Poly1305:
        if not self._is_confirmed:
            raise BadEventError("the other side has not proved yet that it has the key")
        return ChaCha20Poly1305(self._derive(f"messages of the {sender}"))

    def _derive(self, purpose: str) -> bytes:
        if not self._key:
            raise BadEventError("there is no key yet")
        info = PROTOCOL + b" " + purpose.encode()
        return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=info).derive(self._key)


def _nonce(count: int) -> bytes:
    return count.to_bytes(_NONCE_BYTES, "big")
