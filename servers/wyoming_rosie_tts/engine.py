"""Interface of a text-to-speech engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from wyoming.info import TtsProgram

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_tts.text.segments import TextSegment
from wyoming_rosie_tts.text.segments import VoiceRequest as VoiceRequest


class UnavailableError(ConfigError):
    """An engine cannot run here: its packages are missing, or its library does not load."""


class StepCancellation:
    """Passes a request to cancel to the step that is running, if any."""

    def __init__(self) -> None:
        self._callback: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Cancel the current step if it allows that; the engine repeats it later. Safe to call from any thread."""
        if (callback := self._callback) is not None:
            callback()

    @contextmanager
    def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when the step inside the block is to be cancelled."""
        self._callback = callback
        try:
            yield
        finally:
            self._callback = None


class Voice(Protocol):
    """A voice of an engine. One is selected for a whole reply, so the audio format stays the same to its end."""

    @property
    def audio_format(self) -> AudioFormat:
        """The format of every chunk."""

    @property
    def identity(self) -> str:
        """A string that covers everything its audio depends on besides the segment: equal identities sound the same."""

    @property
    def language(self) -> str:
        """The language (BCP 47) in which the text of its segments is normalized; empty for none."""

    @property
    def volume(self) -> float:
        """The factor by which its settings change the loudness, which is otherwise that of all voices."""

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        """Yield the audio of a sentence or clause, followed by the silence between sentences if `pause`.

        Its loudness does not matter, if all sentences have the same: LoudnessNormalizer applies all volumes.
        Each step of the iterator runs on one of the engine's threads and takes a few milliseconds, or makes less than a
        second of audio. A chunk may be empty, as it is after a cancellation. Raises EngineError, BadEventError.
        """


class TtsEngine(Protocol):
    """Voices, shared by all connections. An engine may derive from this class and override what it does otherwise."""

    @property
    def workers(self) -> int:
        """The number of threads that may synthesize at the same time."""
        return 1

    @property
    def is_installed(self) -> bool:
        """Whether the default voice is on this machine."""
        return True

    def describe(self) -> TtsProgram:
        """Return the program for Wyoming's `info`: the engine and its voices."""
        ...

    def select_voice(self, request: VoiceRequest) -> Voice:
        """Return the voice. Raises BadEventError that names some that exist, or says how to install one."""
        ...

    async def install(self) -> None:
        """Download the default voice, or find one that was put here by hand. Raises DownloadError."""
        return
