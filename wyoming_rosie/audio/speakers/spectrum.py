"""Short-time spectra of speech, and mel bands."""

from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from wyoming_rosie.audio.formats import SPEECH

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]

FRAME = 400
"""Samples of a frame: 25 ms."""
HOP = 160
"""Samples from one frame to the next: 10 ms."""
FRAMES_PER_SECOND = SPEECH.rate / HOP
FFT = 512
SPEECH_RANGE_DB = 30.0
"""Frames that are softer than the loud ones by this are pauses."""
MIN_RANGE_DB = 18.0
"""Levels of clear speech differ by more than this between syllables and pauses; noise fills the pauses."""
MIN_SPEECH_SECONDS = 0.5
"""Speech below which a voice cannot be told."""
MAX_SPEECH_SECONDS = 8.0
"""Speech of which the beginning is enough to tell a voice."""
_QUIET_QUANTILE = 0.05
_LOUD_QUANTILE = 0.95
_FLOOR = 1e-10
_LINEAR_HZ = 200 / 3
_LOG_FROM_HZ = 1000.0
_LOG_STEP = 27 / 1.8562979903656263  # 27 / ln(6.4)


def power_spectra(pcm: bytes) -> Floats:
    """Return the power spectrum of each frame, (frames, FFT // 2 + 1), of 16 kHz 16-bit mono PCM, from samples of -1 to 1."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16).astype(np.float32) / 32768
    if len(samples) < FRAME:
        return np.zeros((0, FFT // 2 + 1), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    spectra = np.fft.rfft(frames * _window(), FFT)
    return np.asarray(spectra.real**2 + spectra.imag**2, np.float32)


def speech_spectra(pcm: bytes) -> Floats | None:
    """Return the power spectra of the frames that are not pauses, of at most MAX_SPEECH_SECONDS; None below MIN_SPEECH_SECONDS."""
    powers = power_spectra(pcm)
    if not len(powers):
        return None
    levels = _levels(powers)
    speech = powers[levels > np.quantile(levels, _LOUD_QUANTILE) - SPEECH_RANGE_DB]
    if len(speech) < MIN_SPEECH_SECONDS * FRAMES_PER_SECOND:
        return None
    return np.asarray(speech[: round(MAX_SPEECH_SECONDS * FRAMES_PER_SECOND)], np.float32)


def is_clear(pcm: bytes) -> bool:
    """Return whether speech with its pauses has little noise; much makes all voices alike."""
    powers = power_spectra(pcm)
    if not len(powers):
        return False
    quiet, loud = np.quantile(_levels(powers), (_QUIET_QUANTILE, _LOUD_QUANTILE))
    return bool(loud - quiet >= MIN_RANGE_DB)


def _levels(powers: Floats) -> Doubles:
    """Return the level of each frame, in dB."""
    return np.asarray(10 * np.log10(powers.sum(axis=1) + _FLOOR), np.float64)


@cache
def mel_bands(count: int) -> Floats:
    """Return triangular filters with the same area on Slaney's mel scale, (FFT // 2 + 1, count).

    M. Slaney, Auditory Toolbox, 1998: linear to 1 kHz, logarithmic above.
    """
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(SPEECH.rate / 2), count + 2))
    bins = np.linspace(0, SPEECH.rate / 2, FFT // 2 + 1)
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    areas = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * areas, np.float32)


def _hz_to_mel(hz: float) -> float:
    return (
        hz / _LINEAR_HZ
        if hz < _LOG_FROM_HZ
        else _LOG_FROM_HZ / _LINEAR_HZ + float(np.log(hz / _LOG_FROM_HZ)) * _LOG_STEP
    )


def _mel_to_hz(mels: Doubles) -> Doubles:
    start = _LOG_FROM_HZ / _LINEAR_HZ
    return np.where(
        mels < start, mels * _LINEAR_HZ, _LOG_FROM_HZ * np.exp((np.maximum(mels, start) - start) / _LOG_STEP)
    )


@cache
def _window() -> Floats:
    return np.asarray(0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME), np.float32)
