"""Whisper's input: the logarithm of the power of speech in bands of the mel scale (Slaney's), for each 10 ms."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from wyoming_rosie.audio.formats import SPEECH

FRAME_SAMPLES = 160
WINDOW_SAMPLES = 400
MIN_LOG, RANGE = -10.0, 8.0
"""The log10 of silence, and the dynamic range below the loudest value."""
_LINEAR_HZ = 1000.0
_HZ_PER_MEL = 200 / 3
_MELS_PER_OCTAVE = 27 / np.log2(6.4)
"""The scale is linear below 1 kHz and logarithmic above: 27 mels from 1 to 6.4 kHz."""

Floats: TypeAlias = npt.NDArray[np.float32]


class MelSpectrum:
    """Computes the spectrum in `bands` bands of the mel scale."""

    def __init__(self, bands: int) -> None:
        self._filters = _create_filters(bands)
        self._window = np.hanning(WINDOW_SAMPLES + 1)[:-1].astype(np.float32)

    def compute(self, samples: Floats) -> Floats:
        """Return the spectrum of 16 kHz samples between -1 and 1, (bands, frames), with a frame of silence at the end."""
        padded = np.pad(np.pad(samples, (0, FRAME_SAMPLES)), WINDOW_SAMPLES // 2, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)[::FRAME_SAMPLES][:-1]
        power = np.abs(np.fft.rfft(windows * self._window).astype(np.complex64)) ** 2
        return scale_power(self._filters @ power.T)


def scale_power(power: Floats) -> Floats:
    """Return power as the model expects it: its log10, limited to a range below the loudest, around 0."""
    logs = np.log10(np.maximum(power, 10**MIN_LOG))
    return np.asarray((np.maximum(logs, logs.max() - RANGE) + 4) / 4, np.float32)


def _create_filters(bands: int) -> Floats:
    """Return a triangle of equal area for each band, (bands, frequencies)."""
    edges = _mel_to_hz(np.linspace(0, _hz_to_mel(SPEECH.rate / 2), bands + 2))[:, None]
    frequencies = np.fft.rfftfreq(WINDOW_SAMPLES, 1 / SPEECH.rate)[None, :]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((frequencies - low) / (middle - low), (high - frequencies) / (high - middle))
    return np.asarray(np.maximum(triangles, 0) * 2 / (high - low), np.float32)


def _hz_to_mel(hz: float) -> float:
    return float(_LINEAR_HZ / _HZ_PER_MEL + _MELS_PER_OCTAVE * np.log2(hz / _LINEAR_HZ))


def _mel_to_hz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = mels - _LINEAR_HZ / _HZ_PER_MEL
    return np.where(above < 0, mels * _HZ_PER_MEL, _LINEAR_HZ * 2 ** (above / _MELS_PER_OCTAVE))
