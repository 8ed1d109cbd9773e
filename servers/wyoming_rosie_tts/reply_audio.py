"""The audio of one reply, made from its segments."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace

import structlog
from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event

from wyoming_rosie.audio.formats import Converter
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol.connection import Send, client_of
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_tts import phrase_cache
from wyoming_rosie_tts.engine import StepCancellation, TtsEngine, Voice
from wyoming_rosie_tts.loudness import LoudnessNormalizer
from wyoming_rosie_tts.phrase_cache import PhraseCache
from wyoming_rosie_tts.synthesis_scheduler import PlaybackDeadline, SynthesisScheduler
from wyoming_rosie_tts.text.normalization.normalizer import normalize
from wyoming_rosie_tts.text.segments import MarkSegment, PauseSegment, Segment, TextSegment, VoiceRequest
from wyoming_rosie_tts.text.writing_systems import split_by_language
from wyoming_rosie_tts.voice_selection import select_voice

_LOG = structlog.get_logger()
CHUNK_SECONDS = 0.2
PREWARM_LEAD_SECONDS = 3600.0
"""Seconds of audio that a prewarmed reply pretends to have sent, so that every client is served before it."""


@dataclass(frozen=True)
class TtsContext:
    """The engine and services that all replies share."""

    engine: TtsEngine
    scheduler: SynthesisScheduler
    cache: PhraseCache
    loudness: LoudnessNormalizer
    metrics: TurnMetrics = NULL_TURN_METRICS
    language_voices: Mapping[str, str] = field(default_factory=dict)
    """The names of the configured voices by language, in small letters."""


class ReplyAudio:
    """One audio-start to audio-stop in a single format, so that clients can write one WAV header for the whole reply."""

    def __init__(self, context: TtsContext, request: VoiceRequest, send: Send, *, is_prewarm: bool = False) -> None:
        self._context = context
        self._voice = select_voice(context.engine, request, context.language_voices)
        self._send = send
        self._is_prewarm = is_prewarm
        self._deadline = PlaybackDeadline(client_of(send))
        if is_prewarm:
            self._deadline.add(PREWARM_LEAD_SECONDS, loop_time())
        self._characters = 0
        self._started_at: float | None = None  # loop time of the first segment
        self._first_ms: int | None = None  # from then to the first audio chunk
        self._has_started = False
        self._sent_bytes = 0

    async def send_segment(self, segment: Segment, *, pause: bool) -> None:
        """Send a segment, followed by the silence between sentences if `pause`. Raises EngineError, BadEventError."""
        self._started_at = self._started_at or loop_time()
        match segment:
            case TextSegment():
                await self._send_text(segment, pause=pause)
            case PauseSegment(milliseconds):
                self._deadline.add(milliseconds / 1000, loop_time())
                await self._send_audio(bytes(self._voice.audio_format.bytes_in(milliseconds / 1000)))
            case MarkSegment(name):
                data = {"name": name, "timestamp": self._milliseconds}
                await self._send(Event("user-event", {"name": "mark", "data": data}))

    async def finish(self) -> None:
        """End the audio, and start it before if there was nothing to say."""
        await self._start()
        await self.stop()
        if self._first_ms is not None:
            self._context.metrics.observe_stage("first-sound", self._first_ms)
        _LOG.info("reply sent", characters=self._characters, first_ms=self._first_ms, audio_ms=self._milliseconds)

    async def stop(self) -> None:
        """End the audio if it has started."""
        if self._has_started:
            await self._send(AudioStop(timestamp=self._milliseconds).event())

    async def _send_text(self, segment: TextSegment, *, pause: bool) -> None:
        """Send a sentence; words of other languages in it are spoken by voices of theirs."""
        self._characters += len(segment.text)
        if segment.voice_request is not None or segment.phonemes:
            await self._send_part(segment, pause=pause)
            return
        parts = list(split_by_language(segment.text, self._voice.language))
        for at, (text, language) in enumerate(parts, 1):
            is_last = at == len(parts)
            request = VoiceRequest(language=language) if language else None
            part = replace(segment, text=text, voice_request=request, joins_next=segment.joins_next or not is_last)
            await self._send_part(part, pause=pause and is_last)

    async def _send_part(self, segment: TextSegment, *, pause: bool) -> None:
        voice = self._voice if segment.voice_request is None else self._select_voice(segment.voice_request)
        words = await asyncio.to_thread(normalize, segment.text, voice.language)
        segment = replace(segment, text=words)
        converter = Converter(voice.audio_format, self._voice.audio_format)
        async with aclosing(self._synthesize(voice, segment, pause=pause)) as chunks:
            async for pcm in chunks:
                await self._send_audio(converter.convert(pcm))
        await self._send_audio(converter.finish())

    def _select_voice(self, request: VoiceRequest) -> Voice:
        """Return the voice that a segment asks for, else one of that language, else the reply's own."""
        with suppress(BadEventError):
            return select_voice(self._context.engine, request, self._context.language_voices)
        _LOG.info("no such voice; using the reply's own", voice=request.name, language=request.language)
        return self._voice

    async def _synthesize(self, voice: Voice, segment: TextSegment, *, pause: bool) -> AsyncGenerator[bytes, None]:
        """Yield cached audio, or synthesize it and add it to the cache."""
        key = phrase_cache.cache_key(voice, segment, pause=pause)
        if (cached := await self._context.cache.get(key)) is not None:
            if self._is_prewarm:
                self._context.cache.add(key, cached, pin=True)
            self._deadline.add(voice.audio_format.seconds(len(cached)), loop_time())
            yield cached
            return
        audio = bytearray()
        cancellation = StepCancellation()
        steps = self._context.loudness.synthesize(voice, segment, pause=pause, cancellation=cancellation)
        stream = self._context.scheduler.stream(steps, voice.audio_format, self._deadline, cancellation)
        async with aclosing(stream) as chunks:
            async for pcm in chunks:
                audio += pcm
                yield pcm
        self._context.cache.add(key, bytes(audio), pin=self._is_prewarm)

    async def _send_audio(self, pcm: bytes) -> None:
        audio = self._voice.audio_format
        size = audio.bytes_in(CHUNK_SECONDS)
        for at in range(0, len(pcm), size):
            await self._start()
            data = {
                "rate": audio.rate,
                "width": audio.width,
                "channels": audio.channels,
                "timestamp": self._milliseconds,
            }
            chunk = pcm[at : at + size]
            await self._send(Event("audio-chunk", data, chunk))
            self._sent_bytes += len(chunk)
            if self._first_ms is None and self._started_at is not None:
                self._first_ms = round(1000 * (loop_time() - self._started_at))

    async def _start(self) -> None:
        if not self._has_started:
            self._has_started = True
            audio = self._voice.audio_format
            await self._send(AudioStart(audio.rate, audio.width, audio.channels, timestamp=0).event())

    @property
    def _milliseconds(self) -> int:
        return round(1000 * self._voice.audio_format.seconds(self._sent_bytes))
