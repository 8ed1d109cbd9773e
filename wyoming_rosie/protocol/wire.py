"""Codec of Wyoming events on a byte stream: bounded sizes, strict types, one write per event.

The format is that of the `wyoming` package 1.10.2 (https://github.com/OHF-Voice/wyoming): a line of JSON, then
`data_length` bytes of JSON that are merged over the line's own `data`, then `payload_length` bytes.
"""

import asyncio
import asyncio.trsock
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from wyoming import version as wyoming_version
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.protocol import strict_json

HIGH_WATER = 65_536
"""Unread bytes from which reading is paused; one event may be larger."""
HELD_BYTES = 32_768
"""Bytes in the kernel's buffer, a second of speech, from which a stream on hold is read again."""
CLOSE_SECONDS = 1.0
_RECEIVED = memoryview(bytearray(65_536))
"""Receive buffer of all connections, copied before the next read. A new buffer for each read would double the cost of an
event. It is a view, since asyncio's TLS fills slices of it."""
TLS_HANDSHAKE = b"\x16\x03"
"""First bytes of TLS (RFC 8446, 5.1): no event begins with them."""


@dataclass(frozen=True)
class WireLimits:
    """Limits of one event: sizes in bytes, and the nesting depth of its JSON."""

    header: int = 65_536
    data: int = 1_048_576
    payload: int = 1_048_576
    depth: int = 32


def encode(event: Event) -> bytes:
    """Return the event's bytes for one write. Raises ValueError for NaN, TypeError for values that JSON cannot hold."""
    data = _data_json(event.data) if event.data else b""
    payload = event.payload or b""
    return b"".join((_header_line(event.type, len(data), len(payload)), data, payload))


class Decoder:
    """Decodes bytes, split anywhere, into events. Raises BadEventError for invalid input."""

    def __init__(self, limits: WireLimits | None = None) -> None:
        self.last_size = 0
        """Bytes of the last event."""
        self._limits = limits or WireLimits()
        self._buffer = b""
        self._position = 0  # everything before it is consumed
        self._received: list[bytes] = []  # not yet joined to the buffer
        self._unread = 0
        self._needed = 0  # by the event whose header is read
        self._header: _Header | None = None
        self._header_cache: dict[bytes, _Header] = {}

    def __len__(self) -> int:
        """Return the number of bytes that are not decoded yet."""
        return self._unread

    @property
    def is_inside(self) -> bool:
        """Whether an event is incomplete."""
        return self._unread > 0 or self._header is not None

    def feed(self, received: bytes) -> None:
        self._received.append(received)
        self._unread += len(received)

    def next(self) -> Event | None:
        """Return the next complete event, or None if more bytes are needed."""
        if self._unread < self._needed:
            return None
        if self._received or not self._unread:  # also frees the consumed bytes
            self._buffer = b"".join((self._buffer[self._position :], *self._received))
            self._received.clear()
            self._position = 0
        header = self._header or self._next_header()
        if header is None:
            return None
        if self._unread < header.data_length + header.payload_length:
            self._header = header
            self._needed = header.data_length + header.payload_length
            return None
        self._header = None
        self._needed = 0
        self.last_size = header.size + header.data_length + header.payload_length
        data = self._object(self._take(header.data_length), "data") if header.data_length else {}
        payload = self._take(header.payload_length) if header.payload_length else None
        return Event(header.type, header.data | data if header.data else data, payload)

    def _next_header(self) -> "_Header | None":
        end = self._buffer.find(b"\n", self._position, self._position + self._limits.header)
        if end < 0:
            _check_not_tls(self._buffer[self._position :])
            if self._unread >= self._limits.header:
                raise BadEventError(f"a header line is longer than {self._limits.header} bytes", "too-large")
            return None
        line = self._take(end + 1 - self._position)
        return self._header_cache.get(line) or self._read_header(line)

    def _take(self, length: int) -> bytes:
        start = self._position
        self._position += length
        self._unread -= length
        return self._buffer[start : self._position]

    def _read_header(self, line: bytes) -> "_Header":
        _check_not_tls(line)
        fields = self._object(line, "header")
        header = _Header(
            len(line),
            _event_type(fields),
            _inline_data(fields),
            _length(fields, "data_length", self._limits.data),
            _length(fields, "payload_length", self._limits.payload),
        )
        # A stream repeats few header lines; those without inline data are cached.
        if not header.data and len(self._header_cache) < _KNOWN_HEADERS:
            self._header_cache[line] = header
        return header

    def _object(self, raw: bytes, part: str) -> dict[str, Any]:
        try:
            value = strict_json.loads(raw)
        except RecursionError as err:
            raise _nesting_error(self._limits) from err
        except ValueError as err:
            raise BadEventError(f"an event's {part} is not JSON in UTF-8") from err
        if not isinstance(value, dict):
            raise BadEventError(f"an event's {part} must be a JSON object")
        if raw.count(b"{") + raw.count(b"[") > self._limits.depth and _nesting_level(value) > self._limits.depth:
            raise _nesting_error(self._limits)
        return value


class EventStream(asyncio.BufferedProtocol):
    """Reads and writes the events of one peer, over any asyncio transport."""

    def __init__(self, on_connect: Callable[["EventStream"], None] | None = None) -> None:
        self.on_event_nowait: Callable[[Event], bool] | None = None
        """Called with each event while the reader waits; returns whether it took the event."""
        self.on_batch_end: Callable[[EventStream], None] | None = None
        """Called after the received events were handled; may call `hold`."""
        self.error: Exception | None = None
        """What ended the connection, unless the peer closed it in order."""
        self.is_tls = False
        self._on_connect = on_connect
        self._decoder = Decoder()
        self._remaining: Event | BadEventError | None = None  # not taken by `on_event_nowait`
        self._transport: asyncio.Transport | None = None
        self._tcp: asyncio.trsock.TransportSocket | None = None
        self._has_ended = False
        self._is_closing = False
        self._more_data: asyncio.Future[None] | None = None  # someone waits for bytes
        self._write_ready: asyncio.Future[None] | None = None  # set while the peer reads too slowly
        self._disconnected = asyncio.get_running_loop().create_future()

    @property
    def transport(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    @property
    def last_size(self) -> int:
        """Bytes of the last event that was read."""
        return self._decoder.last_size

    async def read(self) -> Event | None:
        """Return the next event, or None at the end. One reader at a time. Raises BadEventError."""
        while (event := self._dispatch_remaining() or self._decoder.next()) is None:
            if self._has_ended:
                if self._decoder.is_inside:
                    raise BadEventError("the stream ended inside an event")
                return None
            self._more_data = asyncio.get_running_loop().create_future()
            self.transport.resume_reading()
            try:
                await self._more_data
            finally:
                self._more_data = None
        return event

    async def write(self, event: Event) -> None:
        """Send the event in one write, and wait while the buffer is full. Raises ConnectionError when the peer is gone."""
        await self.write_encoded(encode(event))

    async def write_encoded(self, encoded: bytes) -> None:
        """Send the bytes of complete events. Raises ConnectionError when the peer is gone."""
        if self._disconnected.done():
            raise ConnectionResetError("the peer is gone")
        self.transport.write(encoded)
        if self._write_ready is not None:
            await asyncio.shield(self._write_ready)

    def write_nowait(self, event: Event) -> bool:
        """Send the event, unless the peer is gone or the buffer is full; return whether it was sent."""
        if self._disconnected.done() or self._write_ready is not None:
            return False
        self.transport.write(encode(event))
        return True

    def abort(self) -> None:
        """Close the connection at once and drop unsent bytes."""
        if self._transport is not None:
            self._transport.abort()

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Send the remaining bytes and close; abort if the peer does not read them within `seconds`."""
        if self._transport is None:
            return
        self._is_closing = True
        if self._has_ended or not self.transport.can_write_eof():
            self.transport.close()
        elif not self._disconnected.done():
            self._end_writing()
        try:
            async with asyncio.timeout(seconds):
                await asyncio.shield(self._disconnected)
        except TimeoutError:
            self.abort()

    def _end_writing(self) -> None:
        """Send EOF and keep reading: a close with unread bytes would reset the connection and lose the last event."""
        try:
            self.transport.write_eof()
        except OSError:  # the peer has disconnected, which the event loop has not noticed yet
            self.transport.abort()
        else:
            self.transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.is_tls = transport.get_extra_info("ssl_object") is not None
        raw_socket = transport.get_extra_info("socket")
        if raw_socket is not None and raw_socket.family in (socket.AF_INET, socket.AF_INET6):
            self._tcp = raw_socket
        if self._on_connect is not None:
            self._on_connect(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _RECEIVED

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(_RECEIVED[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Process the peer's next bytes; also called by transports without `get_buffer`."""
        if self._is_closing:
            return
        self._decoder.feed(data)
        # TLS may call twice before the reader that was woken runs; what it is to take must not be overtaken.
        if self._more_data is not None and not self._more_data.done():
            if self.on_event_nowait is None or not self._dispatch_nowait(self.on_event_nowait):
                _wake(self._more_data)
            elif self.on_batch_end is not None:
                self.on_batch_end(self)
        elif len(self._decoder) > HIGH_WATER and self._transport is not None:  # None while a handshake ends
            self._transport.pause_reading()

    def hold(self) -> None:
        """Stop reading until `release`, HELD_BYTES or the end of the stream."""
        if not self._set_low_water(HELD_BYTES):
            self.transport.pause_reading()

    def release(self) -> None:
        """Read again after `hold`."""
        if not self._set_low_water(1):
            self.transport.resume_reading()

    def _set_low_water(self, least: int) -> bool:
        """Let the kernel signal no fewer than `least` bytes, cheaper than pausing; return False for other than TCP."""
        if self._tcp is None or self._disconnected.done():
            return False
        if self._tcp.fileno() < 0:  # TLS tells of the end after the socket is closed
            return True
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)
        return True

    def _dispatch_nowait(self, handle: Callable[[Event], bool]) -> bool:
        """Pass the received events to `handle`; return whether none is left for the reader."""
        try:
            while (event := self._decoder.next()) is not None:
                if not handle(event):
                    self._remaining = event
                    return False
        except BadEventError as err:
            self._remaining = err
            return False
        return True

    def _dispatch_remaining(self) -> Event | None:
        remaining, self._remaining = self._remaining, None
        if isinstance(remaining, BadEventError):
            raise remaining
        return remaining

    def eof_received(self) -> bool:
        self._has_ended = True
        _wake(self._more_data)
        return not (self._is_closing or self.is_tls)  # else stay open for writing: a pipe may still need its answer

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_ended = True
        self.error = exc
        _wake(self._disconnected)
        _wake(self._more_data)
        self.resume_writing()

    def pause_writing(self) -> None:
        self._write_ready = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._write_ready)
        self._write_ready = None


@dataclass(frozen=True)
class _Header:
    size: int
    type: str
    data: dict[str, Any]
    data_length: int
    payload_length: int


_KNOWN_HEADERS = 256


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


@lru_cache(maxsize=1024)
def _header_line(event_type: str, data_length: int, payload_length: int) -> bytes:
    fields: dict[str, Any] = {"type": event_type, "version": wyoming_version.__version__}
    if data_length:
        fields["data_length"] = data_length
    if payload_length:
        fields["payload_length"] = payload_length
    return _ENCODER.encode(fields).encode("utf-8", "replace") + b"\n"


_AUDIO_KEYS = ("rate", "width", "channels", "timestamp")


def _data_json(data: dict[str, Any]) -> bytes:
    # Nearly every event is an audio chunk, whose four numbers a template encodes in a third of the time.
    if tuple(data) == _AUDIO_KEYS and all(type(value) is int for value in data.values()):
        return b'{"rate": %d, "width": %d, "channels": %d, "timestamp": %d}' % tuple(data.values())
    return _ENCODER.encode(data).encode("utf-8", "replace")


def _check_not_tls(received: bytes) -> None:
    if received.startswith(TLS_HANDSHAKE):
        raise BadEventError("this port does not speak TLS; connect to the TLS port, or by tcp://", "tls")


def _event_type(fields: dict[str, Any]) -> str:
    event_type = fields.get("type")
    if not isinstance(event_type, str) or not event_type:
        raise BadEventError("an event's type must be a text that is not empty")
    return event_type


def _inline_data(fields: dict[str, Any]) -> dict[str, Any]:
    data = fields.get("data")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise BadEventError("an event's data must be a JSON object")
    return data


def _length(fields: dict[str, Any], name: str, limit: int) -> int:
    length = fields.get(name)
    if length is None:
        return 0
    if type(length) is not int or length < 0:
        raise BadEventError(f"an event's {name} must be a whole number that is not negative")
    if length > limit:
        raise BadEventError(f"an event's {name} is {length} bytes; {limit} is the most", "too-large")
    return length


def _nesting_level(value: object) -> int:
    """Return the nesting depth of a JSON value, without recursion."""
    deepest, level = 0, [value]
    while level := [child for item in level if isinstance(item, (dict, list)) for child in _children(item)]:
        deepest += 1
    return deepest + 1


def _children(item: dict[str, Any] | list[Any]) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else item


def _nesting_error(limits: WireLimits) -> BadEventError:
    return BadEventError(f"an event's JSON is nested deeper than {limits.depth} levels", "too-deep")


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
