"""The rules of a satellite: no sockets, no clock, no devices, no logging.

Positions are samples of the microphone's audio since its beginning; `now` (seconds) only measures waits.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import assert_never

from wyoming_rosie_satellite.messages import (
    AskForRun,
    ConductorJoined,
    ConductorLeft,
    Cue,
    Effect,
    FillerAnnounced,
    FinishSound,
    Input,
    ListenAgainAsked,
    MicAudio,
    Phase,
    Play,
    PlayCue,
    ReportWakeWord,
    RunFailed,
    SayPlayed,
    SendAudio,
    ShowPhase,
    Silence,
    SoundEnded,
    SoundPlayed,
    SoundReceived,
    SoundStarted,
    SpeechEnded,
    StopAudio,
    Tick,
    TimerFinished,
    WakeWord,
)

SAMPLE_BYTES = 2
SAMPLES_PER_MS = 16
RING_SAMPLES = 3_000 * SAMPLES_PER_MS
"""Audio kept for a wake word that is reported late: by a thread some milliseconds, by a busy daemon a second or two."""
LONGEST_COMMAND_SECONDS = 30.0
"""A conductor that never ends a run stops hearing us."""
LONGEST_THOUGHT_SECONDS = 60.0
STALLED_SOUND_SECONDS = 30.0
"""A sound whose rest does not come is over."""


@dataclass
class SatelliteCore:
    """One satellite and whoever conducts it."""

    phase: Phase = Phase.OFFLINE
    deadline: float | None = None  # send a Tick then
    _heard: int = 0  # samples
    _ring: deque[tuple[int, bytes]] = field(default_factory=deque)  # first sample, audio
    _sound: int = 0  # number of the latest sound
    _sound_open: bool = False  # more of it may come
    _listen_again: bool = False
    _filler_follows: bool = False  # the next sound is one
    _is_filler: bool = False  # the latest sound was one
    _timer_rings: bool = False  # as soon as nobody is being listened to

    def handle(self, given: Input, now: float) -> list[Effect]:
        """Return what is to be done about the input, in order. What makes no sense in this phase changes nothing."""
        before = self.phase
        effects = self._decide(given, now)
        if self.phase is before:
            return effects
        if self.phase in (Phase.OFFLINE, Phase.WAITING):
            self.deadline = None
        return [*effects, ShowPhase(self.phase), *self._overdue_timer()]

    def _decide(self, given: Input, now: float) -> list[Effect]:
        match given:
            case MicAudio(pcm):
                return self._hear(pcm)
            case WakeWord():
                return self._wake(given, now)
            case SpeechEnded():
                return self._speech_ended(now)
            case RunFailed():
                return self._run_failed()
            case ListenAgainAsked():
                self._listen_again = self.phase is not Phase.OFFLINE
                return []
            case FillerAnnounced():
                self._filler_follows = self.phase is not Phase.OFFLINE
                return []
            case SoundStarted():
                return self._sound_started(now)
            case SoundReceived(pcm):
                return self._sound_received(pcm, now)
            case SoundEnded():
                return self._sound_ended()
            case SoundPlayed(sound):
                return self._sound_played(sound, now)
            case TimerFinished():
                return self._timer_finished()
            case ConductorJoined():
                return self._joined()
            case ConductorLeft():
                return self._left()
            case Tick():
                return self._late(now)
            case _:
                assert_never(given)

    def _hear(self, pcm: bytes) -> list[Effect]:
        start, self._heard = self._heard, self._heard + len(pcm) // SAMPLE_BYTES
        self._ring.append((start, pcm))
        while self._heard - self._ring[0][0] > RING_SAMPLES:
            self._ring.popleft()
        return [_audio(start, pcm)] if self.phase is Phase.STREAMING else []

    def _wake(self, word: WakeWord, now: float) -> list[Effect]:
        if self.phase in (Phase.OFFLINE, Phase.STREAMING):
            return []
        interrupted: list[Effect] = [Silence(), SayPlayed()] if self.phase is Phase.SPEAKING else []
        report = ReportWakeWord(word.name, word.sample // SAMPLES_PER_MS, word.turn_id, word.score)
        said_since = [_audio(*_from(word.sample, start, pcm)) for start, pcm in self._ring]
        begun = self._begin_run(word.name, now)
        return [*interrupted, report, *begun, *(audio for audio in said_since if audio.pcm)]

    def _begin_run(self, wake_word: str | None, now: float) -> list[Effect]:
        self.phase = Phase.STREAMING
        self.deadline = now + LONGEST_COMMAND_SECONDS
        self._sound_open = self._listen_again = self._filler_follows = False
        return [AskForRun(wake_word), PlayCue(Cue.AWAKE)]

    def _speech_ended(self, now: float) -> list[Effect]:
        if self.phase is not Phase.STREAMING:
            return []
        self.phase = Phase.THINKING
        self.deadline = now + LONGEST_THOUGHT_SECONDS
        return [PlayCue(Cue.DONE)]

    def _run_failed(self) -> list[Effect]:
        if self.phase in (Phase.STREAMING, Phase.THINKING):
            self.phase = Phase.WAITING
            self._listen_again = False
        return []

    def _sound_started(self, now: float) -> list[Effect]:
        if self.phase is Phase.OFFLINE:
            return []
        cut: list[Effect] = [Silence()] if self.phase is Phase.SPEAKING and self._is_filler else []
        self._is_filler, self._filler_follows = self._filler_follows, False
        self.phase = Phase.SPEAKING
        self.deadline = now + STALLED_SOUND_SECONDS
        self._sound += 1
        self._sound_open = True
        return cut

    def _sound_received(self, pcm: bytes, now: float) -> list[Effect]:
        if not self._sound_open:
            return []  # the rest of what was interrupted
        self.deadline = now + STALLED_SOUND_SECONDS
        return [Play(pcm)] if pcm else []

    def _sound_ended(self) -> list[Effect]:
        if not self._sound_open:
            return []
        self._sound_open = False
        self.deadline = None
        return [FinishSound(self._sound)]

    def _sound_played(self, sound: int, now: float) -> list[Effect]:
        if self.phase is not Phase.SPEAKING or self._sound_open or sound != self._sound:
            return []  # another one has begun since
        if self._listen_again:
            return [SayPlayed(), *self._begin_run(None, now)]
        self.phase = Phase.WAITING
        return [SayPlayed()]

    def _timer_finished(self) -> list[Effect]:
        self._timer_rings = True
        return self._overdue_timer()

    def _overdue_timer(self) -> list[Effect]:
        if not self._timer_rings or self.phase is Phase.STREAMING:
            return []
        self._timer_rings = False
        return [PlayCue(Cue.TIMER)]

    def _joined(self) -> list[Effect]:
        if self.phase is Phase.OFFLINE:
            self.phase = Phase.WAITING
        return []

    def _left(self) -> list[Effect]:
        self.phase = Phase.OFFLINE
        self._listen_again = False
        return self._sound_ended()  # what was received may be heard

    def _late(self, now: float) -> list[Effect]:
        if self.deadline is None or now < self.deadline:
            return []
        match self.phase:
            case Phase.STREAMING:
                return [StopAudio(), *self._speech_ended(now)]
            case Phase.THINKING:
                self.phase = Phase.WAITING
                return []
            case Phase.SPEAKING:
                return self._sound_ended()
            case Phase.OFFLINE | Phase.WAITING:
                return []


def _audio(start: int, pcm: bytes) -> SendAudio:
    return SendAudio(pcm, start // SAMPLES_PER_MS)


def _from(sample: int, start: int, pcm: bytes) -> tuple[int, bytes]:
    """Return the part of `pcm`, which began at sample `start`, that begins at `sample`, and where it begins."""
    first = max(sample, start)
    return first, pcm[(first - start) * SAMPLE_BYTES :]
