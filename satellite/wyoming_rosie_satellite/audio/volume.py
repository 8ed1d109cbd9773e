"""Volume: scale audio, with a multiplier and without clicks."""

from importlib.util import find_spec

import structlog

from wyoming_rosie.audio.formats import AudioFormat, Converter
from wyoming_rosie.runtime.extras import install_command

_LOG = structlog.get_logger()
MAX_PERCENT = 100.0


class Volume:
    """A volume of 0 to 100 percent times a fixed multiplier; a change is spread over the next audio to avoid a click."""

    def __init__(self, audio: AudioFormat, multiplier: float = 1.0, percent: float = MAX_PERCENT) -> None:
        whole = AudioFormat(audio.rate, 4 if audio.width == 3 else audio.width, audio.channels)
        self._width = whole.width
        self._channels = audio.channels
        self._widen, self._narrow = Converter(audio, whole), Converter(whole, audio)
        self._multiplier = multiplier
        self.set_percent(percent)
        self._gain = self._target_gain

    def set_percent(self, percent: float) -> None:
        """Set the volume, clamped to 0 to 100 percent."""
        self.percent = min(max(percent, 0.0), MAX_PERCENT)
        # the square makes 50 percent about half as loud to the ear
        self._target_gain = self._multiplier * (self.percent / MAX_PERCENT) ** 2
        if self._target_gain != 1.0 and find_spec("numpy") is None:
            _LOG.warning("volume not changed", reason=f"numpy is missing: {install_command(['satellite'])}")
            self._target_gain = 1.0

    def apply(self, pcm: bytes) -> bytes:
        """Return whole frames at this volume, clipped to the format's range."""
        if self._gain == self._target_gain == 1.0:
            return pcm
        return self._narrow.convert(self._scale(self._widen.convert(pcm)))

    def _scale(self, pcm: bytes) -> bytes:
        import numpy as np

        kind = np.dtype(f"<i{self._width}")
        limits = np.iinfo(kind)
        samples = np.frombuffer(pcm, kind).reshape(-1, self._channels)
        gains = np.linspace(self._gain, self._target_gain, len(samples))[:, None]
        self._gain = self._target_gain
        return np.clip(np.rint(samples * gains), limits.min, limits.max).astype(kind).tobytes()
