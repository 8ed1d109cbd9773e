"""Speech of the voice nearest to the microphone, by level: a television or another person is softer. No engine, no clock."""

from dataclasses import replace
from typing import TYPE_CHECKING

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_asr.engine import SpeechAudio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FAR_DB = 6.0
"""Speech that is softer than the loudest syllable by this, at the ends of a segment, is taken for another voice. A person's
own syllables differ by more, so that this audio is only a second choice."""
NEAR_MARGIN_MS = 60
"""Audio before and after the near speech: a consonant is softer than its syllable, and the next voice may be close behind."""
_PADDING_MS = 40
_FRAME_MS = 20
_SYLLABLE_FRAMES = 6


def cut_far_speech(audio: SpeechAudio) -> bytes:
    """Return the PCM of the loud parts of the segments, without long pauses; nothing if there is no speech."""
    import numpy as np  # here, so that reading the settings takes less memory

    levels = _syllable_levels(audio.pcm)
    spans = [slice(begin // _FRAME_MS, max(end // _FRAME_MS, begin // _FRAME_MS + 1)) for begin, end in audio.segments]
    loudest = max((levels[span].max() for span in spans if levels[span].size), default=0.0)
    near = tuple(
        cut
        for segment, span in zip(audio.segments, spans, strict=True)
        if (cut := _cut_segment(segment, np.flatnonzero(levels[span] >= loudest - FAR_DB))) is not None
    )
    return replace(audio, segments=near).without_pauses(NEAR_MARGIN_MS)


def _cut_segment(segment: tuple[int, int], loud: "npt.NDArray[np.intp]") -> tuple[int, int] | None:
    """Return the segment from the first to the last of its loud frames, which are counted from its begin."""
    if not loud.size:
        return None
    begin, end = segment
    first, last = begin + int(loud[0]) * _FRAME_MS, begin + int(loud[-1] + 1) * _FRAME_MS
    return max(begin, first - _PADDING_MS), min(end, last + _PADDING_MS)


def _syllable_levels(pcm: bytes) -> "npt.NDArray[np.float64]":
    """Return the level around each frame, over about the length of a syllable, in dB."""
    import numpy as np

    frame = SPEECH.bytes_in(_FRAME_MS / 1000) // 2
    samples = np.frombuffer(pcm, np.int16).astype(np.float64)
    powers: npt.NDArray[np.float64] = (samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    if not powers.size:
        return powers
    smooth = np.convolve(powers, np.full(_SYLLABLE_FRAMES, 1 / _SYLLABLE_FRAMES))[_SYLLABLE_FRAMES // 2 :]
    return np.asarray(10 * np.log10(smooth[: len(powers)] + 1))
