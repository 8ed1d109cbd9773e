"""What a speech synthesis engine must offer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from wyoming.info import TtsProgram

from wyoming_rosie.audio import AudioFormat

Take: TypeAlias = Callable[[bytes], bool]
"""Takes the next piece of audio, at most a few hundred milliseconds; False: nobody wants more, stop now."""


@dataclass(frozen=True)
class Wish:
    """The voice that a peer asks for; a name wins over a language, nothing means the default voice."""

    name: str | None = None
    language: str | None = None
    speaker: str | None = None


class Voice(Protocol):
    """A way to speak, chosen once for a whole answer, so that its format holds to the end."""

    @property
    def audio(self) -> AudioFormat:
        """The format of every piece."""

    def speak(self, text: str, take: Take, *, pause: bool) -> None:
        """Speak one sentence or clause in pieces, with the silence that separates it from the next if `pause`.

        Runs in the engine's thread. Raises EngineError.
        """


class TtsEngine(Protocol):
    """Loaded voices, shared by all peers."""

    def describe(self) -> TtsProgram:
        """Return what `describe` says of the engine and its voices."""

    def voice(self, wish: Wish) -> Voice:
        """Return the voice. Raises BadEventError, which names some that exist."""
