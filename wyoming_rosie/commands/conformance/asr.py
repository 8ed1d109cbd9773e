"""Checks of speech to text."""

import asyncio
from collections.abc import Iterable

from wyoming.event import Event

from wyoming_rosie.commands.conformance.outcome import Check, FlawError, NotTriedError
from wyoming_rosie.commands.conformance.recording import BIG_BYTES, STEREO_48K, silence, spoken, stereo_48k
from wyoming_rosie.commands.conformance.role import Role
from wyoming_rosie.commands.conformance.target import Target
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import connect

TRANSCRIBE = Event("transcribe", {"language": "en"})


def request(target: Target) -> list[Event]:
    """Make the events of a command as Home Assistant sends it."""
    return [TRANSCRIBE, *spoken(target.recording.command)]


async def as_home_assistant(target: Target) -> str:
    """Send a command in chunks of 10 ms, one after the other as it is spoken."""
    loop = asyncio.get_running_loop()
    async with connect(target.uri) as peer:
        for event in request(target):
            await peer.send(event)
            if event.type == "audio-chunk":
                await asyncio.sleep(0.005)
        ended = loop.time()
        answer = await peer.wait_for("transcript", seconds=target.seconds)
    return f"{_heard(answer)} {1000 * (loop.time() - ended):.0f} ms after its end"


async def in_big_chunks(target: Target) -> str:
    """Send a command in chunks of a second, as recordings are sent."""
    return _heard(await target.exchange([TRANSCRIBE, *spoken(target.recording.command, BIG_BYTES)], "transcript"))


async def in_stereo(target: Target) -> str:
    """Send a command in 48 kHz stereo."""
    audio = spoken(stereo_48k(target.recording.command), BIG_BYTES, STEREO_48K)
    return _heard(await target.exchange([TRANSCRIBE, *audio], "transcript"))


async def without_a_request(target: Target) -> str:
    """Send audio alone, as old clients do."""
    return await _whatever(target, spoken(target.recording.command))


async def without_a_language(target: Target) -> str:
    """Ask without a language."""
    return await _whatever(target, [Event("transcribe"), *spoken(target.recording.command)])


async def of_silence(target: Target) -> str:
    """Send two seconds of nothing."""
    answer = await target.exchange([TRANSCRIBE, *spoken(silence(2.0))], "transcript")
    if text := answer.data.get("text"):
        raise FlawError(f"it understands {text!r} where nothing is said")
    return "an empty transcript"


async def of_no_audio(target: Target) -> str:
    """Send a start and a stop with nothing between."""
    await target.exchange([TRANSCRIBE, *spoken(b"")], "transcript")
    return "an answer"


async def twice(target: Target) -> str:
    """Ask twice on one connection."""
    async with connect(target.uri) as peer:
        for number in ("first", "second"):
            try:
                for event in request(target):
                    await peer.send(event)
                await peer.wait_for("transcript", seconds=target.seconds)
            except UnreachableError as err:
                raise FlawError(f"the {number} has no answer: {err}") from err
    return "two transcripts"


async def in_parts(target: Target) -> str:
    """Expect a whole stream where one is promised, and a transcript all the same."""
    if not target.info.asr or not target.info.asr[0].supports_transcript_streaming:
        raise NotTriedError("it promises no parts")
    seen: list[str] = []
    async with connect(target.uri) as peer:
        for event in request(target):
            await peer.send(event)
        while "transcript" not in seen or "transcript-stop" not in seen:
            event = await peer.wait_for(
                "transcript-start", "transcript-chunk", "transcript", "transcript-stop", seconds=target.seconds
            )
            seen.append(event.type)
    if seen[0] != "transcript-start":
        raise FlawError(f"the stream begins with {seen[0]}")
    return f"{seen.count('transcript-chunk')} parts and a transcript"


async def _whatever(target: Target, events: Iterable[Event]) -> str:
    try:
        return _heard(await target.exchange(events, "transcript"))
    except UnreachableError as err:
        raise FlawError(str(err)) from err


def _heard(transcript: Event) -> str:
    if not (text := transcript.data.get("text")):
        raise FlawError("nothing is understood")
    return repr(text)


MEANS = "commands are not understood"
ROLE = Role(
    request,
    ("transcript",),
    (
        Check("a command", MEANS, as_home_assistant),
        Check("a command in big chunks", f"{MEANS} when they come from a recording", in_big_chunks),
        Check("a command in 48 kHz stereo", "satellites with another microphone are not understood", in_stereo),
        Check("no language", "clients that name no language are not understood", without_a_language),
        Check("audio without transcribe", "old clients are not understood", without_a_request),
        Check("silence", "after a false alarm the room waits, or something happens that nobody said", of_silence),
        Check("no audio", "after a false alarm the room waits until somebody loses patience", of_no_audio),
        Check("two commands on a connection", "clients that keep their connection are heard once", twice),
        Check("a transcript in parts", "clients that show words as they come wait in vain", in_parts),
    ),
)
