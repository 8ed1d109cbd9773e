"""Stand-ins for an engine and for a peer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from wyoming.event import Event

from wyoming_rosie.audio.levels import frame_levels
from wyoming_rosie.runtime.stream_scheduler import BatchScheduler
from wyoming_rosie.voice_activity.events import VadEvent, VadFrame
from wyoming_rosie.voice_activity.segmenter import SegmenterRules
from wyoming_rosie.voice_activity.stream import VadStream
from wyoming_rosie_vad.handler import VadHandler

FRAME_BYTES = 1024
SPEECH_DATA = {"rate": 16_000, "width": 2, "channels": 1}


def mean_level(pcm: bytes) -> float:
    """Return the level of 16-bit PCM as a whole in dBFS."""
    return frame_levels(np.frombuffer(pcm, "<i2").astype(np.float32)[None])[0]


class LoudnessDetector:
    """Takes for speech whatever is loud."""

    def __init__(self, engine: "LoudnessEngine") -> None:
        self._engine = engine
        engine.open += 1

    def judge(self, pcm: bytes) -> list[VadFrame]:
        assert len(pcm) % FRAME_BYTES == 0
        return [self._judge(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm), FRAME_BYTES)]

    def _judge(self, frame: bytes) -> VadFrame:
        self._engine.heard.append(self)
        return VadFrame(0.9 if mean_level(frame) > -20 else 0.1, mean_level(frame))

    def close(self) -> None:
        self._engine.open -= 1


class LoudnessEngine:
    """Counts the streams that are open, and keeps whose frames it heard, in order."""

    frame_bytes = FRAME_BYTES

    def __init__(self) -> None:
        self.open = 0
        self.heard: list[LoudnessDetector] = []
        self.calls: list[int] = []  # how many streams came together
        self.broken = False

    def describe(self) -> dict[str, Any]:
        return {"name": "loudness"}

    def create_stream(self) -> LoudnessDetector:
        return LoudnessDetector(self)

    def process_batch(self, pieces: Sequence[tuple[LoudnessDetector, bytes]]) -> list[list[VadFrame]]:
        self.calls.append(len(pieces))
        if self.broken:
            raise ZeroDivisionError
        return [detector.judge(pcm) for detector, pcm in pieces]


class Speaker:
    """A peer: what it sends reaches a conversation, what it hears is kept."""

    def __init__(self, engine: LoudnessEngine, scheduler: BatchScheduler[VadStream, VadEvent]) -> None:
        self.heard: list[Event] = []
        self.conversation = VadHandler(engine, scheduler, SegmenterRules(), self._hear)

    async def send(self, event_type: str, payload: bytes | None = None, /, **data: Any) -> None:
        """Send an event; come back when what it brought has been heard and told."""
        await self.conversation.on_event(Event(event_type, data, payload))
        if self.conversation._stream is not None:
            await self.conversation._stream.finish()
            await self.conversation._outbox.flush()

    async def start(self, **data: Any) -> None:
        await self.send("audio-start", **{**SPEECH_DATA, **data})

    async def chunk(self, pcm: bytes, **data: Any) -> None:
        await self.send("audio-chunk", pcm, **{**SPEECH_DATA, **data})

    @property
    def edges(self) -> list[tuple[str, int]]:
        return [(event.type, event.data["timestamp"]) for event in self.heard if event.type != "user-event"]

    @property
    def classes(self) -> list[str]:
        return [event.data["data"]["class"] for event in self.heard if event.type == "user-event"]

    async def _hear(self, event: Event) -> None:
        self.heard.append(event)
