"""One peer's stream of audio, and what is found in it."""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import TypeVar, assert_never

import structlog
from wyoming.event import Event
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStarted, VoiceStopped

from wyoming_rosie import turn
from wyoming_rosie.audio import SpeechInput, is_speech
from wyoming_rosie.errors import RosieError
from wyoming_rosie.service import Send
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_vad.findings import Classified, Finding, Started, Stopped
from wyoming_rosie_vad.stream import VadStream
from wyoming_rosie_vad.together import Together

_LOG = structlog.get_logger()
T = TypeVar("T")
FRAMES_IN_A_ROW = 8
"""A stream that comes faster than real time lets the others have the engine after so many, less than a millisecond."""


class VadConversation:
    """Audio in; `voice-started`, `voice-stopped` and `voice-class` out, with times of the audio, however fast it comes."""

    def __init__(self, together: Together, worker: ThreadWorker, send: Send) -> None:
        self._together = together
        self._worker = worker
        self._send = send
        self._audio = SpeechInput()
        self._is_speech_format = True
        self._stream: VadStream | None = None
        self._unheard = b""  # less than a frame
        self._begin_ms: int | None = None  # of the stream, as the peer counts
        self._turn = Event("audio-start")  # what named the turn

    @property
    def busy(self) -> bool:
        return self._stream is not None and self._stream.is_speech  # a stream itself may never end

    async def on_event(self, event: Event) -> None:
        match event.type:
            case "user-event" if event.data.get("name") == "turn":
                self._turn = event
            case "audio-start":
                await self._finish()
                await self._begin(event)
            case "audio-chunk":
                await self._hear(event)
            case "audio-stop":
                await self._find(await self._read(self._audio.stop, event))
                await self._finish()

    async def close(self) -> None:
        """Drop the stream; what has been found and not been told is for nobody."""
        await self._drop()

    async def _begin(self, event: Event) -> None:
        self._is_speech_format = is_speech(event)
        await self._read(self._audio.start, event)
        self._stream = self._together.begin()
        self._begin_ms = _milliseconds(event)
        self._unheard = b""

    async def _hear(self, event: Event) -> None:
        self._is_speech_format = self._is_speech_format and is_speech(event)
        pcm = await self._read(self._audio.chunk, event)
        if self._begin_ms is None:
            self._begin_ms = _milliseconds(event)
        await self._find(pcm)

    async def _read(self, read: Callable[[Event], T], event: Event) -> T:
        """Take an event's audio; in the thread when it must be converted, which may take a while."""
        try:
            return read(event) if self._is_speech_format else await self._worker.run(read, event)
        except RosieError:
            await self._drop()
            raise

    async def _find(self, pcm: bytes) -> None:
        if self._stream is None:
            return
        audio = self._unheard + pcm
        frame = self._together.frame_bytes
        whole = len(audio) - len(audio) % frame
        self._unheard = audio[whole:]
        step = FRAMES_IN_A_ROW * frame
        for at in range(0, whole, step):
            await self._tell(await self._together.hear(self._stream, audio[at : min(at + step, whole)]))

    async def _finish(self) -> None:
        if self._stream is not None:
            await self._tell(self._stream.finish())
            await self._drop()

    async def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await self._together.end(stream)

    async def _tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            _LOG.debug("found", finding=finding)
            await self._send(self._event(finding))

    def _event(self, finding: Finding) -> Event:
        timestamp = (self._begin_ms or 0) + finding.time
        match finding:
            case Started():
                return VoiceStarted(timestamp).event()
            case Stopped():
                return VoiceStopped(timestamp).event()
            case Classified():
                data = {"class": finding.sound, "probability": finding.probability, "timestamp": timestamp}
                if finding.is_final:
                    data["final"] = True
                return UserEvent("voice-class", data, turn.context(self._turn)).event()
            case _:
                assert_never(finding)


def _milliseconds(event: Event) -> int | None:
    """Return the event's timestamp; some peers send none, a fraction, or something else."""
    timestamp = event.data.get("timestamp")
    return round(timestamp) if isinstance(timestamp, int | float) and isfinite(timestamp) else None
