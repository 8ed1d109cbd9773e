"""Inputs and effects of the turn rules, and the values they carry."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from wyoming_rosie.timers.requests import SpokenAnswer
from wyoming_rosie.voice_activity.endpointing import Completeness


class TraceStep(StrEnum):
    """Steps of a turn's timeline."""

    WAKE = "wake"
    ANNOUNCED = "announced"
    ARBITRATED = "arbitrated"  # these satellites heard the wake word, too
    SPEECH_START = "speech-start"
    SPEECH_END = "speech-end"
    DECIDED = "decided"  # that the utterance is over
    TRANSCRIPT = "transcript"
    INTENT = "intent"
    FILLER = "filler"
    FIRST_AUDIO = "first-audio"
    DONE = "done"
    FAILED = "failed"


class Failure(StrEnum):
    """Reason why a turn failed; there is a sentence to speak for each."""

    WAKE = "wake"
    VAD = "vad"
    ASR = "asr"
    INTENT = "intent"
    TTS = "tts"
    NOT_UNDERSTOOD = "not-understood"
    FORBIDDEN = "forbidden"  # the satellite may not ask


# Inputs


@dataclass(frozen=True)
class RunRequested:
    """The satellite starts a run; with `needs_wake` the wake word is still to be detected in its audio.

    A run with `needs_wake` that does not interrupt leaves the answer under way alone until the wake word.
    """

    turn_id: str
    needs_wake: bool = False
    wake_word: str | None = None
    interrupts: bool = True


@dataclass(frozen=True)
class TextReceived:
    """The person has typed instead of spoken."""

    turn_id: str
    text: str


@dataclass(frozen=True)
class AudioReceived:
    """16 kHz 16-bit mono from the satellite."""

    pcm: bytes


@dataclass(frozen=True)
class AudioEnded:
    """The satellite sends no more audio."""


@dataclass(frozen=True)
class WakeWordDetected:
    name: str
    at_ms: int  # of the run's audio


@dataclass(frozen=True)
class SpeechStarted:
    at_ms: int  # of the turn's audio


@dataclass(frozen=True)
class SpeechStopped:
    at_ms: int  # of the turn's audio


@dataclass(frozen=True)
class SpeculationPending:
    """Asr is decoding the speech before the current silence."""


@dataclass(frozen=True)
class SpeculationResult:
    """Asr has decoded the speech before the current silence."""

    completeness: Completeness


@dataclass(frozen=True)
class FinalTranscript:
    text: str
    speaker: str | None = None  # the person, as asr knows the voice; None for a guest


@dataclass(frozen=True)
class FillerReceived:
    """The intent daemon offers a phrase to speak until it has the answer."""

    text: str


@dataclass(frozen=True)
class AnswerChunkReceived:
    """The next words of an answer that is still being generated."""

    text: str


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
class RunCancelled:
    """The person wants no more of this turn."""


@dataclass(frozen=True)
class AnsweredElsewhere:
    """Another satellite heard the wake word of this run, too, and answers."""

    winner: str


@dataclass(frozen=True)
class OthersHeard:
    """The wake word of this turn was heard by other satellites, which stay silent."""

    satellites: tuple[str, ...]


@dataclass(frozen=True)
class Announcement:
    """An answer to speak unasked, once the satellite is idle."""

    turn_id: str
    answer: SpokenAnswer
    language: str
    conversation_id: str | None = None  # of a reply to it


@dataclass(frozen=True)
class TurnDeadlineReached:
    """The deadline has passed."""


Input: TypeAlias = (
    RunRequested | TextReceived | AudioReceived | AudioEnded | WakeWordDetected | SpeechStarted | SpeechStopped | SpeculationPending
    | SpeculationResult | FinalTranscript | FillerReceived | AnswerChunkReceived | SpokenAnswer | AnswerAudioSent | AnswerAudioEnded | Played
    | StageFailed | RunCancelled | AnsweredElsewhere | OthersHeard | Announcement | TurnDeadlineReached
)  # fmt: skip

# Effects


@dataclass(frozen=True)
class StartWakeDetection:
    """Open a stream to the wake daemon."""


@dataclass(frozen=True)
class StopWakeDetection:
    """Close the stream to the wake daemon."""


@dataclass(frozen=True)
class SendToWake:
    pcm: bytes


@dataclass(frozen=True)
class StartTextTurn:
    """Open a stream to intent for a sentence that was typed."""


@dataclass(frozen=True)
class StartListening:
    """Open streams to vad and asr, and send the detection to intent."""

    turn_id: str
    conversation_id: str
    wake_word: str | None


@dataclass(frozen=True)
class SendToAsrAndVad:
    pcm: bytes


@dataclass(frozen=True)
class ReportSpeechStart:
    """Tell asr where in the turn's audio speech began."""

    at_ms: int


@dataclass(frozen=True)
class StartSpeculation:
    """Have asr transcribe the speech before the current silence; the result is discarded if speech resumes."""

    silent_since_ms: int


@dataclass(frozen=True)
class CancelSpeculation:
    """Tell asr that speech has resumed, and where."""

    at_ms: int


@dataclass(frozen=True)
class FinishListening:
    """End the audio stream to asr, and tell the satellite that it can stop sending."""

    speech_ended_ms: int


@dataclass(frozen=True)
class RecognizeIntent:
    text: str
    conversation_id: str
    speaker: str | None = None


@dataclass(frozen=True)
class SpeakAnswer:
    """Synthesize a complete answer; if it expects a reply, the satellite then listens without a wake word."""

    answer: SpokenAnswer
    language: str | None = None  # of an announcement; None for the turn's


@dataclass(frozen=True)
class StartAnswerStream:
    """Open a stream to tts for an answer in chunks."""


@dataclass(frozen=True)
class SendAnswerChunk:
    """Synthesize the next words of the answer."""

    text: str


@dataclass(frozen=True)
class FinishAnswerStream:
    """End the answer; its text is that of all chunks."""

    answer: SpokenAnswer


@dataclass(frozen=True)
class SpeakFailure:
    failure: Failure


@dataclass(frozen=True)
class SpeakFiller:
    """Speak a filler, which the answer's first audio cuts off; an empty text stands for the hub's own filler."""

    text: str = ""


@dataclass(frozen=True)
class StopFiller:
    pass


@dataclass(frozen=True)
class ReportError:
    """Tell the satellite by a code why nothing is spoken."""

    code: str


@dataclass(frozen=True)
class CloseDaemonStreams:
    """Cancel all work of the daemons for this turn."""


@dataclass(frozen=True)
class TraceMark:
    """A step of the timeline and its time, on the clock of `now`."""

    step: TraceStep
    at: float
    detail: str = ""


Effect: TypeAlias = (
    StartWakeDetection | StopWakeDetection | SendToWake | StartTextTurn | StartListening | SendToAsrAndVad | ReportSpeechStart | StartSpeculation
    | CancelSpeculation | FinishListening | RecognizeIntent | SpeakAnswer | StartAnswerStream | SendAnswerChunk
    | FinishAnswerStream | SpeakFailure | SpeakFiller | StopFiller | ReportError | CloseDaemonStreams | TraceMark
)  # fmt: skip
