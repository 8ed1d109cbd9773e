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
    Announced,
    Answer,
    Answered,
    AnswerPart,
    AudioEnded,
    AudioHeard,
    BeginListening,
    BeginSaying,
    CloseStages,
    CutFiller,
    Dismiss,
    DropGuess,
    Effect,
    EndSaying,
    Failure,
    FillerOffered,
    FinishListening,
    Guess,
    Guessed,
    Input,
    ListenForWakeWord,
    Mark,
    Played,
    RunAsked,
    SatelliteLeft,
    Say,
    SayFailure,
    SayFiller,
    SayPart,
    SendToEars,
    SendToWake,
    SoundEnded,
    SoundMade,
    SpeechStarted,
    SpeechStopped,
    StageFailed,
    Step,
    Tick,
    Transcribed,
    Understand,
    WakeWordHeard,
)

SAMPLE_BYTES = 2
SAMPLES_PER_MS = 16
STALLED_SECONDS = 2.0
"""A satellite whose audio stops for so long has finished."""
TRANSCRIPT_SECONDS = 15.0
ANSWER_SECONDS = 20.0
FIRST_SOUND_SECONDS = 10.0
PLAYED_MARGIN_SECONDS = 5.0
CONVERSATION_SECONDS = 60.0
MOST_ANNOUNCEMENTS = 8
"""That wait for a silence; the oldest is dropped when there are more."""
RING_MS = 2_000
"""Audio kept while the wake daemon listens: it reports a word a little after it was said."""


class Phase(StrEnum):
    IDLE = "idle"
    AWAITING_WAKE = "awaiting-wake"  # the satellite streams, the wake daemon listens
    LISTENING = "listening"
    DECIDING = "deciding"  # silence: perhaps all was said; a guess may be under way
    RECOGNISING = "recognising"
    UNDERSTANDING = "understanding"
    FILLING = "filling"  # the same, with a filler being said
    ANSWERING = "answering"
    PLAYING = "playing"


@dataclass
class TurnCore:
    """One satellite's turns, one after the other; a new one interrupts the old."""

    fills: bool = True  # speaks a filler that is offered
    own_filler_seconds: float | None = None  # when it speaks one of its own if none was offered
    ends: EndpointingRules = field(default_factory=EndpointingRules)
    phase: Phase = Phase.IDLE
    deadline: float | None = None  # send a Tick then
    turn_id: str = ""
    conversation_id: str = ""
    _heard: int = 0  # samples of the turn's audio
    _ring: deque[tuple[int, bytes]] = field(default_factory=deque)
    _follow_up_until: float = 0.0
    _filling: bool = False  # a filler is being spoken
    _said: str = ""  # of an answer that comes in parts
    _failing: bool = False  # the words being spoken are about a failure
    _sound_began: float | None = None
    _sound_seconds: float = 0.0
    _announcements: deque[Announced] = field(default_factory=lambda: deque(maxlen=MOST_ANNOUNCEMENTS))

    def __post_init__(self) -> None:
        self._end = Endpointer(self.ends)

    def handle(self, event: Input, now: float) -> list[Effect]:
        """Return what is to be done about the input, in order. What makes no sense in this phase changes nothing."""
        return [*self._take(event, now), *self._announce(now)]

    def _take(self, event: Input, now: float) -> list[Effect]:
        match event:
            case RunAsked():
                return self._begin(event, now)
            case AudioHeard(pcm):
                return self._hear(pcm, now)
            case AudioEnded():
                return self._audio_ended(now)
            case WakeWordHeard():
                return self._woken(event, now)
            case SpeechStarted(at_ms):
                return self._speech_started(at_ms, now)
            case SpeechStopped(at_ms):
                return self._speech_stopped(at_ms, now)
            case Guessed(complete):
                return self._guessed(complete)
            case Transcribed(text):
                return self._transcribed(text, now)
            case FillerOffered(text):
                return self._filler_offered(text, now)
            case AnswerPart(text):
                return self._answer_part(text, now)
            case Answered(answer):
                return self._answered(answer, now)
            case SoundMade(seconds):
                return self._sound_made(seconds, now)
            case SoundEnded():
                return self._sound_ended(now)
            case Played():
                return self._done(now) if self.phase is Phase.PLAYING else []
            case StageFailed(failure):
                return self._fail(failure, now)
            case SatelliteLeft():
                return self._reset() if self.phase is not Phase.IDLE else []
            case Announced():
                self._announcements.append(event)
                return []
            case Tick():
                return self._late(now)
            case _:
                assert_never(event)

    def _announce(self, now: float) -> list[Effect]:
        """Say the next announcement when nobody speaks, nor is expected to answer a question."""
        if self.phase is not Phase.IDLE or not self._announcements:
            return []
        if now < self._follow_up_until:
            self.deadline = self._follow_up_until
            return []
        next_one = self._announcements.popleft()
        self.turn_id = next_one.turn_id
        self.conversation_id = next_one.conversation_id or next_one.turn_id
        self.phase = Phase.ANSWERING
        self.deadline = now + FIRST_SOUND_SECONDS
        answer = next_one.answer
        self._follow_up_until = now + CONVERSATION_SECONDS if answer.expects_reply else 0.0
        return [Mark(Step.ANNOUNCED, now), Say(answer.text, answer.expects_reply, next_one.language)]

    def _begin(self, run: RunAsked, now: float) -> list[Effect]:
        interrupted = self._reset() if self.phase is not Phase.IDLE else []
        self.turn_id = run.turn_id
        if now > self._follow_up_until:
            self.conversation_id = run.turn_id
        if run.needs_wake:
            self.phase = Phase.AWAITING_WAKE
            return [*interrupted, ListenForWakeWord()]
        return [*interrupted, *self._listen(run.wake_word, now)]

    def _listen(self, wake_word: str | None, now: float) -> list[Effect]:
        self.phase = Phase.LISTENING
        self.deadline = now + self.ends.no_speech_ms / 1000
        return [Mark(Step.WAKE, now, wake_word or ""), BeginListening(self.turn_id, self.conversation_id, wake_word)]

    def _hear(self, pcm: bytes, now: float) -> list[Effect]:
        match self.phase:
            case Phase.AWAITING_WAKE:
                self._remember(pcm)
                return [SendToWake(pcm)]
            case Phase.LISTENING:
                self._heard += len(pcm) // SAMPLE_BYTES
                return [SendToEars(pcm)]
            case Phase.DECIDING:
                self._heard += len(pcm) // SAMPLE_BYTES
                self.deadline = now + STALLED_SECONDS
                return [SendToEars(pcm), *self._decide(now)]
        return []

    def _remember(self, pcm: bytes) -> None:
        self._ring.append((self._heard, pcm))
        self._heard += len(pcm) // SAMPLE_BYTES
        while self._heard - self._ring[0][0] > RING_MS * SAMPLES_PER_MS:
            self._ring.popleft()

    def _woken(self, word: WakeWordHeard, now: float) -> list[Effect]:
        if self.phase is not Phase.AWAITING_WAKE:
            return []
        kept = [_after(word.at_ms, start, pcm) for start, pcm in self._ring]
        self._ring.clear()
        self._heard = 0
        effects = self._listen(word.name, now)
        for pcm in filter(None, kept):
            effects += self._hear(pcm, now)
        return effects

    def _audio_ended(self, now: float) -> list[Effect]:
        if self.phase is Phase.AWAITING_WAKE:
            return self._reset()
        return self._commit(now) if self.phase in (Phase.LISTENING, Phase.DECIDING) else []

    def _speech_started(self, at_ms: int, now: float) -> list[Effect]:
        if self.phase not in (Phase.LISTENING, Phase.DECIDING):
            return []
        resumed = EndpointDecision.RESUMED in self._end.on_speech_start(at_ms)
        self.deadline = now + self.ends.longest_ms / 1000
        if self.phase is Phase.LISTENING:
            return [Mark(Step.SPEECH_START, self._when(at_ms, now))]
        self.phase = Phase.LISTENING
        return [DropGuess()] if resumed else []

    def _speech_stopped(self, at_ms: int, now: float) -> list[Effect]:
        if self.phase is not Phase.LISTENING:
            return []
        self.phase = Phase.DECIDING
        self._end.on_speech_stop(at_ms)
        self.deadline = now + STALLED_SECONDS
        return self._decide(now)

    def _guessed(self, complete: bool) -> list[Effect]:
        if self.phase is Phase.DECIDING:
            self._end.set_complete(complete=complete)
        return []

    def _decide(self, now: float) -> list[Effect]:
        """Do what the silence so far asks for."""
        verdicts = self._end.advance(self._heard_ms)
        guess: list[Effect] = [Guess()] if EndpointDecision.PERHAPS in verdicts else []
        return [*guess, *self._commit(now)] if EndpointDecision.DONE in verdicts else guess

    def _commit(self, now: float) -> list[Effect]:
        ended_ms = self._heard_ms if self._end.silent_since is None else self._end.silent_since
        self.phase = Phase.RECOGNISING
        self.deadline = now + TRANSCRIPT_SECONDS
        ended, decided = Mark(Step.SPEECH_END, self._when(ended_ms, now)), Mark(Step.DECIDED, now)
        return [ended, decided, FinishListening(ended_ms)]

    def _transcribed(self, text: str, now: float) -> list[Effect]:
        if self.phase not in (Phase.LISTENING, Phase.DECIDING, Phase.RECOGNISING):
            return []
        ended_early = self._commit(now) if self.phase is not Phase.RECOGNISING else []  # asr found the end itself
        marks: list[Effect] = [*ended_early, Mark(Step.TRANSCRIPT, now)]
        if not text.strip():
            return [*marks, *self._fail(Failure.NOT_UNDERSTOOD, now)]
        self.phase = Phase.UNDERSTANDING
        self.deadline = now + (self.own_filler_seconds or ANSWER_SECONDS)
        return [*marks, Understand(text, self.conversation_id)]

    def _filler_offered(self, text: str, now: float) -> list[Effect]:
        may_be_said = self.fills and text and self.phase is Phase.UNDERSTANDING
        return self._fill(text, now) if may_be_said else []

    def _fill(self, text: str, now: float) -> list[Effect]:
        self.phase = Phase.FILLING
        self._filling = True
        self.deadline = now + ANSWER_SECONDS
        return [Mark(Step.FILLER, now), SayFiller(text)]

    def _answer_part(self, text: str, now: float) -> list[Effect]:
        is_first = self.phase in (Phase.UNDERSTANDING, Phase.FILLING)
        if not text or not (is_first or self._said):
            return []
        self.phase = Phase.ANSWERING
        self.deadline = now + FIRST_SOUND_SECONDS
        self._said += text
        begin: list[Effect] = [Mark(Step.INTENT, now), BeginSaying()] if is_first else []
        return [*begin, SayPart(text)]

    def _answered(self, answer: Answer, now: float) -> list[Effect]:
        if self._said:
            said, self._said = self._said, ""
            self._follow_up_until = now + CONVERSATION_SECONDS if answer.expects_reply else 0.0
            self.deadline = now + FIRST_SOUND_SECONDS
            return [EndSaying(said, answer.expects_reply)]
        if self.phase not in (Phase.UNDERSTANDING, Phase.FILLING):
            return []
        if not answer.text.strip():
            return [Mark(Step.INTENT, now), *self._stop_filler(), Dismiss("nothing-to-say"), *self._done(now)]
        self._follow_up_until = now + CONVERSATION_SECONDS if answer.expects_reply else 0.0
        self.phase = Phase.ANSWERING
        self.deadline = now + FIRST_SOUND_SECONDS
        return [Mark(Step.INTENT, now), Say(answer.text, answer.expects_reply)]

    def _sound_made(self, seconds: float, now: float) -> list[Effect]:
        if self.phase is not Phase.ANSWERING:
            return []
        effects = self._stop_filler()
        if self._sound_began is None:
            self._sound_began = now
            effects.append(Mark(Step.FIRST_AUDIO, now))
        self._sound_seconds += seconds
        self.deadline = now + FIRST_SOUND_SECONDS
        return effects

    def _sound_ended(self, now: float) -> list[Effect]:
        if self.phase is not Phase.ANSWERING:
            return []
        self.phase = Phase.PLAYING
        began = now if self._sound_began is None else self._sound_began
        self.deadline = max(now, began + self._sound_seconds) + PLAYED_MARGIN_SECONDS
        return self._stop_filler()

    def _fail(self, failure: Failure, now: float) -> list[Effect]:
        if self.phase in (Phase.IDLE, Phase.PLAYING):
            return []
        failed = Mark(Step.FAILED, now, failure)
        # Words about a failure that fail would never end; and a satellite that only streams was asked nothing.
        if self._failing or self.phase is Phase.AWAITING_WAKE:
            return [failed, *self._dismissed(f"{failure}-unavailable")]
        self._failing = True
        self._said = ""
        self._follow_up_until = 0.0
        self.phase = Phase.ANSWERING
        self.deadline = now + FIRST_SOUND_SECONDS
        return [failed, CloseStages(), *self._stop_filler(), SayFailure(failure)]

    def _late(self, now: float) -> list[Effect]:
        if self.deadline is None or now < self.deadline:
            return []
        match self.phase:
            case Phase.LISTENING | Phase.DECIDING:
                # by the clock, since audio may stall, and what was kept from before the wake word comes at once
                if self._end.on_timeout() is EndpointDecision.NO_SPEECH:
                    return self._dismissed("no-speech")
                return self._commit(now)
            case Phase.RECOGNISING:
                return self._fail(Failure.ASR, now)
            case Phase.UNDERSTANDING if self.own_filler_seconds:
                return self._fill("", now)
            case Phase.UNDERSTANDING | Phase.FILLING:
                return self._fail(Failure.INTENT, now)
            case Phase.ANSWERING:
                return self._fail(Failure.TTS, now)
            case Phase.PLAYING:
                return self._done(now)  # this satellite never says `played`
            case Phase.IDLE | Phase.AWAITING_WAKE:
                self.deadline = None
                return []

    def _stop_filler(self) -> list[Effect]:
        filling, self._filling = self._filling, False
        return [CutFiller()] if filling else []

    def _done(self, now: float) -> list[Effect]:
        self._clear()
        return [Mark(Step.DONE, now)]

    def _dismissed(self, code: str) -> list[Effect]:
        return [*self._reset(), Dismiss(code)]

    def _reset(self) -> list[Effect]:
        effects: list[Effect] = [*self._stop_filler(), CloseStages()]
        self._clear()
        return effects

    def _clear(self) -> None:
        """Forget the turn; only the conversation may go on."""
        self.phase = Phase.IDLE
        self.deadline = None
        self._heard = 0
        self._end = Endpointer(self.ends)
        self._ring.clear()
        self._filling = self._failing = False
        self._said = ""
        self._sound_began = None
        self._sound_seconds = 0.0

    @property
    def _heard_ms(self) -> int:
        return self._heard // SAMPLES_PER_MS

    def _when(self, at_ms: int, now: float) -> float:
        """Return the time at which a moment of the turn's audio was heard."""
        return now - max(0, self._heard_ms - at_ms) / 1000


def _after(at_ms: int, start: int, pcm: bytes) -> bytes:
    """Return the part of `pcm`, which began at sample `start`, that follows `at_ms`."""
    return pcm[max(0, at_ms * SAMPLES_PER_MS - start) * SAMPLE_BYTES :]
