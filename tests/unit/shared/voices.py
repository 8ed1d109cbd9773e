"""A low and a high voice, and an engine that tells them apart."""

import numpy as np

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.spectrum import Floats

LOW, HIGH = 200, 700
"""Pitches, Hz."""


class PitchEngine:
    """Tells a low voice from a high one by how often the sound changes its sign."""

    name = "pitch-1"
    threshold = 0.6
    change_threshold = 0.5
    cohort = np.zeros((0, 2), np.float32)

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, pcm: bytes) -> Floats | None:
        self.embedded += 1
        samples = np.frombuffer(pcm, np.int16)
        loud = samples[np.abs(samples) > 500]
        if not len(loud):
            return None
        highness = float(np.clip((np.mean(np.diff(np.sign(loud)) != 0) * SPEECH.rate / 2 - LOW) / (HIGH - LOW), 0, 1))
        return np.array([np.cos(highness * np.pi / 2), np.sin(highness * np.pi / 2)], np.float32)


def talk(hertz: int, milliseconds: int, amplitude: float = 8000.0) -> bytes:
    """Return syllables of a pitch, five in a second."""
    times = np.arange(milliseconds * SPEECH.rate // 1000) / SPEECH.rate
    syllables = np.maximum(0.001, np.sin(2 * np.pi * 2.5 * times) ** 2)
    samples = amplitude * syllables * np.sin(2 * np.pi * hertz * times)
    return bytes(samples.astype(np.int16).tobytes())
