"""What goes into the rules of a satellite and what comes out of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

MAIN_SLOT = ""
"""The slot of who conducts for every wake word that has no slot of its own; those slots have their words' names."""
OFFLINE_SLOT = "(outbox)"
"""Stands for whoever keeps what is said to a slot that is free."""


class SatellitePhase(StrEnum):
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
    slot: str = MAIN_SLOT


@dataclass(frozen=True)
class ConductorPaused:
    """The conductor is still there, but will hear nothing until it joins again; it may still announce something."""

    slot: str = MAIN_SLOT


@dataclass(frozen=True)
class ConductorLeft:
    slot: str = MAIN_SLOT


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
class ListenRequested:
    """A button, a program or a person at a keyboard wants to be listened to; held: until told to stop."""

    held: bool = False


@dataclass(frozen=True)
class StopRequested:
    """The same want it to stop whatever it does."""


@dataclass(frozen=True)
class MuteRequested:
    muted: bool


@dataclass(frozen=True)
class VoiceStarted:
    milliseconds: int  # of the microphone's audio


@dataclass(frozen=True)
class VoiceStopped:
    milliseconds: int


@dataclass(frozen=True)
class VadProgress:
    """Up to here every voice has been told of."""

    milliseconds: int


@dataclass(frozen=True)
class SpeechEnded:
    """The conductor has heard enough."""


@dataclass(frozen=True)
class TranscriptReceived:
    """The conductor knows what was said. `tells_end`: it will also say so when there is nothing to answer."""

    reports_end: bool = True


@dataclass(frozen=True)
class RunFailed:
    """The conductor ends the run without an answer."""

    code: str = ""


@dataclass(frozen=True)
class FollowUpRequested:
    """The answer is a question: listen after it without a wake word."""


@dataclass(frozen=True)
class ReplyTextReceived:
    """The words of the answer."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class FillerAnnounced:
    """The next sound is a filler: the sound after it cuts it off."""


@dataclass(frozen=True)
class ReplyAudioStarted:
    """An answer, or an announcement that nobody asked for."""


@dataclass(frozen=True)
class ReplyAudioReceived:
    """The next of it, in the speaker's format."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True)
class ReplyAudioEnded:
    """All of it was received."""


@dataclass(frozen=True)
class ConductorMessage:
    """A conductor's part in a dialogue. Without this around it, it comes from whoever the satellite turns to."""

    slot: str
    content: "ConductorInput"


@dataclass(frozen=True)
class ReplyAudioPlayed:
    """The speaker has played everything up to the end of this sound."""

    clip: int


@dataclass(frozen=True)
class TimerFinished:
    pass


@dataclass(frozen=True)
class RunStored:
    """What was said to nobody waits in the outbox."""


@dataclass(frozen=True)
class RunLost:
    """It could not be kept."""


@dataclass(frozen=True)
class StoredRunAvailable:
    """It could be sent now; no wake word when a button began it."""

    wake_word: str | None


@dataclass(frozen=True)
class DeadlineReached:
    """The deadline has passed."""


ConductorInput: TypeAlias = (
    SpeechEnded | TranscriptReceived | RunFailed | FollowUpRequested | ReplyTextReceived | FillerAnnounced | ReplyAudioStarted | ReplyAudioReceived
    | ReplyAudioEnded
)  # fmt: skip
Input: TypeAlias = (
    ConductorJoined | ConductorPaused | ConductorLeft | MicAudio | MicrophoneLost | WakeWord | StopWord | ListenRequested | StopRequested
    | MuteRequested | VoiceStarted | VoiceStopped | VadProgress | ConductorMessage | ConductorInput | ReplyAudioPlayed | TimerFinished | RunStored | RunLost
    | StoredRunAvailable | DeadlineReached
)  # fmt: skip

# Effects: first what the conductor is told that the satellite turns to: at the beginning the main slot's


@dataclass(frozen=True)
class ReportWakeWord:
    name: str
    milliseconds: int  # of the microphone's audio
    turn_id: str
    score: float | None = None


@dataclass(frozen=True)
class RequestRun:
    """Ask for a run from speech recognition to spoken answer; no wake word when the answer was a question."""

    wake_word: str | None = None
    pipeline: str | None = None  # of the conductor's, by name


@dataclass(frozen=True)
class SendAudio:
    pcm: bytes = field(repr=False)
    milliseconds: int = 0  # of the microphone's audio, at the first sample


@dataclass(frozen=True)
class SendAudioStop:
    """Say that no more audio follows."""


@dataclass(frozen=True)
class ReportPlayed:
    pass


@dataclass(frozen=True)
class SwitchSlot:
    """Whatever the conductor is told from now on is for this slot's."""

    slot: str


@dataclass(frozen=True)
class RejectAudio:
    """Let the conductor of this slot know that somebody else is being talked to."""

    slot: str


@dataclass(frozen=True)
class TransferRun:
    """Tell this slot's conductor what the outbox was told of the run that is being spoken, which is its own from now on."""

    slot: str


@dataclass(frozen=True)
class DiscardRun:
    """Do not keep the run that is being spoken."""


@dataclass(frozen=True)
class SendStoredRun:
    """Tell the conductor the run that waits."""


@dataclass(frozen=True)
class StoredRunSettled:
    """The conductor has answered the run that was sent, or never will."""

    answered: bool


@dataclass(frozen=True)
class PlayAudio:
    pcm: bytes = field(repr=False)


@dataclass(frozen=True)
class ReportWhenPlayed:
    """Answer SoundPlayed once everything handed over so far has really been heard."""

    clip: int


@dataclass(frozen=True)
class StopPlayback:
    """Stop playing at once and forget what has not been heard."""


@dataclass(frozen=True)
class PlayCue:
    cue: Cue


@dataclass(frozen=True)
class ReportPhase:
    phase: SatellitePhase


ConductorEffect: TypeAlias = ReportWakeWord | RequestRun | SendAudio | SendAudioStop | ReportPlayed
OfflineQueueEffect: TypeAlias = TransferRun | DiscardRun | SendStoredRun | StoredRunSettled
Effect: TypeAlias = (
    ConductorEffect | SwitchSlot | RejectAudio | OfflineQueueEffect | PlayAudio | ReportWhenPlayed | StopPlayback | PlayCue | ReportPhase
)  # fmt: skip
