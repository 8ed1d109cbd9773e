"""A Piper voice's network in two parts: an encoder from phonemes to frames, and a decoder from frames to samples in slices.

The decoder does most of the work, so the first audio of a long sentence need not wait for its last word. A frame is some
milliseconds of the sentence. Its samples depend on a few frames before and after it, which each slice includes.
"""

import ctypes
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx

from wyoming_rosie.errors import EngineError
from wyoming_rosie_tts.engine import StepCancellation
from wyoming_rosie_tts.engines.piper import graph
from wyoming_rosie_tts.engines.piper.slice_planner import SlicePlanner
from wyoming_rosie_tts.engines.piper.voices import InferenceScales as InferenceScales

Floats: TypeAlias = npt.NDArray[np.float32]
Inference: TypeAlias = Callable[[Mapping[str, Any], StepCancellation], Floats | None]
"""Runs a network; returns None if it was cancelled."""
NO_SAMPLES: Floats = np.empty(0, np.float32)
MAX_CONTEXT_FRAMES = 64
"""A network whose decoder depends on more frames on either side is not split."""
ROUNDING_LEVEL = 1e-6
"""Relative to the largest change: one that is 120 dB smaller comes from rounding."""
THREADS = 4
"""More threads hardly speed up one sentence."""


@dataclass(frozen=True)
class DecoderSplit:
    """The decoder's input tensor, the samples per frame, the context in frames, and the seconds of work per frame."""

    frames: str
    hop_samples: int
    left_context: int
    right_context: int
    work_seconds: float  # measured when the network was loaded


class PiperNetwork(Protocol):
    """A loaded network. Its calls may overlap."""

    def synthesize(
        self, phoneme_ids: Sequence[int], scales: InferenceScales, speaker: int, cancellation: StepCancellation
    ) -> Iterator[Floats]:
        """Yield samples from -1 to 1. An empty array marks a point where another job may run first."""


class UnsplitNetwork:
    """A network that cannot be split: a sentence is one chunk."""

    def __init__(self, run: Inference) -> None:
        self._run = run

    def synthesize(
        self, phoneme_ids: Sequence[int], scales: InferenceScales, speaker: int, cancellation: StepCancellation
    ) -> Iterator[Floats]:
        while (sound := self._run(_encoder_inputs(phoneme_ids, scales, speaker), cancellation)) is None:
            yield NO_SAMPLES
        yield sound.reshape(-1)


class SplitNetwork:
    """A network in two parts, whose decoder runs in slices."""

    def __init__(self, encode: Inference, decode: Inference, split: DecoderSplit, rate: int) -> None:
        self.split = split
        self._encoder = encode
        self._decoder = decode
        self._planner = SlicePlanner(
            split.hop_samples / rate, split.left_context + split.right_context, split.work_seconds
        )

    def synthesize(
        self, phoneme_ids: Sequence[int], scales: InferenceScales, speaker: int, cancellation: StepCancellation
    ) -> Iterator[Floats]:
        while (frames := self.encode(phoneme_ids, scales, speaker, cancellation)) is None:
            yield NO_SAMPLES
        yield NO_SAMPLES
        for begin, end in pairwise(self._planner.plan(frames.shape[-1])):
            while (sound := self.decode(frames, begin, end, speaker, cancellation)) is None:
                yield NO_SAMPLES
            yield sound

    def encode(
        self, phoneme_ids: Sequence[int], scales: InferenceScales, speaker: int, cancellation: StepCancellation
    ) -> Floats | None:
        """Return the frames of a sentence, of shape (1, channels, frames), or None if cancelled."""
        return self._encoder(_encoder_inputs(phoneme_ids, scales, speaker), cancellation)

    def decode(
        self, frames: Floats, begin: int, end: int, speaker: int, cancellation: StepCancellation
    ) -> Floats | None:
        """Return the samples of some frames, the same as if all were decoded, or None if cancelled."""
        first = max(0, begin - self.split.left_context)
        window = np.ascontiguousarray(frames[..., first : end + self.split.right_context])
        started_at = perf_counter()
        samples = self._decoder(_decoder_inputs(self.split.frames, window, speaker), cancellation)
        if samples is None:
            return None
        self._planner.record(window.shape[-1], perf_counter() - started_at)
        return samples.reshape(-1)[(begin - first) * self.split.hop_samples : (end - first) * self.split.hop_samples]


def load(path: Path, rate: int, *, cuda: bool) -> PiperNetwork:
    """Return a voice's network, split if possible. Takes seconds. Raises EngineError for an invalid file."""
    network = _load(path, rate, cuda)
    with suppress(AttributeError, OSError):  # glibc keeps the memory that reading the model took
        ctypes.CDLL(None).malloc_trim(0)
    return network


def _load(path: Path, rate: int, cuda: bool) -> PiperNetwork:
    model = _read_model(path)
    frames = graph.find_decoder_input(model)
    parts = frames and graph.split_model(model, frames)
    if not parts:
        return UnsplitNetwork(_create_inference(model, cuda, path))
    encode, decode = (_create_inference(part, cuda, path) for part in parts)
    split = _measure_split(encode, decode, frames)
    return SplitNetwork(encode, decode, split, rate) if split else UnsplitNetwork(_create_inference(model, cuda, path))


def _measure_split(encode: Inference, decode: Inference, frames: str) -> DecoderSplit | None:
    """Measure the decoder's context by changing one frame and comparing the samples; None if it is too large."""
    cancellation = StepCancellation()
    sample = encode(_encoder_inputs([0], InferenceScales(0, 1, 0), 0), cancellation)
    assert sample is not None
    random = np.random.default_rng(1)
    count = 2 * MAX_CONTEXT_FRAMES + 1
    first = random.normal(0, 1, (1, sample.shape[1], count)).astype(np.float32)
    second = first.copy()
    second[..., MAX_CONTEXT_FRAMES] = random.normal(0, 1, sample.shape[1])
    before = decode(_decoder_inputs(frames, first, 0), cancellation)
    started_at = perf_counter()
    after = decode(_decoder_inputs(frames, second, 0), cancellation)
    work_seconds = (perf_counter() - started_at) / count
    assert before is not None
    assert after is not None
    hop, remainder = divmod(before.size, count)
    change = np.abs(after - before).reshape(-1)
    differing = np.flatnonzero(change > ROUNDING_LEVEL * change.max(initial=0.0)) // max(1, hop)
    if remainder or not len(differing) or differing[0] == 0 or differing[-1] == count - 1:
        return None
    return DecoderSplit(
        frames, hop, int(differing[-1]) - MAX_CONTEXT_FRAMES, MAX_CONTEXT_FRAMES - int(differing[0]), work_seconds
    )


def _decoder_inputs(frames: str, window: Floats, speaker: int) -> dict[str, Any]:
    return {frames: window, "sid": np.array([speaker], np.int64)}


def _encoder_inputs(phoneme_ids: Sequence[int], scales: InferenceScales, speaker: int) -> dict[str, Any]:
    return {
        "input": np.array([phoneme_ids], np.int64),
        "input_lengths": np.array([len(phoneme_ids)], np.int64),
        "scales": np.array([scales.noise, scales.length, scales.noise_w], np.float32),
        "sid": np.array([speaker], np.int64),
    }


def _read_model(path: Path) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

    try:
        return onnx.load(path)
    except OSError as err:
        raise EngineError(f"cannot read {path}: {err.strerror}") from err
    except (DecodeError, ValueError) as err:
        raise EngineError(f"{path} is not an ONNX network; fetch the voice again") from err


def _create_inference(model: onnx.ModelProto, cuda: bool, path: Path) -> Inference:
    """Return a function that runs the model on those of the given inputs that it has."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(THREADS, len(os.sched_getaffinity(0)))
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # the arena would grow with the longest sentence
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = ["CUDAExecutionProvider"] * cuda + ["CPUExecutionProvider"]
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    except Exception as err:  # onnxruntime's errors have no common base class
        raise EngineError(f"onnxruntime does not load {path}: {str(err)[:200]}") from err
    names = {model_input.name for model_input in session.get_inputs()}

    def run(inputs: Mapping[str, Any], interruption: StepCancellation) -> Floats | None:
        this = onnxruntime.RunOptions()
        with interruption.on_cancel(lambda: setattr(this, "terminate", True)):
            try:
                return np.asarray(session.run(None, {name: inputs[name] for name in names}, this)[0])
            except Exception:
                if this.terminate:
                    return None
                raise

    return run
