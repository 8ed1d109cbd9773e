"""What a wake word engine must offer."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from wyoming.info import WakeProgram

from wyoming_rosie.runtime.stream_scheduler import BatchLimits, StreamState
from wyoming_rosie.wakeword.detection import WakeDetection

S = TypeVar("S", bound=StreamState)
TICK_SECONDS = 0.075
"""Nearly the 80 ms of a hop: eight streams or more are heard in one batch, up to so much later."""


class WakeEngine(Protocol, Generic[S]):
    """Loaded models, shared by all peers."""

    batch_limits: BatchLimits

    def describe(self) -> WakeProgram:
        """Return what `describe` says of the engine and its models."""

    def match_names(self, names: Sequence[str]) -> list[str]:
        """Return the models' own names of the named words. Raises UnknownWakeWordError for a name that no model has."""

    def create_stream(self, names: Sequence[str]) -> S:
        """Begin a stream that looks for the named words, for all of them without names; may block."""

    def set_words(self, stream: S, names: Sequence[str]) -> None:
        """Look for other words in a stream from now on; those that stay go on without a gap. May block."""

    def process_batch(self, batch: Sequence[tuple[S, bytes]]) -> Sequence[Sequence[WakeDetection]]:
        """Give each stream its next audio; return for each what became certain in it. Blocks."""
