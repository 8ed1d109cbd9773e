"""Speaker verification: logistic regression on the embeddings of a detection.

A verifier is trained with a few recordings of one person saying the word, against other people and other speech. It
reduces false accepts in a small household; it does not prove identity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeAlias
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.openwakeword.model_files import EMBEDDING
from wyoming_rosie.wakeword.openwakeword.network import Floats

Doubles: TypeAlias = npt.NDArray[np.float64]
FORMAT = 1
MIN_SAMPLES = 3
_STRENGTH = 0.01
"""L2 penalty per recording."""
_STEPS = 50
_CLOSE = 1e-8
_ARRAYS = ("mean", "scale", "weights")


@dataclass(frozen=True)
class SpeakerVerifier:
    """A classifier of one person saying one word; `weights` covers `hops` embeddings."""

    user: str
    word: str
    hops: int
    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def predict(self, embeddings: Floats) -> float:
        """Return the probability that the newest embeddings, (hops, 96), are this person saying the word."""
        features = (embeddings[-self.hops :].reshape(-1) - self.mean) / self.scale
        return float(1 / (1 + np.exp(-np.clip(features @ self.weights + self.bias, -50, 50))))

    def save(self, path: Path) -> None:
        """Write the verifier. Raises ConfigError."""
        about = np.array([str(FORMAT), self.user, self.word, str(self.hops)])
        try:
            with path.open("wb") as file:
                np.savez(file, about=about, mean=self.mean, scale=self.scale, weights=self.weights, bias=self.bias)
        except OSError as err:
            raise ConfigError(f"cannot write {path}: {err.strerror}") from err


def load_verifier(path: Path) -> SpeakerVerifier:
    """Load a verifier; the file cannot contain code. Raises ConfigError."""
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as file:
            version, user, word, hops = (str(text) for text in file["about"])
            mean, scale, weights = (np.asarray(file[name], np.float32).reshape(-1) for name in _ARRAYS)
            verifier = SpeakerVerifier(user, word, int(hops), mean, scale, weights, float(file["bias"]))
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror or err}") from err
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as err:
        raise ConfigError(f"{path} is not a verifier; make one with 'wyoming-rosie train-verifier'") from err
    if version != str(FORMAT) or len(weights) != verifier.hops * EMBEDDING:
        raise ConfigError(f"{path} is a verifier of another kind; train it anew")
    return verifier


def create_verifier(
    user: str, word: str, own: Sequence[Floats], others: Sequence[Floats], alike: Sequence[Floats] = ()
) -> SpeakerVerifier:
    """Train a verifier with embeddings, (hops, 96) each: of the person, of other audio, and of others saying the word.

    Raises ConfigError.
    """
    if min(len(own), len(others)) < MIN_SAMPLES:
        raise ConfigError(
            f"a verifier needs at least {MIN_SAMPLES} pieces of the voice with the word, and of something else"
        )
    rows = np.stack([window.reshape(-1) for window in (*own, *others, *alike)]).astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    features = (rows - mean) / scale
    targets = np.r_[np.ones(len(own)), np.zeros(len(others) + len(alike))]
    share = np.concatenate(
        [_row_weights(0.5, own), _row_weights(0.25 if alike else 0.5, others), _row_weights(0.25, alike)]
    )
    weights, bias = _fit_weights(features, targets, share)
    hops = len(own[0])
    return SpeakerVerifier(user, word, hops, _to_float32(mean), _to_float32(scale), _to_float32(weights), bias)


def _to_float32(array: Doubles) -> Floats:
    return array.astype(np.float32)


def _row_weights(weight: float, rows: Sequence[Floats]) -> Doubles:
    """Divide a class's weight equally between its rows."""
    return np.full(len(rows), weight / max(1, len(rows)))


def _fit_weights(features: Doubles, targets: Doubles, share: Doubles) -> tuple[Doubles, float]:
    """Fit a logistic regression with an L2 penalty and weighted rows; return weights and bias.

    There are far fewer rows than columns: Newton's method runs on row weights (the dual), not on column weights.
    """
    count = len(targets)
    kernel = features @ features.T / features.shape[1]
    rows, bias = np.zeros(count), 0.0
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(kernel @ rows + bias, -50, 50)))
        error = share * (probability - targets)
        curvature = share * probability * (1 - probability) + 1e-12
        matrix = np.zeros((count + 1, count + 1))
        matrix[:count, :count] = np.diag(curvature) @ kernel + _STRENGTH * np.eye(count)
        matrix[:count, count] = curvature
        matrix[count, :count] = curvature @ kernel
        matrix[count, count] = curvature.sum()
        step = np.linalg.solve(matrix, np.r_[error + _STRENGTH * rows, error.sum()])
        rows, bias = rows - step[:count], bias - step[count]
        if np.abs(step).max() < _CLOSE:
            break
    return features.T @ rows / features.shape[1], float(bias)
