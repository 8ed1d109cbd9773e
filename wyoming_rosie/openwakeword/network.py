"""openWakeWord's networks at work on many streams: shared sessions, and a few tens of kilobytes for each stream."""

import os
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from wyoming_rosie.audio import SPEECH
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.openwakeword import model_files
from wyoming_rosie.openwakeword.model_files import FeatureFiles

if TYPE_CHECKING:
    import onnx
    from onnxruntime import InferenceSession

T = TypeVar("T")
HOP_SAMPLES = 1280
HOP_BYTES = HOP_SAMPLES * SPEECH.frame_bytes
CONTEXT_SAMPLES = 480
EMBEDDING = 96
WINDOW_HOPS = 10
"""After so many hops the embedding has forgotten what was before."""
Floats: TypeAlias = npt.NDArray[np.float32]


class State:
    """What one stream must remember: the audio into which the next hop reaches back, the network's past, embeddings."""

    __slots__ = ("audio", "embeddings", "past")

    def __init__(self, audio: Floats, past: Floats, embeddings: Floats) -> None:
        self.audio = audio
        self.past = past
        self.embeddings = embeddings  # (hops, 96), the newest last

    def copy(self) -> "State":
        """Return a stream of its own with the same past; the arrays are never written to, so that they can be shared."""
        return State(self.audio, self.past, self.embeddings)


class Features:
    """The spectrum and the embedding, for a batch of streams at a time."""

    def __init__(self, files: FeatureFiles, hops: int) -> None:
        from wyoming_rosie.openwakeword import graphs

        mel = graphs.mel_of(_constants(files.mel))
        built = graphs.features(mel, _onnx(files.embedding))
        self._session = session(built.model)
        self._primed = State(
            np.zeros(CONTEXT_SAMPLES, np.float32),
            np.zeros(built.state_floats, np.float32),
            np.zeros((hops, EMBEDDING), np.float32),
        )
        for _ in range(hops + WINDOW_HOPS):
            self.hear([self._primed], [bytes(HOP_BYTES)])

    def begin(self) -> State:
        """Return the state of a stream that has heard nothing but silence so far; costs nothing."""
        return self._primed.copy()

    def hear(self, states: Sequence[State], hops: Sequence[bytes]) -> None:
        """Give each stream its next 80 ms of 16 kHz 16-bit mono audio."""
        new = np.frombuffer(b"".join(hops), "<i2").reshape(len(hops), HOP_SAMPLES)
        audio = np.empty((len(hops), CONTEXT_SAMPLES + HOP_SAMPLES), np.float32)
        audio[:, CONTEXT_SAMPLES:] = new
        past = np.empty((len(hops), len(states[0].past)), np.float32)
        for row, state in enumerate(states):
            audio[row, :CONTEXT_SAMPLES] = state.audio
            past[row] = state.past
        embeddings, following = self._session.run(None, {"audio": audio, "state": past})
        for row, state in enumerate(states):
            state.audio = audio[row, HOP_SAMPLES:].copy()  # a view would keep the others' audio alive
            state.past = following[row].copy()
            state.embeddings = np.concatenate((state.embeddings[1:], embeddings[row : row + 1]))


class Head:
    """One wake word's network: a score for each window of embeddings."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        model = _onnx(path)
        self.hops = _hops(model, path)
        self._session, self._is_batched = _head_session(model, self.hops, path)
        self._input = self._session.get_inputs()[0].name

    def scores(self, windows: Floats) -> list[float]:
        """Return a score for each window, (batch, hops, 96)."""
        if self._is_batched:
            return _last(self._session.run(None, {self._input: windows})[0], len(windows))
        return [_last(self._session.run(None, {self._input: windows[i : i + 1]})[0], 1)[0] for i in range(len(windows))]


class Network:
    """Everything that all streams share."""

    hop_samples = HOP_SAMPLES
    hop_bytes = HOP_BYTES

    def __init__(self, features: Features, heads: Mapping[str, Head]) -> None:
        self.heads = heads
        self._features = features

    def begin(self) -> State:
        """Begin a stream; costs nothing."""
        return self._features.begin()

    def hear(
        self, states: Sequence[State], hops: Sequence[bytes], wanted: Sequence[Collection[str]]
    ) -> list[dict[str, float]]:
        """Give each stream its next 80 ms; return the scores of the words that it wants."""
        self._features.hear(states, hops)
        windows: dict[int, Floats] = {}
        scores: list[dict[str, float]] = [{} for _ in states]
        for name, head in self.heads.items():
            rows = [row for row, names in enumerate(wanted) if name in names]
            if not rows:
                continue
            if head.hops not in windows:
                windows[head.hops] = np.stack([state.embeddings[-head.hops :] for state in states])
            all_rows = windows[head.hops]
            some = all_rows if len(rows) == len(states) else all_rows[rows]
            for row, score in zip(rows, head.scores(some), strict=True):
                scores[row][name] = score
        return scores


def session(model: "onnx.ModelProto") -> "InferenceSession":
    """Return the network on one thread: the batch is what keeps it busy."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def load(files: Mapping[str, model_files.ModelFile], features: FeatureFiles) -> Network:
    """Return the networks. Raises ConfigError for a file that is not such a network."""
    heads = {name: Head(name, file.path) for name, file in files.items()}
    return Network(Features(features, max(head.hops for head in heads.values())), heads)


def _onnx(path: Path) -> "onnx.ModelProto":
    import onnx
    from google.protobuf.message import DecodeError

    from wyoming_rosie.openwakeword import tflite_graph

    content = _content(path)
    if tflite_graph.is_tflite(content):
        return _read(path, tflite_graph.to_onnx, content)
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as err:
        raise ConfigError(f"{path} is not an ONNX or TensorFlow Lite model") from err
    return model


def _constants(path: Path) -> list[npt.NDArray[Any]]:
    from wyoming_rosie.openwakeword import graphs, tflite_graph

    content = _content(path)
    if tflite_graph.is_tflite(content):
        return _read(path, tflite_graph.constants, content)
    return list(graphs.constants(_onnx(path)).values())


def _read(path: Path, read: Callable[[bytes], T], content: bytes) -> T:
    try:
        return read(content)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as err:  # whatever broken offsets lead to
        raise ConfigError(f"{path} is a damaged TensorFlow Lite model") from err


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err


def _hops(model: "onnx.ModelProto", path: Path) -> int:
    shapes = [[size.dim_value for size in value.type.tensor_type.shape.dim] for value in model.graph.input]
    names = {tensor.name for tensor in model.graph.initializer}
    shapes = [shape for shape, value in zip(shapes, model.graph.input, strict=True) if value.name not in names]
    if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][2] != EMBEDDING or not 0 < shapes[0][1] <= 1000:
        raise ConfigError(f"{path} is not an openWakeWord word: its input is {shapes}, not (1, frames, {EMBEDDING})")
    return int(shapes[0][1])


def _head_session(model: "onnx.ModelProto", hops: int, path: Path) -> tuple["InferenceSession", bool]:
    """Return the session, and whether it takes several windows at once: shown by what it makes of some."""
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    from wyoming_rosie.openwakeword import graphs

    failures = (
        errors.Fail,
        errors.InvalidArgument,
        errors.InvalidGraph,
        errors.NotImplemented,
        errors.RuntimeException,
    )
    some = np.random.default_rng(1).normal(0, 10, (3, hops, EMBEDDING)).astype(np.float32)
    try:
        single = session(model)
        name = single.get_inputs()[0].name
        singly = [_last(single.run(None, {name: some[i : i + 1]})[0], 1)[0] for i in range(len(some))]
    except (*failures, IndexError, TypeError, AttributeError) as err:
        raise ConfigError(f"{path} does not run as an openWakeWord word: {' '.join(str(err).split())[:200]}") from err
    try:
        batched = session(graphs.head(model))
        if np.allclose(_last(batched.run(None, {name: some})[0], len(some)), singly, atol=1e-6):
            return batched, True
    except failures:  # a network of a kind that only takes one
        pass
    return single, False


def _last(output: Any, rows: int) -> list[float]:
    """Return each row's score; of a network that tells several sounds apart, of which the first is none, the best."""
    scores = np.asarray(output, np.float32).reshape(rows, -1)
    return [float(score) for score in (scores if scores.shape[1] == 1 else scores[:, 1:]).max(axis=1)]
