"""What is to be said, apart from how it was written: words, pauses and marks, in order."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class VoiceRequest:
    """The voice that a peer asks for; a name wins over a language, nothing means the default voice."""

    name: str | None = None
    language: str | None = None
    speaker: str | None = None


@dataclass(frozen=True)
class Prosody:
    """How words are said beside how the voice says them by itself."""

    rate: float = 1.0  # times as fast
    volume: float = 1.0  # times the amplitude
    pitch: float = 0.0  # semitones


@dataclass(frozen=True)
class TextSegment:
    """A sentence or clause. `phonemes` are in IPA; engines without phonemes say the text."""

    text: str
    prosody: Prosody = field(default_factory=Prosody)
    phonemes: str = ""
    voice_request: VoiceRequest | None = None  # another voice than the rest of the answer
    joins_next: bool = False  # the next piece follows without the silence that separates sentences


@dataclass(frozen=True)
class PauseSegment:
    milliseconds: int


@dataclass(frozen=True)
class MarkSegment:
    """A place in the answer that the peer is told of when the sound has come to it."""

    name: str


Segment: TypeAlias = TextSegment | PauseSegment | MarkSegment
