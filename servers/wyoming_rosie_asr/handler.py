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
from wyoming_rosie.voice_activity.endpointing import CONDUCTED, GUESS, EndpointDecision, EndpointingRules
from wyoming_rosie.voice_activity.findings import AudioClass as Kind
from wyoming_rosie.voice_activity.findings import AudioClassified, SpeechStart, SpeechStop, VadEvent
from wyoming_rosie.voice_activity.stream import VadStream
from wyoming_rosie_asr.admission import Ticket, Urgency
from wyoming_rosie_asr.endpointer import Listening
from wyoming_rosie_asr.engine import AsrEngine, Request, Sound, Transcript
from wyoming_rosie_asr.partial_results import Leisure, Partials
from wyoming_rosie_asr.request import request_of, sensitivity_of

_LOG = structlog.get_logger()
T = TypeVar("T")
LIVE_SECONDS = 1.0
"""Audio that is further ahead of its own time is a recording, which is heard to its end."""


@dataclass(frozen=True)
class AsrContext:
    """What all conversations share."""

    engine: AsrEngine
    voices: BatchScheduler[VadStream, VadEvent]
    listen: Callable[[], VadStream]
    ends: EndpointingRules = field(default_factory=EndpointingRules)
    ends_by_itself: bool = True
    longest_seconds: float = 30.0
    partial_seconds: float = 1.0  # 0: nothing is told while somebody speaks
    leisure: Leisure = field(default_factory=Leisure)
    work: TurnMetrics = NULL_TURN_METRICS

    @property
    def streams(self) -> bool:
        """Whether words are told while somebody speaks."""
        return self.engine.streams and self.partial_seconds > 0


class AsrHandler:
    """`transcribe`, then audio; at its end comes the `transcript`. A peer that sends audio only is heard as well.

    After an error nothing is heard until the next `transcribe` or `audio-start`: one error stands for a whole request.
    """

    def __init__(self, ears: AsrContext, send: Send) -> None:
        self._ears = ears
        self._send = send
        self._audio = SpeechInput()
        self._asked = Event("transcribe")
        self._request = Request()
        self._is_refused = False
        self._utterance: Utterance | None = None

    @property
    def is_busy(self) -> bool:
        return self._utterance is not None

    async def on_event(self, event: Event) -> None:
        try:
            match event.type:
                case "transcribe":
                    await self._ask(event)
                case "audio-start" if not self._is_refused:
                    await self._begin(event)
                case "audio-chunk" if not self._is_refused:
                    for piece in self._audio.split(event):
                        await self._hear(piece)
                case "audio-stop" if not self._is_refused:
                    await self._finish(event)
                case "voice-started" | "voice-stopped" if self._utterance is not None:
                    self._utterance.told(is_voice=event.type == "voice-started")
        except RosieError:
            await self._drop()
            raise

    async def close(self) -> None:
        await self._drop()

    async def _ask(self, event: Event) -> None:
        await self._drop()
        self._asked, self._is_refused = event, True
        self._audio = SpeechInput()
        self._request = request_of(event)
        self._ears.engine.check(self._request)
        self._is_refused = False

    async def _begin(self, event: Event) -> None:
        await self._drop()
        await self._read(self._audio.start, event)
        self._ears.engine.check(self._request)
        ends = self._ears.ends.for_sensitivity(sensitivity_of(self._asked))
        self._utterance = Utterance(self._ears, self._request, ends, turn.context(self._asked), self._send)
        self._utterance.begin()

    async def _hear(self, event: Event) -> None:
        pcm = await self._read(self._audio.chunk, event)
        if self._utterance is not None:
            await self._utterance.hear(pcm)

    async def _finish(self, event: Event) -> None:
        rest = self._audio.stop(event)
        if self._utterance is None:
            return
        await self._utterance.hear(rest)
        await self._utterance.finish()
        await self._drop()

    async def _read(self, read: Callable[[Event], T], event: Event) -> T:
        """Take an event's audio; in the thread when it must be converted, which may take a while."""
        return await self._ears.voices.call(read, event) if self._audio.needs_conversion(event) else read(event)

    async def _drop(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is not None:
            await utterance.close()


@dataclass
class _Guess:
    """A decoding of what was heard so far, which is the answer if nothing follows."""

    ticket: Ticket
    work: asyncio.Task[Transcript]


class Utterance:
    """One utterance on its way to its text; decides by itself when it is over, if nobody else does."""

    def __init__(
        self, ears: AsrContext, request: Request, ends: EndpointingRules, context: dict[str, Any], send: Send
    ) -> None:
        self._ears = ears
        self._request = request
        self._context = context
        self._send = send
        self._listening = Listening(ends, is_conducted=context.get(CONDUCTED) is True)
        self._pcm = bytearray()
        self._began = asyncio.get_running_loop().time()
        self._stream: ScheduledStream[VadStream, VadEvent] | None = None
        self._partials = Partials()
        self._told_partials = False
        self._partial_at = 0  # milliseconds of audio in the newest partial guess
        self._partial: asyncio.Task[None] | None = None
        self._guess: _Guess | None = None
        self._answer: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self) -> None:
        """Listen."""
        self._stream = self._ears.voices.create_stream(self._ears.listen(), self._found)
        self._spawn(self._prepare())

    async def hear(self, pcm: bytes) -> None:
        """Take the next audio: 16 kHz 16-bit mono. Raises BadEventError, EngineError."""
        if self._stream is None or self._answer is not None or not pcm:
            return
        self._pcm += pcm
        if SPEECH.seconds(len(self._pcm)) > self._ears.longest_seconds:
            raise BadEventError(
                f"an utterance may last {self._ears.longest_seconds:g} s, this one is longer", "too-long"
            )
        await self._stream.push(pcm)
        self._move_on()
        self._look_ahead()

    def told(self, *, is_voice: bool) -> None:
        """Take it that the conductor hears a voice, or none any more."""
        if self._answer is None:
            self._follow(self._listening.told_started() if is_voice else self._listening.told_stopped())

    async def finish(self) -> None:
        """Answer, unless that has been done. Raises BusyError, EngineError."""
        if self._answer is not None:
            await self._answer
            return
        assert self._stream is not None
        with self._ears.work.turn("decide") as answered:
            await self._stream.finish()
            answered.outcome = await self._say()

    async def close(self) -> None:
        """Want nothing any more."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
            await self._ears.voices.call(stream.state.close)

    @property
    def _milliseconds(self) -> int:
        return round(1000 * SPEECH.seconds(len(self._pcm)))

    @property
    def _is_live(self) -> bool:
        return self._milliseconds / 1000 - (asyncio.get_running_loop().time() - self._began) < LIVE_SECONDS

    def _found(self, findings: Sequence[VadEvent]) -> None:
        for finding in findings if self._answer is None else ():
            match finding:
                case SpeechStart(at_ms):
                    self._follow(self._listening.started(at_ms))
                case SpeechStop(at_ms):
                    self._listening.stopped(at_ms)
                case AudioClassified(Kind.NOISE | Kind.SILENCE as kind, _, at_ms, False):
                    self._listening.classified(at_ms, is_noise=kind is Kind.NOISE)
        self._move_on()

    def _move_on(self) -> None:
        """Do what follows from the silence so far."""
        if self._stream is not None and self._is_live:
            self._follow(self._listening.at(self._stream.state.heard_ms))

    def _follow(self, verdicts: list[EndpointDecision]) -> None:
        for verdict in verdicts:
            match verdict:
                case EndpointDecision.PERHAPS:
                    self._begin_guess()
                case EndpointDecision.RESUMED:
                    self._drop_guess()
                case EndpointDecision.DONE | EndpointDecision.TOO_LONG | EndpointDecision.NO_SPEECH:
                    if self._ears.ends_by_itself and self._answer is None:
                        self._answer = self._spawn(self._answer_early())

    async def _prepare(self) -> None:
        with suppress(RosieError):  # who asks for the transcript is told
            await self._ears.engine.prepare()

    def _sound(self) -> Sound:
        return Sound(bytes(self._pcm), self._listening.speech(self._milliseconds))

    def _begin_guess(self) -> None:
        self._drop_guess()
        self._stop_partial()
        ticket = Ticket(Urgency.GUESS)
        work = self._spawn(self._transcribe(self._sound(), ticket))
        self._guess = _Guess(ticket, work)
        work.add_done_callback(self._guessed)

    def _drop_guess(self) -> None:
        guess, self._guess = self._guess, None
        if guess is not None:
            guess.work.cancel()

    def _guessed(self, work: asyncio.Task[Transcript]) -> None:
        if work.cancelled() or work.exception() is not None or self._guess is None or self._guess.work is not work:
            return
        transcript = work.result()
        self._listening.understood(complete=transcript.is_complete)
        if self._listening.is_conducted and self._answer is None:
            data = {"text": transcript.text, "complete": transcript.is_complete}
            self._spawn(self._tell(UserEvent(GUESS, data, self._context).event()))

    def _look_ahead(self) -> None:
        """Begin to guess what was said so far, if it is time and nobody else needs the engine."""
        more_ms = self._milliseconds - self._partial_at
        seconds = self._ears.partial_seconds
        is_time = self._is_live and self._ears.streams and self._listening.is_speech and more_ms >= 1000 * seconds
        is_idle = self._partial is None and self._guess is None
        if is_time and is_idle and self._ears.leisure.is_enough(seconds):
            self._partial_at = self._milliseconds
            self._partial = self._spawn(self._tell_partial(self._sound()))

    async def _tell_partial(self, sound: Sound) -> None:
        try:
            transcript = await self._transcribe(sound, Ticket(Urgency.PARTIAL))
        except RosieError:  # the next one may do
            return
        finally:
            self._partial = None
        await self._tell_chunk(self._partials.take(transcript.text), transcript.language)

    async def _tell_chunk(self, text: str, language: str | None) -> None:
        if not text:
            return
        if not self._told_partials:
            self._told_partials = True
            await self._tell(TranscriptStart(self._context, language).event())
        await self._tell(TranscriptChunk(text).event())

    async def _answer_early(self) -> None:
        try:
            with self._ears.work.turn("decide") as answered:
                answered.outcome = await self._say()
        except RosieError as err:
            _LOG.info("request refused", code=err.code, reason=str(err))
            await self._tell(Error(str(err), err.code).event())

    async def _say(self) -> str:
        """Send the transcript; return whether it is understood or not-understood."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._stop_partial()
        transcript = await self._decided()
        _log(transcript, SPEECH.seconds(len(self._pcm)), clock() - began)
        if self._ears.streams:
            await self._tell_chunk(self._partials.finish(transcript.text), transcript.language)
        if self._told_partials:
            await self._tell(TranscriptStop().event())
        context = {**self._context, "score": round(transcript.score, 3)}
        await self._tell(TranscriptEvent(transcript.text, context, transcript.language).event())
        return "understood" if transcript.text else "not-understood"

    async def _decided(self) -> Transcript:
        """Return the guess if there is one that holds, else what the engine makes of all the audio."""
        if self._guess is not None:
            self._guess.ticket.urgency = Urgency.ANSWER
            try:
                return await self._guess.work
            except RosieError:  # a guess may have had to make room; the answer asks once more
                self._guess = None
        return await self._transcribe(self._sound(), Ticket(Urgency.ANSWER))

    async def _transcribe(self, sound: Sound, ticket: Ticket) -> Transcript:
        if not sound.speech:
            return Transcript(language=self._request.language)
        clock = asyncio.get_running_loop().time
        began = clock()
        transcript = await self._ears.engine.transcribe(sound, self._request, ticket)
        took = clock() - began
        self._ears.leisure.note(took)
        self._ears.work.observe_stage("decode", 1000 * took)
        return transcript

    def _stop_partial(self) -> None:
        if self._partial is not None:
            self._partial.cancel()

    async def _tell(self, event: Event) -> None:
        with suppress(ConnectionError):  # the peer is gone, and its conversation will be
            await self._send(event)

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _log(transcript: Transcript, heard_seconds: float, seconds: float) -> None:
    numbers = {"score": round(transcript.score, 3), "audio_s": round(heard_seconds, 2), "ms": round(1000 * seconds)}
    _LOG.info("understood" if transcript.text else "not understood", **numbers)
    _LOG.debug("transcript", text=transcript.text)
