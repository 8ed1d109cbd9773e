"""Interface of a voice activity detection engine."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from wyoming_rosie.voice_activity.events import VadFrame


class VadStreamState(Protocol):
    """The engine's state for one stream, used in the engine's thread only."""

    def close(self) -> None:
        """Release the state."""


D = TypeVar("D", bound=VadStreamState)


class VadEngine(Protocol[D]):
    """A loaded model, shared by all streams."""

    frame_bytes: int

    def describe(self) -> dict[str, Any]:
        """Return the program as `info` lists it; Wyoming has no class for VAD programs."""

    def create_stream(self) -> D:
        """Return the state of a new stream."""

    def process_batch(self, pieces: Sequence[tuple[D, bytes]]) -> list[list[VadFrame]]:
        """Process whole frames of 16 kHz 16-bit mono PCM of several streams, each at most once; return the frames of each."""
