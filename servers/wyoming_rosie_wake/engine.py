"""Interface of a wake word engine."""

from collections.abc import Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from wyoming.info import WakeProgram

from wyoming_rosie.runtime.stream_scheduler import BatchLimits, StreamState
from wyoming_rosie.wakeword.detection import WakeDetection


class WakeStream(StreamState, Protocol):
    """An engine's state for one stream, whose scores may be read while it is processed."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The score from which each word counts, 0 to 1."""

    def take_scores(self) -> Mapping[str, float]:
        """Return the highest score, 0 to 1, of each word since the last call."""


S = TypeVar("S", bound=WakeStream)
TICK_SECONDS = 0.075
"""Nearly the 80 ms of a hop; streams wait at most this long to be processed in one batch."""


class WakeEngine(Protocol, Generic[S]):
    """Loaded models, shared by all connections."""

    batch_limits: BatchLimits

    def describe(self) -> WakeProgram:
        """Return the program as `info` lists it."""

    def match_names(self, names: Sequence[str]) -> list[str]:
        """Return the models' own names for the given ones. Raises UnknownWakeWordError."""

    def create_stream(self, names: Sequence[str]) -> S:
        """Return the state of a new stream for these words, for all words if there are no names. May block."""

    def set_words(self, stream: S, names: Sequence[str]) -> None:
        """Replace the words of a stream; words that stay are detected without a gap. May block."""

    def process_batch(self, batch: Sequence[tuple[S, bytes]]) -> Sequence[Sequence[WakeDetection]]:
        """Process the next audio of each stream; return the detections of each. Blocks."""
