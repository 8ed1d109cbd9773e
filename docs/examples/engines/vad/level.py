"""Takes whatever is loud for speech."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.levels import measure_levels
from wyoming_rosie.config import option
from wyoming_rosie.voice_activity.events import VadFrame


@dataclass(frozen=True)
class Settings:
    dbfs: float = option(-30.0, "the level from which a frame is speech")


class LevelStream:
    def close(self) -> None: ...


class LevelEngine:
    frame_bytes = SPEECH.bytes_in(0.032)

    def __init__(self, dbfs: float) -> None:
        self._dbfs = dbfs

    def describe(self) -> dict[str, Any]:
        credit = {"name": "the example", "url": "https://example.org"}
        return {"name": "level", "attribution": credit, "installed": True, "description": "By level", "version": "1.0"}

    def create_stream(self) -> LevelStream:
        return LevelStream()

    def process_batch(self, pieces: Sequence[tuple[LevelStream, bytes]]) -> list[list[VadFrame]]:
        return [
            [self._frame(pcm[n : n + self.frame_bytes]) for n in range(0, len(pcm), self.frame_bytes)]
            for _, pcm in pieces
        ]

    def _frame(self, pcm: bytes) -> VadFrame:
        dbfs = measure_levels(pcm).rms
        return VadFrame(float(dbfs > self._dbfs), dbfs)


def load(settings: Settings) -> LevelEngine:
    return LevelEngine(settings.dbfs)
