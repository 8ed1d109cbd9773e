"""Bad input, as tables: nobody may die of it, and whoever sent it should be told."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.commands.conformance.outcome import Check, FaultError, FlawError
from wyoming_rosie.commands.conformance.target import Reaction, Target
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.wire import encode

HEARING = ("asr", "vad", "wake")
MEANS_BYTES = "who speaks something else, or means harm, gets no explanation, or brings it down"
MEANS_EVENTS = "a client with a mistake in it gets no explanation, or brings it down"
FORMAT = {"rate": 16_000, "width": 2, "channels": 1}
SURROUND = {"rate": 48_000, "width": 3, "channels": 6}


@dataclass(frozen=True)
class Bytes:
    """Bytes that are no events; `ends` with an end of file."""

    name: str
    raw: bytes
    ends: bool = False


def header(**fields: object) -> bytes:
    """Return a header line."""
    return json.dumps(fields).encode() + b"\n"


NESTED = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
BYTES = (
    Bytes("half a line", b'{"type": "descr', ends=True),
    Bytes("half an event", header(type="x", payload_length=500) + b"half", ends=True),
    Bytes("an event without its payload", header(type="x", payload_length=500), ends=True),
    Bytes("not JSON", b"hello?\n"),
    Bytes("not text", bytes(range(128, 256)) * 20 + b"\n"),
    Bytes("a web browser", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Bytes("a blank line", b"\n"),
    Bytes("a line without an end", b"a" * 200_000),
    Bytes("a list", b"[]\n"),
    Bytes("no type", b"{}\n"),
    Bytes("a number for a type", header(type=5)),
    Bytes("a payload of 100 GB", header(type="audio-chunk", payload_length=10**11) + bytes(4096)),
    Bytes("data of 100 GB", header(type="transcript", data_length=10**11) + bytes(4096)),
    Bytes("a negative length", header(type="x", data_length=-5)),
    Bytes("text for a length", header(type="x", payload_length="5")),
    Bytes("data that is a list", header(type="x", data_length=2) + b"[]"),
    Bytes("deep JSON", header(type="x", data_length=len(NESTED)) + NESTED),
)


def start(**fields: object) -> Event:
    """Return an audio-start."""
    return Event("audio-start", {**FORMAT, **fields})


def chunk(pcm: bytes, **fields: object) -> Event:
    """Return an audio-chunk."""
    return Event("audio-chunk", {**FORMAT, **fields}, pcm)


AUDIO: dict[str, Sequence[Event]] = {
    "audio without a start": [chunk(bytes(3200))],
    "a stop without a start": [Event("audio-stop")],
    "a rate in words": [start(rate="fast"), chunk(bytes(3200), rate="fast")],
    "a rate of nothing": [start(rate=0), chunk(bytes(3200), rate=0)],
    "a width of 9 bytes": [start(width=9), chunk(bytes(3600), width=9)],
    "minus one channel": [start(channels=-1), chunk(bytes(3200), channels=-1)],
    "audio without a format": [Event("audio-start"), Event("audio-chunk", {}, bytes(3200))],
    "an odd number of bytes": [start(), chunk(bytes(3201))],
    "24 bits and 6 channels": [start(**SURROUND), chunk(bytes(18 * 4_800), **SURROUND), Event("audio-stop")],
    "no audio at all": [start(), Event("audio-stop")],
}
EVENTS: dict[str, dict[str, Sequence[Event]]] = {
    "asr": {"a number for a language": [Event("transcribe", {"language": 5}), start(), Event("audio-stop")]},
    "wake": {"numbers for wake words": [Event("detect", {"names": [5]}), start(), chunk(bytes(3200))]},
    "vad": {},
    "tts": {
        "no text": [Event("synthesize")],
        "a number for a text": [Event("synthesize", {"text": 5})],
        "an unknown voice": [Event("synthesize", {"text": "Hello.", "voice": {"name": "nobody"}})],
        "a list for a voice": [Event("synthesize", {"text": "Hello.", "voice": [1]})],
        "control characters": [Event("synthesize", {"text": "\0\x01\x1b"})],
        "a part without a start": [Event("synthesize-chunk", {"text": "Hello."}), Event("synthesize-stop")],
    },
    "intent": {
        "no text": [Event("transcript")],
        "a number for a text": [Event("transcript", {"text": 5})],
        "an unknown language": [Event("transcript", {"text": "hello", "language": "tlh"})],
        "a list for a context": [Event("transcript", {"text": "hello", "context": [1]})],
    },
    "satellite": {
        "audio in words": [Event("run-satellite"), start(rate="fast")],
        "an odd number of bytes": [Event("run-satellite"), start(), chunk(bytes(3))],
        "a timer without a name": [Event("run-satellite"), Event("timer-started"), Event("timer-cancelled")],
    },
}


def checks(role: str) -> tuple[Check, ...]:
    """Return a check for each line of the tables that is for a role."""
    return (
        *(Check(f"bad bytes: {one.name}", MEANS_BYTES, _bytes(one)) for one in BYTES),
        *(Check(f"bad events: {title}", MEANS_EVENTS, _events(one)) for title, one in events(role).items()),
    )


def events(role: str) -> dict[str, list[Event]]:
    """Return events that make no sense to a role, by what is wrong with them."""
    own = {title: list(one) for title, one in EVENTS[role].items()}
    if role in HEARING:
        own |= {title: [_opening(role), *one] for title, one in AUDIO.items()}
    return own


def _opening(role: str) -> Event:
    match role:
        case "asr":
            return Event("transcribe", {"language": "en"})
        case "wake":
            return Event("detect")
    return Event("user-event", {"name": "turn"})


def _bytes(case: Bytes) -> Callable[[Target], Awaitable[str]]:
    async def run(target: Target) -> str:
        reaction, answer = await target.reaction(case.raw, ends=case.ends)
        await _must_live(target)
        if reaction is not Reaction.REFUSED:
            raise FlawError(
                "neither refuses it nor ends the connection" if reaction is Reaction.IGNORED else str(reaction)
            )
        return f"{reaction}: {answer}"

    return run


def _events(events: Iterable[Event]) -> Callable[[Target], Awaitable[str]]:
    async def run(target: Target) -> str:
        reaction, answer = await target.reaction(*map(encode, events))
        await _must_live(target)
        if reaction is Reaction.CLOSED:
            raise FlawError(str(reaction))
        return f"{reaction}: {answer}" if answer else str(reaction)

    return run


async def _must_live(target: Target) -> None:
    try:
        await target.describe()
    except RosieError as err:
        raise FaultError(f"it answers nobody after that: {err}") from err
