"""What a wake word engine must offer."""

from collections.abc import Sequence
from typing import Protocol

from wyoming.info import WakeProgram

from wyoming_rosie.wake_words import WakeStream


class WakeEngine(Protocol):
    """Loaded models, shared by all peers."""

    def describe(self) -> WakeProgram:
        """Return what `describe` says of the engine and its models."""

    def check(self, names: Sequence[str]) -> None:
        """Raise UnknownWakeWordError for a name that no model has."""

    def listen(self, names: Sequence[str]) -> WakeStream:
        """Begin a stream that looks for the named words, for all of them without names; blocks like its `feed`."""
