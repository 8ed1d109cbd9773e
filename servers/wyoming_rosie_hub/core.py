"""Rules of the turns with one satellite, without sockets, clock or logging.

A turn goes from the wake word over speech, transcript, intent and answer to the end of playback. Speech is timed by the
audio itself, in milliseconds received since the turn began; `now`, in seconds, is for timeouts only.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import assert_never

from wyoming_rosie.timers.requests import SpokenAnswer
from wyoming_rosie.voice_activity.endpointing import EndpointDecision, Endpointer, EndpointingRules
from wyoming_rosie.wakeword.arbitration.events import LOST_CODE
from wyoming_rosie_hub.messages import (
    Announcement,
    AnswerAudioEnded,
    AnswerAudioSent,
    AnswerChunkReceived,
    AnsweredElsewhere,
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
    OthersHeard,
    Played,
    RecognizeIntent,
    ReportError,
    ReportSpeechStart,
    RunCancelled,
    RunRequested,
    SendAnswerChunk,
    SendToAsrAndVad,
    SendToWake,
    SpeakAnswer,
    SpeakFailure,
    SpeakFiller,
    SpeculationPending,
    SpeculationResult,
    SpeechStarted,
    SpeechStopped,
    StageFailed,
    StartAnswerStream,
    StartListening,
    StartSpeculation,
    StartTextTurn,
    StartWakeDetection,
    StopFiller,
    StopWakeDetection,
    TextReceived,
    TraceMark,
    TraceStep,
    TurnDeadlineReached,
    WakeWordDetected,
)

SAMPLE_BYTES = 2
SAMPLES_PER_MS = 16
AUDIO_STALL_SECONDS = 2.0
"""Silence on the connection, in the middle of an utterance, after which the audio counts as ended."""
TRANSCRIPT_TIMEOUT_SECONDS = 15.0
ANSWER_TIMEOUT_SECONDS = 20.0
ANSWER_AUDIO_TIMEOUT_SECONDS = 10.0
PLAYED_MARGIN_SECONDS = 5.0
FOLLOW_UP_SECONDS = 60.0
MAX_ANNOUNCEMENTS = 8
"""Announcements that wait until the satellite is idle; the oldest is dropped when there are more."""
CANCELLED = "cancelled"
"""Error code that confirms that a turn was cancelled; what follows is no part of it."""
WAKE_BUFFER_MS = 2_000
"""Audio kept during wake detection, since a wake word is reported with a delay."""


class TurnPhase(StrEnum):
    IDLE = "idle"
    AWAITING_WAKE = "awaiting-wake"  # audio goes to the wake daemon
    LISTENING = "listening"
    ENDPOINTING = "deciding"  # silence after speech; a speculation may be running
    AWAITING_TRANSCRIPT = "recognising"
    AWAITING_ANSWER = "understanding"
    SPEAKING_FILLER = "filling"  # and still awaiting the answer
    ANSWERING = "answering"
    PLAYING = "playing"


BETWEEN_TURNS = (TurnPhase.IDLE, TurnPhase.AWAITING_WAKE)
_AFTER_SPEECH = (
    TurnPhase.AWAITING_TRANSCRIPT,
    TurnPhase.AWAITING_ANSWER,
    TurnPhase.SPEAKING_FILLER,
    TurnPhase.ANSWERING,
    TurnPhase.PLAYING,
)


@dataclass
class TurnCore:
    """State machine for the turns of one satellite; a new run interrupts the current turn."""

    fillers_enabled: bool = True  # the intent daemon's
    own_filler_seconds: float | None = None  # wait for an answer before the hub's own filler; None for no such filler
    endpointing: EndpointingRules = field(default_factory=EndpointingRules)
    may_ask: bool = True  # otherwise each run is refused aloud
    phase: TurnPhase = TurnPhase.IDLE
    deadline: float | None = None  # on the clock of `now`: handle a TurnDeadlineReached then
    turn_id: str = ""
    conversation_id: str = ""
    _received_samples: int = 0  # of the turn
    _awaited_run: RunRequested | None = None  # whose wake word is awaited, perhaps while an answer is spoken
    _wake_buffer: deque[tuple[int, bytes]] = field(default_factory=deque)
    _follow_up_until: float = 0.0
    _is_filler_playing: bool = False
    _streamed_text: str = ""  # chunks of the answer so far
    _is_speaking_failure: bool = False
    _audio_started_at: float | None = None
    _audio_seconds: float = 0.0
    _announcements: deque[Announcement] = field(default_factory=lambda: deque(maxlen=MAX_ANNOUNCEMENTS))

    def __post_init__(self) -> None:
        self._endpointer = Endpointer(self.endpointing)

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Return the effects of an input, in order. An input that does not fit the current phase is ignored."""
        return [*self._dispatch(event, now), *self._start_announcement(now)]

    def _dispatch(self, event: Input, now: float) -> list[Effect]:
        match event:
            case RunRequested():
                return self._start_run(event, now)
            case TextReceived():
                return self._start_text_turn(event, now)
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
            case SpeculationPending():
                self._endpointer.on_speculation_start()
                return []
            case SpeculationResult(completeness):
                self._endpointer.set_completeness(completeness)
                return []
            case FinalTranscript():
                return self._on_transcript(event, now)
            case FillerReceived(text):
                return self._on_filler(text, now)
            case AnswerChunkReceived(text):
                return self._on_answer_chunk(text, now)
            case SpokenAnswer():
                return self._on_answer(event, now)
            case AnswerAudioSent(seconds):
                return self._on_answer_audio(seconds, now)
            case AnswerAudioEnded():
                return self._on_answer_audio_end(now)
            case Played():
                return self._finish_turn(now) if self.phase is TurnPhase.PLAYING else []
            case StageFailed(failure):
                return self._fail(failure, now)
            case RunCancelled():
                return [*self._reset(), ReportError(CANCELLED)]
            case AnsweredElsewhere(winner):
                return self._give_up_run(winner, now)
            case OthersHeard(satellites):
                return [TraceMark(TraceStep.ARBITRATED, now, ", ".join(satellites))]
            case Announcement():
                self._announcements.append(event)
                return []
            case TurnDeadlineReached():
                return self._on_deadline(now)
            case _:
                assert_never(event)

    def _start_announcement(self, now: float) -> list[Effect]:
        """Speak the next announcement, unless a turn is under way or a reply is expected."""
        if not (self._announcements and self._may_speak):
            return []
        if now < self._follow_up_until:
            self.deadline = self._follow_up_until
            return []
        announcement = self._announcements.popleft()
        self.turn_id = announcement.turn_id
        self.conversation_id = announcement.conversation_id or announcement.turn_id
        spoken = self._speak_answer(announcement.answer, now, announcement.language)
        return [TraceMark(TraceStep.ANNOUNCED, now), spoken]

    def _speak_answer(self, answer: SpokenAnswer, now: float, language: str | None = None) -> SpeakAnswer:
        self._await_answer_audio(now)
        self._set_follow_up(answer, now)
        return SpeakAnswer(answer, language)

    def _await_answer_audio(self, now: float) -> None:
        self.phase = TurnPhase.ANSWERING
        self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS

    def _set_follow_up(self, answer: SpokenAnswer, now: float) -> None:
        self._follow_up_until = now + FOLLOW_UP_SECONDS if answer.expects_reply else 0.0

    def _start_run(self, request: RunRequested, now: float) -> list[Effect]:
        if not self.may_ask:
            return self._refuse(request.turn_id, request.wake_word or "", now) if not request.needs_wake else []
        if request.needs_wake and not request.interrupts and self.phase in _AFTER_SPEECH:
            return self._await_wake_word(request)
        interrupted = self._begin_turn(request.turn_id, now)
        if request.needs_wake:
            self.phase = TurnPhase.AWAITING_WAKE
            return [*interrupted, *self._await_wake_word(request)]
        return [*interrupted, *self._start_listening(request.wake_word, now)]

    def _refuse(self, turn_id: str, begun_by: str, now: float) -> list[Effect]:
        """Say that the satellite may not ask."""
        interrupted = self._begin_turn(turn_id, now)
        self.phase = TurnPhase.AWAITING_ANSWER
        return [*interrupted, TraceMark(TraceStep.WAKE, now, begun_by), *self._fail(Failure.FORBIDDEN, now)]

    def _begin_turn(self, turn_id: str, now: float) -> list[Effect]:
        """Begin a turn; return what ends the one before."""
        interrupted = self._reset() if self.phase is not TurnPhase.IDLE else []
        self.turn_id = turn_id
        if now > self._follow_up_until:
            self.conversation_id = turn_id
        return interrupted

    def _await_wake_word(self, run: RunRequested | None) -> list[Effect]:
        """Detect the wake word of a run in the audio from now on; nothing for no run."""
        self._awaited_run = run
        self._received_samples = 0
        self._wake_buffer = deque()
        return [StartWakeDetection()] if run is not None else []

    def _start_text_turn(self, typed: TextReceived, now: float) -> list[Effect]:
        if not self.may_ask:
            return self._refuse(typed.turn_id, "text", now)
        run = self._awaited_run
        interrupted = self._begin_turn(typed.turn_id, now)
        detection = self._await_wake_word(run if run is not None and not run.interrupts else None)
        started = TraceMark(TraceStep.WAKE, now, "text")
        return [*interrupted, *detection, started, StartTextTurn(), self._recognize_intent(typed.text, now)]

    def _start_listening(self, wake_word: str | None, now: float) -> list[Effect]:
        self.phase = TurnPhase.LISTENING
        self.deadline = now + self.endpointing.no_speech_ms / 1000
        return [
            TraceMark(TraceStep.WAKE, now, wake_word or ""),
            StartListening(self.turn_id, self.conversation_id, wake_word),
        ]

    def _on_audio(self, pcm: bytes, now: float) -> list[Effect]:
        if self._awaited_run is not None:
            self._buffer_audio(pcm)
            return [SendToWake(pcm)]
        match self.phase:
            case TurnPhase.LISTENING:
                self._received_samples += len(pcm) // SAMPLE_BYTES
                return [SendToAsrAndVad(pcm), *(self._advance_endpointer(now) if self._endpointer.is_speech else [])]
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
        run = self._awaited_run
        if run is None:
            return []
        command_audio = [_trim_before(word.at_ms, start, pcm) for start, pcm in self._wake_buffer]
        effects = self._reset() if self.phase is not TurnPhase.AWAITING_WAKE else []
        self._await_wake_word(None)
        self._begin_turn(run.turn_id, now)
        effects += self._start_listening(word.name, now)
        for pcm in filter(None, command_audio):
            effects += self._on_audio(pcm, now)
        return effects

    def _on_audio_end(self, now: float) -> list[Effect]:
        if self.phase is TurnPhase.AWAITING_WAKE:
            return self._reset()
        if self._awaited_run is not None:
            self._await_wake_word(None)
            return [StopWakeDetection()]
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

    def _advance_endpointer(self, now: float) -> list[Effect]:
        """Return what follows from the silence, or the speech, so far."""
        decisions = self._endpointer.advance(self._received_ms)
        effects: list[Effect] = []
        if EndpointDecision.PERHAPS in decisions:
            assert self._endpointer.silent_since is not None
            effects.append(StartSpeculation(self._endpointer.silent_since))
        if EndpointDecision.DONE in decisions or EndpointDecision.TOO_LONG in decisions:
            effects += self._finish_listening(now)
        return effects

    def _finish_listening(self, now: float) -> list[Effect]:
        silent_since = self._endpointer.silent_since
        ended_ms = self._received_ms if silent_since is None else silent_since
        self.phase = TurnPhase.AWAITING_TRANSCRIPT
        self.deadline = now + TRANSCRIPT_TIMEOUT_SECONDS
        return [
            TraceMark(TraceStep.SPEECH_END, self._time_of(ended_ms, now)),
            TraceMark(TraceStep.DECIDED, now),
            FinishListening(ended_ms),
        ]

    def _on_transcript(self, transcript: FinalTranscript, now: float) -> list[Effect]:
        effects: list[Effect] = []
        if self.phase in (TurnPhase.LISTENING, TurnPhase.ENDPOINTING):  # asr did the endpointing
            effects += self._finish_listening(now)
        elif self.phase is not TurnPhase.AWAITING_TRANSCRIPT:
            return []
        effects.append(TraceMark(TraceStep.TRANSCRIPT, now, transcript.speaker or ""))
        if not transcript.text.strip():
            return [*effects, *self._fail(Failure.NOT_UNDERSTOOD, now)]
        return [*effects, self._recognize_intent(transcript.text, now, transcript.speaker)]

    def _recognize_intent(self, text: str, now: float, speaker: str | None = None) -> RecognizeIntent:
        self.phase = TurnPhase.AWAITING_ANSWER
        self.deadline = now + (self.own_filler_seconds or ANSWER_TIMEOUT_SECONDS)
        return RecognizeIntent(text, self.conversation_id, speaker)

    def _on_filler(self, text: str, now: float) -> list[Effect]:
        is_accepted = self.fillers_enabled and text and self.phase is TurnPhase.AWAITING_ANSWER
        return self._speak_filler(text, now) if is_accepted else []

    def _speak_filler(self, text: str, now: float) -> list[Effect]:
        self.phase = TurnPhase.SPEAKING_FILLER
        self._is_filler_playing = True
        self.deadline = now + ANSWER_TIMEOUT_SECONDS
        return [TraceMark(TraceStep.FILLER, now), SpeakFiller(text)]

    def _on_answer_chunk(self, text: str, now: float) -> list[Effect]:
        is_first = self._is_awaiting_answer
        if not text or not (is_first or self._streamed_text):
            return []
        self._await_answer_audio(now)
        self._streamed_text += text
        start: list[Effect] = [TraceMark(TraceStep.INTENT, now), StartAnswerStream()] if is_first else []
        return [*start, SendAnswerChunk(text)]

    def _on_answer(self, answer: SpokenAnswer, now: float) -> list[Effect]:
        if self._streamed_text:
            return [self._finish_answer_stream(answer, now)]
        if not self._is_awaiting_answer:
            return []
        answered = TraceMark(TraceStep.INTENT, now)
        if not answer.text.strip():
            return [answered, *self._stop_filler(), ReportError("nothing-to-say"), *self._finish_turn(now)]
        return [answered, self._speak_answer(answer, now)]

    def _finish_answer_stream(self, answer: SpokenAnswer, now: float) -> FinishAnswerStream:
        text, self._streamed_text = self._streamed_text, ""
        self._set_follow_up(answer, now)
        self.deadline = now + ANSWER_AUDIO_TIMEOUT_SECONDS
        return FinishAnswerStream(replace(answer, text=text))

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
        started_at = now if self._audio_started_at is None else self._audio_started_at
        self.deadline = max(now, started_at + self._audio_seconds) + PLAYED_MARGIN_SECONDS
        return self._stop_filler()

    def _fail(self, failure: Failure, now: float) -> list[Effect]:
        if failure is Failure.WAKE and self.phase is not TurnPhase.AWAITING_WAKE:
            return self._on_lost_detection()
        if self.phase in (TurnPhase.IDLE, TurnPhase.PLAYING):
            return []
        failed = TraceMark(TraceStep.FAILED, now, failure)
        # Speaking about a failure to speak would never end, and before a wake word nobody expects an answer.
        if self._is_speaking_failure or self.phase is TurnPhase.AWAITING_WAKE:
            return [failed, *self._abort_turn(f"{failure}-unavailable")]
        self._is_speaking_failure = True
        self._streamed_text = ""
        self._follow_up_until = 0.0
        self._await_answer_audio(now)
        closed = [CloseDaemonStreams(), *self._await_wake_word(self._awaited_run)]
        return [failed, *closed, *self._stop_filler(), SpeakFailure(failure)]

    def _give_up_run(self, winner: str, now: float) -> list[Effect]:
        if self.phase not in (TurnPhase.LISTENING, TurnPhase.ENDPOINTING, TurnPhase.AWAITING_TRANSCRIPT):
            return []
        return [TraceMark(TraceStep.DONE, now, f"answered by {winner}"), *self._abort_turn(LOST_CODE)]

    def _on_lost_detection(self) -> list[Effect]:
        """Tell the satellite that no wake word will interrupt the answer, which goes on."""
        was_awaited = self._awaited_run is not None
        self._await_wake_word(None)
        return [ReportError(f"{Failure.WAKE}-unavailable")] if was_awaited else []

    def _on_deadline(self, now: float) -> list[Effect]:
        if self.deadline is None or now < self.deadline:
            return []
        match self.phase:
            case TurnPhase.LISTENING | TurnPhase.ENDPOINTING:
                # by the clock, since audio may stall, and audio buffered before the wake word arrives all at once
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
                return self._finish_turn(now)  # some satellites never send `played`
            case TurnPhase.IDLE | TurnPhase.AWAITING_WAKE:
                self.deadline = None
                return []

    def _stop_filler(self) -> list[Effect]:
        was_playing, self._is_filler_playing = self._is_filler_playing, False
        return [StopFiller()] if was_playing else []

    def _finish_turn(self, now: float) -> list[Effect]:
        awaited = self._awaited_run, self._received_samples, self._wake_buffer
        self._clear()
        if awaited[0] is not None:
            self.phase = TurnPhase.AWAITING_WAKE
            self._awaited_run, self._received_samples, self._wake_buffer = awaited
        return [TraceMark(TraceStep.DONE, now)]

    def _abort_turn(self, code: str) -> list[Effect]:
        return [*self._reset(), ReportError(code)]

    def _reset(self) -> list[Effect]:
        effects: list[Effect] = [*self._stop_filler(), CloseDaemonStreams()]
        self._clear()
        return effects

    def _clear(self) -> None:
        """Reset all state of the turn; the conversation may continue."""
        self.phase = TurnPhase.IDLE
        self.deadline = None
        self._await_wake_word(None)
        self._endpointer = Endpointer(self.endpointing)
        self._is_filler_playing = self._is_speaking_failure = False
        self._streamed_text = ""
        self._audio_started_at = None
        self._audio_seconds = 0.0

    @property
    def _may_speak(self) -> bool:
        """Whether nothing is lost by an announcement now."""
        waits_meanwhile = self._awaited_run is not None and not self._awaited_run.interrupts
        return self.phase is TurnPhase.IDLE or (self.phase is TurnPhase.AWAITING_WAKE and waits_meanwhile)

    @property
    def _is_awaiting_answer(self) -> bool:
        return self.phase in (TurnPhase.AWAITING_ANSWER, TurnPhase.SPEAKING_FILLER)

    @property
    def _received_ms(self) -> int:
        return self._received_samples // SAMPLES_PER_MS

    def _time_of(self, at_ms: int, now: float) -> float:
        """Return the time at which a position of the turn's audio was received."""
        return now - max(0, self._received_ms - at_ms) / 1000


def _trim_before(at_ms: int, start: int, pcm: bytes) -> bytes:
    """Return the part of `pcm`, whose first sample is number `start`, that follows `at_ms`."""
    return pcm[max(0, at_ms * SAMPLES_PER_MS - start) * SAMPLE_BYTES :]
