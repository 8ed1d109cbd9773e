"""Wyoming daemons that the voice role asks: one connection per question."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.wake import Detect

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, format_of
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect
from wyoming_rosie.protocol.turn import event_context

ANSWER_SECONDS = 20.0
QUESTION_SECONDS = 60.0
"""Limit of a whole conversation with a daemon."""
TEMPORARY_CODES = frozenset({"busy", "stopping"})
"""Errors of daemons that have too much to do, or restart: the same question may be asked again."""
CLASS_SECONDS = 2.0
"""Time for a vad daemon's last word after the audio; other projects' have none."""
MAX_ANSWER_LENGTH = 10_000
SYNTHESIS_SECONDS = 5.0
"""Time that a tts daemon may need for the next of its audio."""
MAX_SPOKEN_SECONDS = 120.0
"""Length of the longest answer."""
_CHUNK_BYTES = 2 * 1024 * SPEECH.frame_bytes
_ABOUT = {"rate": SPEECH.rate, "width": SPEECH.width, "channels": SPEECH.channels}
_ENDS = frozenset({"handled", "handled-stop", "not-handled", "not-recognized", "intent", "intents-stop"})


@dataclass(frozen=True)
class SpeechClass:
    """What a vad daemon makes of audio."""

    category: Literal["speech", "noise", "silence"]
    speech_ms: float


@dataclass(frozen=True)
class IntentFound:
    """One intent of a sentence."""

    name: str
    slots: Mapping[str, Any]


@dataclass(frozen=True)
class SpeechPiece:
    """A piece of the audio of a sentence."""

    audio: AudioFormat
    pcm: bytes
    is_last: bool = False


@dataclass(frozen=True)
class Understanding:
    """An intent daemon's answer: intents to be executed, or a text."""

    intents: tuple[IntentFound, ...] = ()
    text: str = ""
    is_understood: bool = True
    expects_reply: bool = False


@asynccontextmanager
async def ask(uri: str, role: str) -> AsyncIterator[Client]:
    """Open a connection to the daemon of a role. Raises UnreachableError, also for a daemon that is busy or stops; PeerError, ConfigError."""
    try:
        async with asyncio.timeout(QUESTION_SECONDS), connect(uri, role=role) as peer:
            yield peer
    except TimeoutError as err:
        raise UnreachableError(f"{uri} has not answered for {QUESTION_SECONDS:g} s") from err
    except PeerError as err:
        if err.code in TEMPORARY_CODES:
            raise UnreachableError(f"{uri}: {err}") from err
        raise


async def classify_speech(uri: str, pcm: bytes) -> SpeechClass:
    """Return whether there is speech in PCM. Raises UnreachableError, PeerError."""
    async with ask(uri, "vad") as peer:
        sending = asyncio.create_task(_send_audio(peer, pcm))
        try:
            return await _read_classes(peer, sending, SPEECH.seconds(len(pcm)))
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def detect_wake_word(uri: str, pcm: bytes) -> str | None:
    """Return the wake word in PCM, None without one. Raises UnreachableError, PeerError."""
    async with ask(uri, "wake") as peer:
        await peer.send(Detect().event())
        event = await peer.wait_while_sending(
            _send_audio(peer, pcm), "detection", "not-detected", seconds=ANSWER_SECONDS
        )
        return str(event.data.get("name")) if event.type == "detection" else None


async def transcribe(uri: str, pcm: bytes, language: str | None, context: Mapping[str, Any]) -> str:
    """Return what is said in PCM, an empty text for nothing. Raises UnreachableError, PeerError."""
    async with ask(uri, "asr") as peer:
        await peer.send(Transcribe(language=language, context=dict(context)).event())
        event = await peer.wait_while_sending(_send_audio(peer, pcm), "transcript", seconds=ANSWER_SECONDS)
        return str(event.data.get("text") or "").strip()


async def understand(peer: Client, text: str, language: str | None, context: Mapping[str, Any]) -> Understanding:
    """Return an intent daemon's answer to a sentence. Raises UnreachableError, PeerError."""
    data = {"text": text, "context": dict(context), **({"language": language} if language else {})}
    return await _request(peer, Event("transcript", data))


async def call_plugin(
    peer: Client, plugin: str, intent: str, arguments: Mapping[str, Any], context: Mapping[str, Any]
) -> Understanding:
    """Return an intent daemon's answer to a plugin's intent. Raises UnreachableError, PeerError."""
    call = {"plugin": plugin, "intent": intent, "arguments": dict(arguments)}
    return await _request(peer, Event("user-event", {"name": "plugin-command", "data": call, "context": dict(context)}))


async def _request(peer: Client, request: Event) -> Understanding:
    await peer.send(request)
    events: list[Event] = []
    async with asyncio.timeout(ANSWER_SECONDS):
        while not events or events[-1].type not in _ENDS or _is_within_intents(events):
            kinds = ("handled-start", "handled-chunk", "intents-start", *_ENDS)
            events.append(await peer.wait_for(*kinds, seconds=ANSWER_SECONDS))
    return _to_understanding(events)


async def announce_wake_word(uri: str, name: str, context: Mapping[str, Any]) -> None:
    """Tell an intent daemon that somebody is about to speak, so that it prepares its model. Raises UnreachableError."""
    async with ask(uri, "intent") as peer:
        await peer.send(Event("detection", {"name": name, "context": dict(context)}))


async def synthesize(uri: str, text: str, language: str | None, piece_bytes: int) -> AsyncGenerator[SpeechPiece, None]:
    """Yield the audio of a text in pieces, as soon as there is enough for one. Raises UnreachableError, PeerError, BadEventError."""
    voice = {"voice": {"language": language}} if language else {}
    async with connect(uri, role="tts") as peer:
        await peer.send(Event("synthesize", {"text": text, **voice}))
        audio = format_of(await peer.wait_for("audio-start", seconds=SYNTHESIS_SECONDS))
        size = piece_bytes - piece_bytes % audio.frame_bytes
        left, pcm = audio.bytes_in(MAX_SPOKEN_SECONDS), b""
        while left > 0:
            event = await peer.wait_for("audio-chunk", "audio-stop", seconds=SYNTHESIS_SECONDS)
            if event.type == "audio-stop":
                break
            chunk = (event.payload or b"")[:left]
            left, pcm = left - len(chunk), pcm + chunk
            while len(pcm) > size:
                yield SpeechPiece(audio, pcm[:size])
                pcm = pcm[size:]
    yield SpeechPiece(audio, pcm[: len(pcm) - len(pcm) % audio.frame_bytes], is_last=True)


async def _send_audio(peer: Client, pcm: bytes) -> None:
    await peer.send(AudioStart(**_ABOUT).event())
    for start in range(0, len(pcm), _CHUNK_BYTES):
        await peer.send(AudioChunk(**_ABOUT, audio=pcm[start : start + _CHUNK_BYTES]).event())
    await peer.send(AudioStop().event())


async def _read_classes(peer: Client, sending: "asyncio.Task[None]", seconds: float) -> SpeechClass:
    """Read what a vad daemon says until its last class, or until it is silent after the end of the audio."""
    category, started, speech_ms = "", None, 0.0
    while True:
        try:
            limit = CLASS_SECONDS if sending.done() else ANSWER_SECONDS
            event = await peer.wait_for("voice-started", "voice-stopped", "user-event", seconds=limit)
        except UnreachableError:
            if not sending.done() or sending.exception() is not None:
                raise
            break
        timestamp = float(event.data.get("timestamp") or 0)
        if event.type == "voice-started":
            started = timestamp
        elif event.type == "voice-stopped":
            speech_ms, started = speech_ms + timestamp - (started or 0.0), None
        elif event.data.get("name") == "voice-class":
            about = event.data.get("data") or {}
            category = str(about.get("class") or category)
            if about.get("final"):
                break
    if started is not None:
        speech_ms += 1000 * seconds - started
    if speech_ms > 0:
        return SpeechClass("speech", speech_ms)
    return SpeechClass("silence" if category == "silence" else "noise", 0.0)


def _is_within_intents(events: list[Event]) -> bool:
    return any(event.type == "intents-start" for event in events) and events[-1].type != "intents-stop"


def _to_understanding(events: list[Event]) -> Understanding:
    last = events[-1]
    if last.type in ("intent", "intents-stop"):
        return Understanding(tuple(_read_intents(events)))
    chunks = "".join(str(event.data.get("text") or "") for event in events if event.type == "handled-chunk")
    text = (chunks or str(last.data.get("text") or "")).strip()[:MAX_ANSWER_LENGTH]
    asks = any(bool(event_context(event).get("expects_reply")) for event in events)
    return Understanding((), text, last.type in ("handled", "handled-stop"), asks)


def _read_intents(events: list[Event]) -> Iterator[IntentFound]:
    for event in events:
        if event.type == "intent":
            pairs = [entity for entity in event.data.get("entities") or () if isinstance(entity, Mapping)]
            slots = {str(entity.get("name")): entity.get("value") for entity in pairs}
            yield IntentFound(str(event.data.get("name")), slots)
