"""Audio processing of the microphone: echo cancellation (AEC), noise suppression (NS) and automatic gain control (AGC)."""

from collections.abc import Callable
from typing import Any, TypeAlias

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.config import check_limits
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.audio.echo_reference import EchoReference
from wyoming_rosie_satellite.audio.volume import Volume
from wyoming_rosie_satellite.config import SatelliteConfig

ProcessFrame: TypeAlias = Callable[[bytes], bytes]
"""Processes 20 ms of 16 kHz 16-bit mono and returns as much."""


def create_processors(settings: SatelliteConfig, echo: EchoReference | None = None) -> list[ProcessFrame]:
    """Return the processing that the settings ask for, in order. Raises ConfigError."""
    check_limits(settings)
    processors: list[ProcessFrame] = []
    if echo is not None:
        processors.append(EchoCancellation(echo).process)
    if settings.mic_volume_multiplier != 1.0:
        processors.append(Volume(SPEECH, settings.mic_volume_multiplier).apply)
    if settings.mic_noise_suppression or settings.mic_auto_gain:
        processors.append(NoiseSuppression(settings.mic_noise_suppression, settings.mic_auto_gain).process)
    return processors


class NoiseSuppression:
    """WebRTC noise suppression, level 0 (off) to 4, and automatic gain control to 0 (off) to 31 dB below full scale."""

    def __init__(self, noise_level: int, gain_dbfs: int) -> None:
        webrtc = _import_webrtc("--mic-noise-suppression and --mic-auto-gain")
        self._steps: list[Any] = []
        if noise_level:
            self._steps.append(webrtc.NoiseSuppressor(SPEECH.rate, level=noise_level - 1))
        if gain_dbfs:
            self._steps.append(webrtc.GainController(SPEECH.rate, headroom_db=gain_dbfs))

    def process(self, pcm: bytes) -> bytes:
        import numpy as np

        samples = np.frombuffer(pcm, "<i2")
        for step in self._steps:
            samples = step.process(samples)
        return samples.tobytes()


class EchoCancellation:
    """WebRTC echo cancellation, which estimates the echo's delay; it is skipped while the room is silent."""

    def __init__(self, echo: EchoReference) -> None:
        self._processor: Any = _import_webrtc("--echo-cancellation").AudioProcessor(
            sample_rate=SPEECH.rate, echo_cancellation=True
        )
        self._reference = echo

    def process(self, pcm: bytes) -> bytes:
        played = self._reference.read(len(pcm))
        if played is None:
            return pcm
        import numpy as np

        return bytes(self._processor.process(np.frombuffer(pcm, "<i2"), np.frombuffer(played, "<i2")).tobytes())


def _import_webrtc(flags: str) -> Any:
    try:
        import pywebrtc_audio
    except ImportError as err:
        raise ConfigError(f"{flags} need: {install_command(['satellite'])}") from err
    return pywebrtc_audio
