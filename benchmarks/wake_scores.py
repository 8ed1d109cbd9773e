"""Scores of our streaming networks beside those of openWakeWord's published networks, on all recorded wake words.

python benchmarks/wake_scores.py [--data FOLDER]
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

from wyoming_rosie.audio.formats import SPEECH, Converter, read_wav
from wyoming_rosie.wakeword.openwakeword import model_files, network
from wyoming_rosie.wakeword.openwakeword.model_files import FeatureFiles

REPOSITORY = Path(__file__).parents[1]
HOP = model_files.HOP_SAMPLES
REACH = 480  # samples before a hop that its first spectrum includes
FLOOR = -8.0  # the spectrum of silence
SILENT_HOPS = 60
Samples: TypeAlias = npt.NDArray[np.int16]


class WholeWindows:
    """The published networks on onnxruntime: a window of 76 frames for each hop of 8."""

    def __init__(self, features: FeatureFiles, heads: Mapping[str, Path]) -> None:
        self._mel, self._embedding = (
            network.create_session(onnx.load(path)) for path in (features.mel, features.embedding)
        )
        self._heads = {name: network.create_session(onnx.load(path)) for name, path in heads.items()}

    def scores(self, samples: Samples) -> dict[str, list[float]]:
        """Return the scores of each hop after silence, as the openwakeword library computes them."""
        frames = np.full((76, 32), FLOOR, np.float32)
        silence = np.zeros(SILENT_HOPS * HOP, np.int16)
        audio = np.concatenate([np.zeros(REACH, np.int16), silence, samples]).astype(np.float32)
        embeddings: list[npt.NDArray[Any]] = []
        found: dict[str, list[float]] = {name: [] for name in self._heads}
        for at in range(0, len(audio) - REACH - HOP + 1, HOP):
            mel = _run(self._mel, audio[None, at : at + HOP + REACH]).reshape(-1, 32) / 10 + 2
            frames = np.concatenate((frames, mel))[-76:].astype(np.float32)
            embeddings.append(_run(self._embedding, frames[None, :, :, None]).reshape(-1))
            if at >= len(silence):
                for name, head in self._heads.items():
                    hops = head.get_inputs()[0].shape[1]
                    found[name].append(float(_run(head, np.stack(embeddings[-hops:])[None]).reshape(-1)[0]))
        return found


def streamed(loaded: network.OpenWakeWordNetwork, samples: Samples) -> dict[str, list[float]]:
    """Return the scores of our streaming network for each hop."""
    state = loaded.create_stream()
    hops = (samples[at : at + HOP].tobytes() for at in range(0, len(samples) - HOP + 1, HOP))
    names = tuple(loaded.heads)
    heard = [loaded.predict([state], [hop], [names])[0] for hop in hops]
    return {name: list(scores) for name, scores in zip(names, zip(*heard, strict=True), strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("WYOMING_ROSIE_TEST_DATA", REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    folder = parser.parse_args().data / "wake"
    if not folder.is_dir():
        sys.exit(f"{folder} is not a folder of recordings; name one with --data")
    words = {name: file for name, file in model_files.find_models([]).items() if file.path.suffix == ".onnx"}
    features = model_files.find_feature_files([])
    loaded = network.load_network(words, features)
    whole = WholeWindows(features, {name: file.path for name, file in words.items()})
    print(f"Words: {', '.join(words)}\n\n| clip | largest difference of a score | highest score |\n|---|---|---|")
    for file in sorted(folder.glob("*.wav")):
        expected, found = whole.scores(_samples(file)), streamed(loaded, _samples(file))
        difference = max(np.abs(np.subtract(expected[name], found[name])).max() for name in words)
        best = max(words, key=lambda name: max(found[name]))
        print(f"| {file.stem} | {difference:.1e} | {best} {max(found[best]):.2f} |")


def _run(session: Any, given: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(session.run(None, {session.get_inputs()[0].name: given})[0])


def _samples(file: Path) -> Samples:
    audio, pcm = read_wav(file)
    converter = Converter(audio, SPEECH)
    speech = converter.convert(pcm) + converter.finish()
    return np.concatenate([np.frombuffer(speech, np.int16), np.zeros(SPEECH.rate, np.int16)])


if __name__ == "__main__":
    main()
