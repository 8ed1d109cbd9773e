"""Gaussian mixture of cepstra, in numpy: the engine for machines without the network.

A mixture of many voices is moved towards an utterance; the moved means, in units of the mixture, are the vector of the voice:
D. A. Reynolds and others, Speaker Verification Using Adapted Gaussian Mixture Models, 2000; W. M. Campbell and others,
Support Vector Machines Using GMM Supervectors for Speaker Verification, 2006.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from wyoming_rosie.audio.speakers.background import load_background
from wyoming_rosie.audio.speakers.spectrum import Doubles, Floats, mel_bands, speech_spectra

BANDS = 30
CEPSTRA = 20
RELEVANCE = 8.0
"""Frames of a voice that count as much as the mixture."""
FLOOR = 1e-10


@dataclass(frozen=True)
class GaussianMixture:
    """Diagonal Gaussians: `weights` (n), `means` and `variances` (n, features)."""

    weights: Doubles
    means: Doubles
    variances: Doubles

    def responsibilities(self, features: Doubles) -> Doubles:
        """Return the probability of each Gaussian for each frame, (frames, n)."""
        inverse = 1 / self.variances
        constant = np.log(self.weights) - 0.5 * (np.log(self.variances) + self.means**2 * inverse).sum(axis=1)
        scores = constant - 0.5 * features**2 @ inverse.T + features @ (self.means * inverse).T
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def adapt(self, features: Doubles) -> Doubles:
        """Return the shift of the means towards the features, scaled by weight and deviation, (n, features)."""
        shares = self.responsibilities(features)
        counts = shares.sum(axis=0)[:, None]
        shift = (shares.T @ features - counts * self.means) / (counts + RELEVANCE)
        return np.asarray(np.sqrt(self.weights)[:, None] * shift / np.sqrt(self.variances))


class MfccGmmEngine:
    """The mixture; all numbers come with this package."""

    name = "mfcc-gmm-1"
    threshold = 0.57
    change_threshold = -0.05

    def __init__(self, numbers: Mapping[str, Floats]) -> None:
        weights, means, variances = (numbers[name].astype(np.float64) for name in ("weights", "means", "variances"))
        self._mixture = GaussianMixture(weights, means, variances)
        self.cohort = numbers["cohort"]

    def embed(self, pcm: bytes) -> Floats | None:
        features = extract_cepstra(pcm)
        if features is None:
            return None
        vector = self._mixture.adapt(features).ravel()
        return np.asarray(vector / (np.linalg.norm(vector) + FLOOR), np.float32)


def extract_cepstra(pcm: bytes) -> Doubles | None:
    """Return cepstra without their mean, and their slopes, of each frame of speech; None if there is too little."""
    powers = speech_spectra(pcm)
    if powers is None:
        return None
    cepstra = np.log(powers @ mel_bands(BANDS) + FLOOR).astype(np.float64) @ _cosines()
    slopes = np.zeros_like(cepstra)
    slopes[2:-2] = (2 * (cepstra[4:] - cepstra[:-4]) + cepstra[3:-1] - cepstra[1:-3]) / 10
    return np.hstack([cepstra - cepstra.mean(axis=0), slopes])


@cache
def _cosines() -> Doubles:
    """Return the discrete cosine transform without its constant, (BANDS, CEPSTRA)."""
    angles = np.pi / BANDS * (np.arange(BANDS)[:, None] + 0.5) * np.arange(1, CEPSTRA + 1)
    return np.asarray(np.cos(angles) * np.sqrt(2 / BANDS))


def load(data: Path) -> MfccGmmEngine:  # noqa: ARG001 - as for other engines
    """Return the engine, which needs no files of the folder of models."""
    return MfccGmmEngine(load_background("mfcc_gmm"))
