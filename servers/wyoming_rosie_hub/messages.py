"""What goes into the rules of a turn and what comes out of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Step(StrEnum):
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
class Answer:
    """What to say; empty text means that nothing is to be said."""

    text: str
    expects_reply: bool = False
    done: bool = True  # False when it says that something was not done


@dataclass(frozen=True)
class Speaker:
    """Who speaks to us: what the satellite says of itself, and the language that is spoken there."""

    satellite_id: str
    area: str | None = None
    language: str = "en"


@dataclass(frozen=True)
class Later:
    """What an intent daemon that acts says of a command which is kept for later."""

    label: str
    confirmed: tuple[str, ...] = ()


@dataclass(frozen=True)
class IntentAsked:
    """An intent that the conductor is to carry out, and who wants it."""

    intent: str
    slots: Mapping[str, object]
    speaker: Speaker
    later: Later | None = None


# Inputs


@dataclass(frozen=True)
class RunAsked:
    """The satellite wants a turn; `needs_wake` when the wake word is still to be found in its audio."""

    turn_id: str
    needs_wake: bool = False
    wake_word: str | None = None


@dataclass(frozen=True)
class AudioHeard:
    """16 kHz 16-bit mono from the satellite."""

    pcm: bytes


@dataclass(frozen=True)
class AudioEnded:
    """The satellite will send no more."""


@dataclass(frozen=True)
class WakeWordHeard:
    name: str
    at_ms: int  # of the turn's audio


@dataclass(frozen=True)
class SpeechStarted:
    at_ms: int


@dataclass(frozen=True)
class SpeechStopped:
    at_ms: int


@dataclass(frozen=True)
class Guessed:
    """A transcript made while more may still come."""

    complete: bool  # a whole command, as far as rules can tell


@dataclass(frozen=True)
class Transcribed:
    text: str


@dataclass(frozen=True)
class FillerOffered:
    """Something small to say while the answer is being thought of."""

    text: str


@dataclass(frozen=True)
class AnswerPart:
    """Some words of an answer that is still being made."""

    text: str


@dataclass(frozen=True)
class Answered:
    """The answer is complete; its words may have come as parts before."""

    answer: Answer


@dataclass(frozen=True)
class SoundMade:
    """Audio of the answer is on its way to the satellite."""

    seconds: float


@dataclass(frozen=True)
class SoundEnded:
    """All audio of the answer has been sent."""


@dataclass(frozen=True)
class Played:
    """The satellite has played everything."""


@dataclass(frozen=True)
class StageFailed:
    failure: Failure


@dataclass(frozen=True)
class SatelliteLeft:
    pass


@dataclass(frozen=True)
class Announced:
    """Something is to be said without being asked, as soon as nobody speaks."""

    turn_id: str
    answer: Answer
    language: str
    conversation_id: str | None = None  # that an answer to it belongs to


@dataclass(frozen=True)
class Tick:
    """The deadline has passed."""


Input: TypeAlias = (
    RunAsked | AudioHeard | AudioEnded | WakeWordHeard | SpeechStarted | SpeechStopped | Guessed | Transcribed
    | FillerOffered | AnswerPart | Answered | SoundMade | SoundEnded | Played | StageFailed | SatelliteLeft | Announced | Tick
)  # fmt: skip

# Effects


@dataclass(frozen=True)
class ListenForWakeWord:
    """Open a stream to the wake daemon."""


@dataclass(frozen=True)
class SendToWake:
    pcm: bytes


@dataclass(frozen=True)
class BeginListening:
    """Open streams to vad and asr, tell intent that somebody is about to speak."""

    turn_id: str
    conversation_id: str
    wake_word: str | None


@dataclass(frozen=True)
class SendToEars:
    """To vad and asr."""

    pcm: bytes


@dataclass(frozen=True)
class Guess:
    """Let asr decide on what it has; it may be for nothing."""


@dataclass(frozen=True)
class DropGuess:
    """Speech went on."""


@dataclass(frozen=True)
class FinishListening:
    """All was said: asr shall answer. The satellite need not send more."""

    speech_ended_ms: int


@dataclass(frozen=True)
class Understand:
    text: str
    conversation_id: str


@dataclass(frozen=True)
class Say:
    """Speak the answer; `listen_again` when the satellite shall then listen without a wake word."""

    text: str
    listen_again: bool = False
    language: str | None = None  # of an announcement; else the one that was spoken


@dataclass(frozen=True)
class BeginSaying:
    """An answer follows in parts."""


@dataclass(frozen=True)
class SayPart:
    """Speak the next words of an answer whose end is not known yet."""

    text: str


@dataclass(frozen=True)
class EndSaying:
    """No more words follow; the text is all that was said in parts."""

    text: str
    listen_again: bool = False


@dataclass(frozen=True)
class SayFailure:
    failure: Failure


@dataclass(frozen=True)
class SayFiller:
    """Speak a small word that the answer's first sound cuts off; without a text, the hub's own."""

    text: str = ""


@dataclass(frozen=True)
class CutFiller:
    pass


@dataclass(frozen=True)
class Dismiss:
    """End the turn without a word; tell the satellite why."""

    code: str


@dataclass(frozen=True)
class CloseStages:
    """Cancel whatever the daemons still do for this turn."""


@dataclass(frozen=True)
class Mark:
    """A step of the timeline, with the time it happened (as `now`)."""

    step: Step
    at: float
    detail: str = ""


Effect: TypeAlias = (
    ListenForWakeWord | SendToWake | BeginListening | SendToEars | Guess | DropGuess | FinishListening | Understand
    | Say | BeginSaying | SayPart | EndSaying | SayFailure | SayFiller | CutFiller | Dismiss | CloseStages | Mark
)  # fmt: skip
