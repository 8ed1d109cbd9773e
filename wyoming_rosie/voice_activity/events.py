"""Events of voice activity detection. Times are milliseconds from the stream's first sample."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class AudioClass(StrEnum):
    """Classes of audio, in order of precedence for a whole stream."""

    SPEECH = "speech"
    NOISE = "noise"
    SILENCE = "silence"


@dataclass(frozen=True)
class VadFrame:
    """Probability of speech and level in dBFS of one frame."""

    probability: float
    level: float
    far_frames: int = 0  # up to this one of a far voice, in which nobody near spoke


@dataclass(frozen=True)
class SpeechStart:
    """Speech began at `time`."""

    time: int


@dataclass(frozen=True)
class SpeechStop:
    """Speech ended at `time`."""

    time: int


@dataclass(frozen=True)
class AudioClassified:
    """The class of the audio from `time` on; `probability` is the mean probability of speech since then.

    A final one classifies the whole stream.
    """

    audio_class: AudioClass
    probability: float
    time: int
    is_final: bool = False


VadEvent: TypeAlias = SpeechStart | SpeechStop | AudioClassified
