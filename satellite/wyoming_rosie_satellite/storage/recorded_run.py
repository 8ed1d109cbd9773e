"""Recorded run: a run without a conductor, as the Wyoming events that a conductor would get."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from wyoming.event import Event

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.wire import Decoder, encode

CHUNK_BYTES = SPEECH.bytes_in(0.1)
"""Microphone frames are merged to this size: half a minute fits into the queue of a connection."""
RUN, AUDIO, DETECTION = "run-pipeline", "audio-chunk", "detection"


@dataclass(frozen=True)
class RecordedRun:
    """`events` start with run-pipeline and end with audio-stop."""

    wake_word: str | None
    turn_id: str
    events: tuple[Event, ...]


def encode_run(events: Iterable[Event], at: float) -> bytes:
    """Encode a run for `decode_run`; `at` is its time in seconds since the epoch.

    The detection is left out: Home Assistant takes the detections of two satellites for one, and drops the second run.
    """
    turn_id, encoded = turn.new_id(), b""
    for event in merge_audio(events):
        match event.type:
            case "detection":
                turn_id = str(turn.event_context(event).get("turn_id") or turn_id)
            case "run-pipeline":
                recorded = {"recorded_at": datetime.fromtimestamp(at, UTC).isoformat(), "turn_id": turn_id}
                context = {**turn.event_context(event), **recorded}
                encoded += encode(Event(event.type, {**event.data, "context": context}))
            case _:
                encoded += encode(event)
    return encoded


def decode_run(body: bytes) -> RecordedRun:
    """Decode a run. Raises BadEventError if it is incomplete."""
    decoder = Decoder()
    decoder.feed(body)
    events = tuple(iter(decoder.next, None))
    if not events or events[0].type != RUN or events[-1].type != "audio-stop":
        raise BadEventError("it is not a complete run")
    wake_word = events[0].data.get("wake_word_name")
    return RecordedRun(wake_word, str(turn.event_context(events[0]).get("turn_id")), events)


def merge_audio(events: Iterable[Event]) -> Iterator[Event]:
    """Yield the events with their audio merged into longer chunks."""
    first: Event | None = None
    pcm = b""
    for event in events:
        is_audio = event.type == AUDIO
        if first is not None and (not is_audio or len(pcm) >= CHUNK_BYTES):
            yield Event(AUDIO, first.data, pcm)
            first, pcm = None, b""
        if is_audio:
            first, pcm = first or event, pcm + (event.payload or b"")
        else:
            yield event
    if first is not None:
        yield Event(AUDIO, first.data, pcm)
