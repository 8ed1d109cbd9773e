"""The rules of a turn with one satellite: no sockets, no clock, no logging.

A turn goes wake word, speech, transcript, understanding, answer, played. The clock of speech is the audio itself:
milliseconds of it heard since the turn began; `now` (seconds) only measures waits.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, Endpointer, EndpointingRules
from wyoming_rosie_hub.messages import (
    AbortTurn,
    Announcement,
    AnswerAudioEnded,
    AnswerAudioSent,
    AnswerChunkReceived,
    Answered,
    AudioEnded,
    AudioReceived,
    CancelSpeculation,
    CloseDaemonStreams,
    Effect,
    Failure,
    FillerReceived,
    FinalTranscript,
    FinishAnswerStream,
    FinishListening,
    Input,
    Played,
    RecognizeIntent,
    ReportSpeechStart,
    RunRequested,
    SatelliteDisconnected,
    SendAnswerChunk,
    SendToAsrAndVad,
    SendToWake,
    SpeakAnswer,
    SpeakFailure,
    SpeakFiller,
    SpeculationResult,
    SpeechStarted,
    SpeechStopped,
    SpokenAnswer,
    StageFailed,
    StartAnswerStream,
    StartListening,
    StartSpeculation,
    StartWakeDetection,
    StopFiller,
    TraceMark,
    TraceStep,
    TurnDeadlineReached,
    WakeWordDetected,
)

SAMPLE_BYTES = 2
SAMPLES_PER_MS = 16
AUDIO_STALL_SECONDS = 2.0
"""A satellite whose audio stops for so long has finished."""
TRANSCRIPT_TIMEOUT_SECONDS = 15.0
ANSWER_TIMEOUT_SECONDS = 20.0
ANSWER_AUDIO_TIMEOUT_SECONDS = 10.0
PLAYED_MARGIN_SECONDS = 5.0
FOLLOW_UP_SECONDS = 60.0
MAX_ANNOUNCEMENTS = 8
"""That wait for a silence; the oldest is dropped when there are more."""
WAKE_BUFFER_MS = 2_000
"""Audio kept while the wake daemon listens: it reports a word a little after it was said."""


class TurnPhase(StrEnum):
    IDLE = "idle"
    AWAITING_WAKE = "awaiting-wake"  # the satellite streams, the wake daemon listens
    LISTENING = "listening"
    ENDPOINTING = "deciding"  # silence: perhaps all was said; a guess may be under way
    AWAITING_TRANSCRIPT = "recognising"
    AWAITING_ANSWER = "understanding"
    SPEAKING_FILLER = "filling"  # the same, with a filler being said
    ANSWERING = "answering"
    PLAYING = "playing"


@dataclass
class TurnCore:
    """One satellite's turns, one after the other; a new one interrupts the old."""

    fillers_enabled: bool = True  # speaks a filler that is offered
    own_filler_seconds: float | None = None  # when it speaks one of its own if none was offered
    endpointing: EndpointingRules = field(default_factory=EndpointingRules)
    phase: TurnPhase = TurnPhase.IDLE
    deadline: float | None = None  # send a Tick then
    turn_id: str = ""
    conversation_id: str = ""
    _received_samples: int = 0  # samples of the turn's audio
    _wake_buffer: deque[tuple[int, bytes]] = field(default_factory=deque)
    _follow_up_until: float = 0.0
    _filler_playing: bool = False  # a filler is being spoken
    _streamed_text: str = ""  # of an answer that comes in parts
    _speaking_failure: bool = False  # the words being spoken are about a failure
    _audio_started_at: float | None = None
    _audio_seconds: float = 0.0
    _announcements: deque[Announcement] = field(default_factory=lambda: deque(maxlen=MAX_ANNOUNCEMENTS))

    def __post_init__(self) -> None:
        self._endpointer = Endpointer(self.endpointing)

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Return what is to be done about the input, in order. What makes no sense in this phase changes nothing."""
        return [*self._dispatch(event, now), *self._start_announcement(now)]

    def _dispatch(self, event: Input, now: float) -> list[Effect]:
        match event:
            case RunRequested():
                return self._start_run(event, now)
            case AudioReceived(pcm):
                return self._on_audio(pcm, now)
            case AudioEnded():
                return self._on_audio_end(now)
            case WakeWordDetected():
                return self._on_wake_word(event, now)
            case SpeechStarted(at_ms):
                return self._on_speech_start(at_ms, now)
            case SpeechStopped(at_ms):
                return self._on_speech_stop(at_ms, now)
            case SpeculationResult(complete):
                return self._on_speculation_result(complete)
            case FinalTranscript(text):
                return self._on_transcript(text, now)
            case FillerReceived(text):
                return self._on_filler(text, now)
            case AnswerChunkReceived(text):
                return self._on_answer_chunk(text, now)
            case Answered(answer):
                return self._on_answer(answer, now)
            case AnswerAudioSent(seconds):
                return self._on_answer_audio(seconds, now)
            case AnswerAudioEnded():
                return self._on_answer_audio_end(now)
            case Played():
                return self._finish_turn(now) if self.phase is TurnPhase.PLAYING else []
            case StageFailed(failure):
                return self._fail(failure, now)
            case SatelliteDisconnected():
                return self._reset() if self.phase is not TurnPhase.IDLE else []
            case Announcement():
                self._announcements.append(event)
                return []
            case TurnDeadlineReached():
                return self._on_deadline(now)
            case _:
                assert_never(event)

    def _start_announcement(self, now: float) -> list[Effect]:
        """Say the next announcement when nobody speaks, nor is expected to answer a question."""
        if self.phase is not TurnPhase.IDLE or not self._announcements:
            return []
        if now < self._follow_up_until:
            self.deadline = self._follow_up_until
            return []
        next_one = self._announcements.popleft()
        self.turn_id = next_one.turn_id
        self.conversation_id = next_one.conversation_id or next_one.turn_id
        self.phase = TurnPhase.ANSWERING
        self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS
        answer = next_one.answer
        self._follow_up_until = now + FOLLOW_UP_SECONDS if answer.expects_reply else 0.0
        return [TraceMark(TraceStep.ANNOUNCED, now), SpeakAnswer(answer.text, answer.expects_reply, next_one.language)]

    def _start_run(self, request: RunRequested, now: float) -> list[Effect]:
        interrupted = self._reset() if self.phase is not TurnPhase.IDLE else []
        self.turn_id = request.turn_id
        if now > self._follow_up_until:
            self.conversation_id = request.turn_id
        if request.needs_wake:
            self.phase = TurnPhase.AWAITING_WAKE
            return [*interrupted, StartWakeDetection()]
        return [*interrupted, *self._start_listening(request.wake_word, now)]

    def _start_listening(self, wake_word: str | None, now: float) -> list[Effect]:
        self.phase = TurnPhase.LISTENING
        self.deadline = now + self.endpointing.no_speech_ms / 1000
        return [
            TraceMark(TraceStep.WAKE, now, wake_word or ""),
            StartListening(self.turn_id, self.conversation_id, wake_word),
        ]

    def _on_audio(self, pcm: bytes, now: float) -> list[Effect]:
        match self.phase:
            case TurnPhase.AWAITING_WAKE:
                self._buffer_audio(pcm)
                return [SendToWake(pcm)]
            case TurnPhase.LISTENING:
                self._received_samples += len(pcm) // SAMPLE_BYTES
                return [SendToAsrAndVad(pcm)]
            case TurnPhase.ENDPOINTING:
                self._received_samples += len(pcm) // SAMPLE_BYTES
                self.deadline = now + AUDIO_STALL_SECONDS
                return [SendToAsrAndVad(pcm), *self._advance_endpointer(now)]
        return []

    def _buffer_audio(self, pcm: bytes) -> None:
        self._wake_buffer.append((self._received_samples, pcm))
        self._received_samples += len(pcm) // SAMPLE_BYTES
        while self._received_samples - self._wake_buffer[0][0] > WAKE_BUFFER_MS * SAMPLES_PER_MS:
            self._wake_buffer.popleft()

    def _on_wake_word(self, word: WakeWordDetected, now: float) -> list[Effect]:
        if self.phase is not TurnPhase.AWAITING_WAKE:
            return []
        kept = [_trim_before(word.at_ms, start, pcm) for start, pcm in self._wake_buffer]
        self._wake_buffer.clear()
        self._received_samples = 0
        effects = self._start_listening(word.name, now)
        for pcm in filter(None, kept):
            effects += self._on_audio(pcm, now)
        return effects

    def _on_audio_end(self, now: float) -> list[Effect]:
        if self.phase is TurnPhase.AWAITING_WAKE:
            return self._reset()
        return self._finish_listening(now) if self.phase in (TurnPhase.LISTENING, TurnPhase.ENDPOINTING) else []

    def _on_speech_start(self, at_ms: int, now: float) -> list[Effect]:
        if self.phase not in (TurnPhase.LISTENING, TurnPhase.ENDPOINTING):
            return []
        resumed = EndpointDecision.RESUMED in self._endpointer.on_speech_start(at_ms)
        self.deadline = now + self.endpointing.longest_ms / 1000
        if self.phase is TurnPhase.LISTENING:
            return [TraceMark(TraceStep.SPEECH_START, self._time_of(at_ms, now)), ReportSpeechStart(at_ms)]
        self.phase = TurnPhase.LISTENING
        return [CancelSpeculation(at_ms)] if resumed else []

    def _on_speech_stop(self, at_ms: int, now: float) -> list[Effect]:
        if self.phase is not TurnPhase.LISTENING:
            return []
        self.phase = TurnPhase.ENDPOINTING
        self._endpointer.on_speech_stop(at_ms)
        self.deadline = now + AUDIO_STALL_SECONDS
        return self._advance_endpointer(now)

    def _on_speculation_result(self, is_complete: bool) -> list[Effect]:
        if self.phase is TurnPhase.ENDPOINTING:
            self._endpointer.set_complete(complete=is_complete)
        return []

    def _advance_endpointer(self, now: float) -> list[Effect]:
        """Return what follows from the silence so far."""
        decisions = self._endpointer.advance(self._received_ms)
        effects: list[Effect] = []
        if EndpointDecision.PERHAPS in decisions:
            assert self._endpointer.silent_since is not None
            effects.append(StartSpeculation(self._endpointer.silent_since))
        if EndpointDecision.DONE in decisions:
            effects += self._finish_listening(now)
        return effects

    def _finish_listening(self, now: float) -> list[Effect]:
        ended_ms = self._received_ms if self._endpointer.silent_since is None else self._endpointer.silent_since
        self.phase = TurnPhase.AWAITING_TRANSCRIPT
        self.deadline = now + TRANSCRIPT_TIMEOUT_SECONDS
        ended, decided = (
            TraceMark(TraceStep.SPEECH_END, self._time_of(ended_ms, now)),
            TraceMark(TraceStep.DECIDED, now),
        )
        return [ended, decided, FinishListening(ended_ms)]

    def _on_transcript(self, text: str, now: float) -> list[Effect]:
        if self.phase not in (TurnPhase.LISTENING, TurnPhase.ENDPOINTING, TurnPhase.AWAITING_TRANSCRIPT):
            return []
        ended_early = (
            self._finish_listening(now) if self.phase is not TurnPhase.AWAITING_TRANSCRIPT else []
        )  # asr found the end itself
        marks: list[Effect] = [*ended_early, TraceMark(TraceStep.TRANSCRIPT, now)]
        if not text.strip():
            return [*marks, *self._fail(Failure.NOT_UNDERSTOOD, now)]
        self.phase = TurnPhase.AWAITING_ANSWER
        self.deadline = now + (self.own_filler_seconds or ANSWER_TIMEOUT_SECONDS)
        return [*marks, RecognizeIntent(text, self.conversation_id)]

    def _on_filler(self, text: str, now: float) -> list[Effect]:
        may_be_said = self.fillers_enabled and text and self.phase is TurnPhase.AWAITING_ANSWER
        return self._speak_filler(text, now) if may_be_said else []

    def _speak_filler(self, text: str, now: float) -> list[Effect]:
        self.phase = TurnPhase.SPEAKING_FILLER
        self._filler_playing = True
        self.deadline = now + ANSWER_TIMEOUT_SECONDS
        return [TraceMark(TraceStep.FILLER, now), SpeakFiller(text)]

    def _on_answer_chunk(self, text: str, now: float) -> list[Effect]:
        is_first = self.phase in (TurnPhase.AWAITING_ANSWER, TurnPhase.SPEAKING_FILLER)
        if not text or not (is_first or self._streamed_text):
            return []
        self.phase = TurnPhase.ANSWERING
        self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS
        self._streamed_text += text
        begin: list[Effect] = [TraceMark(TraceStep.INTENT, now), StartAnswerStream()] if is_first else []
        return [*begin, SendAnswerChunk(text)]

    def _on_answer(self, answer: SpokenAnswer, now: float) -> list[Effect]:
        if self._streamed_text:
            said, self._streamed_text = self._streamed_text, ""
            self._follow_up_until = now + FOLLOW_UP_SECONDS if answer.expects_reply else 0.0
            self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS
            return [FinishAnswerStream(said, answer.expects_reply)]
        if self.phase not in (TurnPhase.AWAITING_ANSWER, TurnPhase.SPEAKING_FILLER):
            return []
        if not answer.text.strip():
            return [
                TraceMark(TraceStep.INTENT, now),
                *self._stop_filler(),
                AbortTurn("nothing-to-say"),
                *self._finish_turn(now),
            ]
        self._follow_up_until = now + FOLLOW_UP_SECONDS if answer.expects_reply else 0.0
        self.phase = TurnPhase.ANSWERING
        self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS
        return [TraceMark(TraceStep.INTENT, now), SpeakAnswer(answer.text, answer.expects_reply)]

    def _on_answer_audio(self, seconds: float, now: float) -> list[Effect]:
        if self.phase is not TurnPhase.ANSWERING:
            return []
        effects = self._stop_filler()
        if self._audio_started_at is None:
            self._audio_started_at = now
            effects.append(TraceMark(TraceStep.FIRST_AUDIO, now))
        self._audio_seconds += seconds
        self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS
        return effects

    def _on_answer_audio_end(self, now: float) -> list[Effect]:
        if self.phase is not TurnPhase.ANSWERING:
            return []
        self.phase = TurnPhase.PLAYING
        began = now if self._audio_started_at is None else self._audio_started_at
        self.deadline = max(now, began + self._audio_seconds) + PLAYED_MARGIN_SECONDS
        return self._stop_filler()

    def _fail(self, failure: Failure, now: float) -> list[Effect]:
        if self.phase in (TurnPhase.IDLE, TurnPhase.PLAYING):
            return []
        failed = TraceMark(TraceStep.FAILED, now, failure)
        # Words about a failure that fail would never end; and a satellite that only streams was asked nothing.
        if self._speaking_failure or self.phase is TurnPhase.AWAITING_WAKE:
            return [failed, *self._abort_turn(f"{failure}-unavailable")]
        self._speaking_failure = True
        self._streamed_text = ""
        self._follow_up_until = 0.0
        self.phase = TurnPhase.ANSWERING
        self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS
        return [failed, CloseDaemonStreams(), *self._stop_filler(), SpeakFailure(failure)]

    def _on_deadline(self, now: float) -> list[Effect]:
        if self.deadline is None or now < self.deadline:
            return []
        match self.phase:
            case TurnPhase.LISTENING | TurnPhase.ENDPOINTING:
                # by the clock, since audio may stall, and what was kept from before the wake word comes at once
                if self._endpointer.on_timeout() is EndpointDecision.NO_SPEECH:
                    return self._abort_turn("no-speech")
                return self._finish_listening(now)
            case TurnPhase.AWAITING_TRANSCRIPT:
                return self._fail(Failure.ASR, now)
            case TurnPhase.AWAITING_ANSWER if self.own_filler_seconds:
                return self._speak_filler("", now)
            case TurnPhase.AWAITING_ANSWER | TurnPhase.SPEAKING_FILLER:
                return self._fail(Failure.INTENT, now)
            case TurnPhase.ANSWERING:
                return self._fail(Failure.TTS, now)
            case TurnPhase.PLAYING:
                return self._finish_turn(now)  # this satellite never says `played`
            case TurnPhase.IDLE | TurnPhase.AWAITING_WAKE:
                self.deadline = None
                return []

    def _stop_filler(self) -> list[Effect]:
        filling, self._filler_playing = self._filler_playing, False
        return [StopFiller()] if filling else []

    def _finish_turn(self, now: float) -> list[Effect]:
        self._clear()
        return [TraceMark(TraceStep.DONE, now)]

    def _abort_turn(self, code: str) -> list[Effect]:
        return [*self._reset(), AbortTurn(code)]

    def _reset(self) -> list[Effect]:
        effects: list[Effect] = [*self._stop_filler(), CloseDaemonStreams()]
        self._clear()
        return effects

    def _clear(self) -> None:
        """Forget the turn; only the conversation may go on."""
        self.phase = TurnPhase.IDLE
        self.deadline = None
        self._received_samples = 0
        self._endpointer = Endpointer(self.endpointing)
        self._wake_buffer.clear()
        self._filler_playing = self._speaking_failure = False
        self._streamed_text = ""
        self._audio_started_at = None
        self._audio_seconds = 0.0

    @property
    def _received_ms(self) -> int:
        return self._received_samples // SAMPLES_PER_MS

    def _time_of(self, at_ms: int, now: float) -> float:
        """Return the time at which a moment of the turn's audio was heard."""
        return now - max(0, self._received_ms - at_ms) / 1000


def _trim_before(at_ms: int, start: int, pcm: bytes) -> bytes:
    """Return the part of `pcm`, which began at sample `start`, that follows `at_ms`."""
    return pcm[max(0, at_ms * SAMPLES_PER_MS - start) * SAMPLE_BYTES :]
