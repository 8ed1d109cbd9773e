"""Interface of a speech-to-text engine."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Protocol

from wyoming.info import AsrProgram

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import RosieError
from wyoming_rosie.home.model import Home
from wyoming_rosie.voice_activity.endpointing import Completeness
from wyoming_rosie_asr.admission import DecodeJob

MARGIN_MS = 600
"""Audio around speech from which a decoder can tell the noise of the room."""
PAUSE_MS = 400
"""Pause that decoding can bear; a longer one would count as words that were not understood."""


class UnsupportedLanguageError(RosieError):
    code = "unknown-language"


class UnsupportedModelError(RosieError):
    code = "unknown-model"


@dataclass(frozen=True)
class TranscribeRequest:
    """Parameters of a `transcribe` event; None leaves the choice to the engine."""

    model: str | None = None
    language: str | None = None
    names: tuple[str, ...] = ()  # of things that may be mentioned
    terms: tuple[str, ...] = ()  # other likely words and phrases, with less weight than the names


@dataclass(frozen=True)
class SpeechAudio:
    """16 kHz 16-bit mono PCM and its speech segments: begin and end in milliseconds."""

    pcm: bytes
    segments: tuple[tuple[int, int], ...]

    @property
    def duration_ms(self) -> int:
        return round(1000 * SPEECH.seconds(len(self.pcm)))

    @property
    def speech_ms(self) -> int:
        return sum(end - begin for begin, end in self.segments)

    def without_pauses(self, margin_ms: int = MARGIN_MS) -> bytes:
        """Return the PCM of the speech, with at most `margin_ms` around it and `PAUSE_MS` between its segments."""
        if not self.segments:
            return b""
        cuts = [(end + PAUSE_MS // 2, begin - PAUSE_MS // 2) for (_, end), (begin, _) in pairwise(self.segments)]
        pauses = [(first, last) for first, last in cuts if first < last]
        edges = [
            max(self.segments[0][0] - margin_ms, 0),
            *chain.from_iterable(pauses),
            self.segments[-1][1] + margin_ms,
        ]
        spans = zip(edges[::2], edges[1::2], strict=True)
        return b"".join(self.pcm[SPEECH.bytes_in(first / 1000) : SPEECH.bytes_in(last / 1000)] for first, last in spans)


@dataclass(frozen=True)
class Transcript:
    """Recognized text with a confidence score from 0 to 1; the text is empty if nothing was recognized."""

    text: str = ""
    score: float = 0.0
    language: str | None = None
    completeness: Completeness = Completeness.UNKNOWN  # decides how long a silence ends the utterance


class AsrEngine(Protocol):
    """Models, shared by all connections. An engine derives from this class and overrides what it does otherwise."""

    @property
    def supports_streaming(self) -> bool:
        """Whether it can transcribe an utterance before its end."""
        return False

    @property
    def is_installed(self) -> bool:
        """Whether its models are on this machine."""
        return True

    @property
    def waiting(self) -> int:
        """The number of utterances that wait for the engine."""
        return 0

    def describe(self) -> AsrProgram:
        """Return the program as `info` lists it."""
        ...

    def check_request(self, request: TranscribeRequest) -> None:
        """Raise UnsupportedLanguageError, UnsupportedModelError or EngineError for a request it cannot serve."""
        return

    async def install(self) -> None:
        """Fetch the models, for as long as it takes."""
        return

    async def prepare(self) -> None:
        """Load the models into memory. Raises EngineError."""
        return

    async def change_home(self, home: Home) -> None:
        """Use the names of a changed home from now on. Raises EngineError; the old home stays then."""
        return

    async def transcribe(self, audio: SpeechAudio, request: TranscribeRequest, job: DecodeJob) -> Transcript:
        """Return the transcript. Raises BusyError, EngineError. Cancellation stops the decoding or drops its result."""
        ...

    async def close(self) -> None:
        """Unload the models."""
        return


@dataclass(frozen=True)
class EngineContext:
    """The settings that all engines share, passed to an engine's `load`."""

    home: Path
    """TOML file of the home."""
    data: Path
    """Folder of fetched models."""
    keep_alive_seconds: float
    """Unload a model that was not used for so long; 0: never."""
    max_waiting: int
    """Utterances that may wait; more are refused with BusyError."""
    load: Callable[[str], AsrEngine]
    """Loads another engine by name, for an engine that combines several."""
    is_part: bool = False
    """Whether the engine is part of another one, which recognizes the commands of the home itself."""
