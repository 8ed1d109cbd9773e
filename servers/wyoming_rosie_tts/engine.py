"""The interface of a speech synthesis engine."""

from collections.abc import Iterator
from typing import Protocol

from wyoming.info import TtsProgram

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie_tts.cancellation import StepCancellation
from wyoming_rosie_tts.text.segments import TextSegment
from wyoming_rosie_tts.text.segments import VoiceRequest as VoiceRequest


class Voice(Protocol):
    """A voice of an engine. One is selected for a whole reply, so the audio format stays the same to its end."""

    @property
    def audio_format(self) -> AudioFormat:
        """The format of every chunk."""

    @property
    def identity(self) -> str:
        """A string that covers everything its audio depends on besides the segment: equal identities sound the same."""

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        """Yield the audio of a sentence or clause, followed by the silence between sentences if `pause`.

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
