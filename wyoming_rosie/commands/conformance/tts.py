"""Conformance checks of text to speech."""

from collections.abc import Iterable
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.audio.formats import AudioFormat, format_of
from wyoming_rosie.commands.conformance.checks import (
    Check,
    CheckFindingError,
    CheckSkippedError,
    ConformanceError,
    RoleSpec,
)
from wyoming_rosie.commands.conformance.target import CheckTarget
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect

TEXT = "The kitchen light is on. The front door is locked, and it is raining."
LONG_TEXT = 6 * f"{TEXT} "


@dataclass(frozen=True)
class SynthesizedAudio:
    audio: AudioFormat
    pcm: bytes
    streams: int  # audio-start events; Home Assistant reads the format of the first one

    def __str__(self) -> str:
        return f"{self.audio.seconds(len(self.pcm)):.1f} s at {self.audio.rate} Hz"


def create_request(_: CheckTarget) -> list[Event]:
    """Return the event for a text that takes some time to synthesize."""
    return [synthesize(LONG_TEXT)]


def synthesize(text: str, **fields: object) -> Event:
    """Return a synthesize event."""
    return Event("synthesize", {"text": text, **fields})


def create_stream(text: str) -> list[Event]:
    """Return a text as Home Assistant streams it: chunks, and the whole text for servers without streaming."""
    words = text.split()
    parts = [Event("synthesize-chunk", {"text": f"{' '.join(words[at : at + 3])} "}) for at in range(0, len(words), 3)]
    return [Event("synthesize-start"), *parts, synthesize(text), Event("synthesize-stop")]


async def check_text(target: CheckTarget) -> str:
    """Synthesize a text without naming a voice."""
    return str(_require_sound(await _synthesize(target, [synthesize(TEXT)], "audio-stop")))


async def check_voice_list(target: CheckTarget) -> str:
    """Synthesize with the first three installed voices, named as Home Assistant names them."""
    names = [voice.name for program in target.info.tts for voice in program.voices if voice.installed][:3]
    for name in names:
        try:
            _require_sound(await _synthesize(target, [synthesize("Hello.", voice={"name": name})], "audio-stop"))
        except PeerError as err:
            raise CheckFindingError(f"{name} is listed as installed but refused: {err}") from err
    return ", ".join(names)


async def check_empty_text(target: CheckTarget) -> str:
    """Synthesize an empty text."""
    await target.send_request([synthesize("")], "audio-stop")
    return "audio-stop"


async def check_unknown_voice(target: CheckTarget) -> str:
    """Name an unknown voice."""
    try:
        await target.send_request([synthesize("Hello.", voice={"name": "no-such-voice"})], "audio-stop")
    except PeerError as err:
        return f"refuses it: {err.code}"
    except UnreachableError as err:
        raise CheckFindingError(str(err)) from err
    return "another voice speaks"


async def check_streaming(target: CheckTarget) -> str:
    """Stream a text; expect its audio once, in one format, and `synthesize-stopped`."""
    _require_streaming(target)
    whole = await _synthesize(target, [synthesize(TEXT)], "audio-stop")
    parts = _require_sound(await _synthesize(target, create_stream(TEXT), "synthesize-stopped"))
    ratio = parts.audio.seconds(len(parts.pcm)) / whole.audio.seconds(len(whole.pcm))
    if ratio > 1.6:
        raise ConformanceError(f"{ratio:.1f} times as long as without streaming: the text is spoken twice")
    return f"{parts} in {parts.streams} pieces"


async def check_empty_stream(target: CheckTarget) -> str:
    """Stream an empty text."""
    _require_streaming(target)
    await target.send_request([Event("synthesize-start"), Event("synthesize-stop")], "synthesize-stopped")
    return "synthesize-stopped"


async def check_unsupported_streaming(target: CheckTarget) -> str:
    """Stream a text to a program without streaming; it must synthesize the whole text that is part of the stream."""
    if any(program.supports_synthesize_streaming for program in target.info.tts):
        raise CheckSkippedError("it supports streaming")
    return str(_require_sound(await _synthesize(target, create_stream(TEXT), "audio-stop")))


async def check_text_after_stream(target: CheckTarget) -> str:
    """Send a plain request on a connection that has streamed one before."""
    _require_streaming(target)
    async with connect(target.uri) as peer:
        await _send_events(peer, create_stream("Hello."))
        await _receive_audio(peer, "synthesize-stopped", target.seconds)
        await _send_events(peer, [synthesize("Hello.")])
        try:
            return str(await _receive_audio(peer, "audio-stop", target.seconds))
        except UnreachableError as err:
            raise CheckFindingError(str(err)) from err


async def check_two_requests(target: CheckTarget) -> str:
    """Send two requests on one connection."""
    async with connect(target.uri) as peer:
        for _ in range(2):
            await _send_events(peer, [synthesize("Hello.")])
            try:
                speech = await _receive_audio(peer, "audio-stop", target.seconds)
            except UnreachableError as err:
                raise CheckFindingError(str(err)) from err
    return str(speech)


async def _synthesize(target: CheckTarget, events: Iterable[Event], last: str) -> SynthesizedAudio:
    async with connect(target.uri) as peer:
        await _send_events(peer, events)
        return await _receive_audio(peer, last, target.seconds)


async def _send_events(peer: Client, events: Iterable[Event]) -> None:
    for event in events:
        await peer.send(event)


async def _receive_audio(peer: Client, last: str, seconds: float) -> SynthesizedAudio:
    """Return the audio up to the event `last`. Raises ConformanceError for invalid audio."""
    audio = format_of(await peer.wait_for("audio-start", seconds=seconds))
    pcm = bytearray()
    streams = 1
    while (event := await peer.wait_for("audio-start", "audio-chunk", last, seconds=seconds)).type != last:
        streams += event.type == "audio-start"
        if format_of(event) != audio:
            raise ConformanceError(f"the format changes from {audio} to {format_of(event)}")
        pcm += event.payload or b""
    if len(pcm) % audio.frame_bytes:
        raise ConformanceError(f"{len(pcm)} bytes are not whole frames of {audio.frame_bytes}")
    return SynthesizedAudio(audio, bytes(pcm), streams)


def _require_sound(speech: SynthesizedAudio) -> SynthesizedAudio:
    if not any(speech.pcm):
        raise ConformanceError("the audio is silent")
    return speech


def _require_streaming(target: CheckTarget) -> None:
    if not any(program.supports_synthesize_streaming for program in target.info.tts):
        raise CheckSkippedError("its info does not promise streaming")


MEANS = "answers are not spoken"
ROLE = RoleSpec(
    create_request,
    ("audio-stop",),
    (
        Check("a text", MEANS, check_text),
        Check("its voices by name", "users can choose a voice that does not work", check_voice_list),
        Check("an empty text", "a client waits for the end of an empty reply", check_empty_text),
        Check("an unknown voice", "a typo in the name of a voice gets no error message", check_unknown_voice),
        Check("a streamed text", "replies of language models hang, or are spoken twice", check_streaming),
        Check("an empty stream", "Home Assistant waits for an end that never comes", check_empty_stream),
        Check("a stream without support", "replies of language models are not spoken", check_unsupported_streaming),
        Check(
            "a text after a streamed one",
            "clients that keep their connection open are answered once",
            check_text_after_stream,
        ),
        Check(
            "two texts on a connection", "clients that keep their connection open are answered once", check_two_requests
        ),
    ),
)
