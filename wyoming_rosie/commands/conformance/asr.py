"""Conformance checks of speech to text."""

import asyncio
from collections.abc import Iterable

from wyoming.event import Event

from wyoming_rosie.commands.conformance.checks import Check, CheckFindingError, CheckSkippedError, RoleSpec
from wyoming_rosie.commands.conformance.recording import BIG_BYTES, STEREO_48K, audio_events, make_silence, to_stereo
from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import connect

TRANSCRIBE = Event("transcribe", {"language": "en"})


def create_request(target: CheckTarget) -> list[Event]:
    """Return the events of a command as Home Assistant sends it."""
    return [TRANSCRIBE, *audio_events(target.recording.command)]


async def check_command(target: CheckTarget) -> str:
    """Send a command in chunks of 10 ms, twice as fast as it is spoken."""
    loop = asyncio.get_running_loop()
    async with connect(target.uri) as peer:
        for event in create_request(target):
            await peer.send(event)
            if event.type == "audio-chunk":
                await asyncio.sleep(0.005)
        ended = loop.time()
        answer = await peer.wait_for("transcript", seconds=target.seconds)
    return f"{_get_text(answer)} {1000 * (loop.time() - ended):.0f} ms after its end"


async def check_large_chunks(target: CheckTarget) -> str:
    """Send a command in chunks of one second, as clients send recordings."""
    return _get_text(
        await target.send_request([TRANSCRIBE, *audio_events(target.recording.command, BIG_BYTES)], "transcript")
    )


async def check_stereo(target: CheckTarget) -> str:
    """Send a command in 48 kHz stereo."""
    audio = audio_events(to_stereo(target.recording.command), BIG_BYTES, STEREO_48K)
    return _get_text(await target.send_request([TRANSCRIBE, *audio], "transcript"))


async def check_no_transcribe(target: CheckTarget) -> str:
    """Send audio without `transcribe`, as old clients do."""
    return await _transcribe_any(target, audio_events(target.recording.command))


async def check_no_language(target: CheckTarget) -> str:
    """Send `transcribe` without a language."""
    return await _transcribe_any(target, [Event("transcribe"), *audio_events(target.recording.command)])


async def check_silence(target: CheckTarget) -> str:
    """Send two seconds of silence."""
    answer = await target.send_request([TRANSCRIBE, *audio_events(make_silence(2.0))], "transcript")
    if text := answer.data.get("text"):
        raise CheckFindingError(f"silence is transcribed as {text!r}")
    return "an empty transcript"


async def check_no_audio(target: CheckTarget) -> str:
    """Send audio-start and audio-stop without a chunk between them."""
    await target.send_request([TRANSCRIBE, *audio_events(b"")], "transcript")
    return "an answer"


async def check_two_requests(target: CheckTarget) -> str:
    """Send two requests on one connection."""
    async with connect(target.uri) as peer:
        for number in ("first", "second"):
            try:
                for event in create_request(target):
                    await peer.send(event)
                await peer.wait_for("transcript", seconds=target.seconds)
            except UnreachableError as err:
                raise CheckFindingError(f"the {number} request is not answered: {err}") from err
    return "two transcripts"


async def check_streaming(target: CheckTarget) -> str:
    """Expect a complete stream and a transcript from a program that supports transcript streaming."""
    if not target.info.asr or not target.info.asr[0].supports_transcript_streaming:
        raise CheckSkippedError("its info does not promise transcript streaming")
    received: list[str] = []
    async with connect(target.uri) as peer:
        for event in create_request(target):
            await peer.send(event)
        while "transcript" not in received or "transcript-stop" not in received:
            event = await peer.wait_for(
                "transcript-start", "transcript-chunk", "transcript", "transcript-stop", seconds=target.seconds
            )
            received.append(event.type)
    if received[0] != "transcript-start":
        raise CheckFindingError(f"the stream begins with {received[0]}")
    return f"{received.count('transcript-chunk')} chunks and a transcript"


async def _transcribe_any(target: CheckTarget, events: Iterable[Event]) -> str:
    try:
        return _get_text(await target.send_request(events, "transcript"))
    except UnreachableError as err:
        raise CheckFindingError(str(err)) from err


def _get_text(transcript: Event) -> str:
    if not (text := transcript.data.get("text")):
        raise CheckFindingError("the transcript is empty")
    return repr(text)


MEANS = "commands are not understood"
ROLE = RoleSpec(
    create_request,
    ("transcript",),
    (
        Check("a command", MEANS, check_command),
        Check("a command in big chunks", f"{MEANS} when they come from a recording", check_large_chunks),
        Check("a command in 48 kHz stereo", "satellites with another microphone are not understood", check_stereo),
        Check("no language", "clients that name no language are not understood", check_no_language),
        Check("audio without transcribe", "old clients are not understood", check_no_transcribe),
        Check("silence", "after a false wake the user waits, or a command is executed that nobody gave", check_silence),
        Check("no audio", "after a false wake the user waits for a timeout", check_no_audio),
        Check(
            "two commands on a connection",
            "clients that keep their connection open are answered once",
            check_two_requests,
        ),
        Check("a streamed transcript", "clients that show partial transcripts show nothing", check_streaming),
    ),
)
