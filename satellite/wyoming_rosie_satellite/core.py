"""The rules of a satellite: no sockets, no clock, no devices, no logging.

Positions are samples of the microphone's audio since its beginning; `now` (seconds) only measures waits.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, Endpointer, EndpointingRules
from wyoming_rosie_satellite.messages import (
    MAIN_SLOT,
    OFFLINE_SLOT,
    ConductorJoined,
    ConductorLeft,
    ConductorMessage,
    ConductorPaused,
    Cue,
    DeadlineReached,
    DiscardRun,
    Effect,
    FillerAnnounced,
    FollowUpRequested,
    Input,
    ListenRequested,
    MicAudio,
    MicrophoneLost,
    MuteRequested,
    PlayAudio,
    PlayCue,
    RejectAudio,
    ReplyAudioEnded,
    ReplyAudioPlayed,
    ReplyAudioReceived,
    ReplyAudioStarted,
    ReplyTextReceived,
    ReportPhase,
    ReportPlayed,
    ReportWakeWord,
    ReportWhenPlayed,
    RequestRun,
    RunFailed,
    RunLost,
    RunStored,
    SatellitePhase,
    SendAudio,
    SendAudioStop,
    SendStoredRun,
    SpeechEnded,
    StopPlayback,
    StopRequested,
    StopWord,
    StoredRunAvailable,
    StoredRunSettled,
    SwitchSlot,
    TimerFinished,
    TranscriptReceived,
    TransferRun,
    VadProgress,
    VoiceStarted,
    VoiceStopped,
    WakeWord,
)

SAMPLE_BYTES = 2
SAMPLES_PER_MS = 16
PRE_ROLL_SAMPLES = 3_000 * SAMPLES_PER_MS
"""Audio kept for a wake word that is reported late: by a thread some milliseconds, by a busy daemon a second or two."""
MAX_COMMAND_SECONDS = 30.0
"""A conductor that never ends a run stops hearing us."""
REPLY_TIMEOUT_SECONDS = 60.0
SILENT_REPLY_TIMEOUT_SECONDS = 10.0
"""A run that was understood and has no answer by then most likely has none: Home Assistant does not say that one is over."""
SHUTDOWN_PAUSE_SECONDS = 1.0
"""A conductor that shuts down pauses first."""
STALLED_AUDIO_SECONDS = 30.0
"""A sound whose rest does not come is over."""
STABLE_SAMPLES = 60_000 * SAMPLES_PER_MS
"""A microphone that fails again before it has worked for so long is no news."""
SILENT_ERROR_CODES = frozenset({"nothing-to-say", "duplicate_wake_up_detected"})
"""Codes of runs that nobody waits for any more: said never mind, or another satellite has it."""
NO_SPEECH_CODES = frozenset({"no-speech", "stt-no-text-recognized"})
IDLE_PHASES = (SatellitePhase.OFFLINE, SatellitePhase.PAUSED, SatellitePhase.WAITING)
QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001 - those of other scripts are meant


@dataclass(frozen=True)
class SatelliteOptions:
    """What a satellite does by itself."""

    endpointing: EndpointingRules | None = None  # when a command is over, if the conductor has not said so
    answers_questions: bool = True  # listens again after an answer that ends with a question mark
    timer_rings: int = 30  # times that a timer sounds unless somebody stops it
    timer_ring_pause_seconds: float = 3.0
    pipelines: Mapping[str, str] = field(default_factory=dict)  # what a wake word asks for, by name
    slots: Collection[str] = ()  # wake words that have a conductor of their own
    stores_runs: bool = False  # what is said while their conductor is away


@dataclass
class SatelliteCore:
    """One satellite and those who conduct it: each has a slot, and one of them at a time is turned to."""

    options: SatelliteOptions = field(default_factory=SatelliteOptions)
    phase: SatellitePhase = SatellitePhase.OFFLINE
    is_muted: bool = False
    _joined: set[str] = field(default_factory=set)  # slots whose conductors listen
    _paused: set[str] = field(default_factory=set)  # slots whose conductors do not
    _active_slot: str = MAIN_SLOT
    _run_slot: str = MAIN_SLOT  # the slot of the latest run, whoever hears it
    _is_stored_run: bool = False  # the run that the conductor thinks about, and has not understood yet
    _phase_deadline: float | None = None  # unless something happens before
    _reply_deadline: float = 0.0  # somebody may still wait for one, whatever the phase
    _lost_until: float = 0.0  # whoever leaves before that leaves somebody without an answer
    _received: int = 0  # samples
    _deaf_until: int = 0  # samples, as far as somebody was told
    _pre_roll: deque[tuple[int, bytes]] = field(default_factory=deque)  # first sample, audio
    _clip: int = 0  # number of the latest sound
    _is_clip_open: bool = False  # more of it may come
    _expects_answer: bool = False
    _is_next_filler: bool = False  # the next sound is one
    _is_filler: bool = False  # the latest sound was one
    _rings_left: int = 0  # of a timer
    _rings_at: float = 0.0
    _run_start_ms: int = 0  # of the microphone's audio, where the run begins
    _endpointer: Endpointer | None = None  # of the command that is being spoken

    @property
    def deadline(self) -> float | None:
        """When a Tick is to be sent."""
        rings_at = self._rings_at if self._may_ring else None
        return min((at for at in (self._phase_deadline, rings_at) if at is not None), default=None)

    @property
    def is_ringing(self) -> bool:
        return self._rings_left > 0

    def handle(self, given: Input, now: float) -> list[Effect]:
        """Return what is to be done about the input, in order. What makes no sense in this phase changes nothing."""
        before = self.phase
        effects = self._dispatch(given, now)
        if self.phase is before:
            return effects
        effects += [] if self.phase is SatellitePhase.THINKING else self._settle_stored_run(answered=False)
        if self.phase in IDLE_PHASES:
            self._phase_deadline = None
        return [*effects, ReportPhase(self.phase), *self._overdue_ring(now)]

    def accepts_from(self, slot: str) -> bool:
        """Return whether what this slot's conductor says counts: its own dialogue, or whatever breaks the silence."""
        return slot == self._active_slot or self.phase in (SatellitePhase.PAUSED, SatellitePhase.WAITING)

    def _on_conductor_message(self, said: ConductorMessage, now: float) -> list[Effect]:
        if not self.accepts_from(said.slot):
            return [RejectAudio(said.slot)] if isinstance(said.content, ReplyAudioStarted) else []
        return [*self._switch_slot(said.slot), *self._dispatch(said.content, now)]

    def _switch_slot(self, slot: str) -> list[Effect]:
        if slot == self._active_slot:
            return []
        self._active_slot = slot
        self._is_clip_open = self._expects_answer = self._is_next_filler = False
        self._reply_deadline = self._lost_until = 0.0
        return [SwitchSlot(slot)]

    def _dispatch(self, given: Input, now: float) -> list[Effect]:
        match given:
            case MicAudio(pcm):
                return self._on_microphone_audio(pcm)
            case MicrophoneLost():
                return self._on_microphone_lost()
            case WakeWord():
                return self._on_wake_word(given, now)
            case ListenRequested(held):
                return self._on_listen_request(now, held=held)
            case StopWord():
                return self._stop_output()
            case StopRequested():
                return self._on_stop_request(now)
            case MuteRequested(muted):
                return self._on_mute_request(now, muted=muted)
            case VoiceStarted() | VoiceStopped() | VadProgress():
                return self._on_vad(given, now)
            case ReplyTextReceived(text):
                return self._on_reply_text(text, now)
            case SpeechEnded():
                return self._on_speech_end(now)
            case TranscriptReceived(tells_end):
                return [*self._settle_stored_run(answered=True), *self._on_transcript(now, tells_end=tells_end)]
            case RunFailed(code):
                return [*self._settle_stored_run(answered=True), *self._on_run_failed(code, now)]
            case FollowUpRequested():
                self._expects_answer = self.phase is not SatellitePhase.OFFLINE
                return []
            case FillerAnnounced():
                self._is_next_filler = self.phase is not SatellitePhase.OFFLINE
                return []
            case ReplyAudioStarted():
                return [*self._settle_stored_run(answered=True), *self._on_audio_started(now)]
            case ReplyAudioReceived(pcm):
                return self._on_audio_received(pcm, now)
            case ReplyAudioEnded():
                return self._on_audio_ended()
            case ReplyAudioPlayed(sound):
                return self._on_audio_played(sound, now)
            case TimerFinished():
                return self._on_timer_finished(now)
            case ConductorJoined(slot):
                return self._on_join(slot)
            case ConductorPaused(slot):
                return self._on_pause(slot, now)
            case ConductorLeft(slot):
                return self._on_leave(slot, now)
            case RunStored():
                return self._on_run_stored(Cue.KEPT)
            case RunLost():
                return self._on_run_stored(Cue.ERROR)
            case StoredRunAvailable(wake_word):
                return self._send_stored_run(wake_word, now)
            case DeadlineReached():
                return self._on_deadline(now)
            case ConductorMessage():
                return self._on_conductor_message(given, now)
            case _:
                assert_never(given)

    def _on_microphone_audio(self, pcm: bytes) -> list[Effect]:
        start, self._received = self._received, self._received + len(pcm) // SAMPLE_BYTES
        if self.is_muted:
            return []
        self._pre_roll.append((start, pcm))
        while self._received - self._pre_roll[0][0] > PRE_ROLL_SAMPLES:
            self._pre_roll.popleft()
        return [_audio(start, pcm)] if self.phase is SatellitePhase.STREAMING else []

    def _on_microphone_lost(self) -> list[Effect]:
        is_news, self._deaf_until = self._received >= self._deaf_until, self._received + STABLE_SAMPLES
        return [PlayCue(Cue.DEAF)] if is_news else []

    def _on_wake_word(self, word: WakeWord, now: float) -> list[Effect]:
        wanted = self._slot_for(word.name)
        slot = self._find_listener(wanted)
        if slot is None:
            return self._report_no_listener(wanted)
        interrupted = [*self._interrupt(), *self._switch_slot(slot)]
        report = ReportWakeWord(word.name, word.sample // SAMPLES_PER_MS, word.turn_id, word.score)
        said_since = [_audio(*_from(word.sample, start, pcm)) for start, pcm in self._pre_roll]
        ask, *cue = self._start_run(word.name, word.sample, now)
        return [*interrupted, report, ask, *(audio for audio in said_since if audio.pcm), *cue]

    def _on_listen_request(self, now: float, *, held: bool) -> list[Effect]:
        slot = self._find_listener(MAIN_SLOT)
        if slot is None:
            return self._report_no_listener(MAIN_SLOT)
        begun = [*self._interrupt(), *self._switch_slot(slot), *self._start_run(None, self._received, now)]
        self._endpointer = None if held else self._endpointer
        return begun

    def _slot_for(self, wake_word: str | None) -> str:
        return wake_word if wake_word and wake_word in self.options.slots else MAIN_SLOT

    def _find_listener(self, slot: str) -> str | None:
        """Return who may hear what somebody says to a slot now."""
        if self.is_muted or self.phase is SatellitePhase.STREAMING or slot in self._paused:
            return None
        if slot in self._joined:
            return slot
        return OFFLINE_SLOT if self.options.stores_runs else None

    def _report_no_listener(self, slot: str) -> list[Effect]:
        """Let somebody who wants to be heard know that nobody is there, unless nobody shall be, or somebody is already."""
        if self.is_muted or self.phase is SatellitePhase.STREAMING or slot in self._paused:
            return []
        return [*self._stop_output(), PlayCue(Cue.UNREACHABLE)]

    def _interrupt(self) -> list[Effect]:
        """End what sounds, the satellite's own sounds as well, for a run that begins."""
        self._rings_left = 0
        return [StopPlayback(), ReportPlayed()] if self.phase is SatellitePhase.SPEAKING else [StopPlayback()]

    def _start_run(self, wake_word: str | None, first: int, now: float) -> list[Effect]:
        """Begin to listen, from a sample of the microphone's audio on."""
        self.phase = SatellitePhase.STREAMING
        self._phase_deadline = now + MAX_COMMAND_SECONDS
        self._reply_deadline = self._lost_until = 0.0
        self._is_clip_open = self._expects_answer = self._is_next_filler = False
        self._run_slot = self._slot_for(wake_word)
        self._run_start_ms = first // SAMPLES_PER_MS
        self._endpointer = None if self.options.endpointing is None else Endpointer(self.options.endpointing)
        pipeline = None if wake_word is None else self.options.pipelines.get(wake_word)
        return [RequestRun(wake_word, pipeline), PlayCue(Cue.AWAKE)]

    def _on_vad(self, given: VoiceStarted | VoiceStopped | VadProgress, now: float) -> list[Effect]:
        if self.phase is not SatellitePhase.STREAMING or self._endpointer is None:
            return []
        at = given.milliseconds - self._run_start_ms
        match given:
            case VoiceStarted():
                self._endpointer.on_speech_start(at)
            case VoiceStopped():
                self._endpointer.on_speech_stop(at)
            case VadProgress():
                return self._on_endpoint(set(self._endpointer.advance(at)) - {EndpointDecision.PERHAPS}, now)
        return []

    def _on_endpoint(self, verdicts: set[EndpointDecision], now: float) -> list[Effect]:
        if verdicts == {EndpointDecision.NO_SPEECH} and self._active_slot == OFFLINE_SLOT:
            return [*self._discard_run(), PlayCue(Cue.UNREACHABLE)]
        return [SendAudioStop(), *self._on_speech_end(now)] if verdicts else []

    def _discard_run(self) -> list[Effect]:
        self.phase = self._idle_phase
        return [DiscardRun()]

    def _on_run_stored(self, cue: Cue) -> list[Effect]:
        if self._active_slot != OFFLINE_SLOT or self.phase is not SatellitePhase.THINKING:
            return []
        self.phase = self._idle_phase
        return [PlayCue(cue)]

    def _send_stored_run(self, wake_word: str | None, now: float) -> list[Effect]:
        """Let a conductor have what was said while it was away, if nothing else goes on."""
        slot = self._slot_for(wake_word)
        if self.is_muted or self.is_ringing or self.phase is not SatellitePhase.WAITING or slot not in self._joined:
            return []
        self.phase = SatellitePhase.THINKING
        self._phase_deadline = now + REPLY_TIMEOUT_SECONDS
        self._is_stored_run = True
        return [*self._switch_slot(slot), SendStoredRun()]

    def _settle_stored_run(self, *, answered: bool) -> list[Effect]:
        was_kept, self._is_stored_run = self._is_stored_run, False
        return [StoredRunSettled(answered)] if was_kept else []

    def _on_speech_end(self, now: float) -> list[Effect]:
        if self.phase is not SatellitePhase.STREAMING:
            return []
        self._wait_for_reply(now)
        return [PlayCue(Cue.DONE)]

    def _on_transcript(self, now: float, *, tells_end: bool) -> list[Effect]:
        effects = self._on_speech_end(now)
        if self.phase is SatellitePhase.THINKING and not tells_end:
            self._phase_deadline = now + SILENT_REPLY_TIMEOUT_SECONDS
        return effects

    def _wait_for_reply(self, now: float) -> None:
        """Wait for the answer."""
        self.phase = SatellitePhase.THINKING
        self._phase_deadline = self._reply_deadline = now + REPLY_TIMEOUT_SECONDS

    def _can_receive_reply(self, now: float) -> bool:
        """Tell whether the latest run may still get an answer, even if it looks as if it had none."""
        return self.phase is SatellitePhase.THINKING or (
            self.phase is SatellitePhase.WAITING and now < self._reply_deadline
        )

    @property
    def _is_playing_filler(self) -> bool:
        return self.phase is SatellitePhase.SPEAKING and self._is_filler

    def _on_run_failed(self, code: str, now: float) -> list[Effect]:
        if (
            self.phase is not SatellitePhase.STREAMING
            and not self._can_receive_reply(now)
            and not self._is_playing_filler
        ):
            return []
        self.phase = self._idle_phase
        self._reply_deadline = 0.0
        self._expects_answer = False
        if code in SILENT_ERROR_CODES:
            return []
        return [PlayCue(Cue.NOTHING if code in NO_SPEECH_CODES else Cue.ERROR)]

    def _stop_output(self) -> list[Effect]:
        """End an answer and what rings."""
        ringing = self._stop_ringing()
        if self.phase is not SatellitePhase.SPEAKING:
            return ringing
        self.phase = self._idle_phase
        self._is_clip_open = self._expects_answer = False
        return [*ringing, StopPlayback(), ReportPlayed()]

    def _on_stop_request(self, now: float) -> list[Effect]:
        """End whatever is done."""
        if self.phase is SatellitePhase.STREAMING:
            self._expects_answer = False
            return [*self._stop_ringing(), SendAudioStop(), *self._on_speech_end(now)]
        return self._stop_output()

    def _on_mute_request(self, now: float, *, muted: bool) -> list[Effect]:
        if muted is self.is_muted:
            return []
        self.is_muted = muted
        self._pre_roll.clear()
        ended = self._cancel_listening(now) if muted and self.phase is SatellitePhase.STREAMING else []
        return [*ended, PlayCue(Cue.MUTE if muted else Cue.UNMUTE)]

    def _cancel_listening(self, now: float) -> list[Effect]:
        return self._discard_run() if self._active_slot == OFFLINE_SLOT else self._on_stop_request(now)

    def _on_reply_text(self, text: str, now: float) -> list[Effect]:
        is_question = self.options.answers_questions and text.rstrip().endswith(QUESTION_MARKS)
        if is_question and (self.phase is SatellitePhase.SPEAKING or self._can_receive_reply(now)):
            self._expects_answer = True
        return []

    def _on_audio_started(self, now: float) -> list[Effect]:
        if self.phase is SatellitePhase.OFFLINE:
            return []
        cut: list[Effect] = [StopPlayback()] if self._is_playing_filler else []
        self._reply_deadline = 0.0
        self._is_filler, self._is_next_filler = self._is_next_filler, False
        self.phase = SatellitePhase.SPEAKING
        self._phase_deadline = now + STALLED_AUDIO_SECONDS
        self._clip += 1
        self._is_clip_open = True
        return cut

    def _on_audio_received(self, pcm: bytes, now: float) -> list[Effect]:
        if not self._is_clip_open:
            return []  # the rest of what was interrupted
        self._phase_deadline = now + STALLED_AUDIO_SECONDS
        return [PlayAudio(pcm)] if pcm else []

    def _on_audio_ended(self) -> list[Effect]:
        if not self._is_clip_open:
            return []
        self._is_clip_open = False
        self._phase_deadline = None
        return [ReportWhenPlayed(self._clip)]

    def _on_audio_played(self, sound: int, now: float) -> list[Effect]:
        if self.phase is not SatellitePhase.SPEAKING or self._is_clip_open or sound != self._clip:
            return []  # another one has begun since
        if self._is_filler and self._active_slot in self._joined:
            self._wait_for_reply(now)
            return []
        listens, self._expects_answer = self._expects_answer, False
        if listens and self._find_listener(self._active_slot) == self._active_slot:
            return [ReportPlayed(), *self._start_run(None, self._received, now)]
        self.phase = self._idle_phase
        return [ReportPlayed()]

    def _on_timer_finished(self, now: float) -> list[Effect]:
        self._rings_left, self._rings_at = self.options.timer_rings, now
        return self._overdue_ring(now)

    @property
    def _may_ring(self) -> bool:
        return self.is_ringing and self.phase not in (SatellitePhase.STREAMING, SatellitePhase.SPEAKING)

    def _overdue_ring(self, now: float) -> list[Effect]:
        if not self._may_ring or now < self._rings_at:
            return []
        self._rings_left -= 1
        self._rings_at = now + self.options.timer_ring_pause_seconds
        return [PlayCue(Cue.TIMER)]

    def _stop_ringing(self) -> list[Effect]:
        was_ringing, self._rings_left = self.is_ringing, 0
        return [StopPlayback()] if was_ringing and self.phase is not SatellitePhase.SPEAKING else []

    def _on_join(self, slot: str) -> list[Effect]:
        self._joined.add(slot)
        self._paused.discard(slot)
        if self.phase in IDLE_PHASES:
            self.phase = SatellitePhase.WAITING
        if self.phase is SatellitePhase.STREAMING and self._active_slot == OFFLINE_SLOT and self._run_slot == slot:
            return [TransferRun(slot), *self._switch_slot(slot)]
        return []

    def _on_pause(self, slot: str, now: float) -> list[Effect]:
        """Let the conductor hear nothing more; what sounds goes on."""
        self._joined.discard(slot)
        self._paused.add(slot)
        if self.phase in IDLE_PHASES:
            self.phase = self._idle_phase
        elif slot == self._active_slot and self.phase is not SatellitePhase.SPEAKING:
            self._lost_until = now + SHUTDOWN_PAUSE_SECONDS if self._is_waited_for else 0.0
            self.phase = self._idle_phase
        return []

    def _on_leave(self, slot: str, now: float) -> list[Effect]:
        self._joined.discard(slot)
        self._paused.discard(slot)
        if slot == self._active_slot:
            return self._abandon_run(now)
        if self.phase in IDLE_PHASES:
            self.phase = self._idle_phase
        return []

    @property
    def _idle_phase(self) -> SatellitePhase:
        if self._joined:
            return SatellitePhase.WAITING
        return SatellitePhase.PAUSED if self._paused else SatellitePhase.OFFLINE

    @property
    def _is_waited_for(self) -> bool:
        return self._is_clip_open or (
            self.phase in (SatellitePhase.STREAMING, SatellitePhase.THINKING) and not self._is_stored_run
        )

    def _abandon_run(self, now: float) -> list[Effect]:
        was_waited_for = self._is_waited_for or now < self._lost_until
        self._reply_deadline = self._lost_until = 0.0
        self.phase = self._idle_phase
        self._expects_answer = False
        excuse: list[Effect] = [PlayCue(Cue.LOST)] if was_waited_for else []
        return [*self._on_audio_ended(), *excuse]  # what was received may be heard

    def _on_deadline(self, now: float) -> list[Effect]:
        if self._phase_deadline is None or now < self._phase_deadline:
            return self._overdue_ring(now)
        match self.phase:
            case SatellitePhase.STREAMING:
                return [SendAudioStop(), *self._on_speech_end(now)]
            case SatellitePhase.THINKING:
                self.phase = self._idle_phase
                return []
            case SatellitePhase.SPEAKING:
                return [*self._on_audio_ended(), PlayCue(Cue.LOST)]
            case SatellitePhase.OFFLINE | SatellitePhase.PAUSED | SatellitePhase.WAITING:
                return []


def _audio(start: int, pcm: bytes) -> SendAudio:
    return SendAudio(pcm, start // SAMPLES_PER_MS)


def _from(sample: int, start: int, pcm: bytes) -> tuple[int, bytes]:
    """Return the part of `pcm`, which began at sample `start`, that begins at `sample`, and where it begins."""
    first = max(sample, start)
    return first, pcm[(first - start) * SAMPLE_BYTES :]
