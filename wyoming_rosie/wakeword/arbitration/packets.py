"""Packets that satellites of a house send each other: signed with a key of the house, numbered, and bounded.

Layout, big-endian: "WRA1", id of the key (8 bytes), session (8), counter (8), kind (1), body, the first 16 bytes of HMAC-SHA-256.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from wyoming_rosie.errors import RosieError
from wyoming_rosie.wakeword.arbitration.rules import Claim

MAGIC = b"WRA1"
SESSION_BYTES = 8
MAC_BYTES = 16
MAX_NEIGHBOURS = 32
MAX_TEXT_BYTES = 64
MAX_PACKET_BYTES = 512
NONE = 0xFFFF
_HEADER = struct.Struct(f">4s8s{SESSION_BYTES}sQB")
_CLAIM = struct.Struct(">BHHHH")
_FOLLOW_UP, _CONDUCTOR = 1, 2


class BadPacketError(RosieError):
    """A packet that is not whole, not of this house, or not signed by it."""

    code = "bad-packet"


class PacketKind(IntEnum):
    PRESENCE = 1
    CLAIM = 2
    ANSWER = 3
    RECEIPT = 4
    TURN_END = 5


@dataclass(frozen=True)
class PeerPresence:
    """A satellite is there, and has heard these sessions. A session that it names knows that it is no recording.

    The unproven ones have not named its own session yet, and should.
    """

    name: str
    sessions: tuple[bytes, ...] = ()
    unproven: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class PeerClaim:
    """A satellite claims a wake word; it made the claim so long ago."""

    claim: Claim
    elapsed_ms: int = 0


@dataclass(frozen=True)
class PeerAnswer:
    """A satellite answers a wake word."""

    word: str


@dataclass(frozen=True)
class PeerReceipt:
    """A satellite has got the receiver's claim to a wake word."""

    word: str


@dataclass(frozen=True)
class PeerTurnEnd:
    """A satellite's turn is over."""


Content: TypeAlias = PeerPresence | PeerClaim | PeerAnswer | PeerReceipt | PeerTurnEnd


@dataclass(frozen=True)
class Packet:
    """A packet's sender, which has a new session at each start, its number in that session, and what it says."""

    session: bytes
    counter: int
    content: Content


class PacketCodec:
    """Signs and reads the packets of one key."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(b"wyoming-rosie arbitration\0" + secret).digest()
        self._key_id = self._sign(b"house")[:8]

    def encode(self, packet: Packet) -> bytes:
        """Return a signed packet; texts that are too long are cut."""
        kind, body = _encode_content(packet.content)
        data = _HEADER.pack(MAGIC, self._key_id, packet.session, packet.counter, kind) + body
        return data + self._sign(data)[:MAC_BYTES]

    def decode(self, data: bytes) -> Packet:
        """Return a packet that is signed with the key. Raises BadPacketError."""
        if not _HEADER.size + MAC_BYTES <= len(data) <= MAX_PACKET_BYTES:
            raise BadPacketError("its size is wrong")
        magic, key_id, session, counter, kind = _HEADER.unpack_from(data)
        if magic != MAGIC or key_id != self._key_id:
            raise BadPacketError("it is not of this house")
        signed, mac = data[:-MAC_BYTES], data[-MAC_BYTES:]
        if not hmac.compare_digest(self._sign(signed)[:MAC_BYTES], mac):
            raise BadPacketError("it is not signed by this house")
        return Packet(session, counter, _decode_content(kind, signed[_HEADER.size :], session.hex()))

    def _sign(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")


def _encode_content(content: Content) -> tuple[PacketKind, bytes]:
    match content:
        case PeerPresence(name, sessions, unproven):
            listed = (*sessions, *unproven)[:MAX_NEIGHBOURS]
            counts = bytes([len(listed), max(0, len(listed) - len(sessions))])
            return PacketKind.PRESENCE, _encode_text(name) + counts + b"".join(listed)
        case PeerClaim(claim, elapsed_ms):
            flags = _FOLLOW_UP * claim.has_follow_up | _CONDUCTOR * claim.has_conductor
            numbers = (claim.score_permille, claim.snr_tenths, claim.lateness_ms, elapsed_ms)
            body = _CLAIM.pack(flags, *(NONE if one is None else min(one, NONE - 1) for one in numbers))
            return PacketKind.CLAIM, body + _encode_text(claim.word)
        case PeerAnswer(word):
            return PacketKind.ANSWER, _encode_text(word)
        case PeerReceipt(word):
            return PacketKind.RECEIPT, _encode_text(word)
        case PeerTurnEnd():
            return PacketKind.TURN_END, b""


def _decode_content(kind: int, body: bytes, satellite: str) -> Content:
    try:
        match kind:
            case PacketKind.PRESENCE:
                return _decode_presence(body)
            case PacketKind.CLAIM:
                return _decode_claim(body, satellite)
            case PacketKind.ANSWER:
                return PeerAnswer(_decode_word(body))
            case PacketKind.RECEIPT:
                return PeerReceipt(_decode_word(body))
            case PacketKind.TURN_END:
                _check_end(body)
                return PeerTurnEnd()
    except (struct.error, IndexError, UnicodeDecodeError) as err:
        raise BadPacketError("it is not whole") from err
    raise BadPacketError("its kind is unknown")


def _decode_presence(body: bytes) -> PeerPresence:
    name, rest = _decode_text(body)
    count, unproven, listed = rest[0], rest[1], rest[2:]
    if not unproven <= count <= MAX_NEIGHBOURS or len(listed) != count * SESSION_BYTES:
        raise BadPacketError("its list is not whole")
    sessions = tuple(listed[at : at + SESSION_BYTES] for at in range(0, len(listed), SESSION_BYTES))
    return PeerPresence(name, sessions[: count - unproven], sessions[count - unproven :])


def _decode_claim(body: bytes, satellite: str) -> PeerClaim:
    flags, score, snr, lateness, elapsed = _CLAIM.unpack_from(body)
    word = _decode_word(body[_CLAIM.size :])
    if flags > _FOLLOW_UP | _CONDUCTOR or (score > 1000 and score != NONE) or NONE in (lateness, elapsed):
        raise BadPacketError("a number is out of range")
    known_score, known_snr = (None if one == NONE else one for one in (score, snr))
    claim = Claim(satellite, word, known_score, known_snr, lateness, bool(flags & _FOLLOW_UP), bool(flags & _CONDUCTOR))
    return PeerClaim(claim, elapsed)


def _encode_text(text: str) -> bytes:
    encoded = text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore").encode()
    return bytes([len(encoded)]) + encoded


def _decode_text(body: bytes) -> tuple[str, bytes]:
    length = body[0]
    text, rest = body[1 : 1 + length], body[1 + length :]
    if length > MAX_TEXT_BYTES or len(text) != length:
        raise BadPacketError("a text is not whole")
    return text.decode(), rest


def _decode_word(body: bytes) -> str:
    word, rest = _decode_text(body)
    _check_end(rest)
    return word


def _check_end(rest: bytes) -> None:
    if rest:
        raise BadPacketError("there is more than belongs to it")
