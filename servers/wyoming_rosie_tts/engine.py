"""What a speech synthesis engine must offer."""

from collections.abc import Iterator
from typing import Protocol

from wyoming.info import TtsProgram

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie_tts.cancellation import StepCancellation
from wyoming_rosie_tts.text.segments import TextSegment
from wyoming_rosie_tts.text.segments import VoiceRequest as VoiceRequest


class Voice(Protocol):
    """A way to speak, chosen once for a whole answer, so that its format holds to the end."""

    @property
    def audio_format(self) -> AudioFormat:
        """The format of every piece."""

    @property
    def identity(self) -> str:
        """What its sound depends on beside the words: voices of the same identity sound the same."""

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        """Yield the sound of a sentence or clause, with the silence that separates it from the next if `pause`.

        Returns at once: the work is done step by step as pieces are asked for, in one of the engine's threads, less than
        a second of sound or a few milliseconds of work each. A piece may be empty, as it is after an interruption.
        Raises EngineError, BadEventError.
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
        """Return what `describe` says of the engine and its voices."""
        ...

    def select_voice(self, request: VoiceRequest) -> Voice:
        """Return the voice. Raises BadEventError, which names some that exist or says how to get one."""
        ...

    async def install(self) -> None:
        """Fetch the default voice if it can be had, or see whether somebody put it here. Raises DownloadError."""
        return
