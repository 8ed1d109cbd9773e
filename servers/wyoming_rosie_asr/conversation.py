"""One peer's requests: spoken sentences in, their text out."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from wyoming.asr import Transcript as TranscriptEvent
from wyoming.event import Event

from wyoming_rosie import turn
from wyoming_rosie.audio import SPEECH, SpeechInput, is_speech
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.service import Send
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_asr.engine import AsrEngine, Transcript, Utterance

_LOG = structlog.get_logger()
T = TypeVar("T")


class AsrConversation:
    """`transcribe`, then audio; at its end comes the `transcript`. A peer that sends audio only is heard as well.

    After an error nothing is heard until the next `transcribe` or `audio-start`: one error stands for a whole request.
    """

    def __init__(self, engine: AsrEngine, converter: ThreadWorker, longest_seconds: float, send: Send) -> None:
        self._engine = engine
        self._converter = converter
        self._longest_seconds = longest_seconds
        self._send = send
        self._audio = SpeechInput()
        self._request = Event("transcribe")
        self._is_refused = False
        self._is_speech_format = True
        self._utterance: Utterance | None = None
        self._heard_bytes = 0

    @property
    def busy(self) -> bool:
        return self._utterance is not None

    async def on_event(self, event: Event) -> None:
        try:
            match event.type:
                case "transcribe":
                    self._ask(event)
                case "audio-start" if not self._is_refused:
                    await self._begin(event)
                case "audio-chunk" if not self._is_refused:
                    await self._hear(event)
                case "audio-stop" if not self._is_refused:
                    await self._finish(event)
        except RosieError:
            self._utterance = None
            raise

    async def close(self) -> None:
        self._utterance = None

    def _ask(self, event: Event) -> None:
        self._request, self._utterance = event, None
        self._audio = SpeechInput()
        self._is_refused = True
        self._engine.listen(_language(event))  # whether it can
        self._is_refused = False

    async def _begin(self, event: Event) -> None:
        self._is_speech_format = is_speech(event)
        await self._read(self._audio.start, event)
        self._utterance = self._engine.listen(_language(self._request))
        self._heard_bytes = 0

    async def _hear(self, event: Event) -> None:
        self._is_speech_format = self._is_speech_format and is_speech(event)
        self._feed(await self._read(self._audio.chunk, event))

    async def _finish(self, event: Event) -> None:
        self._feed(await self._read(self._audio.stop, event))
        if self._utterance is None:
            return
        clock = asyncio.get_running_loop().time
        began = clock()
        transcript = await self._utterance.finish()
        self._utterance = None
        _log(transcript, SPEECH.seconds(self._heard_bytes), clock() - began)
        await self._send(_event(transcript, self._request))

    async def _read(self, read: Callable[[Event], T], event: Event) -> T:
        """Take an event's audio; in the thread when it must be converted, which may take a while."""
        return read(event) if self._is_speech_format else await self._converter.run(read, event)

    def _feed(self, pcm: bytes) -> None:
        if self._utterance is None:
            return
        self._heard_bytes += len(pcm)
        if SPEECH.seconds(self._heard_bytes) > self._longest_seconds:
            raise BadEventError(f"an utterance may last {self._longest_seconds:g} s, this one is longer", "too-long")
        self._utterance.feed(pcm)


def _language(event: Event) -> str | None:
    language = event.data.get("language")
    if language is not None and not isinstance(language, str):
        raise BadEventError("transcribe: language must be a text such as en")
    return language or None


def _log(transcript: Transcript, heard_seconds: float, seconds: float) -> None:
    numbers = {"score": round(transcript.score, 3), "audio_s": round(heard_seconds, 2), "ms": round(1000 * seconds)}
    _LOG.info("understood" if transcript.text else "not understood", **numbers)
    _LOG.debug("transcript", text=transcript.text)


def _event(transcript: Transcript, request: Event) -> Event:
    context = {**turn.context(request), "score": round(transcript.score, 3)}
    return TranscriptEvent(transcript.text, context, transcript.language).event()
