from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import piper_voice
from tests.piper_voice import MEDIUM, TINY, Dimensions
from wyoming_rosie.errors import EngineError

pytest.importorskip("onnxruntime", reason="the piper extra is not installed")
from wyoming_rosie_tts.engine import StepCancellation
from wyoming_rosie_tts.engines.piper import network
from wyoming_rosie_tts.engines.piper.network import (
    Context,
    Floats,
    FrameSequence,
    InferenceScales,
    PiperNetwork,
    SplitNetwork,
    UnsplitNetwork,
)

SCALES = InferenceScales(0.667, 1.0, 0.8)
SENTENCE = list(range(3, 43))


def loaded(folder: Path, size: Dimensions = TINY) -> PiperNetwork:
    return network.load(piper_voice.build(folder, size=size), size.rate, cuda=False)


@pytest.fixture
def small(tmp_path: Path) -> SplitNetwork:
    network = loaded(tmp_path)
    assert isinstance(network, SplitNetwork)
    return network


def some(samples: Floats | None) -> Floats:
    assert samples is not None
    return samples


def decibels(difference: Floats, whole: Floats) -> float:
    return float(20 * np.log10(np.abs(difference).max() / np.abs(whole).max() + 1e-12))


@pytest.mark.parametrize("size", [TINY, MEDIUM], ids=["tiny", "of a real voice's size"])
def test_slices_join_without_a_seam(tmp_path: Path, size: Dimensions) -> None:
    network = loaded(tmp_path, size)
    assert isinstance(network, SplitNetwork)
    assert (network.split.hop_samples, network.split.context) == (256, Context(11, 11))
    assert network.flow
    latent = some(network.encode(SENTENCE, SCALES, 0, StepCancellation()))
    count = latent.shape[-1]
    frames = some(network.flow.compute(latent, 0, count, 0, StepCancellation()))

    def sound(begin: int, end: int) -> Floats:
        return some(network.decode(frames, begin, end, 0, StepCancellation()))

    whole = sound(0, count)
    sliced = np.concatenate([sound(at, min(at + 7, count)) for at in range(0, count, 7)])
    assert len(whole) == count * 256 == len(SENTENCE) * 3 * 256
    assert decibels(sliced - whole, whole) < -90


@given(st.lists(st.integers(1, 200), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_frames_are_the_same_in_whatever_steps_they_are_computed(small: SplitNetwork, ends: list[int]) -> None:
    latent = some(small.encode(SENTENCE, InferenceScales(0, 1, 0), 0, StepCancellation()))
    sequence = FrameSequence(latent, small.flow, 0)
    for end in (*ends, sequence.count):
        while not sequence.has(end):
            sequence.advance(end, StepCancellation())
    assert small.flow
    whole = some(small.flow.compute(latent, 0, sequence.count, 0, StepCancellation()))
    assert decibels(sequence.frames - whole, whole) < -90


def test_the_first_audio_waits_for_few_frames(small: SplitNetwork) -> None:
    latent = some(small.encode(SENTENCE, SCALES, 0, StepCancellation()))
    sequence = FrameSequence(latent, small.flow, 0)
    sequence.advance(20, StepCancellation())
    assert sequence.has(20)
    assert not sequence.has(21)


def test_a_network_whose_flow_cannot_be_split_off_is_split_before_the_decoder(tmp_path: Path) -> None:
    path = piper_voice.build(tmp_path)
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "Less":
            node.op_type = "LessOrEqual"  # the flow's further input may be anything
    onnx.save(model, path)
    whole = network.load(path, piper_voice.RATE, cuda=False)
    assert isinstance(whole, SplitNetwork)
    assert whole.flow is None
    expected = loaded(tmp_path).synthesize(SENTENCE, InferenceScales(0, 1, 0), 0, StepCancellation())
    found = np.concatenate(list(whole.synthesize(SENTENCE, InferenceScales(0, 1, 0), 0, StepCancellation())))
    assert decibels(found - np.concatenate(list(expected)), found) < -90


def test_a_sentence_comes_in_slices_with_a_short_first_one(small: SplitNetwork) -> None:
    pieces = list(small.synthesize(SENTENCE * 5, SCALES, 0, StepCancellation()))
    first, *others = [piece for piece in pieces if len(piece)]
    assert 0.2 < len(first) / piper_voice.RATE < 0.4
    assert all(0.2 < len(one) / piper_voice.RATE < 1.1 for one in others)
    assert len(first) + sum(map(len, others)) == len(SENTENCE) * 5 * 3 * 256


def test_speech_of_twice_the_length_is_as_long(tmp_path: Path) -> None:
    network = loaded(tmp_path)
    normal, slow = (
        sum(map(len, network.synthesize(SENTENCE, InferenceScales(0, length, 0), 0, StepCancellation())))
        for length in (1.0, 2.0)
    )
    assert slow == 2 * normal


def test_speakers_sound_different(tmp_path: Path) -> None:
    network = loaded(tmp_path, Dimensions(8, 16, 1, 2, 1, 8, speakers=("anna", "bob")))
    assert isinstance(network, SplitNetwork)
    anna, bob = (
        np.concatenate(list(network.synthesize(SENTENCE, InferenceScales(0, 1, 0), speaker, StepCancellation())))
        for speaker in (0, 1)
    )
    assert decibels(anna - bob, anna) > -20


def test_a_network_that_cannot_be_split_speaks_whole_sentences(tmp_path: Path) -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 15]>
        tones (int64[b, p] input, int64[b] input_lengths, float[3] scales) => (float[b, p] output) {
            output = Cast <to = 1> (input)
        }
    """)
    onnx.save(model, tmp_path / "tones.onnx")
    whole = network.load(tmp_path / "tones.onnx", 22_050, cuda=False)
    assert isinstance(whole, UnsplitNetwork)
    assert [piece.tolist() for piece in whole.synthesize([1, 2], SCALES, 0, StepCancellation())] == [[1.0, 2.0]]


def test_a_cancelled_step_is_repeated(tmp_path: Path) -> None:
    class Impatient(StepCancellation):
        """Cancels each step once, as soon as it can be."""

        steps = 0

        @contextmanager
        def on_cancel(self, callback: Callable[[], None]) -> Iterator[None]:
            self.steps += 1
            with super().on_cancel(callback):
                if self.steps % 2:
                    self.cancel()
                yield

    network = loaded(tmp_path)
    impatient = Impatient()
    pieces = list(network.synthesize(SENTENCE, InferenceScales(0, 1, 0), 0, impatient))
    whole = list(network.synthesize(SENTENCE, InferenceScales(0, 1, 0), 0, StepCancellation()))
    assert impatient.steps == 2 * len(whole)
    assert len(pieces) == 2 * len(whole)
    assert np.array_equal(np.concatenate(pieces), np.concatenate(whole))


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08"], ids=["empty", "text", "half"])
def test_an_invalid_network_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "voice.onnx"
    path.write_bytes(content)
    with pytest.raises(EngineError, match=r"voice\.onnx"):
        network.load(path, 22_050, cuda=False)
