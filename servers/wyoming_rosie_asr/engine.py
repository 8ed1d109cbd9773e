"""What a speech-to-text engine must offer; the conversation knows no more than this."""

from dataclasses import dataclass
from typing import Protocol

from wyoming.info import AsrProgram

from wyoming_rosie.errors import RosieError


class UnknownLanguageError(RosieError):
    code = "unknown-language"


@dataclass(frozen=True)
class Transcript:
    """What was said, and how sure the engine is, 0 to 1. An empty text: nothing that it understood."""

    text: str = ""
    score: float = 0.0
    language: str | None = None


class Utterance(Protocol):
    """All state of one request."""

    def feed(self, pcm: bytes) -> None:
        """Take the next audio: 16 kHz, 16-bit, mono. Costs next to nothing."""

    async def finish(self) -> Transcript:
        """Return what was said in all the audio. Raises EngineError; cancelling it ends the work."""


class AsrEngine(Protocol):
    """A loaded model, shared by all peers."""

    def describe(self) -> AsrProgram:
        """Return the program as `info` lists it."""

    def listen(self, language: str | None) -> Utterance:
        """Begin an utterance in a language; None for the engine's own choice. Raises UnknownLanguageError."""

    async def close(self) -> None:
        """Let go of the model."""
