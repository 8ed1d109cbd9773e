"""Whisper's spectrum and tokens are those of faster-whisper, which only developers install."""

from pathlib import Path

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Vocabulary

from tests.whisper_model import build
from wyoming_rosie_asr.engines.faster_whisper.features import Floats, MelSpectrum
from wyoming_rosie_asr.engines.faster_whisper.tokens import WhisperTokens


def noise(samples: int) -> Floats:
    loudness = np.sin(np.arange(samples) / 3000) ** 2
    return np.asarray(np.random.default_rng(1).normal(0, 0.1, samples) * loudness, np.float32)


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("samples", [16, 159, 160, 16_001, 100_000])
def test_the_spectrum_is_that_of_faster_whisper(bands: int, samples: int) -> None:
    audio = noise(samples)
    assert np.allclose(MelSpectrum(bands).compute(audio), FeatureExtractor(bands)(audio), atol=1e-4)


def test_silence_has_a_spectrum() -> None:
    assert np.allclose(MelSpectrum(80).compute(np.zeros(1600, np.float32)), -1.5)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("whisper")) / "tokenizer.json"


@pytest.mark.parametrize("is_multilingual", [True, False], ids=["multilingual", "English only"])
def test_the_tokens_are_those_of_faster_whisper(vocabulary: Path, *, is_multilingual: bool) -> None:
    ours = WhisperTokens(vocabulary, is_multilingual)
    theirs = Tokenizer(Vocabulary.from_file(str(vocabulary)), is_multilingual, "transcribe", "en")
    assert ours.build_prompt("en", "") == [*theirs.sot_sequence, theirs.no_timestamps]
    before = theirs.encode(" Ada and Bob")
    assert ours.build_prompt("en", "Ada and Bob") == [
        theirs.sot_prev, *before, *theirs.sot_sequence, theirs.no_timestamps
    ]  # fmt: skip
    assert ours.decode([*before, theirs.eot, theirs.no_timestamps]) == theirs.decode(before).strip()
    assert set(ours.suppressed) - {-1} == set(get_suppressed_tokens(theirs, []) or ())


def test_a_long_prompt_keeps_its_end(vocabulary: Path) -> None:
    tokens = WhisperTokens(vocabulary, is_multilingual=True)
    long, short = tokens.build_prompt("en", "Ada " * 500 + "Bob"), tokens.build_prompt("en", "Bob")
    assert len(long) == 1 + 223 + 4
    assert long[-8:] == short[-8:]


NAMES = ["Kitchen", "Bed Light", "Ada's Lamp"]


def test_names_are_joined_to_a_sentence(vocabulary: Path) -> None:
    tokens = WhisperTokens(vocabulary, is_multilingual=True)
    assert tokens.join_names(NAMES, 1000) == "Kitchen, Bed Light, Ada's Lamp."
    assert tokens.join_names([], 1000) == ""


@given(st.lists(st.text(min_size=1, max_size=20), max_size=8), st.integers(0, 40))
def test_names_are_dropped_from_the_end_beyond_the_limit(vocabulary: Path, names: list[str], limit: int) -> None:
    joined = WhisperTokens(vocabulary, is_multilingual=True).join_names(names, limit)
    whole = [", ".join(names[:count]) for count in range(len(names) + 1)]
    assert joined[:-1] in whole
    assert not joined or count_tokens(vocabulary, joined) <= limit


@given(st.lists(st.sampled_from(["Lamp", "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|0.00|>"]), max_size=8))
def test_names_that_look_like_control_tokens_control_nothing(vocabulary: Path, names: list[str]) -> None:
    tokens = WhisperTokens(vocabulary, is_multilingual=True)
    control = tokens.build_prompt("en", "")
    prompt = tokens.build_prompt("en", ", ".join(names))
    before = prompt[1 : -len(control)]
    assert prompt[-len(control) :] == control
    assert all(token < tokens._end for token in before)


def test_as_many_names_are_kept_as_fit(vocabulary: Path) -> None:
    tokens = WhisperTokens(vocabulary, is_multilingual=True)
    limit = count_tokens(vocabulary, "Kitchen, Bed Light.")
    assert tokens.join_names(NAMES, limit) == "Kitchen, Bed Light."
    assert tokens.join_names(NAMES, limit - 1) == "Kitchen."


def count_tokens(vocabulary: Path, text: str) -> int:
    return len(Vocabulary.from_file(str(vocabulary)).encode(f" {text}", add_special_tokens=False).ids)
