"""Bad input for our daemons, that of `wyoming-rosie check` and more, with the required answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from wyoming.event import Event

from wyoming_rosie.commands.conformance import bad_input
from wyoming_rosie.commands.conformance.bad_input import audio_chunk, audio_start
from wyoming_rosie.protocol.wire import encode

ROLES = tuple(bad_input.EVENTS)


@dataclass(frozen=True)
class InvalidBytes:
    """Bytes that are not an event; the answer is an `error` with `code` and the end of the connection."""

    name: str
    raw: bytes
    code: str
    ends: bool = False


CODES = {
    "a line without an end": "too-large",
    "a payload of 100 GB": "too-large",
    "data of 100 GB": "too-large",
    "deep JSON": "too-deep",
}
HEADER = b'{"type":"x","data":' + bad_input.NESTED + b"}\n"
BYTES = (
    *(InvalidBytes(one.name, one.raw, CODES.get(one.name, "bad-event"), one.with_eof) for one in bad_input.BYTES),
    InvalidBytes("deep JSON in the header", HEADER, "too-deep"),
    InvalidBytes("garbage", bytes(range(256)) * 20, "bad-event"),
)


@dataclass(frozen=True)
class InvalidEvents:
    """Well-formed events with invalid content; the answer is one of `answers`."""

    name: str
    events: Sequence[Event]
    answers: frozenset[str] = field(default_factory=lambda: frozenset({"error"}))


STOP = Event("audio-stop")
ANY_ANSWER = frozenset({"error", "handled", "not-handled", "not-recognized"})
NOTHING = frozenset({"not-detected"})
ENDS = {"wake": "not-detected", "vad": "user-event", "asr": "transcript"}
"""Answers at the end of unusual but valid audio."""
STRANGE = ("24 bits and 6 channels", "no audio at all")
ANSWERS = {
    **{(role, title): frozenset({answer}) for role, answer in ENDS.items() for title in STRANGE},
    ("intent", "a list for a context"): ANY_ANSWER,
    ("tts", "control characters"): frozenset({"audio-stop"}),
}
LEGAL = {("wake", "audio without a start")}
"""Old satellites send nothing else."""
MEGABYTE = "word " * 200_000
NOISE = bytes(range(256)) * 125
"""A second."""
BOMB = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><speak>&c;</speak>'
OURS: dict[str, tuple[InvalidEvents, ...]] = {
    "wake": (
        InvalidEvents(
            "audio without a start, as from old satellites", [Event("detect"), audio_chunk(bytes(3200)), STOP], NOTHING
        ),
        InvalidEvents("audio that nobody asked for, without a start", [audio_chunk(bytes(3200))]),
        InvalidEvents("an unknown wake word", [Event("detect", {"names": ["open sesame"]})]),
        InvalidEvents("text for the names", [Event("detect", {"names": "okay_nabu"})]),
    ),
    "asr": (
        InvalidEvents("an unknown language", [Event("transcribe", {"language": "tlh"})]),
        InvalidEvents("an unknown model", [Event("transcribe", {"name": "nobody"})]),
        InvalidEvents("text for names to expect", [Event("transcribe", {"transcript_names": "Ada"})]),
        InvalidEvents("names that nobody can say", [Event("transcribe", {"transcript_names": ["a" * 1000]})]),
        InvalidEvents("a number for a sensitivity", [Event("transcribe", {"vad_sensitivity": 5}), audio_start()]),
        InvalidEvents("ten minutes of noise", [Event("transcribe"), audio_start(), *([audio_chunk(NOISE)] * 600)]),
        InvalidEvents(
            "voices before any audio",
            [Event("voice-stopped"), Event("transcribe"), audio_start(), STOP],
            frozenset({"transcript"}),
        ),
    ),
    "intent": (
        InvalidEvents("a text of 1 MB", [Event("transcript", {"text": MEGABYTE})], frozenset({"not-recognized"})),
        InvalidEvents("an empty text", [Event("transcript", {"text": ""})], frozenset({"not-recognized"})),
        InvalidEvents(
            "a number for an area",
            [Event("transcript", {"text": "hello", "context": {"area": 5}})],
            ANY_ANSWER,
        ),
    ),
    "tts": (
        InvalidEvents("a text of 1 MB", [Event("synthesize", {"text": MEGABYTE})]),
        InvalidEvents(
            "a stream of 1 MB",
            [Event("synthesize-start"), Event("synthesize-chunk", {"text": MEGABYTE.replace(" ", "x")})],
        ),
        InvalidEvents("an empty text", [Event("synthesize", {"text": ""})], frozenset({"audio-stop"})),
        InvalidEvents("an unknown text format", [Event("synthesize", {"text": "hello", "text_format": "latex"})]),
        InvalidEvents("a bomb of entities", [Event("synthesize", {"text": BOMB, "text_format": "ssml"})]),
        InvalidEvents("an unknown language", [Event("synthesize", {"text": "hello", "voice": {"language": "tlh"}})]),
    ),
    "satellite": (
        InvalidEvents("a run without an answer", [Event("run-satellite"), Event("describe")], frozenset({"info"})),
    ),
}


def invalid_events(role: str) -> list[InvalidEvents]:
    """Return what makes no sense to a role."""
    of_anybody = [
        InvalidEvents(title, events, ANSWERS.get((role, title), frozenset({"error"})))
        for title, events in bad_input.bad_events(role).items()
        if (role, title) not in LEGAL
    ]
    return [*of_anybody, *OURS.get(role, ())]


def encode_events(events: Sequence[Event]) -> bytes:
    return b"".join(map(encode, events))
