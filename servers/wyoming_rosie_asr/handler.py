"""One peer's requests: spoken sentences in, their text out, sooner than they are over if that can be."""

import asyncio
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

from wyoming_rosie.audio.formats import SPEECH, SpeechInput
from wyoming_rosie.errors import BadEventError, RosieError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.runtime.stream_scheduler import BatchScheduler, ScheduledStream
from wyoming_rosie.voice_activity.endpointing import CONDUCTED, SPECULATION, EndpointDecision, EndpointingRules
from wyoming_rosie.voice_activity.events import AudioClass, AudioClassified, SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.stream import VadStream
from wyoming_rosie_asr.admission import DecodeJob, Priority
from wyoming_rosie_asr.endpointer import UtteranceEndpointer
from wyoming_rosie_asr.engine import AsrEngine, SpeechAudio, TranscribeRequest, Transcript
from wyoming_rosie_asr.partial_results import LocalAgreement, PartialBudget
from wyoming_rosie_asr.request import parse_request, parse_sensitivity

_LOG = structlog.get_logger()
T = TypeVar("T")
LIVE_SECONDS = 1.0
"""Audio that is further ahead of its own time is a recording, which is heard to its end."""


@dataclass(frozen=True)
class AsrContext:
    """What all conversations share."""

    engine: AsrEngine
    vad_scheduler: BatchScheduler[VadStream, VadEvent]
    create_vad_stream: Callable[[], VadStream]
    endpointing: EndpointingRules = field(default_factory=EndpointingRules)
    has_endpointing: bool = True
    max_seconds: float = 30.0
    partial_seconds: float = 1.0  # 0: nothing is told while somebody speaks
    partial_budget: PartialBudget = field(default_factory=PartialBudget)
    metrics: TurnMetrics = NULL_TURN_METRICS

    @property
    def sends_partials(self) -> bool:
        """Whether words are told while somebody speaks."""
        return self.engine.supports_streaming and self.partial_seconds > 0


class AsrHandler:
    """`transcribe`, then audio; at its end comes the `transcript`. A peer that sends audio only is heard as well.

    After an error nothing is heard until the next `transcribe` or `audio-start`: one error stands for a whole request.
    """

    def __init__(self, context: AsrContext, send: Send) -> None:
        self._context = context
        self._send = send
        self._audio = SpeechInput()
        self._transcribe_event = Event("transcribe")
        self._request = TranscribeRequest()
        self._is_refused = False
        self._utterance: Utterance | None = None

    @property
    def is_busy(self) -> bool:
        return self._utterance is not None

    async def on_event(self, event: Event) -> None:
        try:
            match event.type:
                case "transcribe":
                    await self._on_transcribe(event)
                case "audio-start" if not self._is_refused:
                    await self._start_utterance(event)
                case "audio-chunk" if not self._is_refused:
                    for piece in self._audio.split(event):
                        await self._push_chunk(piece)
                case "audio-stop" if not self._is_refused:
                    await self._finish_utterance(event)
                case "voice-started" | "voice-stopped" if self._utterance is not None:
                    self._utterance.on_voice_event(is_voice=event.type == "voice-started")
        except RosieError:
            await self._drop_utterance()
            raise

    async def close(self) -> None:
        await self._drop_utterance()

    async def _on_transcribe(self, event: Event) -> None:
        await self._drop_utterance()
        self._transcribe_event, self._is_refused = event, True
        self._audio = SpeechInput()
        self._request = parse_request(event)
        self._context.engine.check_request(self._request)
        self._is_refused = False

    async def _start_utterance(self, event: Event) -> None:
        await self._drop_utterance()
        await self._read(self._audio.start, event)
        self._context.engine.check_request(self._request)
        ends = self._context.endpointing.for_sensitivity(parse_sensitivity(self._transcribe_event))
        self._utterance = Utterance(
            self._context, self._request, ends, turn.context(self._transcribe_event), self._send
        )
        self._utterance.start()

    async def _push_chunk(self, event: Event) -> None:
        pcm = await self._read(self._audio.chunk, event)
        if self._utterance is not None:
            await self._utterance.push(pcm)

    async def _finish_utterance(self, event: Event) -> None:
        rest = self._audio.stop(event)
        if self._utterance is None:
            return
        await self._utterance.push(rest)
        await self._utterance.finish()
        await self._drop_utterance()

    async def _read(self, read: Callable[[Event], T], event: Event) -> T:
        """Take an event's audio; in the thread when it must be converted, which may take a while."""
        return (
            await self._context.vad_scheduler.call(read, event) if self._audio.needs_conversion(event) else read(event)
        )

    async def _drop_utterance(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            await utterance.close()


@dataclass
class _Speculation:
    """A decoding of what was heard so far, which is the answer if nothing follows."""

    job: DecodeJob
    task: asyncio.Task[Transcript]


class Utterance:
    """One utterance on its way to its text; decides by itself when it is over, if nobody else does."""

    def __init__(
        self,
        context: AsrContext,
        request: TranscribeRequest,
        rules: EndpointingRules,
        event_context: dict[str, Any],
        send: Send,
    ) -> None:
        self._shared = context
        self._request = request
        self._event_context = event_context
        self._send = send
        self._endpointer = UtteranceEndpointer(rules, is_conducted=event_context.get(CONDUCTED) is True)
        self._pcm = bytearray()
        self._start_time = asyncio.get_running_loop().time()
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._agreement = LocalAgreement()
        self._has_sent_partials = False
        self._partial_ms = 0  # milliseconds of audio in the newest partial guess
        self._partial: asyncio.Task[None] | None = None
        self._speculation: _Speculation | None = None
        self._early_answer: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Listen."""
        self._stream = self._shared.vad_scheduler.create_stream(self._shared.create_vad_stream(), self._on_vad_events)
        self._create_task(self._prepare_engine())

    async def push(self, pcm: bytes) -> None:
        """Take the next audio: 16 kHz 16-bit mono. Raises BadEventError, EngineError."""
        if self._stream is None or self._early_answer is not None or not pcm:
            return
        self._pcm += pcm
        if SPEECH.seconds(len(self._pcm)) > self._shared.max_seconds:
            raise BadEventError(f"an utterance may last {self._shared.max_seconds:g} s, this one is longer", "too-long")
        await self._stream.push(pcm)
        self._advance()
        self._start_partial()

    def on_voice_event(self, *, is_voice: bool) -> None:
        """Take it that the conductor hears a voice, or none any more."""
        if self._early_answer is None:
            self._apply(self._endpointer.on_voice_started() if is_voice else self._endpointer.on_voice_stopped())

    async def finish(self) -> None:
        """Answer, unless that has been done. Raises BusyError, EngineError."""
        if self._early_answer is not None:
            await self._early_answer
            return
        assert self._stream is not None
        with self._shared.metrics.turn("decide") as answered:
            await self._stream.finish()
            answered.outcome = await self._send_transcript()

    async def close(self) -> None:
        """Want nothing any more."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            await self._shared.vad_scheduler.call(stream.state.close)

    @property
    def _duration_ms(self) -> int:
        return round(1000 * SPEECH.seconds(len(self._pcm)))

    @property
    def _is_live(self) -> bool:
        return self._duration_ms / 1000 - (asyncio.get_running_loop().time() - self._start_time) < LIVE_SECONDS

    def _on_vad_events(self, findings: Sequence[VadEvent]) -> None:
        for finding in findings if self._early_answer is None else ():
            match finding:
                case SpeechStart(at_ms):
                    self._apply(self._endpointer.on_speech_start(at_ms))
                case SpeechStop(at_ms):
                    self._endpointer.on_speech_stop(at_ms)
                case AudioClassified(AudioClass.NOISE | AudioClass.SILENCE as kind, _, at_ms, False):
                    self._endpointer.on_audio_class(at_ms, is_noise=kind is AudioClass.NOISE)
        self._advance()

    def _advance(self) -> None:
        """Do what follows from the silence so far."""
        if self._stream is not None and self._is_live:
            self._apply(self._endpointer.advance(self._stream.state.processed_ms))

    def _apply(self, verdicts: list[EndpointDecision]) -> None:
        for verdict in verdicts:
            match verdict:
                case EndpointDecision.PERHAPS:
                    self._start_speculation()
                case EndpointDecision.RESUMED:
                    self._cancel_speculation()
                case EndpointDecision.DONE | EndpointDecision.TOO_LONG | EndpointDecision.NO_SPEECH:
                    if self._shared.has_endpointing and self._early_answer is None:
                        self._early_answer = self._create_task(self._finish_early())

    async def _prepare_engine(self) -> None:
        with suppress(RosieError):  # who asks for the transcript is told
            await self._shared.engine.prepare()

    def _audio_so_far(self) -> SpeechAudio:
        return SpeechAudio(bytes(self._pcm), self._endpointer.speech_segments(self._duration_ms))

    def _start_speculation(self) -> None:
        self._cancel_speculation()
        self._cancel_partial()
        ticket = DecodeJob(Priority.SPECULATION)
        work = self._create_task(self._transcribe(self._audio_so_far(), ticket))
        self._speculation = _Speculation(ticket, work)
        work.add_done_callback(self._on_speculation_done)

    def _cancel_speculation(self) -> None:
        guess, self._speculation = self._speculation, None
        if guess is not None:
            guess.task.cancel()

    def _on_speculation_done(self, work: asyncio.Task[Transcript]) -> None:
        if (
            work.cancelled()
            or work.exception() is not None
            or self._speculation is None
            or self._speculation.task is not work
        ):
            return
        transcript = work.result()
        self._endpointer.set_complete(complete=transcript.is_complete)
        if self._endpointer.is_conducted and self._early_answer is None:
            data = {"text": transcript.text, "complete": transcript.is_complete}
            self._create_task(self._send_event(UserEvent(SPECULATION, data, self._event_context).event()))

    def _start_partial(self) -> None:
        """Begin to guess what was said so far, if it is time and nobody else needs the engine."""
        more_ms = self._duration_ms - self._partial_ms
        seconds = self._shared.partial_seconds
        is_time = (
            self._is_live and self._shared.sends_partials and self._endpointer.is_speech and more_ms >= 1000 * seconds
        )
        is_idle = self._partial is None and self._speculation is None
        if is_time and is_idle and self._shared.partial_budget.allows(seconds):
            self._partial_ms = self._duration_ms
            self._partial = self._create_task(self._send_partial(self._audio_so_far()))

    async def _send_partial(self, sound: SpeechAudio) -> None:
        try:
            transcript = await self._transcribe(sound, DecodeJob(Priority.PARTIAL))
        except RosieError:  # the next one may do
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
            with self._shared.metrics.turn("decide") as answered:
                answered.outcome = await self._send_transcript()
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self._send_event(Error(str(err), err.code).event())

    async def _send_transcript(self) -> str:
        """Send the transcript; return whether it is understood or not-understood."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._cancel_partial()
        transcript = await self._final_transcript()
        _log_transcript(transcript, SPEECH.seconds(len(self._pcm)), clock() - began)
        if self._shared.sends_partials:
            await self._send_transcript_chunk(self._agreement.finish(transcript.text), transcript.language)
        if self._has_sent_partials:
            await self._send_event(TranscriptStop().event())
        context = {**self._event_context, "score": round(transcript.score, 3)}
        await self._send_event(TranscriptEvent(transcript.text, context, transcript.language).event())
        return "understood" if transcript.text else "not-understood"

    async def _final_transcript(self) -> Transcript:
        """Return the guess if there is one that holds, else what the engine makes of all the audio."""
        if self._speculation is not None:
            self._speculation.job.priority = Priority.FINAL
            try:
                return await self._speculation.task
            except RosieError:  # a guess may have had to make room; the answer asks once more
                self._speculation = None
        return await self._transcribe(self._audio_so_far(), DecodeJob(Priority.FINAL))

    async def _transcribe(self, sound: SpeechAudio, ticket: DecodeJob) -> Transcript:
        if not sound.segments:
            return Transcript(language=self._request.language)
        clock = asyncio.get_running_loop().time
        began = clock()
        transcript = await self._shared.engine.transcribe(sound, self._request, ticket)
        took = clock() - began
        self._shared.partial_budget.record(took)
        self._shared.metrics.observe_stage("decode", 1000 * took)
        return transcript

    def _cancel_partial(self) -> None:
        if self._partial is not None:
            self._partial.cancel()

    async def _send_event(self, event: Event) -> None:
        with suppress(ConnectionError):  # the peer is gone, and its conversation will be
            await self._send(event)

    def _create_task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _log_transcript(transcript: Transcript, heard_seconds: float, seconds: float) -> None:
    numbers = {"score": round(transcript.score, 3), "audio_s": round(heard_seconds, 2), "ms": round(1000 * seconds)}
    _LOG.info("understood" if transcript.text else "not understood", **numbers)
    _LOG.debug("transcript", text=transcript.text)
