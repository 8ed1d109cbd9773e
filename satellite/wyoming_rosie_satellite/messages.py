"""What goes into the rules of a satellite and what comes out of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

MAIN = ""
"""The seat of who conducts for every wake word that has no seat of its own; those seats have their words' names."""
OUTBOX = "(outbox)"
"""Stands for whoever keeps what is said to a seat that is free."""


class Phase(StrEnum):
    OFFLINE = "offline"  # nobody conducts
    PAUSED = "paused"  # its conductor is there, and wants to hear nothing
    WAITING = "waiting"  # for a wake word
    STREAMING = "streaming"  # what is said goes to the conductor
    THINKING = "thinking"  # all was said, the answer is not there yet
    SPEAKING = "speaking"


class Cue(StrEnum):
    """A short sound of the satellite's own."""

    AWAKE = "awake"
    DONE = "done"
    TIMER = "timer"
    ERROR = "error"  # the conductor has no answer
    NOTHING = "nothing"  # was said
    UNREACHABLE = "unreachable"  # there is no conductor
    LOST = "lost"  # the conductor is gone in the middle
    KEPT = "kept"  # there is no conductor, and what was said waits for one
    DEAF = "deaf"  # the microphone does not work
    MUTE = "mute"
    UNMUTE = "unmute"


# Inputs


@dataclass(frozen=True)
class ConductorJoined:
    seat: str = MAIN


@dataclass(frozen=True)
class ConductorPaused:
    """The conductor is still there, but will hear nothing until it joins again; it may still announce something."""

    seat: str = MAIN


@dataclass(frozen=True)
class ConductorLeft:
    seat: str = MAIN


@dataclass(frozen=True)
class MicAudio:
    """The next 16 kHz 16-bit mono from the microphone."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True)
class MicrophoneLost:
    """The microphone cannot be opened, or is gone."""


@dataclass(frozen=True)
class WakeWord:
    """A wake word was certain at a sample of the microphone's audio, counted from its beginning."""

    name: str
    sample: int
    turn_id: str
    score: float | None = None


@dataclass(frozen=True)
class StopWord:
    """The word was said that ends whatever sounds."""


@dataclass(frozen=True)
class ListeningAsked:
    """A button, a program or a person at a keyboard wants to be listened to; held: until told to stop."""

    held: bool = False


@dataclass(frozen=True)
class StopAsked:
    """The same want it to stop whatever it does."""


@dataclass(frozen=True)
class MuteAsked:
    muted: bool


@dataclass(frozen=True)
class VoiceStarted:
    milliseconds: int  # of the microphone's audio


@dataclass(frozen=True)
class VoiceStopped:
    milliseconds: int


@dataclass(frozen=True)
class VoicesHeard:
    """Up to here every voice has been told of."""

    milliseconds: int


@dataclass(frozen=True)
class SpeechEnded:
    """The conductor has heard enough."""


@dataclass(frozen=True)
class Understood:
    """The conductor knows what was said. `tells_end`: it will also say so when there is nothing to answer."""

    tells_end: bool = True


@dataclass(frozen=True)
class RunFailed:
    """The conductor ends the run without an answer."""

    code: str = ""


@dataclass(frozen=True)
class ListenAgainAsked:
    """The answer is a question: listen after it without a wake word."""


@dataclass(frozen=True)
class AnswerTold:
    """The words of the answer."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class FillerAnnounced:
    """The next sound is a filler: the sound after it cuts it off."""


@dataclass(frozen=True)
class SoundStarted:
    """An answer, or an announcement that nobody asked for."""


@dataclass(frozen=True)
class SoundReceived:
    """The next of it, in the speaker's format."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True)
class SoundEnded:
    """All of it was received."""


@dataclass(frozen=True)
class Said:
    """A conductor's part in a dialogue. Without this around it, it comes from whoever the satellite turns to."""

    seat: str
    part: "Part"


@dataclass(frozen=True)
class SoundPlayed:
    """The speaker has played everything up to the end of this sound."""

    sound: int


@dataclass(frozen=True)
class TimerFinished:
    pass


@dataclass(frozen=True)
class RunKept:
    """What was said to nobody waits in the outbox."""


@dataclass(frozen=True)
class RunLost:
    """It could not be kept."""


@dataclass(frozen=True)
class KeptRunWaits:
    """It could be sent now; no wake word when a button began it."""

    wake_word: str | None


@dataclass(frozen=True)
class Tick:
    """The deadline has passed."""


Part: TypeAlias = (
    SpeechEnded | Understood | RunFailed | ListenAgainAsked | AnswerTold | FillerAnnounced | SoundStarted | SoundReceived
    | SoundEnded
)  # fmt: skip
Input: TypeAlias = (
    ConductorJoined | ConductorPaused | ConductorLeft | MicAudio | MicrophoneLost | WakeWord | StopWord | ListeningAsked | StopAsked
    | MuteAsked | VoiceStarted | VoiceStopped | VoicesHeard | Said | Part | SoundPlayed | TimerFinished | RunKept | RunLost
    | KeptRunWaits | Tick
)  # fmt: skip

# Effects: first what the conductor is told that the satellite turns to: at the beginning the main seat's


@dataclass(frozen=True)
class ReportWakeWord:
    name: str
    milliseconds: int  # of the microphone's audio
    turn_id: str
    score: float | None = None


@dataclass(frozen=True)
class AskForRun:
    """Ask for a run from speech recognition to spoken answer; no wake word when the answer was a question."""

    wake_word: str | None = None
    pipeline: str | None = None  # of the conductor's, by name


@dataclass(frozen=True)
class SendAudio:
    pcm: bytes = field(repr=False)
    milliseconds: int = 0  # of the microphone's audio, at the first sample


@dataclass(frozen=True)
class StopAudio:
    """Say that no more audio follows."""


@dataclass(frozen=True)
class SayPlayed:
    pass


@dataclass(frozen=True)
class TurnTo:
    """Whatever the conductor is told from now on is for this seat's."""

    seat: str


@dataclass(frozen=True)
class RefuseSound:
    """Let the conductor of this seat know that somebody else is being talked to."""

    seat: str


@dataclass(frozen=True)
class HandOver:
    """Tell this seat's conductor what the outbox was told of the run that is being spoken, which is its own from now on."""

    seat: str


@dataclass(frozen=True)
class ForgetRun:
    """Do not keep the run that is being spoken."""


@dataclass(frozen=True)
class SendKeptRun:
    """Tell the conductor the run that waits."""


@dataclass(frozen=True)
class KeptRunSettled:
    """The conductor has answered the run that was sent, or never will."""

    answered: bool


@dataclass(frozen=True)
class Play:
    pcm: bytes = field(repr=False)


@dataclass(frozen=True)
class FinishSound:
    """Answer SoundPlayed once everything handed over so far has really been heard."""

    sound: int


@dataclass(frozen=True)
class Silence:
    """Stop playing at once and forget what has not been heard."""


@dataclass(frozen=True)
class PlayCue:
    cue: Cue


@dataclass(frozen=True)
class ShowPhase:
    phase: Phase


ToConductor: TypeAlias = ReportWakeWord | AskForRun | SendAudio | StopAudio | SayPlayed
OfOutbox: TypeAlias = HandOver | ForgetRun | SendKeptRun | KeptRunSettled
Effect: TypeAlias = (
    ToConductor | TurnTo | RefuseSound | OfOutbox | Play | FinishSound | Silence | PlayCue | ShowPhase
)  # fmt: skip
