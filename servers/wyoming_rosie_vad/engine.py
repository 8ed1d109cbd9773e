"""What a voice activity engine must offer."""

from typing import Any, Protocol


class Detector(Protocol):
    """The engine's state for one stream. Called in the engine's thread only."""

    def probability(self, frame: bytes) -> float:
        """Return how probably the next frame is speech, 0 to 1; the frame is 16 kHz, 16-bit, mono."""

    def close(self) -> None:
        """Let go of the state; the detector is used up."""


class VadEngine(Protocol):
    """A loaded model, shared by all streams."""

    frame_bytes: int

    def describe(self) -> dict[str, Any]:
        """Return the program as `info` lists it: Wyoming has no class for what a VAD daemon is."""

    def listen(self) -> Detector:
        """Begin a stream."""
