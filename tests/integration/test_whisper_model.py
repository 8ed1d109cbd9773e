"""The Whisper models that tests and benchmarks make: the real library loads them, and they say what they were told to."""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel

from tests import whisper_model
from tests.whisper_model import BEGIN, ENGLISH, TEXT, TRANSCRIBE, Floats, build

RATE = 16_000
LOUD: Floats = (0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(2 * RATE))).astype(np.float32)
LEAST_SURE = -0.5
"""Mean log probability of a text: under it our code doubts what it hears, and the models are made to be far above."""
SOFT: Floats = LOUD * np.float32(0.001)


@dataclass(frozen=True)
class Said:
    text: str
    language: str
    log_probability: float
    no_speech: float


def load(folder: Path) -> WhisperModel:
    return WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)


def said(model: WhisperModel, audio: Floats, **options: Any) -> Said:
    segments, info = model.transcribe(audio, **options)
    (segment,) = segments
    return Said(segment.text.strip(), info.language, segment.avg_logprob, segment.no_speech_prob)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> WhisperModel:
    return load(build(tmp_path_factory.mktemp("whisper"), quiet_text="Nobody said anything."))


@pytest.mark.parametrize(
    "options",
    [
        {"beam_size": 1},
        {"beam_size": 5},
        {"language": "de"},
        {"without_timestamps": True},
        {"initial_prompt": "kitchen lights"},
        {"hotwords": "bed light"},
        {"temperature": 0.2},
    ],
    ids=str,
)
def test_any_way_of_decoding_ends_with_the_text(model: WhisperModel, options: dict[str, Any]) -> None:
    heard = said(model, LOUD, **options)
    assert (heard.text, heard.language) == (TEXT, options.get("language", "en"))
    assert heard.log_probability > LEAST_SURE
    assert heard.no_speech < 0.1


@pytest.mark.long
@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have one back end")
@pytest.mark.parametrize(
    "back_end",
    [
        {"CT2_USE_MKL": "1"},
        {"CT2_USE_MKL": "0", "CT2_FORCE_CPU_ISA": "GENERIC"},
        {"CT2_USE_MKL": "0", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    ],
    ids=["MKL", "oneDNN, generic code", "oneDNN, sums of 16 bits"],
)
def test_every_back_end_is_as_sure_of_the_text(tmp_path: Path, back_end: dict[str, str]) -> None:
    build(tmp_path)
    called = [sys.executable, "-c", f"from {__name__} import main; main()", str(tmp_path)]
    environment = {**os.environ, **back_end, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(called, env=environment, capture_output=True, text=True, check=True).stdout
    log_probability, _, text = told.strip().partition(" ")
    assert text == TEXT
    assert float(log_probability) > LEAST_SURE


def main() -> None:
    """Print what the model in a folder says of a sound, in a process of its own, since a process keeps its back end."""
    heard = said(load(Path(sys.argv[1])), LOUD)
    print(heard.log_probability, heard.text)


def test_how_loud_the_audio_is_chooses_the_text(model: WhisperModel) -> None:
    assert said(model, SOFT).text == said(model, np.zeros_like(SOFT)).text == "Nobody said anything."
    assert said(model, np.concatenate([SOFT, LOUD, SOFT])).text == TEXT


@pytest.mark.parametrize("seconds", [1, 2, 5])
def test_audio_that_is_not_padded_says_the_same(model: WhisperModel, seconds: int) -> None:
    features = model.feature_extractor(np.resize(LOUD, seconds * RATE))
    (result,) = model.model.generate(model.encode(features), [[BEGIN, ENGLISH, TRANSCRIBE]])
    assert TEXT in model.hf_tokenizer.decode(result.sequences_ids[0])


def test_silence_may_have_no_text(tmp_path: Path) -> None:
    model = load(build(tmp_path, quiet_text=""))
    assert list(model.transcribe(SOFT)[0]) == []
    assert said(model, LOUD).text == TEXT


def test_words_may_come_again(tmp_path: Path) -> None:
    text = "the cat saw the dog, the cat ran"
    assert said(load(build(tmp_path, text=text)), LOUD).text == text


def test_a_text_that_cannot_be_told_apart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ends with what it has already said"):
        build(tmp_path, text="again and again")
    with pytest.raises(ValueError, match="too many for a model of width 64"):
        build(tmp_path, text=" ".join(map(str, range(80))))


def test_real_dimensions_load_and_say_the_text(tmp_path: Path) -> None:
    model = load(build(tmp_path, whisper_model.TINY))
    assert (model.model.is_multilingual, model.model.n_mels, said(model, LOUD).text) == (True, 80, TEXT)
    assert 38e6 < (tmp_path / "model.bin").stat().st_size < 42e6
