"""Tables of bad input, which must neither crash a program nor go unanswered."""

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.commands.conformance.checks import Check, CheckFindingError, ConformanceError
from wyoming_rosie.commands.conformance.target import BadInputResponse, CheckTarget
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.wire import encode

HEARING = ("asr", "vad", "wake")
MEANS_BYTES = "a client of another protocol, or an attacker, gets no error message, or crashes the program"
MEANS_EVENTS = "a client with a bug gets no error message, or crashes the program"
FORMAT = {"rate": 16_000, "width": 2, "channels": 1}
SURROUND = {"rate": 48_000, "width": 3, "channels": 6}


@dataclass(frozen=True)
class MalformedBytes:
    """Bytes that are not an event, with or without an end of file after them."""

    name: str
    raw: bytes
    with_eof: bool = False


def encode_header(**fields: object) -> bytes:
    """Return the header line of an event."""
    return json.dumps(fields).encode() + b"\n"


NESTED = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
BYTES = (
    MalformedBytes("half a line", b'{"type": "descr', with_eof=True),
    MalformedBytes("half an event", encode_header(type="x", payload_length=500) + b"half", with_eof=True),
    MalformedBytes("an event without its payload", encode_header(type="x", payload_length=500), with_eof=True),
    MalformedBytes("not JSON", b"hello?\n"),
    MalformedBytes("not text", bytes(range(128, 256)) * 20 + b"\n"),
    MalformedBytes("a web browser", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    MalformedBytes("a blank line", b"\n"),
    MalformedBytes("a line without an end", b"a" * 200_000),
    MalformedBytes("a list", b"[]\n"),
    MalformedBytes("no type", b"{}\n"),
    MalformedBytes("a number for a type", encode_header(type=5)),
    MalformedBytes("a payload of 100 GB", encode_header(type="audio-chunk", payload_length=10**11) + bytes(4096)),
    MalformedBytes("data of 100 GB", encode_header(type="transcript", data_length=10**11) + bytes(4096)),
    MalformedBytes("a negative length", encode_header(type="x", data_length=-5)),
    MalformedBytes("text for a length", encode_header(type="x", payload_length="5")),
    MalformedBytes("data that is a list", encode_header(type="x", data_length=2) + b"[]"),
    MalformedBytes("deep JSON", encode_header(type="x", data_length=len(NESTED)) + NESTED),
)


def audio_start(**fields: object) -> Event:
    """Return an audio-start."""
    return Event("audio-start", {**FORMAT, **fields})


def audio_chunk(pcm: bytes, **fields: object) -> Event:
    """Return an audio-chunk."""
    return Event("audio-chunk", {**FORMAT, **fields}, pcm)


AUDIO: dict[str, Sequence[Event]] = {
    "audio without a start": [audio_chunk(bytes(3200))],
    "a stop without a start": [Event("audio-stop")],
    "a rate in words": [audio_start(rate="fast"), audio_chunk(bytes(3200), rate="fast")],
    "a rate of nothing": [audio_start(rate=0), audio_chunk(bytes(3200), rate=0)],
    "a width of 9 bytes": [audio_start(width=9), audio_chunk(bytes(3600), width=9)],
    "minus one channel": [audio_start(channels=-1), audio_chunk(bytes(3200), channels=-1)],
    "audio without a format": [Event("audio-start"), Event("audio-chunk", {}, bytes(3200))],
    "an odd number of bytes": [audio_start(), audio_chunk(bytes(3201))],
    "24 bits and 6 channels": [
        audio_start(**SURROUND),
        audio_chunk(bytes(18 * 4_800), **SURROUND),
        Event("audio-stop"),
    ],
    "no audio at all": [audio_start(), Event("audio-stop")],
}
EVENTS: dict[str, dict[str, Sequence[Event]]] = {
    "asr": {"a number for a language": [Event("transcribe", {"language": 5}), audio_start(), Event("audio-stop")]},
    "wake": {"numbers for wake words": [Event("detect", {"names": [5]}), audio_start(), audio_chunk(bytes(3200))]},
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
        "audio in words": [Event("run-satellite"), audio_start(rate="fast")],
        "an odd number of bytes": [Event("run-satellite"), audio_start(), audio_chunk(bytes(3))],
        "a timer without a name": [Event("run-satellite"), Event("timer-started"), Event("timer-cancelled")],
    },
}


def create_checks(role: str) -> tuple[Check, ...]:
    """Return a check for each entry of the tables that applies to a role."""
    return (
        *(Check(f"bad bytes: {case.name}", MEANS_BYTES, _check_bytes(case)) for case in BYTES),
        *(Check(f"bad events: {title}", MEANS_EVENTS, _check_events(case)) for title, case in bad_events(role).items()),
    )


def bad_events(role: str) -> dict[str, list[Event]]:
    """Return sequences of invalid events for a role, by what is wrong with them."""
    cases = {title: list(case) for title, case in EVENTS[role].items()}
    if role in HEARING:
        cases |= {title: [_first_event(role), *case] for title, case in AUDIO.items()}
    return cases


def _first_event(role: str) -> Event:
    match role:
        case "asr":
            return Event("transcribe", {"language": "en"})
        case "wake":
            return Event("detect")
    return Event("user-event", {"name": "turn"})


def _check_bytes(case: MalformedBytes) -> Callable[[CheckTarget], Awaitable[str]]:
    async def run(target: CheckTarget) -> str:
        reaction, answer = await target.send_raw(case.raw, with_eof=case.with_eof)
        await _require_alive(target)
        if reaction is not BadInputResponse.REFUSED:
            raise CheckFindingError(
                "neither refuses it nor ends the connection" if reaction is BadInputResponse.IGNORED else str(reaction)
            )
        return f"{reaction}: {answer}"

    return run


def _check_events(events: Iterable[Event]) -> Callable[[CheckTarget], Awaitable[str]]:
    async def run(target: CheckTarget) -> str:
        reaction, answer = await target.send_raw(*map(encode, events))
        await _require_alive(target)
        if reaction is BadInputResponse.CLOSED:
            raise CheckFindingError(str(reaction))
        return f"{reaction}: {answer}" if answer else str(reaction)

    return run


async def _require_alive(target: CheckTarget) -> None:
    try:
        await target.measure_describe()
    except RosieError as err:
        raise ConformanceError(f"it answers no describe after that: {err}") from err
