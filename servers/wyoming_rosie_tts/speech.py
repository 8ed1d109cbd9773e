"""What is to be said, apart from how it was written: words, pauses and marks, in order."""

from dataclasses import dataclass, field
from typing import TypeAlias

from wyoming_rosie_tts.engine import Wish


@dataclass(frozen=True)
class Prosody:
    """How words are said beside how the voice says them by itself."""

    rate: float = 1.0  # times as fast
    volume: float = 1.0  # times the amplitude
    pitch: float = 0.0  # semitones


@dataclass(frozen=True)
class Words:
    """A sentence or clause. `phonemes` are in IPA; engines without phonemes say the text."""

    text: str
    prosody: Prosody = field(default_factory=Prosody)
    phonemes: str = ""
    wish: Wish | None = None  # another voice than the rest of the answer


@dataclass(frozen=True)
class Pause:
    milliseconds: int


@dataclass(frozen=True)
class Mark:
    """A place in the answer that the peer is told of when the sound has come to it."""

    name: str


Piece: TypeAlias = Words | Pause | Mark
