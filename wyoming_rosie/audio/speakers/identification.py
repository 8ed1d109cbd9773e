"""Identification: the enrolled person whose voice a vector is, or nobody. Rules without audio, files or clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wyoming_rosie.audio.speakers.engine import SpeakerEngine
from wyoming_rosie.audio.speakers.spectrum import Floats, is_clear
from wyoming_rosie.audio.speakers.store import EnrolledPerson
from wyoming_rosie.voice_activity.recording import cut_speech

SPEECH_MARGIN_MS = 200
"""Audio before and after speech that belongs to the voice: soft consonants."""
COHORT_MARGIN = 0.02
"""A voice must be nearer to the person's than the nearest voice of the cohort by this."""
SECOND_MARGIN = 0.03
"""The best person must be nearer than the second by this; else it may be either."""


@dataclass(frozen=True)
class IdentifiedSpeaker:
    """A person, and the cosine of the voice with that enrolled, -1 to 1."""

    person: str
    score: float


def embed_speech(engine: SpeakerEngine, pcm: bytes, segments: Sequence[tuple[int, int]]) -> Floats | None:
    """Return the vector of the voice in the speech segments of 16 kHz 16-bit mono PCM, in milliseconds.

    None for too little speech, or too much noise.
    """
    return engine.embed(cut_speech(pcm, segments, SPEECH_MARGIN_MS)) if is_clear(pcm) else None


class VoiceIndex:
    """The voices of enrolled persons, as one engine knows them; those of other engines are left out."""

    def __init__(self, engine: SpeakerEngine, people: Sequence[EnrolledPerson]) -> None:
        known = [person for person in people if person.engine == engine.name]
        self.others = tuple(person.name for person in people if person.engine != engine.name)
        self.names = tuple(person.name for person in known)
        self._means = np.stack([mean_vector(person.vectors) for person in known]) if known else None
        self._thresholds = [find_threshold(engine, person.vectors) for person in known]

    def identify(self, vector: Floats) -> IdentifiedSpeaker | None:
        """Return the person whose voice it is; None for a voice that is nobody's, or may be that of two."""
        if self._means is None:
            return None
        scores = self._means @ vector
        best = int(scores.argmax())
        second = float(np.delete(scores, best).max()) if len(scores) > 1 else -1.0
        if scores[best] < self._thresholds[best] or scores[best] - second < SECOND_MARGIN:
            return None
        return IdentifiedSpeaker(self.names[best], round(float(scores[best]), 3))


def mean_vector(vectors: Floats) -> Floats:
    """Return the unit vector of a person's mean."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / (np.linalg.norm(mean) + 1e-10), np.float32)


def find_threshold(engine: SpeakerEngine, vectors: Floats) -> float:
    """Return the score from which a voice is this person's: the engine's, or more if voices of the cohort come near.

    It is not above the lowest score of the person's own sentences, each compared with the others.
    """
    nearest = float((engine.cohort @ mean_vector(vectors)).max(initial=-1.0)) + COHORT_MARGIN
    return max(engine.threshold, min(nearest, min(own_scores(vectors), default=nearest)))


def own_scores(vectors: Floats) -> list[float]:
    """Return the cosine of each sentence with the mean of the others; nothing for a single one."""
    if len(vectors) < 2:
        return []
    return [float(row @ mean_vector(np.delete(vectors, at, axis=0))) for at, row in enumerate(vectors)]
