"""Messages of a page's stream: Wyoming events as JSON, audio as binary messages, and their limits. Rules without sockets."""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.http.rate_limit import Rate
from wyoming_rosie.protocol import strict_json
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.timers.requests import SatelliteIdentity

Message: TypeAlias = str | bytes
MAX_MESSAGE_CHARACTERS = 8_192
MAX_TEXT_CHARACTERS = 1_000
MAX_ID_CHARACTERS = 64
MAX_AREA_CHARACTERS = 64
MAX_AUDIO_BYTES = 32_000
"""Longest binary message: one second of audio."""
AUDIO_RATE = Rate(per_second=2.0, burst=10)
"""Seconds of audio: twice real time, after a burst."""
MESSAGE_RATE = Rate(per_second=20.0, burst=60)
"""Other messages."""
RECEIVED = frozenset(
    {"info", "run-pipeline", "audio-stop", "played", "transcript", "user-event", "ping", "pong", "error"}
)
"""Types of the events that a page may send."""
OPUS = AudioFormat(rate=48_000, width=2, channels=1)
"""What goes into our encoder, and comes out of a page's decoder."""
OPUS_FRAME_SECONDS = 0.02
OPUS_FRAME_BYTES = OPUS.bytes_in(OPUS_FRAME_SECONDS)
MAX_OPUS_BYTES = 1_500
MAX_OPUS_SECONDS = 0.12
_SILK_MS, _HYBRID_MS, _CELT_MS = (10, 20, 40, 60), (10, 20), (2.5, 5, 10, 20)
_AUDIO = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}


class CloseCode(IntEnum):
    """Codes with which the hub closes a stream."""

    INVALID = 4000  # a message that is none of the table
    REPLACED = 4001  # by a newer page of the same id
    SLOW = 4002  # the page does not read
    FULL = 4003  # too many pages
    TAKEN = 4004  # another satellite has this id
    PRIVATE = 4005  # the key is not one of the private room


def decode_message(message: Message) -> Event:
    """Return the event of a page's message. Raises BadEventError."""
    if isinstance(message, bytes):
        if len(message) > MAX_AUDIO_BYTES or len(message) % SPEECH.frame_bytes:
            raise BadEventError(f"audio is 16-bit PCM of 16 kHz, at most {MAX_AUDIO_BYTES} bytes")
        return audio_event(message)
    return _decode_text(message)


def audio_event(pcm: bytes) -> Event:
    """Return the event for PCM of a page's microphone."""
    return Event("audio-chunk", _AUDIO, pcm)


def _decode_text(message: str) -> Event:
    if len(message) > MAX_MESSAGE_CHARACTERS:
        raise BadEventError(f"a message has at most {MAX_MESSAGE_CHARACTERS} characters")
    try:
        document = strict_json.loads(message)
    except (ValueError, RecursionError) as err:
        raise BadEventError('a message is JSON: {"type": ..., "data": {...}}') from err
    fields = Fields(document, BadEventError)
    name = fields.text("type", 1, MAX_ID_CHARACTERS)
    if name not in RECEIVED:
        raise BadEventError(f"no such event; there are: {', '.join(sorted(RECEIVED))}")
    event = Event(name, dict(fields.mapping("data")))
    if name == "transcript":
        Fields(event.data, BadEventError).text("text", 1, MAX_TEXT_CHARACTERS)
    return event


def opus_seconds(packet: bytes) -> float:
    """Return the duration of an Opus packet, which its first bytes tell (RFC 6716, section 3). Raises BadEventError."""
    if not 0 < len(packet) <= MAX_OPUS_BYTES:
        raise BadEventError(f"an Opus packet has 1 to {MAX_OPUS_BYTES} bytes")
    seconds = _frame_ms(packet[0] >> 3) * _count_frames(packet) / 1000
    if not 0 < seconds <= MAX_OPUS_SECONDS:
        raise BadEventError("an Opus packet holds at most 120 ms")
    return seconds


def _frame_ms(config: int) -> float:
    if config < 12:
        return _SILK_MS[config % 4]
    return _HYBRID_MS[config % 2] if config < 16 else _CELT_MS[config % 4]


def _count_frames(packet: bytes) -> int:
    code = packet[0] & 3
    if code < 3:
        return 1 if code == 0 else 2
    return packet[1] & 63 if len(packet) > 1 else 0


def encode_event(event: Event) -> Message:
    """Return the message for a page: the samples of a chunk, or JSON."""
    if event.type == "audio-chunk":
        return event.payload or b""
    return json.dumps({"type": event.type, "data": event.data}, ensure_ascii=False)


def parse_identity(event: Event, room: str | None) -> SatelliteIdentity:
    """Return the satellite of the first message, `info`; the room of its key comes first. Raises BadEventError."""
    if event.type != "info":
        raise BadEventError("send `info` first")
    satellite = Fields(event.data.get("satellite"), BadEventError)
    satellite_id = satellite.text("name", 1, MAX_ID_CHARACTERS).strip()
    area = (satellite.optional_text("area", 0, MAX_AREA_CHARACTERS) or "").strip()
    if not satellite_id or not (satellite_id + area).isprintable():
        raise BadEventError("name and area are printable text")
    return SatelliteIdentity(satellite_id, room or area or None)


@dataclass
class MessageBudget:
    """Limits what one page sends. Clock in seconds."""

    counted_at: float
    _audio_seconds: float = AUDIO_RATE.burst
    _messages: float = MESSAGE_RATE.burst

    def spend(self, audio_seconds: float | None, now: float) -> None:
        """Count audio, or another message if None. Raises BadEventError above the limit."""
        elapsed, self.counted_at = now - self.counted_at, now
        self._audio_seconds = AUDIO_RATE.refill(self._audio_seconds, elapsed)
        self._messages = MESSAGE_RATE.refill(self._messages, elapsed)
        if audio_seconds is not None:
            self._audio_seconds -= audio_seconds or 1 / MESSAGE_RATE.per_second
        else:
            self._messages -= 1
        if self._audio_seconds < 0 or self._messages < 0:
            raise BadEventError("the page sends faster than a person speaks")
