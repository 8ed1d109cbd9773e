"""Enrolment: whether a sentence is good enough to know a voice by. Rules without files, microphone or clock."""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.levels import measure_levels
from wyoming_rosie.audio.speakers.engine import SpeakerEngine
from wyoming_rosie.audio.speakers.identification import mean_vector
from wyoming_rosie.audio.speakers.spectrum import Floats

SENTENCES = 5
"""Sentences that a person is asked for."""
MIN_SENTENCES = 3
"""Good sentences without which nobody is enrolled."""
MIN_SPEECH_SECONDS = 1.0
QUIET_DBFS = -50.0
"""Level of speech below which the noise of a microphone counts as much."""
CLIPPED_SHARE = 0.005
"""Share of samples at the limit from which a sentence is distorted."""
COMPARED_SENTENCES = 2
"""Sentences from which on another one is compared with them: a single one says too little."""
SAME_VOICE_MARGIN = 0.15
"""A sentence may be less like the others than the engine's threshold by this."""


class SentenceFault(StrEnum):
    """Why a sentence is not taken: what happened, and what to do."""

    SILENT = "no sound came at all; is the microphone muted, or another one meant?"
    NO_SPEECH = "nobody speaks in it; speak nearer to the microphone, without music"
    TOO_SHORT = "it is too short; say the whole sentence"
    TOO_QUIET = "it is too quiet; speak louder, or come nearer"
    CLIPPED = "it is too loud and distorted; speak softer, or turn the microphone down"
    NOISY = "there is too much noise around; switch it off, or come nearer to the microphone"
    OTHER_VOICE = "it sounds like another voice than the other sentences; only one person may speak"


def check_speech(speech: bytes) -> SentenceFault | None:
    """Return what is wrong with the speech of a sentence, without its pauses; None if nothing is."""
    if not speech:
        return SentenceFault.NO_SPEECH
    if SPEECH.seconds(len(speech)) < MIN_SPEECH_SECONDS:
        return SentenceFault.TOO_SHORT
    levels = measure_levels(speech)
    if levels.rms < QUIET_DBFS:
        return SentenceFault.TOO_QUIET
    return SentenceFault.CLIPPED if levels.clipped > CLIPPED_SHARE else None


def is_same_voice(engine: SpeakerEngine, vectors: Sequence[Floats], vector: Floats) -> bool:
    """Return whether a sentence is of the voice of earlier sentences, as far as they tell."""
    if len(vectors) < COMPARED_SENTENCES:
        return True
    return float(mean_vector(np.stack(vectors)) @ vector) >= engine.threshold - SAME_VOICE_MARGIN
