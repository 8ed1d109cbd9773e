"""Fakes: a voice activity engine and a client."""

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


class LoudnessStream:
    """Takes loud audio for speech."""

    def __init__(self, engine: "LoudnessEngine") -> None:
        self._engine = engine
        engine.open += 1

    def process(self, pcm: bytes) -> list[VadFrame]:
        assert len(pcm) % FRAME_BYTES == 0
        return [self._process_frame(pcm[at : at + FRAME_BYTES]) for at in range(0, len(pcm), FRAME_BYTES)]

    def _process_frame(self, frame: bytes) -> VadFrame:
        self._engine.processed.append(self)
        return VadFrame(0.9 if mean_level(frame) > -20 else 0.1, mean_level(frame))

    def close(self) -> None:
        self._engine.open -= 1


class LoudnessEngine:
    """Counts open streams, and keeps the stream of each processed frame."""

    frame_bytes = FRAME_BYTES

    def __init__(self) -> None:
        self.open = 0
        self.processed: list[LoudnessStream] = []
        self.calls: list[int] = []  # how many streams came together
        self.broken = False

    def describe(self) -> dict[str, Any]:
        return {"name": "loudness"}

    def create_stream(self) -> LoudnessStream:
        return LoudnessStream(self)

    def process_batch(self, pieces: Sequence[tuple[LoudnessStream, bytes]]) -> list[list[VadFrame]]:
        self.calls.append(len(pieces))
        if self.broken:
            raise ZeroDivisionError
        return [detector.process(pcm) for detector, pcm in pieces]


class FakeClient:
    """Sends events to a handler and keeps what it sends back."""

    def __init__(self, engine: LoudnessEngine, scheduler: BatchScheduler[VadStream, VadEvent]) -> None:
        self.received: list[Event] = []
        self.handler = VadHandler(engine, scheduler, SegmenterRules(), self._receive)

    async def send(self, event_type: str, payload: bytes | None = None, /, **data: Any) -> None:
        """Send an event; return when its audio has been processed and its events sent."""
        await self.handler.on_event(Event(event_type, data, payload))
        if self.handler._stream is not None:
            await self.handler._stream.finish()
            await self.handler._outbox.flush()

    async def start(self, **data: Any) -> None:
        await self.send("audio-start", **{**SPEECH_DATA, **data})

    async def chunk(self, pcm: bytes, **data: Any) -> None:
        await self.send("audio-chunk", pcm, **{**SPEECH_DATA, **data})

    @property
    def boundaries(self) -> list[tuple[str, int]]:
        return [(event.type, event.data["timestamp"]) for event in self.received if event.type != "user-event"]

    @property
    def classes(self) -> list[str]:
        return [event.data["data"]["class"] for event in self.received if event.type == "user-event"]

    async def _receive(self, event: Event) -> None:
        self.received.append(event)
