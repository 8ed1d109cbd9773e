"""Removal of the silence before and after the speech in an utterance."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from wyoming_rosie.audio.formats import SPEECH

FRAME_BYTES = SPEECH.bytes_in(0.03)
"""The longest frame that WebRTC's detector accepts."""
PADDING_FRAMES = 5
"""Audio kept around the speech: decoding needs some silence, and detectors miss soft beginnings and ends."""
BELOW_PEAK_DB = 30.0
"""Audio softer than the loudest speech by this is not speech, even if the detector reports it."""
ABOVE_FLOOR_DB = 3.0
SPEECH_RANGE_DB = 12.0
"""Speech varies by at least this; a recording without silence has no measurable noise floor."""
NEIGHBORS = 2
MIN_SPEECH_FRAMES = 3
"""Of a frame and its neighbours on both sides, so many must be speech; clicks are shorter."""


def trim_silence(pcm: bytes, is_speech: Callable[[bytes], bool]) -> bytes:
    """Return the part of 16 kHz 16-bit mono PCM that contains all speech; nothing if there is none."""
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]
    voiced = np.array([is_speech(frame) for frame in frames], bool)
    if not voiced.any():
        return b""
    levels = _frame_levels(pcm, len(frames))
    loud = levels > _min_speech_level(levels, levels[voiced].max())
    sure = np.flatnonzero(_drop_isolated(voiced & loud))
    if not sure.size:
        return b""
    first, last = max(sure[0] - PADDING_FRAMES, 0), sure[-1] + PADDING_FRAMES
    return pcm[first * FRAME_BYTES : (last + 1) * FRAME_BYTES]


def _min_speech_level(levels: npt.NDArray[np.float64], peak: float) -> float:
    floor = float(np.percentile(levels, 10))
    return max(peak - BELOW_PEAK_DB, min(floor + ABOVE_FLOOR_DB, peak - SPEECH_RANGE_DB))


def _frame_levels(pcm: bytes, frames: int) -> npt.NDArray[np.float64]:
    """Return the level of each frame in dB."""
    samples = np.frombuffer(pcm[: frames * FRAME_BYTES], np.int16).astype(np.float64).reshape(frames, -1)
    return np.asarray(20 * np.log10(1 + np.sqrt(np.mean(samples**2, axis=1))))


def _drop_isolated(frames: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    around = np.convolve(frames, np.ones(2 * NEIGHBORS + 1, int))[NEIGHBORS : NEIGHBORS + len(frames)]
    return frames & (around >= MIN_SPEECH_FRAMES)
