"""Wake detectors: the protocol, and the backlog of audio in front of one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_satellite.messages import WakeWord

MAX_QUEUED_FRAMES = 250


class WakeDetector(Protocol):
    """Finds wake words in the microphone's audio."""

    def push_audio(self, pcm: bytes) -> None:
        """Process the next 16 kHz 16-bit mono; never waits."""

    def select_words(self, names: Sequence[str]) -> None:
        """Detect these wake words only from now on; unknown ones are ignored. Never waits."""

    async def run(self, on_wake_word: Callable[[WakeWord], None]) -> None:
        """Call `on_wake_word` for each wake word and near miss until cancelled."""


@runtime_checkable
class ScoredDetector(Protocol):
    """A detector whose scores can be watched."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The score from which each word counts, 0 to 1."""

    def take_scores(self) -> Mapping[str, float]:
        """Return the highest score, 0 to 1, of each word since the last call."""


class AudioBacklog:
    """Microphone audio that a detector has not processed yet; when there is too much, the oldest is dropped.

    The position of a sample in what the detector was given, plus `offset`, is its position in the microphone's audio.
    """

    def __init__(self) -> None:
        self.offset = 0
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(MAX_QUEUED_FRAMES)
        self._received = 0

    def push(self, pcm: bytes) -> None:
        if self._frames.full():
            self.offset += count_samples(self._frames.get_nowait())
        self._frames.put_nowait(pcm)
        self._received += count_samples(pcm)

    async def pop(self) -> bytes:
        return await self._frames.get()

    def reset(self) -> None:
        """Drop everything for a detector that starts now."""
        while not self._frames.empty():
            self._frames.get_nowait()
        self.offset = self._received


def count_samples(pcm: bytes) -> int:
    """Return the number of samples in 16-bit mono."""
    return len(pcm) // SPEECH.frame_bytes
