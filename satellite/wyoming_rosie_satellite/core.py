"""Rules of a satellite: inputs to effects, without sockets, clock, devices or logging.

Positions are samples of the microphone's audio since its start; `now` (seconds) only measures waits.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from wyoming_rosie.voice_activity.endpointing import EndpointDecision, Endpointer, EndpointingRules
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.pre_roll import SAMPLES_PER_MS, PreRoll
from wyoming_rosie_satellite.conductor_presence import ConductorPresence
from wyoming_rosie_satellite.messages import BRIDGE_SLOT, MAIN_SLOT, OFFLINE_SLOT, Cue, Effect, SatellitePhase
from wyoming_rosie_satellite.timer_ringer import TimerRinger

MAX_COMMAND_SECONDS = 30.0
"""A run that its conductor never ends stops streaming after this time."""
REPLY_TIMEOUT_SECONDS = 60.0
SILENT_REPLY_TIMEOUT_SECONDS = 10.0
"""Timeout after a transcript from a conductor that does not report the end of a run without a reply: Home Assistant."""
SHUTDOWN_PAUSE_SECONDS = 1.0
"""A conductor that shuts down pauses first; one that leaves so soon after a pause counts as lost in the middle of a run."""
STALLED_AUDIO_SECONDS = 30.0
"""Reply audio that stops arriving is over after this time."""
STABLE_SAMPLES = 60_000 * SAMPLES_PER_MS
"""A microphone that fails again before it has delivered this much audio is not reported again."""
SILENT_ERROR_CODES = frozenset({"nothing-to-say", "duplicate_wake_up_detected"})
"""Codes of runs whose reply is not awaited any more: the user said never mind, or another satellite has the run."""
NO_SPEECH_CODES = frozenset({"no-speech", "stt-no-text-recognized"})
IDLE_PHASES = (SatellitePhase.OFFLINE, SatellitePhase.PAUSED, SatellitePhase.WAITING)
RECORDED_SLOTS = (OFFLINE_SLOT, BRIDGE_SLOT)
"""Slots whose runs are passed on as a whole, once the satellite has found their end; until then they can be discarded."""
QUESTION_MARKS = ("?", "？", "؟")  # noqa: RUF001 - those of other scripts are meant
VadInput = m.VoiceStarted | m.VoiceStopped | m.NoiseStarted | m.NoiseStopped | m.VadProgress


@dataclass(frozen=True)
class SatelliteOptions:
    """Options of the rules."""

    endpointing: EndpointingRules | None = None  # for commands that the conductor does not end; None: never
    answers_questions: bool = True  # listen again after a reply that ends with a question mark
    timer_rings: int = 30  # rings of a finished timer that is not stopped
    timer_ring_pause_seconds: float = 3.0
    pipelines: Mapping[str, str] = field(default_factory=dict)  # by wake word
    slots: Collection[str] = ()  # wake words that have a conductor of their own
    stores_runs: bool = False  # keep what is said while no conductor is there


@dataclass
class SatelliteCore:
    """One satellite and its conductors: each has a slot, and one slot at a time is active."""

    options: SatelliteOptions = field(default_factory=SatelliteOptions)
    phase: SatellitePhase = SatellitePhase.OFFLINE
    is_muted: bool = False
    _presence: ConductorPresence = field(default_factory=ConductorPresence)
    _pre_roll: PreRoll = field(default_factory=PreRoll)
    _ringer: TimerRinger = field(default_factory=TimerRinger)
    _active_slot: str = MAIN_SLOT
    _run_slot: str = MAIN_SLOT  # that the latest run is meant for; the offline queue may receive it
    _is_stored_run: bool = False  # the run in progress comes from the offline queue, and has no transcript yet
    _phase_deadline: float | None = None
    _reply_deadline: float = 0.0  # until then a reply may still come, in any phase
    _lost_deadline: float = 0.0  # a conductor that leaves before it leaves the user without a reply
    _unstable_until: int = 0  # position up to which another failure of the microphone is not reported
    _clip: int = 0  # number of the latest reply audio
    _is_clip_open: bool = False  # more of it may arrive
    _is_filler: bool = False  # the latest reply audio was a filler
    _is_next_filler: bool = False
    _listens_after_reply: bool = False
    _run_start_ms: int = 0  # of the microphone's audio
    _endpointer: Endpointer | None = None  # of the command that is being spoken

    @property
    def deadline(self) -> float | None:
        """When DeadlineReached is due; None when nothing is waited for."""
        next_ring = self._ringer.next_ring if self._can_ring else None
        return min((at for at in (self._phase_deadline, next_ring) if at is not None), default=None)

    @property
    def is_ringing(self) -> bool:
        return self._ringer.is_ringing

    @property
    def can_be_stopped(self) -> bool:
        """Whether it speaks or rings, and may listen to somebody who says stop."""
        is_heard = self.phase is SatellitePhase.SPEAKING or self._can_ring
        return is_heard and not self.is_muted

    def can_claim(self, wake_word: str) -> bool:
        """Whether the wake word would start a run, or is said to a satellite that listens already."""
        return self.phase is SatellitePhase.STREAMING or not self._cannot_listen(self.slot_for(wake_word))

    def slot_for(self, wake_word: str | None) -> str:
        """Return the slot of the conductor that a wake word is meant for."""
        return wake_word if wake_word and wake_word in self.options.slots else MAIN_SLOT

    def handle(self, message: m.Input, now: float) -> list[Effect]:
        """Return the effects of an input, in order. An input that does not fit the phase has none."""
        before = self.phase
        effects = self._dispatch(message, now)
        if self.phase is before:
            return effects
        if self.phase is not SatellitePhase.THINKING:
            effects += self._settle_stored_run(answered=False)
        if self.phase in IDLE_PHASES:
            self._phase_deadline = None
        return [*effects, m.ReportPhase(self.phase), *self._ring(now)]

    def accepts_from(self, slot: str) -> bool:
        """Return whether a slot's conductor may speak: during its own run, or while the satellite is idle."""
        return slot == self._active_slot or self.phase in (SatellitePhase.PAUSED, SatellitePhase.WAITING)

    def _dispatch(self, message: m.Input, now: float) -> list[Effect]:
        match message:
            case m.MicAudio(pcm):
                return self._on_microphone_audio(pcm)
            case m.MicrophoneLost():
                return self._on_microphone_lost()
            case m.WakeWord():
                return self._on_wake_word(message, now)
            case m.ListenRequested(held):
                return self._on_listen_request(now, held=held)
            case m.StopWord():
                return self._stop_output()
            case m.StopRequested():
                return self._on_stop_request(now)
            case m.MuteRequested(muted):
                return self._on_mute_request(now, muted=muted)
            case m.VoiceStarted() | m.VoiceStopped() | m.NoiseStarted() | m.NoiseStopped() | m.VadProgress():
                return self._on_vad(message, now)
            case m.ConductorJoined(slot):
                return self._on_join(slot)
            case m.ConductorPaused(slot):
                return self._on_pause(slot, now)
            case m.ConductorLeft(slot):
                return self._on_leave(slot, now)
            case m.ConductorMessage():
                return self._on_conductor_message(message, now)
            case m.ReplyAudioPlayed(clip):
                return self._on_audio_played(clip, now)
            case m.TimerFinished():
                return self._on_timer_finished(now)
            case m.RunStored():
                return self._on_run_stored(Cue.KEPT)
            case m.RunLost():
                return self._on_run_stored(Cue.ERROR)
            case m.StoredRunAvailable(wake_word):
                return self._send_stored_run(wake_word, now)
            case m.DeadlineReached():
                return self._on_deadline(now)
            case _:
                return self._on_conductor_input(message, now)

    def _on_conductor_message(self, message: m.ConductorMessage, now: float) -> list[Effect]:
        if not self.accepts_from(message.slot):
            return [m.RejectAudio(message.slot)] if isinstance(message.content, m.ReplyAudioStarted) else []
        return [*self._switch_slot(message.slot), *self._on_conductor_input(message.content, now)]

    def _on_conductor_input(self, message: m.ConductorInput, now: float) -> list[Effect]:
        match message:
            case m.SpeechEnded():
                return self._on_speech_end(now)
            case m.TranscriptReceived(reports_end):
                return [*self._settle_stored_run(answered=True), *self._on_transcript(now, reports_end=reports_end)]
            case m.RunFailed(code):
                return [*self._settle_stored_run(answered=True), *self._on_run_failed(code, now)]
            case m.FollowUpRequested():
                self._listens_after_reply = self.phase is not SatellitePhase.OFFLINE
                return []
            case m.ReplyTextReceived(text):
                return self._on_reply_text(text, now)
            case m.FillerAnnounced():
                self._is_next_filler = self.phase is not SatellitePhase.OFFLINE
                return []
            case m.ReplyAudioStarted():
                return [*self._settle_stored_run(answered=True), *self._on_audio_started(now)]
            case m.ReplyAudioReceived(pcm):
                return self._on_audio_received(pcm, now)
            case m.ReplyAudioEnded():
                return self._on_audio_ended()
            case _:
                assert_never(message)

    # Microphone

    def _on_microphone_audio(self, pcm: bytes) -> list[Effect]:
        if self.is_muted:
            self._pre_roll.skip(pcm)
            return []
        start = self._pre_roll.push(pcm)
        return [_send_audio(start, pcm)] if self.phase is SatellitePhase.STREAMING else []

    def _on_microphone_lost(self) -> list[Effect]:
        is_news = self._pre_roll.position >= self._unstable_until
        self._unstable_until = self._pre_roll.position + STABLE_SAMPLES
        return [m.PlayCue(Cue.DEAF)] if is_news else []

    def _on_mute_request(self, now: float, *, muted: bool) -> list[Effect]:
        if muted is self.is_muted:
            return []
        self.is_muted = muted
        self._pre_roll.clear()
        ended = self._cancel_listening(now) if muted and self.phase is SatellitePhase.STREAMING else []
        return [*ended, m.PlayCue(Cue.MUTE if muted else Cue.UNMUTE)]

    # Start of a run

    def _on_wake_word(self, word: m.WakeWord, now: float) -> list[Effect]:
        run_slot = self.slot_for(word.name)
        slot = self._find_listener(run_slot)
        if slot is None:
            return self._report_no_listener(run_slot)
        interrupted = [*self._interrupt(), *self._switch_slot(slot)]
        report = m.ReportWakeWord(word.name, word.sample // SAMPLES_PER_MS, word.turn_id, word.score)
        request, *cue = self._start_run(word.name, word.sample, now)
        pre_roll = (_send_audio(start, pcm) for start, pcm in self._pre_roll.read_from(word.sample))
        return [*interrupted, report, request, *pre_roll, *cue]

    def _on_listen_request(self, now: float, *, held: bool) -> list[Effect]:
        slot = self._find_listener(MAIN_SLOT)
        if slot is None:
            return self._report_no_listener(MAIN_SLOT)
        effects = [*self._interrupt(), *self._switch_slot(slot), *self._start_run(None, self._pre_roll.position, now)]
        self._endpointer = None if held else self._endpointer
        return effects

    def _find_listener(self, slot: str) -> str | None:
        """Return the slot that receives a run meant for `slot`: its own, the bridge's, the offline queue's, or None."""
        if self._cannot_listen(slot):
            return None
        if self._presence.is_listening(slot):
            return slot
        if self._presence.is_listening(BRIDGE_SLOT):
            return BRIDGE_SLOT
        return OFFLINE_SLOT if self.options.stores_runs else None

    def _report_no_listener(self, slot: str) -> list[Effect]:
        return [] if self._cannot_listen(slot) else [*self._stop_output(), m.PlayCue(Cue.UNREACHABLE)]

    def _cannot_listen(self, slot: str) -> bool:
        return self.is_muted or self.phase is SatellitePhase.STREAMING or self._presence.is_paused(slot)

    def _interrupt(self) -> list[Effect]:
        """Stop all playback, cues and rings included, for a run that starts."""
        self._ringer.stop()
        stop: list[Effect] = [m.StopPlayback()]
        return [*stop, m.ReportPlayed()] if self.phase is SatellitePhase.SPEAKING else stop

    def _switch_slot(self, slot: str) -> list[Effect]:
        if slot == self._active_slot:
            return []
        self._active_slot = slot
        self._is_clip_open = self._listens_after_reply = self._is_next_filler = False
        self._reply_deadline = self._lost_deadline = 0.0
        return [m.SwitchSlot(slot)]

    def _start_run(self, wake_word: str | None, position: int, now: float) -> list[Effect]:
        """Start streaming from a position of the microphone's audio on."""
        self.phase = SatellitePhase.STREAMING
        self._phase_deadline = now + MAX_COMMAND_SECONDS
        self._reply_deadline = self._lost_deadline = 0.0
        self._is_clip_open = self._listens_after_reply = self._is_next_filler = False
        self._run_slot = self.slot_for(wake_word)
        self._run_start_ms = position // SAMPLES_PER_MS
        self._endpointer = None if self.options.endpointing is None else Endpointer(self.options.endpointing)
        pipeline = None if wake_word is None else self.options.pipelines.get(wake_word)
        return [m.RequestRun(wake_word, pipeline), m.PlayCue(Cue.AWAKE)]

    # End of a command

    def _on_vad(self, message: VadInput, now: float) -> list[Effect]:
        if self.phase is not SatellitePhase.STREAMING or self._endpointer is None:
            return []
        at_ms = message.milliseconds - self._run_start_ms
        match message:
            case m.VoiceStarted():
                self._endpointer.on_speech_start(at_ms)
            case m.VoiceStopped():
                self._endpointer.on_speech_stop(at_ms)
            case m.NoiseStarted():
                self._endpointer.on_noise_start(at_ms)
            case m.NoiseStopped():
                self._endpointer.on_noise_stop(at_ms)
            case m.VadProgress():
                return self._on_endpoint(set(self._endpointer.advance(at_ms)) - {EndpointDecision.PERHAPS}, now)
        return []

    def _on_endpoint(self, decisions: set[EndpointDecision], now: float) -> list[Effect]:
        if decisions == {EndpointDecision.NO_SPEECH} and self._active_slot in RECORDED_SLOTS:
            cue = Cue.UNREACHABLE if self._active_slot == OFFLINE_SLOT else Cue.NOTHING
            return [*self._discard_run(), m.PlayCue(cue)]
        return [m.SendAudioStop(), *self._on_speech_end(now)] if decisions else []

    def _on_speech_end(self, now: float) -> list[Effect]:
        if self.phase is not SatellitePhase.STREAMING:
            return []
        self._wait_for_reply(now)
        return [m.PlayCue(Cue.DONE)]

    def _on_stop_request(self, now: float) -> list[Effect]:
        if self.phase is not SatellitePhase.STREAMING:
            return self._stop_output()
        self._listens_after_reply = False
        return [*self._stop_ringing(), m.SendAudioStop(), *self._on_speech_end(now)]

    def _cancel_listening(self, now: float) -> list[Effect]:
        return self._discard_run() if self._active_slot in RECORDED_SLOTS else self._on_stop_request(now)

    def _discard_run(self) -> list[Effect]:
        self._enter_idle()
        return [m.DiscardRun()]

    # Reply

    def _wait_for_reply(self, now: float) -> None:
        self.phase = SatellitePhase.THINKING
        self._phase_deadline = self._reply_deadline = now + REPLY_TIMEOUT_SECONDS

    def _can_receive_reply(self, now: float) -> bool:
        """Return whether a reply to the latest run may still come, even if the run seemed to have none."""
        is_late = self.phase is SatellitePhase.WAITING and now < self._reply_deadline
        return is_late or self.phase is SatellitePhase.THINKING

    def _on_transcript(self, now: float, *, reports_end: bool) -> list[Effect]:
        effects = self._on_speech_end(now)
        if self.phase is SatellitePhase.THINKING and not reports_end:
            self._phase_deadline = now + SILENT_REPLY_TIMEOUT_SECONDS
        return effects

    def _on_run_failed(self, code: str, now: float) -> list[Effect]:
        is_streaming = self.phase is SatellitePhase.STREAMING
        if not is_streaming and not self._can_receive_reply(now) and not self._is_playing_filler:
            return []
        self._enter_idle()
        self._reply_deadline = 0.0
        self._listens_after_reply = False
        if code in SILENT_ERROR_CODES:
            return []
        return [m.PlayCue(Cue.NOTHING if code in NO_SPEECH_CODES else Cue.ERROR)]

    def _on_reply_text(self, text: str, now: float) -> list[Effect]:
        is_question = self.options.answers_questions and text.rstrip().endswith(QUESTION_MARKS)
        if is_question and (self.phase is SatellitePhase.SPEAKING or self._can_receive_reply(now)):
            self._listens_after_reply = True
        return []

    @property
    def _is_playing_filler(self) -> bool:
        return self.phase is SatellitePhase.SPEAKING and self._is_filler

    def _on_audio_started(self, now: float) -> list[Effect]:
        if self.phase is SatellitePhase.OFFLINE:
            return []
        effects: list[Effect] = [m.StopPlayback()] if self._is_playing_filler else []
        self._reply_deadline = 0.0
        self._is_filler, self._is_next_filler = self._is_next_filler, False
        self.phase = SatellitePhase.SPEAKING
        self._phase_deadline = now + STALLED_AUDIO_SECONDS
        self._clip += 1
        self._is_clip_open = True
        return effects

    def _on_audio_received(self, pcm: bytes, now: float) -> list[Effect]:
        if not self._is_clip_open:
            return []  # the rest of a clip that was interrupted
        self._phase_deadline = now + STALLED_AUDIO_SECONDS
        return [m.PlayAudio(pcm)] if pcm else []

    def _on_audio_ended(self) -> list[Effect]:
        if not self._is_clip_open:
            return []
        self._is_clip_open = False
        self._phase_deadline = None
        return [m.ReportWhenPlayed(self._clip)]

    def _on_audio_played(self, clip: int, now: float) -> list[Effect]:
        if self.phase is not SatellitePhase.SPEAKING or self._is_clip_open or clip != self._clip:
            return []  # another clip has started since
        if self._is_filler and self._presence.is_listening(self._active_slot):
            self._wait_for_reply(now)
            return []
        listens, self._listens_after_reply = self._listens_after_reply, False
        if listens and self._find_listener(self._active_slot) == self._active_slot:
            return [m.ReportPlayed(), *self._start_run(None, self._pre_roll.position, now)]
        self._enter_idle()
        return [m.ReportPlayed()]

    def _stop_output(self) -> list[Effect]:
        """Stop a reply and a ringing timer."""
        ringing = self._stop_ringing()
        if self.phase is not SatellitePhase.SPEAKING:
            return ringing
        self._enter_idle()
        self._is_clip_open = self._listens_after_reply = False
        return [*ringing, m.StopPlayback(), m.ReportPlayed()]

    # Timers

    def _on_timer_finished(self, now: float) -> list[Effect]:
        self._ringer.start(self.options.timer_rings, self.options.timer_ring_pause_seconds, now)
        return self._ring(now)

    @property
    def _can_ring(self) -> bool:
        return self.is_ringing and self.phase not in (SatellitePhase.STREAMING, SatellitePhase.SPEAKING)

    def _ring(self, now: float) -> list[Effect]:
        return [m.PlayCue(Cue.TIMER)] if self._can_ring and self._ringer.ring(now) else []

    def _stop_ringing(self) -> list[Effect]:
        was_ringing = self._ringer.stop()
        return [m.StopPlayback()] if was_ringing and self.phase is not SatellitePhase.SPEAKING else []

    # Conductors

    def _on_join(self, slot: str) -> list[Effect]:
        self._presence.join(slot)
        self._update_idle_phase()
        is_being_stored = self.phase is SatellitePhase.STREAMING and self._active_slot == OFFLINE_SLOT
        if is_being_stored and self._run_slot == slot:
            return [m.TransferRun(slot), *self._switch_slot(slot)]
        return []

    def _on_pause(self, slot: str, now: float) -> list[Effect]:
        """End the conductor's run; a reply that is being played continues."""
        self._presence.pause(slot)
        self._update_idle_phase()
        if slot == self._active_slot and self.phase in (SatellitePhase.STREAMING, SatellitePhase.THINKING):
            self._lost_deadline = now + SHUTDOWN_PAUSE_SECONDS if self._is_reply_expected else 0.0
            self._enter_idle()
        return []

    def _on_leave(self, slot: str, now: float) -> list[Effect]:
        self._presence.leave(slot)
        if slot == self._active_slot:
            return self._abandon_run(now)
        self._update_idle_phase()
        return []

    def _enter_idle(self) -> None:
        self.phase = self._presence.idle_phase

    def _update_idle_phase(self) -> None:
        if self.phase in IDLE_PHASES:
            self._enter_idle()

    @property
    def _is_reply_expected(self) -> bool:
        is_running = self.phase in (SatellitePhase.STREAMING, SatellitePhase.THINKING) and not self._is_stored_run
        return self._is_clip_open or is_running

    def _abandon_run(self, now: float) -> list[Effect]:
        """End the run of a conductor that has left; reply audio that has arrived is still played."""
        was_expected = self._is_reply_expected or now < self._lost_deadline
        self._reply_deadline = self._lost_deadline = 0.0
        self._enter_idle()
        self._listens_after_reply = False
        lost: list[Effect] = [m.PlayCue(Cue.LOST)] if was_expected else []
        return [*self._on_audio_ended(), *lost]

    # Offline queue

    def _on_run_stored(self, cue: Cue) -> list[Effect]:
        if self._active_slot != OFFLINE_SLOT or self.phase is not SatellitePhase.THINKING:
            return []
        self._enter_idle()
        return [m.PlayCue(cue)]

    def _send_stored_run(self, wake_word: str | None, now: float) -> list[Effect]:
        slot = self.slot_for(wake_word)
        is_idle = self.phase is SatellitePhase.WAITING and not self.is_muted and not self.is_ringing
        if not is_idle or not self._presence.is_listening(slot):
            return []
        self.phase = SatellitePhase.THINKING
        self._phase_deadline = now + REPLY_TIMEOUT_SECONDS
        self._is_stored_run = True
        return [*self._switch_slot(slot), m.SendStoredRun()]

    def _settle_stored_run(self, *, answered: bool) -> list[Effect]:
        was_stored, self._is_stored_run = self._is_stored_run, False
        return [m.StoredRunSettled(answered)] if was_stored else []

    def _on_deadline(self, now: float) -> list[Effect]:
        if self._phase_deadline is None or now < self._phase_deadline:
            return self._ring(now)
        match self.phase:
            case SatellitePhase.STREAMING:
                return [m.SendAudioStop(), *self._on_speech_end(now)]
            case SatellitePhase.THINKING:
                self._enter_idle()
                return []
            case SatellitePhase.SPEAKING:
                return [*self._on_audio_ended(), m.PlayCue(Cue.LOST)]
            case SatellitePhase.OFFLINE | SatellitePhase.PAUSED | SatellitePhase.WAITING:
                return []


def _send_audio(start: int, pcm: bytes) -> m.SendAudio:
    return m.SendAudio(pcm, start // SAMPLES_PER_MS)
