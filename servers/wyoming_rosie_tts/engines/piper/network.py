"""A Piper voice's network in three parts: an encoder from phonemes to a latent, a flow from there to frames, and a decoder.

The flow and the decoder, which makes the samples, do most of the work. Both run in slices, so that the first audio of a long
sentence need not wait for its last word. A frame is some milliseconds of the sentence. It depends on a few frames before and
after it in the latent, as its samples do on frames, and each slice includes those.
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
"""A part that depends on more frames on either side is not split off."""
SAMPLE_FRAMES = 2 * MAX_CONTEXT_FRAMES + 1
"""Length of the random input with which a part is measured."""
MAX_FLOW_FRAMES = 256
"""Limit for a slice of the flow, which takes as long as a tenth of that many frames in the decoder."""
ROUNDING_LEVEL = 1e-6
"""Relative to the largest change: one that is 120 dB smaller comes from rounding."""
THREADS = 4
"""More threads hardly speed up one sentence."""


@dataclass(frozen=True)
class Context:
    """The frames before and after a frame on which it depends."""

    left: int
    right: int


@dataclass(frozen=True)
class DecoderSplit:
    """The decoder's input tensor, the samples per frame, its context, and the seconds of work per frame."""

    frames: str
    hop_samples: int
    context: Context
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


class Flow:
    """The part of a network from the latent to the frames."""

    def __init__(self, run: Inference, latent: str, masks: Sequence[str], context: Context) -> None:
        self.context = context
        self._run = run
        self._latent = latent
        self._masks = masks

    def compute(
        self, latent: Floats, begin: int, end: int, speaker: int, cancellation: StepCancellation
    ) -> Floats | None:
        """Return some frames, the same as if all were computed, or None if cancelled."""
        first = max(0, begin - self.context.left)
        window = np.ascontiguousarray(latent[..., first : end + self.context.right])
        frames = self._run(_flow_inputs(self._latent, self._masks, window, speaker), cancellation)
        return None if frames is None else frames[..., begin - first : end - first]


class FrameSequence:
    """The frames of one sentence, computed from its latent as they are needed."""

    def __init__(self, latent: Floats, flow: Flow | None, speaker: int) -> None:
        self.frames = latent if flow is None else np.empty_like(latent)
        self.count: int = latent.shape[-1]
        self._latent = latent
        self._flow = flow
        self._speaker = speaker
        self._ready = 0 if flow else self.count

    def has(self, end: int) -> bool:
        """Return whether the frames up to `end` are computed."""
        return min(end, self.count) <= self._ready

    def advance(self, end: int, cancellation: StepCancellation) -> None:
        """Compute one slice of the missing frames up to `end`, or more: as many as there are. Does nothing if cancelled."""
        assert self._flow, "without a flow, no frames are missing"
        size = min(MAX_FLOW_FRAMES, max(end - self._ready, self._ready))
        stop = min(self.count, self._ready + size)
        frames = self._flow.compute(self._latent, self._ready, stop, self._speaker, cancellation)
        if frames is not None:
            self.frames[..., self._ready : stop] = frames
            self._ready = stop


class SplitNetwork:
    """A network in parts, whose decoder runs in slices, and its flow too, if it could be split from the encoder."""

    def __init__(self, encode: Inference, flow: Flow | None, decode: Inference, split: DecoderSplit, rate: int) -> None:
        self.split = split
        self.flow = flow
        self._encoder = encode
        self._decoder = decode
        context = split.context.left + split.context.right
        self._planner = SlicePlanner(split.hop_samples / rate, context, split.work_seconds)

    def synthesize(
        self, phoneme_ids: Sequence[int], scales: InferenceScales, speaker: int, cancellation: StepCancellation
    ) -> Iterator[Floats]:
        while (latent := self.encode(phoneme_ids, scales, speaker, cancellation)) is None:
            yield NO_SAMPLES
        yield NO_SAMPLES
        sequence = FrameSequence(latent, self.flow, speaker)
        for begin, end in pairwise(self._planner.plan(sequence.count)):
            while not sequence.has(end + self.split.context.right):
                sequence.advance(end + self.split.context.right, cancellation)
                yield NO_SAMPLES
            while (sound := self.decode(sequence.frames, begin, end, speaker, cancellation)) is None:
                yield NO_SAMPLES
            yield sound

    def encode(
        self, phoneme_ids: Sequence[int], scales: InferenceScales, speaker: int, cancellation: StepCancellation
    ) -> Floats | None:
        """Return the latent of a sentence, of shape (1, channels, frames), or None if cancelled; without a flow, its frames."""
        return self._encoder(_encoder_inputs(phoneme_ids, scales, speaker), cancellation)

    def decode(
        self, frames: Floats, begin: int, end: int, speaker: int, cancellation: StepCancellation
    ) -> Floats | None:
        """Return the samples of some frames, the same as if all were decoded, or None if cancelled."""
        first = max(0, begin - self.split.context.left)
        window = np.ascontiguousarray(frames[..., first : end + self.split.context.right])
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
    encoder, decode = parts[0], _create_inference(parts[1], cuda, path)
    encode, flow = _load_encoder(encoder, cuda, path)
    sample = encode(_encoder_inputs([0], InferenceScales(0, 1, 0), 0), StepCancellation())
    assert sample is not None
    split = _measure_split(decode, frames, sample.shape[1])
    return (
        SplitNetwork(encode, flow, decode, split, rate)
        if split
        else UnsplitNetwork(_create_inference(model, cuda, path))
    )


def _load_encoder(encoder: onnx.ModelProto, cuda: bool, path: Path) -> tuple[Inference, Flow | None]:
    """Return an encoder to the latent and the flow; or one to the frames, if the flow cannot be split off."""
    split = graph.split_flow(encoder)
    if split is None:
        return _create_inference(encoder, cuda, path), None
    encode, run = (_create_inference(part, cuda, path) for part in (split.encoder, split.flow))
    sample = encode(_encoder_inputs([0], InferenceScales(0, 1, 0), 0), StepCancellation())
    assert sample is not None

    def compute(latent: Floats) -> Floats:
        frames = run(_flow_inputs(split.latent, split.masks, latent, 0), StepCancellation())
        assert frames is not None
        return frames

    context = _measure_context(compute, sample.shape[1])
    if context is None or compute(sample).shape != sample.shape:
        return _create_inference(encoder, cuda, path), None
    return encode, Flow(run, split.latent, split.masks, context)


def _measure_split(decode: Inference, frames: str, channels: int) -> DecoderSplit | None:
    """Measure the decoder's context and speed; None if it depends on too many frames."""
    measured = []

    def compute(window: Floats) -> Floats:
        started_at = perf_counter()
        samples = decode(_decoder_inputs(frames, window, 0), StepCancellation())
        assert samples is not None
        measured.append((perf_counter() - started_at, divmod(samples.size, window.shape[-1])))
        return samples

    context = _measure_context(compute, channels)
    seconds, (hop_samples, remainder) = measured[-1]  # the first run is slower than those that follow
    return None if context is None or remainder else DecoderSplit(frames, hop_samples, context, seconds / SAMPLE_FRAMES)


def _measure_context(compute: Callable[[Floats], Floats], channels: int) -> Context | None:
    """Return a part's context, found by changing one frame and comparing the results; None if it is too large."""
    random = np.random.default_rng(1)
    first = random.normal(0, 1, (1, channels, SAMPLE_FRAMES)).astype(np.float32)
    second = first.copy()
    second[..., MAX_CONTEXT_FRAMES] = random.normal(0, 1, channels)
    change = np.abs(compute(first) - compute(second))
    change = change.max(axis=tuple(range(change.ndim - 1)))
    per_frame = max(1, len(change) // SAMPLE_FRAMES)
    differing = np.flatnonzero(change > ROUNDING_LEVEL * change.max(initial=0.0)) // per_frame
    if not len(differing) or differing[0] == 0 or differing[-1] == SAMPLE_FRAMES - 1:
        return None
    return Context(int(differing[-1]) - MAX_CONTEXT_FRAMES, MAX_CONTEXT_FRAMES - int(differing[0]))


def _decoder_inputs(frames: str, window: Floats, speaker: int) -> dict[str, Any]:
    return {frames: window, "sid": np.array([speaker], np.int64)}


def _flow_inputs(latent: str, masks: Sequence[str], window: Floats, speaker: int) -> dict[str, Any]:
    mask = np.ones((1, 1, window.shape[-1]), np.float32)
    return {latent: window, **dict.fromkeys(masks, mask), "sid": np.array([speaker], np.int64)}


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
