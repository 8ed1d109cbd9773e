"""One utterance on its way to a transcript: speculation during silence, partial results during speech."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from wyoming.asr import Transcript as TranscriptEvent
from wyoming.asr import TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.user_event import UserEvent
from wyoming.vad import VoiceStopped

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol.connection import Send, client_of
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie.runtime.stream_scheduler import AudioSource, BatchScheduler, ScheduledStream
from wyoming_rosie.voice_activity.endpointing import (
    CONDUCTED,
    SPECULATION,
    SPEECH_BOUNDARIES,
    Completeness,
    EndpointDecision,
    EndpointingRules,
)
from wyoming_rosie.voice_activity.events import AudioClass, AudioClassified, SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.stream import VadStream
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.endpointer import UtteranceEndpointer
from wyoming_rosie_asr.engine import AsrEngine, SpeechAudio, TranscribeRequest, Transcript
from wyoming_rosie_asr.partial_results import LocalAgreement, PartialBudget
from wyoming_rosie_asr.speaker_identifier import FirstVoice, SpeakerIdentifier, UtteranceSpeaker

_LOG = structlog.get_logger()
T = TypeVar("T")
LIVE_SECONDS = 1.0
"""Audio that arrives further ahead of real time than this is a recording, which is transcribed to its end."""


@dataclass(frozen=True)
class AsrContext:
    """Engine, scheduler and settings, shared by all connections."""

    engine: AsrEngine
    vad_scheduler: BatchScheduler[VadStream, VadEvent]
    create_vad_stream: Callable[[], VadStream]
    endpointing: EndpointingRules = field(default_factory=EndpointingRules)
    has_endpointing: bool = True
    max_seconds: float = 30.0
    partial_seconds: float = 1.0  # 0: no partial results
    partial_budget: PartialBudget = field(default_factory=PartialBudget)
    metrics: TurnMetrics = NULL_TURN_METRICS
    speakers: SpeakerIdentifier | None = None

    @property
    def sends_partials(self) -> bool:
        """Whether partial results are sent during speech."""
        return self.engine.supports_streaming and self.partial_seconds > 0


@dataclass
class _Speculation:
    """A decoding of the audio so far, which is the final transcript if only silence follows.

    If speech follows, it still tells whether a complete command was said.
    """

    job: DecodeJob
    task: asyncio.Task[Transcript]
    is_final: bool = True


class Utterance:
    """One utterance. Ends by itself after enough silence, unless the peer conducts the turn.

    Voice activity detection does not run for a peer whose request promises `speech_boundaries`, unless it has reported
    none by the end.
    """

    def __init__(
        self,
        context: AsrContext,
        request: TranscribeRequest,
        rules: EndpointingRules,
        event_context: dict[str, Any],
        send: Send,
    ) -> None:
        self._context = context
        self._request = request
        self._event_context = event_context
        self._send = send
        self._client = client_of(send)
        self._has_boundaries = event_context.get(SPEECH_BOUNDARIES) is True
        is_conducted = self._has_boundaries or event_context.get(CONDUCTED) is True
        self._endpointer = UtteranceEndpointer(rules, is_conducted=is_conducted)
        self._pcm = bytearray()
        self._max_bytes = SPEECH.bytes_in(context.max_seconds)
        self._start_time = asyncio.get_running_loop().time()
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._agreement = LocalAgreement()
        self._has_sent_partials = False
        self._partial_ms = 0  # milliseconds of audio in the newest partial result
        self._partial: asyncio.Task[None] | None = None
        self._speculation: _Speculation | None = None
        self._early_answer: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        speakers = context.speakers
        self._speaker = UtteranceSpeaker(speakers, self._create_task) if speakers else None
        follows = speakers is not None and speakers.first_voice_only
        self._first_voice = (
            FirstVoice(speakers, self._create_task, self._on_other_voice) if speakers and follows else None
        )
        self._task_context = contextvars.copy_context()  # the turn's, for tasks that start outside of the handler's

    def start(self) -> None:
        """Start detecting speech, and load the engine if it is not loaded."""
        if not self._has_boundaries:
            self._stream = self._create_stream()
        self._create_task(self._prepare_engine())
        if self._speaker is not None:
            self._speaker.prepare()

    def try_push(self, pcm: bytes) -> bool:
        """Add 16 kHz 16-bit mono PCM without waiting; return False if `push` has to wait or to raise."""
        if self._early_answer is not None:
            return True
        if len(self._pcm) + len(pcm) > self._max_bytes:
            return False
        if self._stream is not None and not self._stream.try_push(pcm):
            return False
        self._pcm += pcm
        self._on_audio()
        return True

    async def push(self, pcm: bytes) -> None:
        """Add 16 kHz 16-bit mono PCM. Raises BadEventError, EngineError."""
        if self._early_answer is not None or not pcm:
            return
        self._pcm += pcm
        if len(self._pcm) > self._max_bytes:
            raise BadEventError(
                f"an utterance may last {self._context.max_seconds:g} s, this one is longer", "too-long"
            )
        if self._stream is not None:
            await self._stream.push(pcm)
        self._on_audio()

    def coalesce(self, source: AudioSource) -> None:
        """Read audio from its source together with that of other streams."""
        if self._stream is not None:
            self._stream.coalesce(source)

    def on_voice_event(self, event: Event) -> None:
        """Process the conductor's `voice-started` or `voice-stopped`; its timestamp is milliseconds of the audio."""
        if self._early_answer is not None:
            return
        is_start = event.type == "voice-started"
        if self._has_boundaries:
            at_ms = self._timestamp(event)
            (self._endpointer.on_speech_start if is_start else self._endpointer.on_speech_stop)(at_ms)
        self._apply(self._endpointer.on_voice_started() if is_start else self._endpointer.on_voice_stopped())

    async def finish(self) -> None:
        """Send the transcript, unless it has been sent. Raises BusyError, EngineError."""
        if self._early_answer is not None:
            await self._early_answer
            return
        with self._context.metrics.turn("decide") as answered:
            await self._finish_detection()
            answered.outcome = await self._send_transcript()

    async def close(self) -> None:
        """Cancel all decoding and release the stream."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            await self._context.vad_scheduler.call(stream.state.close)

    @property
    def _duration_ms(self) -> int:
        return round(1000 * SPEECH.seconds(len(self._pcm)))

    @property
    def _is_speculating(self) -> bool:
        return self._speculation is not None and (self._speculation.is_final or not self._speculation.task.done())

    @property
    def _is_live(self) -> bool:
        return self._duration_ms / 1000 - (asyncio.get_running_loop().time() - self._start_time) < LIVE_SECONDS

    def _create_stream(self) -> ScheduledStream[VadStream, VadEvent]:
        state = self._context.create_vad_stream()
        return self._context.vad_scheduler.create_stream(
            state, self._on_vad_events, client=self._client, may_drop=False
        )

    async def _finish_detection(self) -> None:
        """Wait until all speech is found; search all audio if the conductor has reported none."""
        if self._has_boundaries and self._pcm and not self._endpointer.speech_segments(self._duration_ms):
            self._stream = self._create_stream()
            await self._stream.push(bytes(self._pcm))
        if self._stream is not None:
            await self._stream.finish()

    def _timestamp(self, event: Event) -> int:
        """Return the event's position in the audio; the end of the audio if it has no valid timestamp."""
        timestamp = parse_number(event.data.get("timestamp"))
        return self._duration_ms if timestamp is None else min(max(round(timestamp), 0), self._duration_ms)

    def _on_vad_events(self, events: Sequence[VadEvent]) -> None:
        for event in events if self._early_answer is None else ():
            match event:
                case SpeechStart(at_ms):
                    self._apply(self._endpointer.on_speech_start(at_ms))
                case SpeechStop(at_ms):
                    self._endpointer.on_speech_stop(at_ms)
                case AudioClassified(AudioClass.NOISE | AudioClass.SILENCE as audio_class, _, at_ms, False):
                    self._endpointer.on_audio_class(at_ms, is_noise=audio_class is AudioClass.NOISE)
        self._advance()

    def _on_audio(self) -> None:
        self._advance()
        if self._first_voice is not None and self._endpointer.is_speech and self._is_live:
            self._first_voice.on_speech(self._pcm, self._endpointer.speech_segments(self._duration_ms))
        self._start_partial()

    def _advance(self) -> None:
        if self._stream is not None and self._is_live:
            self._apply(self._endpointer.advance(self._stream.state.processed_ms))

    def _on_other_voice(self, at_ms: int) -> None:
        """End the command where another voice began; a conductor that decides on it is told."""
        if self._early_answer is not None or not self._endpointer.on_other_voice(at_ms):
            return
        _LOG.debug("another voice goes on", at_ms=at_ms)
        if self._endpointer.is_conducted:
            self._create_task(self._send_event(VoiceStopped(timestamp=at_ms).event()))
        self._advance()

    def _apply(self, decisions: list[EndpointDecision]) -> None:
        for decision in decisions:
            match decision:
                case EndpointDecision.PERHAPS:
                    self._start_speculation()
                case EndpointDecision.RESUMED:
                    if self._speculation is not None:
                        self._speculation.is_final = False
                case EndpointDecision.DONE | EndpointDecision.TOO_LONG | EndpointDecision.NO_SPEECH:
                    if self._context.has_endpointing and self._early_answer is None:
                        self._early_answer = self._create_task(self._finish_early())

    async def _prepare_engine(self) -> None:
        with suppress(RosieError):  # the request for the transcript raises it again
            await self._context.engine.prepare()

    def _copy_audio(self) -> SpeechAudio:
        return SpeechAudio(bytes(self._pcm), self._endpointer.speech_segments(self._duration_ms))

    def _take_audio(self) -> SpeechAudio:
        """Return the audio to decode, and start to identify its speaker."""
        audio = self._copy_audio()
        if self._speaker is not None:
            self._speaker.start(audio)
        return audio

    def _start_speculation(self) -> None:
        self._cancel_speculation()
        self._cancel_partial()
        job = DecodeJob(Priority.SPECULATION, self._client)
        task = self._create_task(self._transcribe(self._take_audio(), job))
        self._speculation = _Speculation(job, task)
        self._endpointer.on_speculation_start()
        self._report_speculation({"pending": True})
        task.add_done_callback(self._on_speculation_done)

    def _cancel_speculation(self) -> None:
        speculation, self._speculation = self._speculation, None
        if speculation is not None:
            speculation.task.cancel()

    def _on_speculation_done(self, task: asyncio.Task[Transcript]) -> None:
        if self._speculation is None or self._speculation.task is not task or task.cancelled():
            return
        if task.exception() is not None:
            self._endpointer.set_completeness(Completeness.UNKNOWN)
            self._report_speculation({"completeness": Completeness.UNKNOWN})
            return
        transcript = task.result()
        self._endpointer.set_completeness(transcript.completeness)
        text = {"text": transcript.text} if self._speculation.is_final else {}
        self._report_speculation({**text, "completeness": transcript.completeness})

    def _report_speculation(self, data: dict[str, Any]) -> None:
        if self._endpointer.is_conducted and self._early_answer is None:
            self._create_task(self._send_event(UserEvent(SPECULATION, data, self._event_context).event()))

    def _start_partial(self) -> None:
        """Start a partial result if the next one is due and the engine is free and fast enough."""
        seconds = self._context.partial_seconds
        if not self._context.sends_partials or self._partial is not None or self._is_speculating:
            return
        is_due = self._duration_ms - self._partial_ms >= 1000 * seconds
        if is_due and self._is_live and self._endpointer.is_speech and self._context.partial_budget.allows(seconds):
            self._partial_ms = self._duration_ms
            self._partial = self._create_task(self._send_partial(self._copy_audio()))

    async def _send_partial(self, audio: SpeechAudio) -> None:
        try:
            transcript = await self._transcribe(audio, DecodeJob(Priority.PARTIAL, self._client))
        except RosieError:  # the next one may succeed
            return
        finally:
            self._partial = None
        await self._send_transcript_chunk(self._agreement.push(transcript.text), transcript.language)

    async def _send_transcript_chunk(self, text: str, language: str | None) -> None:
        if not text:
            return
        if not self._has_sent_partials:
            self._has_sent_partials = True
            await self._send_event(TranscriptStart(self._event_context, language).event())
        await self._send_event(TranscriptChunk(text).event())

    async def _finish_early(self) -> None:
        try:
            with self._context.metrics.turn("decide") as answered:
                answered.outcome = await self._send_transcript()
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self._send_event(Error(str(err), err.code).event())

    async def _send_transcript(self) -> str:
        """Send the transcript; return the outcome for the metrics."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._cancel_partial()
        transcript = await self._final_transcript()
        _log_transcript(transcript, SPEECH.seconds(len(self._pcm)), clock() - began)
        if self._context.sends_partials:
            await self._send_transcript_chunk(self._agreement.finish(transcript.text), transcript.language)
        if self._has_sent_partials:
            await self._send_event(TranscriptStop().event())
        context = {**self._event_context, "score": round(transcript.score, 3)}
        if self._speaker is not None:
            context = await self._speaker.finish(context)
        await self._send_event(TranscriptEvent(transcript.text, context, transcript.language).event())
        return "understood" if transcript.text else "not-understood"

    async def _final_transcript(self) -> Transcript:
        """Return the result of the speculation that still holds, else decode all audio."""
        if self._speculation is not None and self._speculation.is_final:
            self._speculation.job.priority = Priority.FINAL
            try:
                return await self._speculation.task
            except RosieError:  # rejected in favour of a final decoding before it became one
                self._speculation = None
        self._cancel_speculation()
        return await self._transcribe(self._take_audio(), DecodeJob(Priority.FINAL, self._client))

    async def _transcribe(self, audio: SpeechAudio, job: DecodeJob) -> Transcript:
        if not audio.segments:
            return Transcript(language=self._request.language)
        clock = asyncio.get_running_loop().time
        began = clock()
        transcript = await self._context.engine.transcribe(audio, self._request, job)
        seconds = clock() - began
        self._context.partial_budget.record(seconds)
        self._context.metrics.observe_stage("decode", 1000 * seconds)
        return transcript

    def _cancel_partial(self) -> None:
        if self._partial is not None:
            self._partial.cancel()

    async def _send_event(self, event: Event) -> None:
        with suppress(ConnectionError):  # the peer has left; its handler is about to be closed
            await self._send(event)

    def _create_task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work, context=self._task_context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _log_transcript(transcript: Transcript, audio_seconds: float, seconds: float) -> None:
    numbers = {"score": round(transcript.score, 3), "audio_s": round(audio_seconds, 2), "ms": round(1000 * seconds)}
    _LOG.info("understood" if transcript.text else "not understood", **numbers)
    _LOG.debug("transcript", text=transcript.text)
