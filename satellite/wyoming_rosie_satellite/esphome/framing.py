"""Frames of ESPHome's API, plain or encrypted with Noise, as a device reads and writes them; without I/O.

A plain frame is 0, the length and the type as varints, and the payload. An encrypted one is 1, the length in two bytes,
and the ciphertext of type, length and payload; a handshake comes before it: Noise_NNpsk0_25519_ChaChaPoly_SHA256.
"""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from noise.connection import NoiseConnection
from noise.exceptions import NoiseInvalidMessage, NoiseValueError

from wyoming_rosie.errors import BadEventError

MAX_FRAME_BYTES = 65_535
KEY_BYTES = 32
PLAIN, ENCRYPTED = 0, 1
"""First byte of each frame."""
_PROTOCOL = b"Noise_NNpsk0_25519_ChaChaPoly_SHA256"
_PROLOGUE = b"NoiseAPIInit"
_MAX_VARINT_BYTES = 4
_HEADER_BYTES = 3  # of an encrypted frame
_INNER_HEADER_BYTES = 4  # type and length inside the ciphertext
_REFUSED = b"\x01"
"""Begins a frame that ends the handshake; a reason follows."""
NO_KEY = bytes(KEY_BYTES)
"""The key of a device that has none yet, by which Home Assistant sends it one."""


@dataclass(frozen=True)
class ApiFrame:
    type: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True)
class DeviceIdentity:
    """How the device names itself before a key is proven: a host name, and a MAC address in lower case without colons."""

    name: str
    mac: str


class FramingError(BadEventError):
    """The client's bytes are no frames, or its key is wrong; `farewell` tells it why."""

    code = "bad-frame"

    def __init__(self, reason: str, farewell: bytes = b"") -> None:
        super().__init__(reason)
        self.farewell = farewell


class PlainFraming:
    """Frames without encryption."""

    is_encrypted = False

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[ApiFrame]:
        """Return the frames that are complete with these bytes. Raises FramingError."""
        self._buffer += received
        frames = []
        while (frame := self._take_frame()) is not None:
            frames.append(frame)
        return frames

    def encode(self, frame: ApiFrame) -> bytes:
        _check_size(len(frame.payload))
        return b"\0" + _encode_varint(len(frame.payload)) + _encode_varint(frame.type) + frame.payload

    def take_reply(self) -> bytes:
        return b""

    def _take_frame(self) -> ApiFrame | None:
        if self._buffer and self._buffer[0] != PLAIN:
            raise FramingError("a plain frame must begin with 0")
        length, start = _decode_varint(self._buffer, 1)
        kind, start = _decode_varint(self._buffer, start)
        if length is not None:
            _check_size(length)
        if length is None or kind is None or len(self._buffer) < start + length:
            return None
        payload = bytes(self._buffer[start : start + length])
        del self._buffer[: start + length]
        return ApiFrame(kind, payload)


class NoiseFraming:
    """Encrypted frames after the handshake, in which the client begins and proves that it has the key."""

    is_encrypted = True

    def __init__(self, identity: DeviceIdentity, key: bytes) -> None:
        self._identity = identity
        self._key = key
        self._buffer = bytearray()
        self._reply = b""
        self._noise: NoiseConnection | None = None  # once the client has said hello

    def feed(self, received: bytes) -> list[ApiFrame]:
        """Return the frames that are complete with these bytes; then send `take_reply`. Raises FramingError."""
        self._buffer += received
        frames = []
        while (body := self._take_body()) is not None:
            if self._noise is None:
                self._on_hello(body)
            elif not self._noise.handshake_finished:
                self._on_handshake(self._noise, body)
            else:
                frames.append(self._decrypt(self._noise, body))
        return frames

    def encode(self, frame: ApiFrame) -> bytes:
        assert self._noise is not None, "a device sends nothing before the handshake"
        _check_size(len(frame.payload) + _INNER_HEADER_BYTES + 16)
        header = frame.type.to_bytes(2) + len(frame.payload).to_bytes(2)
        return _wrap(self._noise.encrypt(header + frame.payload))

    def take_reply(self) -> bytes:
        """Return what the handshake has to say now."""
        reply, self._reply = self._reply, b""
        return reply

    def _take_body(self) -> bytes | None:
        if self._buffer and self._buffer[0] != ENCRYPTED:
            raise FramingError("an encrypted frame must begin with 1", refuse("Bad indicator byte"))
        end = _HEADER_BYTES + int.from_bytes(self._buffer[1:_HEADER_BYTES])
        if len(self._buffer) < max(end, _HEADER_BYTES):
            return None
        body = bytes(self._buffer[_HEADER_BYTES:end])
        del self._buffer[:end]
        return body

    def _on_hello(self, body: bytes) -> None:
        self._noise = NoiseConnection.from_name(_PROTOCOL)
        self._noise.set_as_responder()
        self._noise.set_psks(self._key)
        self._noise.set_prologue(_PROLOGUE + len(body).to_bytes(2) + body)
        self._noise.start_handshake()
        names = (self._identity.name, self._identity.mac)
        self._reply += _wrap(b"\x01" + b"".join(name.encode() + b"\0" for name in names))

    def _on_handshake(self, noise: NoiseConnection, body: bytes) -> None:
        if body[:1] != b"\0":
            raise FramingError("the handshake must begin with 0", refuse("Bad handshake error byte"))
        try:
            noise.read_message(body[1:])
        except InvalidTag as err:
            raise FramingError("the encryption key is wrong", refuse("Handshake MAC failure")) from err
        except (NoiseInvalidMessage, NoiseValueError, ValueError) as err:
            raise FramingError("the handshake cannot be read", refuse("Handshake error")) from err
        self._reply += _wrap(b"\0" + bytes(noise.write_message()))

    def _decrypt(self, noise: NoiseConnection, body: bytes) -> ApiFrame:
        try:
            content = bytes(noise.decrypt(body))
        except (InvalidTag, NoiseInvalidMessage) as err:
            raise FramingError("a frame cannot be decrypted") from err
        if len(content) < _INNER_HEADER_BYTES:
            raise FramingError("an encrypted frame is too short")
        return ApiFrame(int.from_bytes(content[:2]), content[_INNER_HEADER_BYTES:])


def create_framing(first: int, identity: DeviceIdentity, key: bytes | None) -> PlainFraming | NoiseFraming:
    """Return the framing that a client's first byte asks for. A device with a key speaks no other. Raises FramingError."""
    if first == ENCRYPTED:
        return NoiseFraming(identity, key or NO_KEY)
    if first != PLAIN:
        raise FramingError("a frame begins with 0 or 1")
    if key is not None:
        raise FramingError("this device needs its encryption key", refuse("Bad indicator byte"))
    return PlainFraming()


def refuse(reason: str) -> bytes:
    """Return the frame that ends the handshake."""
    return _wrap(_REFUSED + reason.encode())


def _wrap(body: bytes) -> bytes:
    return bytes([ENCRYPTED]) + len(body).to_bytes(2) + body


def _check_size(length: int) -> None:
    if length > MAX_FRAME_BYTES:
        raise FramingError(f"a frame has {MAX_FRAME_BYTES} bytes at most")


def _encode_varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _decode_varint(buffer: bytearray, start: int) -> tuple[int | None, int]:
    """Return a number and the position after it, None while it is not complete. Raises FramingError."""
    value = 0
    for count, byte in enumerate(buffer[start : start + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return value, start + count + 1
    if len(buffer) >= start + _MAX_VARINT_BYTES:
        raise FramingError("a number in a frame is too long")
    return None, len(buffer)
