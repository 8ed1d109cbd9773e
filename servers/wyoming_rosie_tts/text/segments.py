"""Segments: the text, pauses and marks of a reply, independent of the format they were written in."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class VoiceRequest:
    """A requested voice. The name takes precedence over the language; without both, the default voice is meant."""

    name: str | None = None
    language: str | None = None
    speaker: str | None = None


@dataclass(frozen=True)
class Prosody:
    """Changes relative to the voice's own way of speaking."""

    rate: float = 1.0  # times as fast
    volume: float = 1.0  # times the amplitude
    pitch: float = 0.0  # semitones


@dataclass(frozen=True)
class TextSegment:
    """A sentence or clause. `phonemes` are in IPA; engines without phonemes speak the text."""

    text: str
    prosody: Prosody = field(default_factory=Prosody)
    phonemes: str = ""
    voice_request: VoiceRequest | None = None  # None for the reply's own voice
    joins_next: bool = False  # without the silence between sentences


@dataclass(frozen=True)
class PauseSegment:
    milliseconds: int


@dataclass(frozen=True)
class MarkSegment:
    """A position in the reply, reported to the client when the audio before it has been sent."""

    name: str


Segment: TypeAlias = TextSegment | PauseSegment | MarkSegment
