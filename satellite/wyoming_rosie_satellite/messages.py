"""Inputs and effects of the satellite's rules."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

MAIN_SLOT = ""
"""The slot of the conductor for every wake word without a slot of its own; the other slots are named after their words."""
OFFLINE_SLOT = "(offline)"
"""Stands for the offline queue, which receives runs that are meant for a slot without a conductor."""
BRIDGE_SLOT = "(bridge)"
"""The slot of the bridge, which conducts over MQTT the runs that are meant for a slot without a conductor."""


class SatellitePhase(StrEnum):
    OFFLINE = "offline"  # no conductor
    PAUSED = "paused"  # the conductor is connected, but takes no runs
    WAITING = "waiting"  # for a wake word
    STREAMING = "streaming"  # microphone audio to the conductor
    THINKING = "thinking"  # the command is over, the reply has not come yet
    SPEAKING = "speaking"


class Cue(StrEnum):
    """A short sound of the satellite's own."""

    AWAKE = "awake"
    DONE = "done"
    TIMER = "timer"
    ERROR = "error"  # the conductor has no reply
    NOTHING = "nothing"  # no speech
    UNREACHABLE = "unreachable"  # no conductor
    LOST = "lost"  # the conductor has gone in the middle of a run
    KEPT = "kept"  # no conductor; the run is in the offline queue
    DEAF = "deaf"  # the microphone has failed
    MUTE = "mute"
    UNMUTE = "unmute"


# Inputs


@dataclass(frozen=True)
class ConductorJoined:
    slot: str = MAIN_SLOT


@dataclass(frozen=True)
class ConductorPaused:
    """The conductor takes no runs until it joins again; it may still announce something."""

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
    """The microphone cannot be opened, or has failed."""


@dataclass(frozen=True)
class WakeWord:
    """A wake word was detected at `sample` of the microphone's audio, or nearly."""

    name: str
    sample: int
    turn_id: str
    score: float | None = None
    is_near_miss: bool = False


@dataclass(frozen=True)
class StopWord:
    """The word was detected that stops a reply and a ringing timer."""


@dataclass(frozen=True)
class ListenRequested:
    """A button, a program or a keyboard starts a run; `held`: it lasts until StopRequested."""

    held: bool = False


@dataclass(frozen=True)
class StopRequested:
    """A button, a program or a keyboard stops what the satellite is doing."""


@dataclass(frozen=True)
class MuteRequested:
    muted: bool


@dataclass(frozen=True)
class VoiceStarted:
    """Speech started in the command. Like the next four, it comes from the local VAD."""

    milliseconds: int  # of the microphone's audio


@dataclass(frozen=True)
class VoiceStopped:
    milliseconds: int


@dataclass(frozen=True)
class NoiseStarted:
    """A sound other than speech started."""

    milliseconds: int


@dataclass(frozen=True)
class NoiseStopped:
    milliseconds: int


@dataclass(frozen=True)
class VadProgress:
    """The VAD has processed the audio up to here, and reported all that it found."""

    milliseconds: int


@dataclass(frozen=True)
class SpeechEnded:
    """The conductor needs no more audio of the command."""


@dataclass(frozen=True)
class TranscriptReceived:
    """The conductor has a transcript. `reports_end`: it will also report the end of a run without a reply."""

    reports_end: bool = True


@dataclass(frozen=True)
class RunFailed:
    """The conductor ends the run without a reply."""

    code: str = ""


@dataclass(frozen=True)
class FollowUpRequested:
    """The reply is a question: listen after it without a wake word."""


@dataclass(frozen=True)
class ReplyTextReceived:
    text: str = field(repr=False)


@dataclass(frozen=True)
class FillerAnnounced:
    """The next reply audio is a filler: the audio after it cuts it off."""


@dataclass(frozen=True)
class ReplyAudioStarted:
    """The audio of a reply starts, or of an announcement without a run."""


@dataclass(frozen=True)
class ReplyAudioReceived:
    """The next of the reply audio, in the speaker's format."""

    pcm: bytes = field(repr=False)


@dataclass(frozen=True)
class ReplyAudioEnded:
    """All of the reply audio has arrived."""


@dataclass(frozen=True)
class ConductorMessage:
    """A conductor's input and its slot. An input that comes without a slot is from the conductor of the active one."""

    slot: str
    content: "ConductorInput"


@dataclass(frozen=True)
class ReplyAudioPlayed:
    """The speaker has played everything up to the end of a clip."""

    clip: int


@dataclass(frozen=True)
class TimerFinished:
    pass


@dataclass(frozen=True)
class RunStored:
    """A run without a conductor is in the offline queue."""


@dataclass(frozen=True)
class RunLost:
    """A run without a conductor could not be stored."""


@dataclass(frozen=True)
class StoredRunAvailable:
    """A run of the offline queue could be sent now."""

    wake_word: str | None  # None when a button started the run


@dataclass(frozen=True)
class DeadlineReached:
    pass


ConductorInput: TypeAlias = (
    SpeechEnded | TranscriptReceived | RunFailed | FollowUpRequested | ReplyTextReceived | FillerAnnounced
    | ReplyAudioStarted | ReplyAudioReceived | ReplyAudioEnded
)  # fmt: skip
Input: TypeAlias = (
    ConductorJoined | ConductorPaused | ConductorLeft | MicAudio | MicrophoneLost | WakeWord | StopWord | ListenRequested
    | StopRequested | MuteRequested | VoiceStarted | VoiceStopped | NoiseStarted | NoiseStopped | VadProgress
    | ConductorMessage | ConductorInput | ReplyAudioPlayed | TimerFinished | RunStored | RunLost | StoredRunAvailable
    | DeadlineReached
)  # fmt: skip

# Effects: first those for the conductor of the active slot, which is the main one at the start


@dataclass(frozen=True)
class ReportWakeWord:
    name: str
    milliseconds: int  # of the microphone's audio
    turn_id: str
    score: float | None = None


@dataclass(frozen=True)
class RequestRun:
    """Request a run from speech recognition to spoken reply."""

    wake_word: str | None = None  # None after a button, and after a reply that was a question
    pipeline: str | None = None  # of the conductor's, by name


@dataclass(frozen=True)
class SendAudio:
    pcm: bytes = field(repr=False)
    milliseconds: int = 0  # of the microphone's audio, at the first sample


@dataclass(frozen=True)
class SendAudioStop:
    pass


@dataclass(frozen=True)
class ReportPlayed:
    pass


@dataclass(frozen=True)
class SwitchSlot:
    """Make a slot the active one: it receives the effects that follow."""

    slot: str


@dataclass(frozen=True)
class RejectAudio:
    """Refuse a conductor's audio, because the run of another one is in progress."""

    slot: str


@dataclass(frozen=True)
class TransferRun:
    """Send a conductor the events of the run in progress, which was going to the offline queue, and then its rest."""

    slot: str


@dataclass(frozen=True)
class DiscardRun:
    """Do not store the run in progress."""


@dataclass(frozen=True)
class SendStoredRun:
    """Send the run that StoredRunAvailable offered."""


@dataclass(frozen=True)
class StoredRunSettled:
    """The conductor has answered the stored run, or never will."""

    answered: bool


@dataclass(frozen=True)
class PlayAudio:
    pcm: bytes = field(repr=False)


@dataclass(frozen=True)
class ReportWhenPlayed:
    """Report ReplyAudioPlayed once everything handed over so far has left the speaker."""

    clip: int


@dataclass(frozen=True)
class StopPlayback:
    """Stop playing at once and drop the rest."""


@dataclass(frozen=True)
class PlayCue:
    cue: Cue


@dataclass(frozen=True)
class ReportPhase:
    phase: SatellitePhase


ConductorEffect: TypeAlias = ReportWakeWord | RequestRun | SendAudio | SendAudioStop | ReportPlayed
OfflineQueueEffect: TypeAlias = TransferRun | DiscardRun | SendStoredRun | StoredRunSettled
Effect: TypeAlias = (
    ConductorEffect | SwitchSlot | RejectAudio | OfflineQueueEffect | PlayAudio | ReportWhenPlayed | StopPlayback | PlayCue
    | ReportPhase
)  # fmt: skip
