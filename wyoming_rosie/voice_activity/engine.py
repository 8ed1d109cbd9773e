"""What a voice activity engine must offer."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from wyoming_rosie.voice_activity.events import VadFrame


class VadStreamState(Protocol):
    """The engine's state for one stream. Used in the engine's thread only."""

    def close(self) -> None:
        """Let go of the state; the detector is used up."""


D = TypeVar("D", bound=VadStreamState)


class VadEngine(Protocol[D]):
    """A loaded model, shared by all streams."""

    frame_bytes: int

    def describe(self) -> dict[str, Any]:
        """Return the program as `info` lists it: Wyoming has no class for what a VAD daemon is."""

    def create_stream(self) -> D:
        """Begin a stream."""

    def process_batch(self, pieces: Sequence[tuple[D, bytes]]) -> list[list[VadFrame]]:
        """Return what is known of each piece's frames, which are whole: 16 kHz, 16-bit, mono. Each stream comes once."""
