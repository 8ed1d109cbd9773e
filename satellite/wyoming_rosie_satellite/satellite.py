"""Carries out what the rules ask for: microphone, wake words, speaker and conductor around them."""

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

from wyoming_rosie.wakeword.detection import match_name
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.audio.awake_mute import AwakeMute
from wyoming_rosie_satellite.audio.ducking import Ducking
from wyoming_rosie_satellite.audio.player import Player
from wyoming_rosie_satellite.audio.recorder import Recorder
from wyoming_rosie_satellite.audio.sinks import Speaker
from wyoming_rosie_satellite.audio.sources import Microphone, speech
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.conductor_slot import Seat
from wyoming_rosie_satellite.core import AT_REST, Habits, SatelliteCore
from wyoming_rosie_satellite.events import event_of, in_language
from wyoming_rosie_satellite.integrations import observers
from wyoming_rosie_satellite.integrations.controls import Shown
from wyoming_rosie_satellite.integrations.observers import Watchers
from wyoming_rosie_satellite.storage.state_store import LOUDEST, Kept
from wyoming_rosie_satellite.storage.timer_service import AlarmClock
from wyoming_rosie_satellite.storage.timers import EVENTS as TIMER_EVENTS
from wyoming_rosie_satellite.storage.timers import FINISHED as TIMER_FINISHED
from wyoming_rosie_satellite.wake.detectors import Ears
from wyoming_rosie_satellite.wake.endpointing import Voices

if TYPE_CHECKING:
    from wyoming_rosie_satellite.storage.offline_queue import StandIn

_LOG = structlog.get_logger()
PING_SECONDS = 2.0


class Conductor(Protocol):
    """The peer that conducts."""

    def tell(self, event: Event) -> None:
        """Send an event soon; never waits."""


@dataclass(frozen=True)
class Fittings:
    """What a satellite has beside a microphone and a speaker; the cues are in the speaker's format.

    Stop words end what sounds; the others wake.
    """

    cues: Mapping[m.Cue, bytes] = field(default_factory=dict)
    phrases: Mapping[m.Cue, Callable[[], bytes]] = field(default_factory=dict)  # of the other cues
    habits: Habits = field(default_factory=Habits)
    stop_words: Collection[str] = ()
    words: Collection[str] = ()  # all that the settings name, as they spell them
    voices: Voices | None = None
    recorder: Recorder | None = None
    awake_mute: AwakeMute | None = None
    ducking: Ducking | None = None
    volume: Volume | None = None
    watchers: Watchers = field(default_factory=Watchers)
    keep: Callable[[Kept], None] = lambda _: None
    language: str | None = None  # that people speak here, if it is known


class Satellite:
    """One satellite, which does what its conductor and its buttons want."""

    def __init__(self, speaker: Speaker, fittings: Fittings | None = None) -> None:
        self.alarms: AlarmClock | None = None
        self.stand_in: StandIn | None = None
        self.conducted = asyncio.Event()  # by anybody so far
        self.player = Player(speaker)
        self.sound_format = speaker.format
        self._fittings = fittings or Fittings()
        self._core = SatelliteCore(self._fittings.habits)
        self._seats: defaultdict[str, Seat[Conductor]] = defaultdict(Seat)
        self._turned_to = m.MAIN
        self._tick: asyncio.TimerHandle | None = None
        self._turn_id = ""
        self._was_streaming = False

    @property
    def phase(self) -> m.Phase:
        return self._core.phase

    @property
    def conductor(self) -> Conductor | None:
        """Who is talked to, or was at last."""
        return self._seats[self._turned_to].holder

    async def run(self, microphone: Microphone, ears: Ears) -> None:
        """Hear, listen for wake words and play until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear(microphone, ears))
            tasks.create_task(ears.listen(self._woken))
            tasks.create_task(self.player.run())
            tasks.create_task(self._ping())
            if self._fittings.ducking is not None:
                tasks.create_task(self._fittings.ducking.run())
            if self._fittings.recorder is not None:
                tasks.create_task(self._fittings.recorder.run())

    def join(self, conductor: Conductor, seat: str = m.MAIN) -> None:
        """Let a peer conduct. Raises BadEventError while another one has the seat."""
        was_paused = self._seats[seat].is_paused
        if self._seats[seat].take(conductor, _now()) is not None and not was_paused:
            self.take(m.ConductorLeft(seat))
        self.take(m.ConductorJoined(seat))
        self.conducted.set()
        self._saw(Event("satellite-connected"))

    def pause(self, conductor: Conductor, seat: str = m.MAIN) -> None:
        """Note that the conductor wants to hear nothing until it joins again."""
        if self._seats[seat].pause(conductor):
            self.take(m.ConductorPaused(seat))

    def leave(self, conductor: Conductor, seat: str = m.MAIN) -> None:
        """Note that a peer will not conduct any more."""
        if self._seats[seat].leave(conductor):
            self.take(m.ConductorLeft(seat))
            if all(one.holder is None for one in self._seats.values()):
                self._saw(Event("satellite-disconnected"))

    def is_paused_by(self, peer: Conductor, seat: str = m.MAIN) -> bool:
        return self._seats[seat].holder is peer and self._seats[seat].is_paused

    def is_conducted_by(self, peer: Conductor, seat: str = m.MAIN) -> bool:
        return self._seats[seat].holder is peer

    def heard_from(self, peer: Conductor, seat: str = m.MAIN) -> None:
        """Note that a peer is still there, whether it conducts or not."""
        self._seats[seat].heard(peer, _now())

    def told(self, event: Event, seat: str = m.MAIN) -> None:
        """Note what a conductor says, for those who watch. Raises BadEventError for a timer that cannot be."""
        if event.type not in TIMER_EVENTS:
            if self._core.attends(seat):
                self._saw(event)
        elif self.alarms is not None:
            self.alarms.take(event)
        elif event.type == TIMER_FINISHED:
            self.ring()

    def ring(self) -> None:
        """Let a timer be heard."""
        self.take(m.TimerFinished())

    def take(self, given: m.Input) -> None:
        """Let the rules decide about an input and carry out what they say."""
        deadline, was_ringing = self._core.deadline, self._core.is_ringing
        for effect in self._core.handle(given, _now()):
            self._carry_out(effect)
        if self._core.is_ringing is not was_ringing:
            self._saw(observers.ringing(self._core.is_ringing))
        if self._core.deadline != deadline:
            self._schedule_tick()

    async def _hear(self, microphone: Microphone, ears: Ears) -> None:
        async with aclosing(speech(microphone, lambda: self.take(m.MicrophoneLost()))) as frames:
            async for pcm in frames:
                self.take(m.MicAudio(pcm))
                ears.hear(pcm)

    async def _ping(self) -> None:
        """Let the conductors show that they are there; who has paused may not even read."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            for seat in self._seats.values():
                if seat.holder is not None and not seat.is_paused:
                    seat.holder.tell(Ping().event())

    @property
    def shown(self) -> Shown:
        return Shown(self.phase, self._core.is_muted, self._percent, self._core.is_ringing)

    def trigger(self, *, held: bool = False) -> None:
        self.take(m.ListeningAsked(held))

    def stop(self) -> None:
        self.take(m.StopAsked())

    def mute(self, muted: bool) -> None:
        if muted is self._core.is_muted:
            return
        self.take(m.MuteAsked(muted))
        self._saw(observers.muted(muted))
        self._keep()

    def set_volume(self, percent: int) -> None:
        if self._fittings.volume is None or percent == self._percent:
            return
        self._fittings.volume.set(percent)
        self._saw(observers.volume_set(self._percent))
        self._keep()

    def restore(self, kept: Kept) -> None:
        """Be as the last run has left it."""
        self._core.is_muted = kept.muted
        if self._fittings.volume is not None:
            self._fittings.volume.set(kept.volume)

    @property
    def _percent(self) -> int:
        return LOUDEST if self._fittings.volume is None else round(self._fittings.volume.percent)

    def _keep(self) -> None:
        self._fittings.keep(Kept(self._core.is_muted, self._percent))

    def _saw(self, event: Event) -> None:
        self._fittings.watchers.saw(event)

    def _woken(self, word: m.WakeWord) -> None:
        word = replace(word, name=match_name(word.name, self._fittings.words))
        if word.name in self._fittings.stop_words:
            _LOG.info("stop word", name=word.name, score=word.score, phase=self.phase)
            self.take(m.StopWord())
            return
        _LOG.info("wake word", name=word.name, score=word.score, turn_id=word.turn_id, phase=self.phase)
        self._turn_id = word.turn_id
        self.take(word)

    def _carry_out(self, effect: m.Effect) -> None:
        match effect:
            case m.SendAudio():
                self._send(effect)
            case m.AskForRun():
                asked = in_language(event_of(effect), self._fittings.language)
                self._tell(asked)
                self._saw(asked)
                self._saw(Event("streaming-started"))
                if self._fittings.voices is not None:
                    self._fittings.voices.begin(self.take)
                if self._fittings.recorder is not None:
                    self._fittings.recorder.begin()
            case m.StopAudio():
                self._tell(event_of(effect))
            case m.ReportWakeWord() | m.SayPlayed():
                self._tell(event_of(effect))
                self._saw(event_of(effect))
            case m.TurnTo(seat):
                self._turned_to = seat
            case m.RefuseSound(seat):
                self._tell_all([Error("the satellite is talking with somebody else", "occupied").event()], seat)
            case m.HandOver() | m.ForgetRun() | m.SendKeptRun() | m.KeptRunSettled():
                self._use_outbox(effect)
            case m.Play(pcm):
                self.player.play(pcm)
            case m.FinishSound(sound):
                self.player.finish(lambda: self.take(m.SoundPlayed(sound)))
            case m.Silence():
                self.player.silence()
            case m.PlayCue(cue):
                self._play_cue(cue)
            case m.ShowPhase(phase):
                self._show(phase)
            case _:
                assert_never(effect)

    def _use_outbox(self, effect: m.OfOutbox) -> None:
        if self.stand_in is None:
            return
        match effect:
            case m.HandOver(seat):
                self._tell_all(self.stand_in.hand_over(), seat)
            case m.ForgetRun():
                self.stand_in.forget()
            case m.SendKeptRun():
                self._tell_all(self.stand_in.send(), self._turned_to)
            case m.KeptRunSettled(answered):
                self.stand_in.settle(answered=answered)
            case _:
                assert_never(effect)

    def _tell(self, event: Event) -> None:
        self._tell_all([event], self._turned_to)

    def _tell_all(self, events: Sequence[Event], seat: str) -> None:
        listener = self.stand_in if seat == m.OUTBOX else self._seats[seat].holder
        if listener is not None:
            for event in events:
                listener.tell(event)

    def _send(self, audio: m.SendAudio) -> None:
        mute = self._fittings.awake_mute
        heard = audio if mute is None else replace(audio, pcm=mute.heard(audio.pcm, _now()))
        self._tell(event_of(heard))
        if self._fittings.voices is not None:
            self._fittings.voices.hear(heard.pcm, heard.milliseconds)
        if self._fittings.recorder is not None:
            self._fittings.recorder.hear(heard.pcm)

    def _show(self, phase: m.Phase) -> None:
        _LOG.info("phase", phase=phase, turn_id=self._turn_id)
        self._saw(observers.phase_shown(phase))
        if self._was_streaming and phase is not m.Phase.STREAMING:
            self._saw(Event("streaming-stopped"))
            if self._fittings.voices is not None:
                self._fittings.voices.end()
            if self._fittings.recorder is not None:
                self._fittings.recorder.end()
        if phase is m.Phase.WAITING:
            self._saw(Event("detect"))
        self._was_streaming = phase is m.Phase.STREAMING
        if self._fittings.ducking is not None:
            self._fittings.ducking.show(ducked=phase not in AT_REST)

    def _play_cue(self, cue: m.Cue) -> None:
        if cue is m.Cue.AWAKE and self._fittings.awake_mute is not None:
            self._fittings.awake_mute.begin(_now())
        if cue in self._fittings.cues:
            self.player.play(self._fittings.cues[cue])
            self.player.finish()
        elif cue in self._fittings.phrases:
            self.player.play_read(self._fittings.phrases[cue])
            self.player.finish()

    def _schedule_tick(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        self._tick = None
        if self._core.deadline is not None:
            self._tick = asyncio.get_running_loop().call_at(self._core.deadline, self.take, m.Tick())


def _now() -> float:
    return asyncio.get_running_loop().time()
