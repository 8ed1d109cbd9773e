"""Checks of text to speech."""

from collections.abc import Iterable
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.audio.formats import AudioFormat, format_of
from wyoming_rosie.commands.conformance.outcome import Check, FaultError, FlawError, NotTriedError
from wyoming_rosie.commands.conformance.role import Role
from wyoming_rosie.commands.conformance.target import Target
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect

TEXT = "The kitchen light is on. The front door is locked, and it is raining."
LONG_TEXT = 6 * f"{TEXT} "


@dataclass(frozen=True)
class Speech:
    audio: AudioFormat
    pcm: bytes
    streams: int  # Home Assistant reads the format of the first one

    def __str__(self) -> str:
        return f"{self.audio.seconds(len(self.pcm)):.1f} s at {self.audio.rate} Hz"


def request(_: Target) -> list[Event]:
    """Make the event for a text that takes some time."""
    return [synthesize(LONG_TEXT)]


def synthesize(text: str, **fields: object) -> Event:
    """Return a request to speak a text."""
    return Event("synthesize", {"text": text, **fields})


def streamed(text: str) -> list[Event]:
    """Return a text as Home Assistant streams it, with the whole text for servers that know no parts."""
    words = text.split()
    parts = [Event("synthesize-chunk", {"text": f"{' '.join(words[at : at + 3])} "}) for at in range(0, len(words), 3)]
    return [Event("synthesize-start"), *parts, synthesize(text), Event("synthesize-stop")]


async def of_a_text(target: Target) -> str:
    """Speak a text without naming a voice."""
    return str(_audible(await _spoken(target, [synthesize(TEXT)], "audio-stop")))


async def with_each_voice(target: Target) -> str:
    """Speak with the first voices that are installed, named as Home Assistant names them."""
    names = [voice.name for program in target.info.tts for voice in program.voices if voice.installed][:3]
    for name in names:
        try:
            _audible(await _spoken(target, [synthesize("Hello.", voice={"name": name})], "audio-stop"))
        except PeerError as err:
            raise FlawError(f"{name} is called installed and does not speak: {err}") from err
    return ", ".join(names)


async def of_nothing(target: Target) -> str:
    """Speak an empty text."""
    await target.exchange([synthesize("")], "audio-stop")
    return "audio-stop"


async def with_another_voice(target: Target) -> str:
    """Ask for a voice that is not there."""
    try:
        await target.exchange([synthesize("Hello.", voice={"name": "no-such-voice"})], "audio-stop")
    except PeerError as err:
        return f"refuses it: {err.code}"
    except UnreachableError as err:
        raise FlawError(str(err)) from err
    return "another voice speaks"


async def in_parts(target: Target) -> str:
    """Stream a text; expect it once, in one format, and the end that Home Assistant waits for."""
    _must_stream(target)
    whole = await _spoken(target, [synthesize(TEXT)], "audio-stop")
    parts = _audible(await _spoken(target, streamed(TEXT), "synthesize-stopped"))
    ratio = parts.audio.seconds(len(parts.pcm)) / whole.audio.seconds(len(whole.pcm))
    if ratio > 1.6:
        raise FaultError(f"{ratio:.1f} times as long as the text at once: it speaks twice")
    return f"{parts} in {parts.streams} pieces"


async def parts_of_nothing(target: Target) -> str:
    """Stream an empty text."""
    _must_stream(target)
    await target.exchange([Event("synthesize-start"), Event("synthesize-stop")], "synthesize-stopped")
    return "synthesize-stopped"


async def without_knowing_parts(target: Target) -> str:
    """Stream a text to a program that does not promise it; the whole text in it must be spoken."""
    if any(program.supports_synthesize_streaming for program in target.info.tts):
        raise NotTriedError("it promises to speak in parts")
    return str(_audible(await _spoken(target, streamed(TEXT), "audio-stop")))


async def after_parts(target: Target) -> str:
    """Speak a text at once on a connection that has streamed one."""
    _must_stream(target)
    async with connect(target.uri) as peer:
        await _send(peer, streamed("Hello."))
        await _heard(peer, "synthesize-stopped", target.seconds)
        await _send(peer, [synthesize("Hello.")])
        try:
            return str(await _heard(peer, "audio-stop", target.seconds))
        except UnreachableError as err:
            raise FlawError(str(err)) from err


async def twice(target: Target) -> str:
    """Speak twice on one connection."""
    async with connect(target.uri) as peer:
        for _ in range(2):
            await _send(peer, [synthesize("Hello.")])
            try:
                speech = await _heard(peer, "audio-stop", target.seconds)
            except UnreachableError as err:
                raise FlawError(str(err)) from err
    return str(speech)


async def _spoken(target: Target, events: Iterable[Event], last: str) -> Speech:
    async with connect(target.uri) as peer:
        await _send(peer, events)
        return await _heard(peer, last, target.seconds)


async def _send(peer: Client, events: Iterable[Event]) -> None:
    for event in events:
        await peer.send(event)


async def _heard(peer: Client, last: str, seconds: float) -> Speech:
    """Return the audio up to the event `last`. Raises FaultError for audio that is none."""
    audio = format_of(await peer.wait_for("audio-start", seconds=seconds))
    pcm = bytearray()
    streams = 1
    while (event := await peer.wait_for("audio-start", "audio-chunk", last, seconds=seconds)).type != last:
        streams += event.type == "audio-start"
        if format_of(event) != audio:
            raise FaultError(f"the format changes from {audio} to {format_of(event)}")
        pcm += event.payload or b""
    if len(pcm) % audio.frame_bytes:
        raise FaultError(f"{len(pcm)} bytes are not whole frames of {audio.frame_bytes}")
    return Speech(audio, bytes(pcm), streams)


def _audible(speech: Speech) -> Speech:
    if not any(speech.pcm):
        raise FaultError("the speech is silent")
    return speech


def _must_stream(target: Target) -> None:
    if not any(program.supports_synthesize_streaming for program in target.info.tts):
        raise NotTriedError("it does not promise to speak in parts")


MEANS = "answers are not spoken"
ROLE = Role(
    request,
    ("audio-stop",),
    (
        Check("a text", MEANS, of_a_text),
        Check("its voices by name", "a voice that can be chosen does not speak", with_each_voice),
        Check("an empty text", "a client waits for the end of an answer without words", of_nothing),
        Check("an unknown voice", "a mistake in a voice's name is not explained", with_another_voice),
        Check("a text in parts", "answers of language models hang, or are spoken twice", in_parts),
        Check("an empty text in parts", "Home Assistant waits for an end that never comes", parts_of_nothing),
        Check("parts that it does not know", "answers of language models are not spoken", without_knowing_parts),
        Check("a text after one in parts", "clients that keep their connection hear one answer only", after_parts),
        Check("two texts on a connection", "clients that keep their connection hear one answer only", twice),
    ),
)
