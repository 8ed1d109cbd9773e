"""What is found in a stream of audio. Times are milliseconds from the stream's first sample."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class AudioClass(StrEnum):
    """In the order of their notability."""

    SPEECH = "speech"
    NOISE = "noise"
    SILENCE = "silence"


@dataclass(frozen=True)
class VadFrame:
    """What is known of a few milliseconds: how probably they are speech, and how loud they are in dBFS."""

    probability: float
    level: float


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
    """From `time` on it is this sound; `probability` is that of speech, the mean since then.

    A final one stands for the whole stream: for the most notable sound in it.
    """

    audio_class: AudioClass
    probability: float
    time: int
    is_final: bool = False


VadEvent: TypeAlias = SpeechStart | SpeechStop | AudioClassified
