"""The rules of a satellite: no sockets, no clock, no devices, no logging.

Positions are samples of the microphone's audio since its beginning; `now` (seconds) only measures waits.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, Endpointer, EndpointingRules
from wyoming_rosie_satellite.messages import (
    MAIN,
    OUTBOX,
    AnswerTold,
    AskForRun,
    ConductorJoined,
    ConductorLeft,
    ConductorPaused,
    Cue,
    Effect,
    FillerAnnounced,
    FinishSound,
    ForgetRun,
    HandOver,
    Input,
    KeptRunSettled,
    KeptRunWaits,
    ListenAgainAsked,
    ListeningAsked,
    MicAudio,
    MicrophoneLost,
    MuteAsked,
    Phase,
    Play,
    PlayCue,
    RefuseSound,
    ReportWakeWord,
    RunFailed,
    RunKept,
    RunLost,
    Said,
    SayPlayed,
    SendAudio,
    SendKeptRun,
    ShowPhase,
    Silence,
    SoundEnded,
    SoundPlayed,
    SoundReceived,
    SoundStarted,
    SpeechEnded,
    StopAsked,
    StopAudio,
    StopWord,
    Tick,
    TimerFinished,
    TurnTo,
    Understood,
    VoicesHeard,
    VoiceStarted,
    VoiceStopped,
    WakeWord,
)

SAMPLE_BYTES = 2
SAMPLES_PER_MS = 16
RING_SAMPLES = 3_000 * SAMPLES_PER_MS
"""Audio kept for a wake word that is reported late: by a thread some milliseconds, by a busy daemon a second or two."""
LONGEST_COMMAND_SECONDS = 30.0
"""A conductor that never ends a run stops hearing us."""
LONGEST_THOUGHT_SECONDS = 60.0
SILENT_RUN_SECONDS = 10.0
"""A run that was understood and has no answer by then most likely has none: Home Assistant does not say that one is over."""
PAUSED_BEFORE_LEAVING_SECONDS = 1.0
"""A conductor that shuts down pauses first."""
STALLED_SOUND_SECONDS = 30.0
"""A sound whose rest does not come is over."""
RELIABLE_SAMPLES = 60_000 * SAMPLES_PER_MS
"""A microphone that fails again before it has worked for so long is no news."""
MEANT_TO_BE_SILENT = frozenset({"nothing-to-say", "duplicate_wake_up_detected"})
"""Codes of runs that nobody waits for any more: said never mind, or another satellite has it."""
NOTHING_SAID = frozenset({"no-speech", "stt-no-text-recognized"})
AT_REST = (Phase.OFFLINE, Phase.PAUSED, Phase.WAITING)
QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001 - those of other scripts are meant


@dataclass(frozen=True)
class Habits:
    """What a satellite does by itself."""

    ends: EndpointingRules | None = None  # when a command is over, if the conductor has not said so
    answers_questions: bool = True  # listens again after an answer that ends with a question mark
    rings: int = 30  # times that a timer sounds unless somebody stops it
    ring_pause_seconds: float = 3.0
    pipelines: Mapping[str, str] = field(default_factory=dict)  # what a wake word asks for, by name
    seats: Collection[str] = ()  # wake words that have a conductor of their own
    keeps_runs: bool = False  # what is said while their conductor is away


@dataclass
class SatelliteCore:
    """One satellite and those who conduct it: each has a seat, and one of them at a time is turned to."""

    habits: Habits = field(default_factory=Habits)
    phase: Phase = Phase.OFFLINE
    is_muted: bool = False
    _joined: set[str] = field(default_factory=set)  # seats whose conductors listen
    _paused: set[str] = field(default_factory=set)  # seats whose conductors do not
    _turned_to: str = MAIN
    _meant_for: str = MAIN  # the seat of the latest run, whoever hears it
    _is_kept: bool = False  # the run that the conductor thinks about, and has not understood yet
    _phase_ends: float | None = None  # unless something happens before
    _answer_until: float = 0.0  # somebody may still wait for one, whatever the phase
    _lost_until: float = 0.0  # whoever leaves before that leaves somebody without an answer
    _heard: int = 0  # samples
    _deaf_until: int = 0  # samples, as far as somebody was told
    _ring: deque[tuple[int, bytes]] = field(default_factory=deque)  # first sample, audio
    _sound: int = 0  # number of the latest sound
    _sound_open: bool = False  # more of it may come
    _listen_again: bool = False
    _filler_follows: bool = False  # the next sound is one
    _is_filler: bool = False  # the latest sound was one
    _rings_left: int = 0  # of a timer
    _rings_at: float = 0.0
    _run_ms: int = 0  # of the microphone's audio, where the run begins
    _end: Endpointer | None = None  # of the command that is being spoken

    @property
    def deadline(self) -> float | None:
        """When a Tick is to be sent."""
        rings_at = self._rings_at if self._may_ring else None
        return min((at for at in (self._phase_ends, rings_at) if at is not None), default=None)

    @property
    def is_ringing(self) -> bool:
        return self._rings_left > 0

    def handle(self, given: Input, now: float) -> list[Effect]:
        """Return what is to be done about the input, in order. What makes no sense in this phase changes nothing."""
        before = self.phase
        effects = self._decide(given, now)
        if self.phase is before:
            return effects
        effects += [] if self.phase is Phase.THINKING else self._settle(answered=False)
        if self.phase in AT_REST:
            self._phase_ends = None
        return [*effects, ShowPhase(self.phase), *self._overdue_ring(now)]

    def attends(self, seat: str) -> bool:
        """Return whether what this seat's conductor says counts: its own dialogue, or whatever breaks the silence."""
        return seat == self._turned_to or self.phase in (Phase.PAUSED, Phase.WAITING)

    def _listen_to(self, said: Said, now: float) -> list[Effect]:
        if not self.attends(said.seat):
            return [RefuseSound(said.seat)] if isinstance(said.part, SoundStarted) else []
        return [*self._turn_to(said.seat), *self._decide(said.part, now)]

    def _turn_to(self, seat: str) -> list[Effect]:
        if seat == self._turned_to:
            return []
        self._turned_to = seat
        self._sound_open = self._listen_again = self._filler_follows = False
        self._answer_until = self._lost_until = 0.0
        return [TurnTo(seat)]

    def _decide(self, given: Input, now: float) -> list[Effect]:
        match given:
            case MicAudio(pcm):
                return self._hear(pcm)
            case MicrophoneLost():
                return self._microphone_lost()
            case WakeWord():
                return self._wake(given, now)
            case ListeningAsked(held):
                return self._listen(now, held=held)
            case StopWord():
                return self._stop_sound()
            case StopAsked():
                return self._stop(now)
            case MuteAsked(muted):
                return self._mute(now, muted=muted)
            case VoiceStarted() | VoiceStopped() | VoicesHeard():
                return self._follow_voices(given, now)
            case AnswerTold(text):
                return self._answer_told(text, now)
            case SpeechEnded():
                return self._speech_ended(now)
            case Understood(tells_end):
                return [*self._settle(answered=True), *self._understood(now, tells_end=tells_end)]
            case RunFailed(code):
                return [*self._settle(answered=True), *self._run_failed(code, now)]
            case ListenAgainAsked():
                self._listen_again = self.phase is not Phase.OFFLINE
                return []
            case FillerAnnounced():
                self._filler_follows = self.phase is not Phase.OFFLINE
                return []
            case SoundStarted():
                return [*self._settle(answered=True), *self._sound_started(now)]
            case SoundReceived(pcm):
                return self._sound_received(pcm, now)
            case SoundEnded():
                return self._sound_ended()
            case SoundPlayed(sound):
                return self._sound_played(sound, now)
            case TimerFinished():
                return self._timer_finished(now)
            case ConductorJoined(seat):
                return self._join(seat)
            case ConductorPaused(seat):
                return self._pause(seat, now)
            case ConductorLeft(seat):
                return self._leave(seat, now)
            case RunKept():
                return self._kept(Cue.KEPT)
            case RunLost():
                return self._kept(Cue.ERROR)
            case KeptRunWaits(wake_word):
                return self._send_kept(wake_word, now)
            case Tick():
                return self._late(now)
            case Said():
                return self._listen_to(given, now)
            case _:
                assert_never(given)

    def _hear(self, pcm: bytes) -> list[Effect]:
        start, self._heard = self._heard, self._heard + len(pcm) // SAMPLE_BYTES
        if self.is_muted:
            return []
        self._ring.append((start, pcm))
        while self._heard - self._ring[0][0] > RING_SAMPLES:
            self._ring.popleft()
        return [_audio(start, pcm)] if self.phase is Phase.STREAMING else []

    def _microphone_lost(self) -> list[Effect]:
        is_news, self._deaf_until = self._heard >= self._deaf_until, self._heard + RELIABLE_SAMPLES
        return [PlayCue(Cue.DEAF)] if is_news else []

    def _wake(self, word: WakeWord, now: float) -> list[Effect]:
        wanted = self._seat_of(word.name)
        seat = self._listener(wanted)
        if seat is None:
            return self._excuse(wanted)
        interrupted = [*self._interrupted(), *self._turn_to(seat)]
        report = ReportWakeWord(word.name, word.sample // SAMPLES_PER_MS, word.turn_id, word.score)
        said_since = [_audio(*_from(word.sample, start, pcm)) for start, pcm in self._ring]
        ask, *cue = self._begin_run(word.name, word.sample, now)
        return [*interrupted, report, ask, *(audio for audio in said_since if audio.pcm), *cue]

    def _listen(self, now: float, *, held: bool) -> list[Effect]:
        seat = self._listener(MAIN)
        if seat is None:
            return self._excuse(MAIN)
        begun = [*self._interrupted(), *self._turn_to(seat), *self._begin_run(None, self._heard, now)]
        self._end = None if held else self._end
        return begun

    def _seat_of(self, wake_word: str | None) -> str:
        return wake_word if wake_word and wake_word in self.habits.seats else MAIN

    def _listener(self, seat: str) -> str | None:
        """Return who may hear what somebody says to a seat now."""
        if self.is_muted or self.phase is Phase.STREAMING or seat in self._paused:
            return None
        if seat in self._joined:
            return seat
        return OUTBOX if self.habits.keeps_runs else None

    def _excuse(self, seat: str) -> list[Effect]:
        """Let somebody who wants to be heard know that nobody is there, unless nobody shall be, or somebody is already."""
        if self.is_muted or self.phase is Phase.STREAMING or seat in self._paused:
            return []
        return [*self._stop_sound(), PlayCue(Cue.UNREACHABLE)]

    def _interrupted(self) -> list[Effect]:
        """End what sounds, the satellite's own sounds as well, for a run that begins."""
        self._rings_left = 0
        return [Silence(), SayPlayed()] if self.phase is Phase.SPEAKING else [Silence()]

    def _begin_run(self, wake_word: str | None, first: int, now: float) -> list[Effect]:
        """Begin to listen, from a sample of the microphone's audio on."""
        self.phase = Phase.STREAMING
        self._phase_ends = now + LONGEST_COMMAND_SECONDS
        self._answer_until = self._lost_until = 0.0
        self._sound_open = self._listen_again = self._filler_follows = False
        self._meant_for = self._seat_of(wake_word)
        self._run_ms = first // SAMPLES_PER_MS
        self._end = None if self.habits.ends is None else Endpointer(self.habits.ends)
        pipeline = None if wake_word is None else self.habits.pipelines.get(wake_word)
        return [AskForRun(wake_word, pipeline), PlayCue(Cue.AWAKE)]

    def _follow_voices(self, given: VoiceStarted | VoiceStopped | VoicesHeard, now: float) -> list[Effect]:
        if self.phase is not Phase.STREAMING or self._end is None:
            return []
        at = given.milliseconds - self._run_ms
        match given:
            case VoiceStarted():
                self._end.on_speech_start(at)
            case VoiceStopped():
                self._end.on_speech_stop(at)
            case VoicesHeard():
                return self._heard_out(set(self._end.advance(at)) - {EndpointDecision.PERHAPS}, now)
        return []

    def _heard_out(self, verdicts: set[EndpointDecision], now: float) -> list[Effect]:
        if verdicts == {EndpointDecision.NO_SPEECH} and self._turned_to == OUTBOX:
            return [*self._forget_run(), PlayCue(Cue.UNREACHABLE)]
        return [StopAudio(), *self._speech_ended(now)] if verdicts else []

    def _forget_run(self) -> list[Effect]:
        self.phase = self._rest
        return [ForgetRun()]

    def _kept(self, cue: Cue) -> list[Effect]:
        if self._turned_to != OUTBOX or self.phase is not Phase.THINKING:
            return []
        self.phase = self._rest
        return [PlayCue(cue)]

    def _send_kept(self, wake_word: str | None, now: float) -> list[Effect]:
        """Let a conductor have what was said while it was away, if nothing else goes on."""
        seat = self._seat_of(wake_word)
        if self.is_muted or self.is_ringing or self.phase is not Phase.WAITING or seat not in self._joined:
            return []
        self.phase = Phase.THINKING
        self._phase_ends = now + LONGEST_THOUGHT_SECONDS
        self._is_kept = True
        return [*self._turn_to(seat), SendKeptRun()]

    def _settle(self, *, answered: bool) -> list[Effect]:
        was_kept, self._is_kept = self._is_kept, False
        return [KeptRunSettled(answered)] if was_kept else []

    def _speech_ended(self, now: float) -> list[Effect]:
        if self.phase is not Phase.STREAMING:
            return []
        self._think(now)
        return [PlayCue(Cue.DONE)]

    def _understood(self, now: float, *, tells_end: bool) -> list[Effect]:
        effects = self._speech_ended(now)
        if self.phase is Phase.THINKING and not tells_end:
            self._phase_ends = now + SILENT_RUN_SECONDS
        return effects

    def _think(self, now: float) -> None:
        """Wait for the answer."""
        self.phase = Phase.THINKING
        self._phase_ends = self._answer_until = now + LONGEST_THOUGHT_SECONDS

    def _may_be_answered(self, now: float) -> bool:
        """Tell whether the latest run may still get an answer, even if it looks as if it had none."""
        return self.phase is Phase.THINKING or (self.phase is Phase.WAITING and now < self._answer_until)

    @property
    def _is_filling(self) -> bool:
        return self.phase is Phase.SPEAKING and self._is_filler

    def _run_failed(self, code: str, now: float) -> list[Effect]:
        if self.phase is not Phase.STREAMING and not self._may_be_answered(now) and not self._is_filling:
            return []
        self.phase = self._rest
        self._answer_until = 0.0
        self._listen_again = False
        if code in MEANT_TO_BE_SILENT:
            return []
        return [PlayCue(Cue.NOTHING if code in NOTHING_SAID else Cue.ERROR)]

    def _stop_sound(self) -> list[Effect]:
        """End an answer and what rings."""
        ringing = self._stop_ringing()
        if self.phase is not Phase.SPEAKING:
            return ringing
        self.phase = self._rest
        self._sound_open = self._listen_again = False
        return [*ringing, Silence(), SayPlayed()]

    def _stop(self, now: float) -> list[Effect]:
        """End whatever is done."""
        if self.phase is Phase.STREAMING:
            self._listen_again = False
            return [*self._stop_ringing(), StopAudio(), *self._speech_ended(now)]
        return self._stop_sound()

    def _mute(self, now: float, *, muted: bool) -> list[Effect]:
        if muted is self.is_muted:
            return []
        self.is_muted = muted
        self._ring.clear()
        ended = self._stop_listening(now) if muted and self.phase is Phase.STREAMING else []
        return [*ended, PlayCue(Cue.MUTE if muted else Cue.UNMUTE)]

    def _stop_listening(self, now: float) -> list[Effect]:
        return self._forget_run() if self._turned_to == OUTBOX else self._stop(now)

    def _answer_told(self, text: str, now: float) -> list[Effect]:
        is_question = self.habits.answers_questions and text.rstrip().endswith(QUESTION_MARKS)
        if is_question and (self.phase is Phase.SPEAKING or self._may_be_answered(now)):
            self._listen_again = True
        return []

    def _sound_started(self, now: float) -> list[Effect]:
        if self.phase is Phase.OFFLINE:
            return []
        cut: list[Effect] = [Silence()] if self._is_filling else []
        self._answer_until = 0.0
        self._is_filler, self._filler_follows = self._filler_follows, False
        self.phase = Phase.SPEAKING
        self._phase_ends = now + STALLED_SOUND_SECONDS
        self._sound += 1
        self._sound_open = True
        return cut

    def _sound_received(self, pcm: bytes, now: float) -> list[Effect]:
        if not self._sound_open:
            return []  # the rest of what was interrupted
        self._phase_ends = now + STALLED_SOUND_SECONDS
        return [Play(pcm)] if pcm else []

    def _sound_ended(self) -> list[Effect]:
        if not self._sound_open:
            return []
        self._sound_open = False
        self._phase_ends = None
        return [FinishSound(self._sound)]

    def _sound_played(self, sound: int, now: float) -> list[Effect]:
        if self.phase is not Phase.SPEAKING or self._sound_open or sound != self._sound:
            return []  # another one has begun since
        if self._is_filler and self._turned_to in self._joined:
            self._think(now)
            return []
        listens, self._listen_again = self._listen_again, False
        if listens and self._listener(self._turned_to) == self._turned_to:
            return [SayPlayed(), *self._begin_run(None, self._heard, now)]
        self.phase = self._rest
        return [SayPlayed()]

    def _timer_finished(self, now: float) -> list[Effect]:
        self._rings_left, self._rings_at = self.habits.rings, now
        return self._overdue_ring(now)

    @property
    def _may_ring(self) -> bool:
        return self.is_ringing and self.phase not in (Phase.STREAMING, Phase.SPEAKING)

    def _overdue_ring(self, now: float) -> list[Effect]:
        if not self._may_ring or now < self._rings_at:
            return []
        self._rings_left -= 1
        self._rings_at = now + self.habits.ring_pause_seconds
        return [PlayCue(Cue.TIMER)]

    def _stop_ringing(self) -> list[Effect]:
        was_ringing, self._rings_left = self.is_ringing, 0
        return [Silence()] if was_ringing and self.phase is not Phase.SPEAKING else []

    def _join(self, seat: str) -> list[Effect]:
        self._joined.add(seat)
        self._paused.discard(seat)
        if self.phase in AT_REST:
            self.phase = Phase.WAITING
        if self.phase is Phase.STREAMING and self._turned_to == OUTBOX and self._meant_for == seat:
            return [HandOver(seat), *self._turn_to(seat)]
        return []

    def _pause(self, seat: str, now: float) -> list[Effect]:
        """Let the conductor hear nothing more; what sounds goes on."""
        self._joined.discard(seat)
        self._paused.add(seat)
        if self.phase in AT_REST:
            self.phase = self._rest
        elif seat == self._turned_to and self.phase is not Phase.SPEAKING:
            self._lost_until = now + PAUSED_BEFORE_LEAVING_SECONDS if self._is_waited_for else 0.0
            self.phase = self._rest
        return []

    def _leave(self, seat: str, now: float) -> list[Effect]:
        self._joined.discard(seat)
        self._paused.discard(seat)
        if seat == self._turned_to:
            return self._abandoned(now)
        if self.phase in AT_REST:
            self.phase = self._rest
        return []

    @property
    def _rest(self) -> Phase:
        if self._joined:
            return Phase.WAITING
        return Phase.PAUSED if self._paused else Phase.OFFLINE

    @property
    def _is_waited_for(self) -> bool:
        return self._sound_open or (self.phase in (Phase.STREAMING, Phase.THINKING) and not self._is_kept)

    def _abandoned(self, now: float) -> list[Effect]:
        was_waited_for = self._is_waited_for or now < self._lost_until
        self._answer_until = self._lost_until = 0.0
        self.phase = self._rest
        self._listen_again = False
        excuse: list[Effect] = [PlayCue(Cue.LOST)] if was_waited_for else []
        return [*self._sound_ended(), *excuse]  # what was received may be heard

    def _late(self, now: float) -> list[Effect]:
        if self._phase_ends is None or now < self._phase_ends:
            return self._overdue_ring(now)
        match self.phase:
            case Phase.STREAMING:
                return [StopAudio(), *self._speech_ended(now)]
            case Phase.THINKING:
                self.phase = self._rest
                return []
            case Phase.SPEAKING:
                return [*self._sound_ended(), PlayCue(Cue.LOST)]
            case Phase.OFFLINE | Phase.PAUSED | Phase.WAITING:
                return []


def _audio(start: int, pcm: bytes) -> SendAudio:
    return SendAudio(pcm, start // SAMPLES_PER_MS)


def _from(sample: int, start: int, pcm: bytes) -> tuple[int, bytes]:
    """Return the part of `pcm`, which began at sample `start`, that begins at `sample`, and where it begins."""
    first = max(sample, start)
    return first, pcm[(first - start) * SAMPLE_BYTES :]
