"""Carries out what the rules ask for: microphone, wake words, speaker and conductor around them."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import aclosing
from typing import Protocol, assert_never

import structlog
from wyoming.event import Event
from wyoming.ping import Ping

from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.core import Habits, SatelliteCore
from wyoming_rosie_satellite.ears import Ears
from wyoming_rosie_satellite.events import event_of
from wyoming_rosie_satellite.microphones import Microphone, speech
from wyoming_rosie_satellite.player import Player
from wyoming_rosie_satellite.seat import Seat
from wyoming_rosie_satellite.speakers import Speaker
from wyoming_rosie_satellite.voices import Voices

_LOG = structlog.get_logger()
PING_SECONDS = 2.0


class Conductor(Protocol):
    """The peer that conducts."""

    def tell(self, event: Event) -> None:
        """Send an event soon; never waits."""


class Satellite:
    """One satellite; `cues` are in the speaker's format. Stop words end what sounds; the others wake."""

    def __init__(
        self,
        speaker: Speaker,
        cues: Mapping[m.Cue, bytes],
        habits: Habits | None = None,
        voices: Voices | None = None,
        stop_words: Collection[str] = (),
    ) -> None:
        self.conducted = asyncio.Event()  # by anybody so far
        self.player = Player(speaker)
        self.sound_format = speaker.format
        self._cues = cues
        self._core = SatelliteCore(habits or Habits())
        self._voices = voices
        self._stop_words = stop_words
        self._seat: Seat[Conductor] = Seat()
        self._tick: asyncio.TimerHandle | None = None
        self._turn_id = ""

    @property
    def phase(self) -> m.Phase:
        return self._core.phase

    @property
    def conductor(self) -> Conductor | None:
        return self._seat.holder

    async def run(self, microphone: Microphone, ears: Ears) -> None:
        """Hear, listen for wake words and play until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear(microphone, ears))
            tasks.create_task(ears.listen(self._woken))
            tasks.create_task(self.player.run())
            tasks.create_task(self._ping())

    def join(self, conductor: Conductor) -> None:
        """Let a peer conduct. Raises BadEventError while another one does."""
        if self._seat.take(conductor, _now()) is not None:
            self.take(m.ConductorLeft())
        self.take(m.ConductorJoined())
        self.conducted.set()

    def leave(self, conductor: Conductor) -> None:
        """Note that a peer will not conduct any more."""
        if self._seat.leave(conductor):
            self.take(m.ConductorLeft())

    def heard_from(self, peer: Conductor) -> None:
        """Note that a peer is still there, whether it conducts or not."""
        self._seat.heard(peer, _now())

    def take(self, given: m.Input) -> None:
        """Let the rules decide about an input and carry out what they say."""
        deadline = self._core.deadline
        for effect in self._core.handle(given, _now()):
            self._carry_out(effect)
        if self._core.deadline != deadline:
            self._schedule_tick()

    async def _hear(self, microphone: Microphone, ears: Ears) -> None:
        async with aclosing(speech(microphone)) as frames:
            async for pcm in frames:
                self.take(m.MicAudio(pcm))
                ears.hear(pcm)

    async def _ping(self) -> None:
        """Let the conductor show that it is there."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            self._tell(Ping().event())

    def listen(self) -> None:
        """Listen without a wake word."""
        self.take(m.ListeningAsked())

    def stop(self) -> None:
        """End whatever is done: an answer, what rings, a command that is being spoken."""
        self.take(m.StopAsked())

    def mute(self, *, muted: bool) -> None:
        """Let the microphone's audio go nowhere, or let it be heard again."""
        self.take(m.MuteAsked(muted))

    @property
    def is_muted(self) -> bool:
        return self._core.is_muted

    def _woken(self, word: m.WakeWord) -> None:
        if word.name in self._stop_words:
            _LOG.info("stop word", name=word.name, score=word.score, phase=self.phase)
            self.take(m.StopWord())
            return
        _LOG.info("wake word", name=word.name, score=word.score, turn_id=word.turn_id, phase=self.phase)
        self._turn_id = word.turn_id
        self.take(word)

    def _carry_out(self, effect: m.Effect) -> None:
        match effect:
            case m.SendAudio(pcm, milliseconds):
                self._tell(event_of(effect))
                if self._voices is not None:
                    self._voices.hear(pcm, milliseconds)
            case m.AskForRun():
                self._tell(event_of(effect))
                if self._voices is not None:
                    self._voices.begin(self.take)
            case m.ReportWakeWord() | m.StopAudio() | m.SayPlayed():
                self._tell(event_of(effect))
            case m.Play(pcm):
                self.player.play(pcm)
            case m.FinishSound(sound):
                self.player.finish(lambda: self.take(m.SoundPlayed(sound)))
            case m.Silence():
                self.player.silence()
            case m.PlayCue(cue):
                self._play_cue(cue)
            case m.ShowPhase(phase):
                _LOG.info("phase", phase=phase, turn_id=self._turn_id)
                if self._voices is not None and phase is not m.Phase.STREAMING:
                    self._voices.end()
            case _:
                assert_never(effect)

    def _tell(self, event: Event) -> None:
        if self.conductor is not None:
            self.conductor.tell(event)

    def _play_cue(self, cue: m.Cue) -> None:
        if cue in self._cues:
            self.player.play(self._cues[cue])
            self.player.finish()

    def _schedule_tick(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        self._tick = None
        if self._core.deadline is not None:
            self._tick = asyncio.get_running_loop().call_at(self._core.deadline, self.take, m.Tick())


def _now() -> float:
    return asyncio.get_running_loop().time()
