"""Our own use of TensorFlow Lite, beside the package's."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.micro import MicroFeatures, MicroModel, find_package_models, load_file, load_network

WORDS = find_package_models()
NOISE = random.Random(1).randbytes(64_000) + bytes(64_000)


def our_scores(word: MicroModel, pcm: bytes) -> list[float]:
    network = load_network(word)
    return [score for features in MicroFeatures().extract(pcm) if (score := network.score(features)) is not None]


def their_scores(word: MicroModel, pcm: bytes) -> list[float]:
    network = MicroWakeWord.from_config(word.file)
    every = [network.process_streaming_prob(frame) for frame in MicroWakeWordFeatures().process_streaming(pcm)]
    return [float(score or 0) for score in every[network.stride - 1 :: network.stride]]


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_scores_are_those_of_the_package_to_the_last_bit(word: MicroModel) -> None:
    assert our_scores(word, NOISE) == their_scores(word, NOISE)


def test_features_beyond_the_networks_range_are_its_limits() -> None:
    word = WORDS["okay_nabu"]
    beyond, limit = load_network(word), load_network(word)
    for _ in range(3 * word.window):
        over, at = beyond.score([1000.0] * 40), limit.score([26.0] * 40)
    assert over == at


def test_a_stream_needs_no_numpy() -> None:
    program = (
        "import sys; from wyoming_rosie.wakeword.micro import MicroStream, find_package_models;"
        "MicroStream([*find_package_models().values()]).process(bytes(32000)); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("model", [b"", b"TFL3", bytes(4) + b"TFL3" + bytes(100)], ids=["empty", "short", "broken"])
def test_what_is_no_model_is_refused(tmp_path: Path, model: bytes) -> None:
    about = {"wake_word": "x", "model": "x.tflite", "micro": {"probability_cutoff": 0.9, "sliding_window_size": 5}}
    (tmp_path / "x.json").write_text(json.dumps(about), "utf-8")
    (tmp_path / "x.tflite").write_bytes(model)
    with pytest.raises(ConfigError, match=r"x\.tflite"):
        load_file(tmp_path / "x.json")
