"""Speaker change detection: where another voice than the one that began an utterance goes on speaking. No files, no clock.

The beginning of the speech is compared with the latest speech, again and again. Whatever is doubtful, too short or noisy counts as
the same voice.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.engine import SpeakerEngine
from wyoming_rosie.audio.speakers.spectrum import Floats, is_clear
from wyoming_rosie.voice_activity.recording import cut_speech

Segments: TypeAlias = Sequence[tuple[int, int]]
OPENING_MS = 1_500
"""Speech at the beginning that the later speech is compared with."""
WINDOW_MS = 1_600
"""Latest speech that is compared with the beginning."""
STEP_MS = 400
"""Speech from one comparison to the next."""
SURE_WINDOWS = 2
"""Windows in a row of another voice, without which nothing is found."""
MAX_WINDOWS = 40
"""Comparisons in one utterance, which bound the work: 16 s of speech."""
SEARCH_MS = 1_200
"""From the begin of the first window of another voice, time within which that voice begins."""
DIP_MS = 60
"""Length of the softest moment in it, where one voice gives way to the other."""


class SpeakerChangeDetector:
    """Looks for another voice in one utterance; `is_due` is cheap, `process` takes an engine's time."""

    def __init__(self, engine: SpeakerEngine) -> None:
        self._engine = engine
        self._opening: Floats | None = None
        self._windows = 0
        self._other_since_ms: int | None = None  # in the audio: the begin of the first window in a row
        self._other_windows = 0
        self._due_ms = OPENING_MS + WINDOW_MS  # of speech

    def is_due(self, segments: Segments) -> bool:
        """Return whether there is enough new speech for a comparison; the last segment may go on."""
        return self._windows < MAX_WINDOWS and _speech_ms(segments) >= self._due_ms

    def process(self, pcm: bytes, segments: Segments) -> int | None:
        """Return where another voice began, in milliseconds of 16 kHz 16-bit mono PCM; None as long as it is not sure."""
        speech_ms = _speech_ms(segments)
        self._windows += 1
        self._due_ms = speech_ms + STEP_MS
        if self._opening is None:
            self._opening = self._embed(pcm, slice_speech(segments, 0, OPENING_MS))
        window = slice_speech(segments, speech_ms - WINDOW_MS, speech_ms)
        vector = None if self._opening is None else self._embed(pcm, window)
        if self._opening is None or vector is None or float(self._opening @ vector) >= self._engine.change_threshold:
            self._other_since_ms, self._other_windows = None, 0
            return None
        self._other_windows += 1
        if self._other_since_ms is None:
            self._other_since_ms = window[0][0]
        if self._other_windows < SURE_WINDOWS:
            return None
        return find_dip(pcm, self._other_since_ms, self._other_since_ms + SEARCH_MS)

    def _embed(self, pcm: bytes, segments: Segments) -> Floats | None:
        speech = cut_speech(pcm, segments, 0)
        return self._engine.embed(speech) if is_clear(speech) else None


def slice_speech(segments: Segments, begin: int, end: int) -> list[tuple[int, int]]:
    """Return the parts of the segments from `begin` to `end` of the speech in them, in milliseconds."""
    parts, before = [], 0
    for first, last in segments:
        part = first + max(begin - before, 0), min(last, first + end - before)
        if part[0] < part[1]:
            parts.append(part)
        before += last - first
    return parts


def find_dip(pcm: bytes, begin: int, end: int) -> int:
    """Return the middle of the softest moment of the audio between two times in milliseconds."""
    samples = np.frombuffer(pcm[SPEECH.bytes_in(begin / 1000) : SPEECH.bytes_in(end / 1000)], np.int16)
    hop = SPEECH.bytes_in(0.01) // 2
    powers = (samples[: len(samples) // hop * hop].reshape(-1, hop).astype(np.float64) ** 2).mean(axis=1)
    length = DIP_MS // 10
    if len(powers) < length:
        return begin
    softest = int(np.convolve(powers, np.ones(length), "valid").argmin())
    return begin + 10 * softest + DIP_MS // 2


def _speech_ms(segments: Segments) -> int:
    return sum(end - begin for begin, end in segments)
