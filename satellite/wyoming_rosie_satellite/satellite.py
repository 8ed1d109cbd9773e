"""The satellite: run its rules on a microphone, a wake detector, a speaker and conductors."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, assert_never

import structlog
from wyoming.error import Error
from wyoming.event import Event
from wyoming.ping import Ping

from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.wakeword.arbitration.rules import FOLLOW_UP_SECONDS
from wyoming_rosie.wakeword.detection import match_name
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.devices.microphones import Microphone, read_forever
from wyoming_rosie_satellite.audio.devices.speakers import Speaker
from wyoming_rosie_satellite.audio.ducking import AwakeMute, Ducking
from wyoming_rosie_satellite.audio.level_report import LevelReport
from wyoming_rosie_satellite.audio.local_vad import LocalVad
from wyoming_rosie_satellite.audio.player import Player
from wyoming_rosie_satellite.audio.recorder import RunRecorder
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.conductor_slot import ConductorSlot
from wyoming_rosie_satellite.core import IDLE_PHASES, SatelliteCore, SatelliteOptions
from wyoming_rosie_satellite.events import add_language, create_event
from wyoming_rosie_satellite.integrations import observers
from wyoming_rosie_satellite.integrations.controls import MAX_VOLUME, SatelliteStatus
from wyoming_rosie_satellite.integrations.observers import Observers
from wyoming_rosie_satellite.storage.state_store import SavedState
from wyoming_rosie_satellite.storage.timer_service import SatelliteTimerService
from wyoming_rosie_satellite.storage.timers import EVENTS as TIMER_EVENTS
from wyoming_rosie_satellite.storage.timers import FINISHED as TIMER_FINISHED
from wyoming_rosie_satellite.wake.arbitration import PeerSatellites, Situation, WakeArbitration
from wyoming_rosie_satellite.wake.detector import ScoredDetector, WakeDetector
from wyoming_rosie_satellite.wake.spoken_stop import SpokenStopDetector

if TYPE_CHECKING:
    from wyoming_rosie_satellite.storage.offline_queue import OfflineQueue

_LOG = structlog.get_logger()
PING_SECONDS = 2.0


class ConductorConnection(Protocol):
    """The connection of a conductor: the peer that runs the pipeline."""

    def queue_event(self, event: Event) -> None:
        """Send an event as soon as possible; never waits."""


@dataclass(frozen=True)
class SatelliteComponents:
    """The parts of a satellite besides its microphone and speaker; the cues are in the speaker's format."""

    cues: Mapping[m.Cue, bytes] = field(default_factory=dict)
    phrases: Mapping[m.Cue, Callable[[], bytes]] = field(default_factory=dict)  # for cues that are loaded on demand
    options: SatelliteOptions = field(default_factory=SatelliteOptions)
    stop_words: Collection[str] = ()  # wake words that stop a reply instead of starting a run
    wake_words: Collection[str] = ()  # as the settings spell them, stop words included
    vad: LocalVad | None = None
    spoken_stop: SpokenStopDetector | None = None
    recorder: RunRecorder | None = None
    awake_mute: AwakeMute | None = None
    ducking: Ducking | None = None
    volume: Volume | None = None
    observers: Observers = field(default_factory=Observers)
    peers: PeerSatellites | None = None
    save_state: Callable[[SavedState], None] = lambda _: None
    language: str | None = None  # that people speak here, if known


class Satellite:
    """One satellite, controlled by its conductors, its buttons and the local API."""

    def __init__(self, speaker: Speaker, components: SatelliteComponents | None = None) -> None:
        self.timers: SatelliteTimerService | None = None
        self.offline_queue: OfflineQueue | None = None
        self.has_joined = asyncio.Event()  # set by the first conductor
        self.player = Player(speaker)
        self.sound_format = speaker.format
        self._components = components or SatelliteComponents()
        self._core = SatelliteCore(self._components.options)
        self._slots: defaultdict[str, ConductorSlot[ConductorConnection]] = defaultdict(ConductorSlot)
        self._active_slot = m.MAIN_SLOT
        self._deadline_timer: asyncio.TimerHandle | None = None
        self._turn_id = ""
        self._was_streaming = self._was_speaking = False
        self._levels = LevelReport()
        self.arbitration = WakeArbitration(self._start_run, self._components.peers)
        self._spoke_until = -FOLLOW_UP_SECONDS

    @property
    def phase(self) -> m.SatellitePhase:
        return self._core.phase

    @property
    def conductor(self) -> ConductorConnection | None:
        """The conductor of the active slot."""
        return self._slots[self._active_slot].holder

    async def run(self, microphone: Microphone, detector: WakeDetector) -> None:
        """Listen for wake words and play replies until cancelled."""
        if isinstance(detector, ScoredDetector):
            self._levels = LevelReport(detector.take_scores, detector.thresholds)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read_microphone(microphone, detector))
            tasks.create_task(detector.run(self._on_wake_word))
            tasks.create_task(self.player.run())
            tasks.create_task(self._ping_conductors())
            if self._components.ducking is not None:
                tasks.create_task(self._components.ducking.run())
            if self._components.recorder is not None:
                tasks.create_task(self._components.recorder.run())
            if self._components.spoken_stop is not None:
                tasks.create_task(self._components.spoken_stop.run(self._on_spoken_stop))

    def join(self, conductor: ConductorConnection, slot: str = m.MAIN_SLOT) -> None:
        """Give a slot to a conductor. Raises BadEventError while another conductor has it."""
        was_paused = self._slots[slot].is_paused
        if self._slots[slot].claim(conductor, loop_time()) is not None and not was_paused:
            self.handle(m.ConductorLeft(slot))
        self.handle(m.ConductorJoined(slot))
        self.has_joined.set()
        self._notify(Event("satellite-connected"))

    def pause(self, conductor: ConductorConnection, slot: str = m.MAIN_SLOT) -> None:
        """Send the conductor no runs until it joins again."""
        if self._slots[slot].pause(conductor):
            self.handle(m.ConductorPaused(slot))

    def leave(self, conductor: ConductorConnection, slot: str = m.MAIN_SLOT) -> None:
        """Release the slot, if the conductor has it."""
        self._levels.forget(conductor)
        if self._slots[slot].release(conductor):
            self.handle(m.ConductorLeft(slot))
            if all(other.holder is None for other in self._slots.values()):
                self._notify(Event("satellite-disconnected"))
        self.arbitration.forget(conductor)

    def is_paused_by(self, peer: ConductorConnection, slot: str = m.MAIN_SLOT) -> bool:
        return self._slots[slot].holder is peer and self._slots[slot].is_paused

    def is_conductor(self, peer: ConductorConnection, slot: str = m.MAIN_SLOT) -> bool:
        return self._slots[slot].holder is peer

    def mark_alive(self, peer: ConductorConnection, slot: str = m.MAIN_SLOT) -> None:
        """Record that the peer is still there; ignored unless it has the slot."""
        self._slots[slot].mark_alive(peer, loop_time())

    def on_event(self, event: Event, slot: str = m.MAIN_SLOT) -> None:
        """Pass a conductor's event to the observers and the timers. Raises BadEventError for an invalid timer."""
        if event.type not in TIMER_EVENTS:
            if self._core.accepts_from(slot):
                self._notify(event)
        elif self.timers is not None:
            self.timers.handle_event(event)
        elif event.type == TIMER_FINISHED:
            self.ring()

    def ring(self) -> None:
        """Ring for a finished timer."""
        self.handle(m.TimerFinished())

    def handle(self, message: m.Input) -> None:
        """Pass an input to the rules and apply the effects."""
        deadline, was_ringing = self._core.deadline, self._core.is_ringing
        for effect in self._core.handle(message, loop_time()):
            self._apply(effect)
        if self._core.is_ringing is not was_ringing:
            self._notify(observers.ringing_event(self._core.is_ringing))
        if self._core.deadline != deadline:
            self._schedule_deadline()

    async def _read_microphone(self, microphone: Microphone, detector: WakeDetector) -> None:
        async with aclosing(read_forever(microphone, lambda: self.handle(m.MicrophoneLost()))) as frames:
            async for pcm in frames:
                self.handle(m.MicAudio(pcm))
                detector.push_audio(pcm)
                self.arbitration.push_audio(pcm)
                if not self._core.is_muted:
                    self._levels.push_audio(pcm, loop_time())
                if self._components.spoken_stop is not None:
                    self._components.spoken_stop.push_audio(pcm, is_heard=self._core.can_be_stopped)

    async def _ping_conductors(self) -> None:
        """Ping the conductors, whose answers show that they are alive; a paused one may not even read."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            for slot in self._slots.values():
                if slot.holder is not None and not slot.is_paused:
                    slot.holder.queue_event(Ping().event())

    @property
    def status(self) -> SatelliteStatus:
        return SatelliteStatus(self.phase, self._core.is_muted, self._volume_percent, self._core.is_ringing)

    def trigger(self, *, held: bool = False) -> None:
        self.handle(m.ListenRequested(held))

    def stop(self) -> None:
        self.handle(m.StopRequested())

    def watch(self, conductor: ConductorConnection, seconds: float) -> None:
        """Tell a conductor the microphone's levels and the scores of wake words for some seconds."""
        self._levels.watch(conductor, seconds, loop_time())

    def mute(self, muted: bool) -> None:
        if muted is self._core.is_muted:
            return
        self.handle(m.MuteRequested(muted))
        self._notify(observers.muted_event(muted))
        self._save_state()

    def set_volume(self, percent: int) -> None:
        if self._components.volume is None or percent == self._volume_percent:
            return
        self._components.volume.set_percent(percent)
        self._notify(observers.volume_event(self._volume_percent))
        self._save_state()

    def restore(self, state: SavedState) -> None:
        """Restore the state that was saved before the restart."""
        self._core.is_muted = state.muted
        if self._components.volume is not None:
            self._components.volume.set_percent(state.volume)

    @property
    def _volume_percent(self) -> int:
        return MAX_VOLUME if self._components.volume is None else round(self._components.volume.percent)

    def _save_state(self) -> None:
        self._components.save_state(SavedState(self._core.is_muted, self._volume_percent))

    def _notify(self, event: Event) -> None:
        self._components.observers.on_event(event)

    def _on_wake_word(self, word: m.WakeWord) -> None:
        word = replace(word, name=match_name(word.name, self._components.wake_words))
        if word.is_near_miss:
            self._levels.report_near_miss(word.name, word.score)
            return
        if word.name in self._components.stop_words:
            _LOG.info("stop word", name=word.name, score=word.score, phase=self.phase)
            self.handle(m.StopWord())
            return
        _LOG.info("wake word", name=word.name, score=word.score, turn_id=word.turn_id, phase=self.phase)
        if self._core.can_claim(word.name):
            self.arbitration.on_wake_word(word, self._describe_situation(word.name))

    def _describe_situation(self, wake_word: str) -> Situation:
        is_spoken_with = loop_time() - self._spoke_until < FOLLOW_UP_SECONDS or self.phase not in IDLE_PHASES
        return Situation(self._slots[self._core.slot_for(wake_word)].holder, is_spoken_with)

    def _start_run(self, word: m.WakeWord) -> None:
        self._turn_id = word.turn_id
        self.handle(word)

    def _on_spoken_stop(self) -> None:
        _LOG.info("stop word", name="stop", phase=self.phase)
        self.handle(m.StopWord())

    def _apply(self, effect: m.Effect) -> None:
        match effect:
            case m.SendAudio():
                self._send_audio(effect)
            case m.RequestRun():
                request = add_language(create_event(effect), self._components.language)
                self._send(request)
                self._notify(request)
                self._notify(Event("streaming-started"))
                if self._components.vad is not None:
                    self._components.vad.start(self.handle)
                if self._components.recorder is not None:
                    self._components.recorder.start()
            case m.SendAudioStop():
                self._send(create_event(effect))
            case m.ReportWakeWord() | m.ReportPlayed():
                self._send(create_event(effect))
                self._notify(create_event(effect))
            case m.SwitchSlot(slot):
                self._active_slot = slot
            case m.RejectAudio(slot):
                self._send_all([Error("the satellite has a run with another conductor", "occupied").event()], slot)
            case m.TransferRun() | m.DiscardRun() | m.SendStoredRun() | m.StoredRunSettled():
                self._apply_to_offline_queue(effect)
            case m.PlayAudio(pcm):
                self.player.play(pcm)
            case m.ReportWhenPlayed(clip):
                self.player.mark_end(lambda: self.handle(m.ReplyAudioPlayed(clip)))
            case m.StopPlayback():
                self.player.stop()
            case m.PlayCue(cue):
                self._play_cue(cue)
            case m.ReportPhase(phase):
                self._on_phase(phase)
            case _:
                assert_never(effect)

    def _apply_to_offline_queue(self, effect: m.OfflineQueueEffect) -> None:
        if self.offline_queue is None:
            return
        match effect:
            case m.TransferRun(slot):
                self._send_all(self.offline_queue.take_current_run(), slot)
            case m.DiscardRun():
                self.offline_queue.discard_run()
            case m.SendStoredRun():
                self._send_all(self.offline_queue.take_next_run(), self._active_slot)
            case m.StoredRunSettled(answered):
                self.offline_queue.settle(answered=answered)
            case _:
                assert_never(effect)

    def _send(self, event: Event) -> None:
        self._send_all([event], self._active_slot)

    def _send_all(self, events: Sequence[Event], slot: str) -> None:
        listener = self.offline_queue if slot == m.OFFLINE_SLOT else self._slots[slot].holder
        if listener is not None:
            for event in events:
                listener.queue_event(event)

    def _send_audio(self, audio: m.SendAudio) -> None:
        mute = self._components.awake_mute
        sent = audio if mute is None else replace(audio, pcm=mute.apply(audio.pcm, loop_time()))
        self._send(create_event(sent))
        if self._components.vad is not None:
            self._components.vad.push_audio(sent.pcm, sent.milliseconds)
        if self._components.recorder is not None:
            self._components.recorder.push_audio(sent.pcm)

    def _on_phase(self, phase: m.SatellitePhase) -> None:
        _LOG.info("phase", phase=phase, turn_id=self._turn_id)
        self._notify(observers.phase_event(phase))
        if self._was_speaking:
            self._spoke_until = loop_time()
        self._was_speaking = phase is m.SatellitePhase.SPEAKING
        if self._was_streaming and phase is not m.SatellitePhase.STREAMING:
            self._notify(Event("streaming-stopped"))
            if self._components.vad is not None:
                self._components.vad.stop()
            if self._components.recorder is not None:
                self._components.recorder.stop()
        if phase is m.SatellitePhase.WAITING:
            self._notify(Event("detect"))
        if phase in IDLE_PHASES:
            self.arbitration.end_turn()
        self._was_streaming = phase is m.SatellitePhase.STREAMING
        if self._components.ducking is not None:
            self._components.ducking.set_active(active=phase not in IDLE_PHASES)

    def _play_cue(self, cue: m.Cue) -> None:
        if cue is m.Cue.AWAKE and self._components.awake_mute is not None:
            self._components.awake_mute.start(loop_time())
        if cue in self._components.cues:
            self.player.play(self._components.cues[cue])
            self.player.mark_end()
        elif cue in self._components.phrases:
            self.player.play_deferred(self._components.phrases[cue])
            self.player.mark_end()

    def _schedule_deadline(self) -> None:
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        self._deadline_timer = None
        if self._core.deadline is not None:
            self._deadline_timer = asyncio.get_running_loop().call_at(
                self._core.deadline, self.handle, m.DeadlineReached()
            )
