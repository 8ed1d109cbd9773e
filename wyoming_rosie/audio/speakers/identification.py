"""Identification: the enrolled person whose voice a vector is, or nobody. Rules without audio, files or clock."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.engine import SpeakerEngine
from wyoming_rosie.audio.speakers.spectrum import Floats, is_clear
from wyoming_rosie.audio.speakers.store import EnrolledPerson
from wyoming_rosie.voice_activity.recording import cut_speech

SPEECH_MARGIN_MS = 200
"""Audio before and after speech that belongs to the voice: soft consonants."""
MIN_SECONDS = 1.2
"""Speech with its margins, in seconds, below which nobody is named."""
OWN_MARGIN = 0.08
"""A voice may be less like the person's than the person's sentences are like each other by this."""
USUAL_SECONDS = 3.0
SHORT_ALLOWANCE = 0.2
"""Cosine times seconds: less speech tells less, so that a shorter command than usual may be less like the person."""
SECOND_MARGIN = 0.03
"""The best person must be nearer than the second by this; else it may be either."""


@dataclass(frozen=True)
class VoiceSample:
    """A vector of a voice, and the seconds of speech that it is of."""

    vector: Floats
    seconds: float


@dataclass(frozen=True)
class IdentifiedSpeaker:
    """A person, and the cosine of the voice with that enrolled, -1 to 1."""

    person: str
    score: float


def embed_speech(engine: SpeakerEngine, pcm: bytes, segments: Sequence[tuple[int, int]]) -> VoiceSample | None:
    """Return the voice in the speech segments of 16 kHz 16-bit mono PCM, in milliseconds.

    None for too little speech, or too much noise.
    """
    if not is_clear(pcm):
        return None
    speech = cut_speech(pcm, segments, SPEECH_MARGIN_MS)
    vector = engine.embed(speech)
    return None if vector is None else VoiceSample(vector, SPEECH.seconds(len(speech)))


class VoiceIndex:
    """The voices of enrolled persons, as one engine knows them; those of other engines are left out."""

    def __init__(self, engine: SpeakerEngine, people: Sequence[EnrolledPerson], own_margin: float = OWN_MARGIN) -> None:
        known = [person for person in people if person.engine == engine.name]
        self.others = tuple(person.name for person in people if person.engine != engine.name)
        self.names = tuple(person.name for person in known)
        self._means = np.stack([mean_vector(person.vectors) for person in known]) if known else None
        self._expected = [own_score(person.vectors) - own_margin for person in known]
        self._floor, self._cohort = engine.threshold, engine.cohort

    def identify(self, sample: VoiceSample) -> IdentifiedSpeaker | None:
        """Return the person whose voice it is; None for a voice that is nobody's, may be that of two, or is too short.

        The voices of the cohort are people who are not enrolled: whoever is nearer to one of them is a guest.
        """
        if self._means is None or sample.seconds < MIN_SECONDS:
            return None
        scores = self._means @ sample.vector
        best = int(scores.argmax())
        second = float(np.delete(scores, best).max(initial=-1.0))
        other = float((self._cohort @ sample.vector).max(initial=-1.0))
        threshold = find_threshold(self._floor, self._expected[best], sample.seconds)
        if scores[best] < max(threshold, second + SECOND_MARGIN, other):
            return None
        return IdentifiedSpeaker(self.names[best], round(float(scores[best]), 3))


def mean_vector(vectors: Floats) -> Floats:
    """Return the unit vector of a person's mean."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / (np.linalg.norm(mean) + 1e-10), np.float32)


def find_threshold(floor: float, expected: float, seconds: float) -> float:
    """Return the score from which so many seconds of speech are a person's, of whom `expected` is the least for USUAL_SECONDS."""
    return max(floor, expected - SHORT_ALLOWANCE * (1 / seconds - 1 / USUAL_SECONDS))


def own_score(vectors: Floats) -> float:
    """Return the mean cosine of each sentence of a person with the mean of the others; -1 for a single sentence."""
    if len(vectors) < 2:
        return -1.0
    return float(np.mean([row @ mean_vector(np.delete(vectors, at, axis=0)) for at, row in enumerate(vectors)]))
