"""What goes into the rules of a turn and what comes out of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class TraceStep(StrEnum):
    """What a timeline shows of a turn."""

    WAKE = "wake"
    ANNOUNCED = "announced"
    SPEECH_START = "speech-start"
    SPEECH_END = "speech-end"
    DECIDED = "decided"  # that all was said
    TRANSCRIPT = "transcript"
    INTENT = "intent"
    FILLER = "filler"
    FIRST_AUDIO = "first-audio"
    DONE = "done"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a turn failed; each has words to be spoken."""

    WAKE = "wake"
    VAD = "vad"
    ASR = "asr"
    INTENT = "intent"
    TTS = "tts"
    NOT_UNDERSTOOD = "not-understood"


@dataclass(frozen=True)
class SpokenAnswer:
    """What to say; empty text means that nothing is to be said."""

    text: str
    expects_reply: bool = False
    succeeded: bool = True  # False when it says that something was not done


@dataclass(frozen=True)
class SatelliteIdentity:
    """Who speaks to us: what the satellite says of itself, and the language that is spoken there."""

    satellite_id: str
    area: str | None = None
    language: str = "en"


@dataclass(frozen=True)
class DelayedCommandInfo:
    """What an intent daemon that acts says of a command which is kept for later."""

    label: str
    confirmed: tuple[str, ...] = ()


@dataclass(frozen=True)
class IntentRequest:
    """An intent that the conductor is to carry out, and who wants it."""

    intent: str
    slots: Mapping[str, object]
    satellite: SatelliteIdentity
    delayed: DelayedCommandInfo | None = None


# Inputs


@dataclass(frozen=True)
class RunRequested:
    """The satellite wants a turn; `needs_wake` when the wake word is still to be found in its audio."""

    turn_id: str
    needs_wake: bool = False
    wake_word: str | None = None


@dataclass(frozen=True)
class AudioReceived:
    """16 kHz 16-bit mono from the satellite."""

    pcm: bytes


@dataclass(frozen=True)
class AudioEnded:
    """The satellite will send no more."""


@dataclass(frozen=True)
class WakeWordDetected:
    name: str
    at_ms: int  # of the turn's audio


@dataclass(frozen=True)
class SpeechStarted:
    at_ms: int


@dataclass(frozen=True)
class SpeechStopped:
    at_ms: int


@dataclass(frozen=True)
class SpeculationResult:
    """A transcript made while more may still come."""

    is_complete: bool  # a whole command, as far as rules can tell


@dataclass(frozen=True)
class FinalTranscript:
    text: str


@dataclass(frozen=True)
class FillerReceived:
    """Something small to say while the answer is being thought of."""

    text: str


@dataclass(frozen=True)
class AnswerChunkReceived:
    """Some words of an answer that is still being made."""

    text: str


@dataclass(frozen=True)
class Answered:
    """The answer is complete; its words may have come as parts before."""

    answer: SpokenAnswer


@dataclass(frozen=True)
class AnswerAudioSent:
    """Audio of the answer is on its way to the satellite."""

    seconds: float


@dataclass(frozen=True)
class AnswerAudioEnded:
    """All audio of the answer has been sent."""


@dataclass(frozen=True)
class Played:
    """The satellite has played everything."""


@dataclass(frozen=True)
class StageFailed:
    failure: Failure


@dataclass(frozen=True)
class SatelliteDisconnected:
    pass


@dataclass(frozen=True)
class Announcement:
    """Something is to be said without being asked, as soon as nobody speaks."""

    turn_id: str
    answer: SpokenAnswer
    language: str
    conversation_id: str | None = None  # that an answer to it belongs to


@dataclass(frozen=True)
class TurnDeadlineReached:
    """The deadline has passed."""


Input: TypeAlias = (
    RunRequested | AudioReceived | AudioEnded | WakeWordDetected | SpeechStarted | SpeechStopped | SpeculationResult | FinalTranscript
    | FillerReceived | AnswerChunkReceived | Answered | AnswerAudioSent | AnswerAudioEnded | Played | StageFailed | SatelliteDisconnected | Announcement | TurnDeadlineReached
)  # fmt: skip

# Effects


@dataclass(frozen=True)
class StartWakeDetection:
    """Open a stream to the wake daemon."""


@dataclass(frozen=True)
class SendToWake:
    pcm: bytes


@dataclass(frozen=True)
class StartListening:
    """Open streams to vad and asr, tell intent that somebody is about to speak."""

    turn_id: str
    conversation_id: str
    wake_word: str | None


@dataclass(frozen=True)
class SendToAsrAndVad:
    """To vad and asr."""

    pcm: bytes


@dataclass(frozen=True)
class ReportSpeechStart:
    """Tell asr where in the turn's audio speech began."""

    at_ms: int


@dataclass(frozen=True)
class StartSpeculation:
    """Have asr transcribe what was said before the current silence; more speech may make the result useless."""

    silent_since_ms: int


@dataclass(frozen=True)
class CancelSpeculation:
    """Tell asr that speech has resumed."""

    at_ms: int


@dataclass(frozen=True)
class FinishListening:
    """All was said: asr shall answer. The satellite need not send more."""

    speech_ended_ms: int


@dataclass(frozen=True)
class RecognizeIntent:
    text: str
    conversation_id: str


@dataclass(frozen=True)
class SpeakAnswer:
    """Speak the answer; `listen_again` when the satellite shall then listen without a wake word."""

    text: str
    listen_again: bool = False
    language: str | None = None  # of an announcement; else the one that was spoken


@dataclass(frozen=True)
class StartAnswerStream:
    """An answer follows in parts."""


@dataclass(frozen=True)
class SendAnswerChunk:
    """Speak the next words of an answer whose end is not known yet."""

    text: str


@dataclass(frozen=True)
class FinishAnswerStream:
    """No more words follow; the text is all that was said in parts."""

    text: str
    listen_again: bool = False


@dataclass(frozen=True)
class SpeakFailure:
    failure: Failure


@dataclass(frozen=True)
class SpeakFiller:
    """Speak a small word that the answer's first sound cuts off; without a text, the hub's own."""

    text: str = ""


@dataclass(frozen=True)
class StopFiller:
    pass


@dataclass(frozen=True)
class AbortTurn:
    """End the turn without a word; tell the satellite why."""

    code: str


@dataclass(frozen=True)
class CloseDaemonStreams:
    """Cancel whatever the daemons still do for this turn."""


@dataclass(frozen=True)
class TraceMark:
    """A step of the timeline, with the time it happened (as `now`)."""

    step: TraceStep
    at: float
    detail: str = ""


Effect: TypeAlias = (
    StartWakeDetection | SendToWake | StartListening | SendToAsrAndVad | ReportSpeechStart | StartSpeculation | CancelSpeculation | FinishListening | RecognizeIntent
    | SpeakAnswer | StartAnswerStream | SendAnswerChunk | FinishAnswerStream | SpeakFailure | SpeakFiller | StopFiller | AbortTurn | CloseDaemonStreams | TraceMark
)  # fmt: skip
