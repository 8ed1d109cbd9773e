"""Bad input, as one table: what is sent, and what must come back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from wyoming.event import Event

from wyoming_rosie.wire import encode


def header(**fields: object) -> bytes:
    return json.dumps(fields).encode() + b"\n"


@dataclass(frozen=True)
class Bytes:
    """Bytes that are no events: an `error` with `code`, then the end."""

    name: str
    raw: bytes
    code: str = "bad-event"


NESTED = b'{"a":' * 3000 + b"1" + b"}" * 3000
BYTES = (
    Bytes("garbage", bytes(range(256)) * 20),
    Bytes("a web browser", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Bytes("a blank line", b"\n"),
    Bytes("a line without an end", b"a" * 100_000, "too-large"),
    Bytes("a payload of 100 GB", header(type="audio-chunk", payload_length=10**11), "too-large"),
    Bytes("data of 100 GB", header(type="transcript", data_length=10**11), "too-large"),
    Bytes("deep JSON in the header", b'{"type":"x","data":' + NESTED + b"}\n", "too-deep"),
    Bytes("deep JSON in the data", header(type="x", data_length=len(NESTED)) + NESTED, "too-deep"),
    Bytes("a list", b"[]\n"),
    Bytes("no type", b"{}\n"),
    Bytes("a number for a type", header(type=5)),
    Bytes("text for a length", header(type="x", payload_length="5")),
    Bytes("a negative length", header(type="x", data_length=-5)),
    Bytes("data that is a list", header(type="x", data_length=2) + b"[]"),
    Bytes("half an event", header(type="x", payload_length=500) + b"half"),
    Bytes("half a header", b'{"type":'),
)

STEREO = {"rate": 16000, "width": 2, "channels": 1}
SIX = {"rate": 48000, "width": 3, "channels": 6}


def start(**fields: object) -> Event:
    return Event("audio-start", {**STEREO, **fields})


def chunk(pcm: bytes, **fields: object) -> Event:
    return Event("audio-chunk", {**STEREO, **fields}, pcm)


STOP = Event("audio-stop")
ANY_ANSWER = frozenset({"error", "handled", "not-handled", "not-recognized"})


@dataclass(frozen=True)
class Nonsense:
    """Legal events that make no sense: one of `answers` comes back, `error` with a code among them or not."""

    name: str
    events: Sequence[Event]
    answers: frozenset[str] = field(default_factory=lambda: frozenset({"error"}))


def hearing(request: Event, rightful: str) -> tuple[Nonsense, ...]:
    """What every daemon that hears audio must stand, after its own `request`."""
    silence = bytes(3200)
    answers = frozenset({rightful})
    return (
        Nonsense("audio without a start", [request, chunk(silence)]),
        Nonsense("a stop without a start", [request, STOP]),
        Nonsense("an odd number of bytes", [request, start(), chunk(silence + b"1")]),
        Nonsense("a rate in words", [request, start(rate="fast")]),
        Nonsense("a rate of nothing", [request, start(rate=0)]),
        Nonsense("a width of 9 bytes", [request, start(width=9)]),
        Nonsense("audio without a format", [request, Event("audio-start")]),
        Nonsense("24 bits and 6 channels", [request, start(**SIX), chunk(bytes(18 * 4800), **SIX), STOP], answers),
        Nonsense("no audio at all", [request, start(), STOP], answers),
    )


NOTHING = frozenset({"not-detected"})
MEGABYTE = "word " * 200_000
NOISE = bytes(range(256)) * 125
"""A second."""
BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><speak>&c;</speak>'
NONSENSE: dict[str, tuple[Nonsense, ...]] = {
    "wake": (
        *hearing(Event("pause"), "not-detected"),
        Nonsense("audio without a start, as from old satellites", [Event("detect"), chunk(bytes(3200)), STOP], NOTHING),
        Nonsense("an unknown wake word", [Event("detect", {"names": ["open sesame"]})]),
        Nonsense("a number for a wake word", [Event("detect", {"names": [5]})]),
        Nonsense("text for the names", [Event("detect", {"names": "okay_nabu"})]),
    ),
    "vad": hearing(Event("user-event", {"name": "turn"}), "user-event"),
    "asr": (
        *hearing(Event("transcribe"), "transcript"),
        Nonsense("an unknown language", [Event("transcribe", {"language": "tlh"})]),
        Nonsense("a number for a language", [Event("transcribe", {"language": 5})]),
        Nonsense("an unknown model", [Event("transcribe", {"name": "nobody"})]),
        Nonsense("text for names to expect", [Event("transcribe", {"transcript_names": "Ada"})]),
        Nonsense("names that nobody can say", [Event("transcribe", {"transcript_names": ["a" * 1000]})]),
        Nonsense("a number for a sensitivity", [Event("transcribe", {"vad_sensitivity": 5}), start()]),
        Nonsense("ten minutes of noise", [Event("transcribe"), start(), *([chunk(NOISE)] * 600)]),
        Nonsense(
            "voices before any audio",
            [Event("voice-stopped"), Event("transcribe"), start(), STOP],
            frozenset({"transcript"}),
        ),
    ),
    "intent": (
        Nonsense("a text of 1 MB", [Event("transcript", {"text": MEGABYTE})]),
        Nonsense("an empty text", [Event("transcript", {"text": ""})], frozenset({"not-recognized"})),
        Nonsense("no text", [Event("transcript")]),
        Nonsense("a number for a text", [Event("transcript", {"text": 5})]),
        Nonsense("an unknown language", [Event("transcript", {"text": "hello", "language": "tlh"})]),
        Nonsense(
            "a list for a context",
            [Event("transcript", {"text": "hello", "context": [1]})],
            ANY_ANSWER,
        ),
        Nonsense(
            "a number for an area",
            [Event("transcript", {"text": "hello", "context": {"area": 5}})],
            ANY_ANSWER,
        ),
    ),
    "tts": (
        Nonsense("a text of 1 MB", [Event("synthesize", {"text": MEGABYTE})]),
        Nonsense(
            "a stream of 1 MB",
            [Event("synthesize-start"), Event("synthesize-chunk", {"text": MEGABYTE.replace(" ", "x")})],
        ),
        Nonsense("an empty text", [Event("synthesize", {"text": ""})], frozenset({"audio-stop"})),
        Nonsense("no text", [Event("synthesize")]),
        Nonsense("a number for a text", [Event("synthesize", {"text": 5})]),
        Nonsense("an unknown voice", [Event("synthesize", {"text": "hello", "voice": {"name": "nobody"}})]),
        Nonsense("an unknown text format", [Event("synthesize", {"text": "hello", "text_format": "latex"})]),
        Nonsense("a bomb of entities", [Event("synthesize", {"text": BOMB, "text_format": "ssml"})]),
        Nonsense("control characters", [Event("synthesize", {"text": "\0\x01\x1b"})], frozenset({"audio-stop"})),
        Nonsense("a list for a voice", [Event("synthesize", {"text": "hello", "voice": [1]})]),
        Nonsense("an unknown language", [Event("synthesize", {"text": "hello", "voice": {"language": "tlh"}})]),
        Nonsense("a piece without a start", [Event("synthesize-chunk", {"text": "hello"})]),
    ),
    "satellite": (
        Nonsense("a run without an answer", [Event("run-satellite"), Event("describe")], frozenset({"info"})),
        Nonsense("audio in words", [Event("run-satellite"), start(rate="fast")]),
        Nonsense("an odd number of bytes", [Event("run-satellite"), start(), chunk(b"123")]),
    ),
}


def encoded(events: Sequence[Event]) -> bytes:
    return b"".join(map(encode, events))
