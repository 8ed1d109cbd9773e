"""openWakeWord's networks at work on many streams: shared sessions, and a few tens of kilobytes for each stream."""

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
import onnx

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.openwakeword import graphs, model_files, tflite_graph
from wyoming_rosie.wakeword.openwakeword.model_files import EMBEDDING, HOP_SAMPLES, FeatureFiles

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

T = TypeVar("T")
HOP_BYTES = HOP_SAMPLES * SPEECH.frame_bytes
MOST_CHOICES = 8
"""Different choices of words that are kept ready."""
WINDOW_HOPS = 10
"""After so many hops the embedding has forgotten what was before."""
Floats: TypeAlias = npt.NDArray[np.float32]


class StreamFeatures:
    """What one stream must remember: the network's past, the audio into which the next hop reaches back, embeddings."""

    __slots__ = ("_hops", "floats")

    def __init__(self, floats: Floats, hops: int) -> None:
        self.floats = floats  # never written to, so that streams may share it
        self._hops = hops

    @property
    def embeddings(self) -> Floats:
        """The newest embeddings, (hops, 96), the newest last."""
        return self.floats[-self._hops * EMBEDDING :].reshape(self._hops, EMBEDDING)


class FeatureExtractor:
    """The spectrum and the embedding, for a batch of streams at a time."""

    def __init__(self, files: FeatureFiles, hops: int) -> None:
        built = graphs.features(graphs.mel_spectrogram(_constants(files.mel)), _onnx(files.embedding), hops)
        self._hops = hops
        self._session = session(built.model)
        primed = StreamFeatures(np.zeros(built.state_floats, np.float32), hops)
        for _ in range(hops + WINDOW_HOPS):
            self.extract([primed], [bytes(HOP_BYTES)])
        self._primed = primed.floats

    def create_stream(self) -> StreamFeatures:
        """Return the state of a stream that has heard nothing but silence so far; costs nothing."""
        return StreamFeatures(self._primed, self._hops)

    def extract(self, states: Sequence[StreamFeatures], hops: Sequence[bytes]) -> Floats:
        """Give each stream its next 80 ms of 16 kHz 16-bit mono audio; return its newest embeddings, (batch, hops, 96)."""
        pcm = np.frombuffer(b"".join(hops), "<i2").reshape(len(hops), HOP_SAMPLES)
        before = np.stack([state.floats for state in states])
        after, windows = self._session.run(None, {"pcm": pcm, "state": before})
        for state, floats in zip(states, after, strict=True):
            state.floats = floats.copy()  # a view would keep the others' state alive
        return np.asarray(windows)


class WakeWordHead:
    """One wake word's network: a score for each window of embeddings."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        model = _onnx(path)
        self.hops = _hops(model, path)
        self.single, some, scores = _tried(model, self.hops, path)
        self.columns = scores.shape[1]  # more than one tell several sounds apart, of which the first is none
        self.batched = _batched(model, some, scores)

    def score_each(self, windows: Floats) -> Floats:
        """Return each window's scores, (batch, columns)."""
        name = self.single.get_inputs()[0].name
        rows = [self.single.run(None, {name: windows[i : i + 1]})[0] for i in range(len(windows))]
        return np.asarray(rows, np.float32).reshape(len(windows), self.columns)

    def best_score(self, columns: Floats) -> Floats:
        """Return the score of the word out of each window's (batch, columns)."""
        return np.asarray((columns if self.columns == 1 else columns[:, 1:]).max(axis=1))


class HeadGroup:
    """The networks of the words that a stream wants, in as few calls as can be."""

    def __init__(self, heads: Sequence[WakeWordHead]) -> None:
        batched = [(head, head.batched) for head in heads if head.batched is not None]
        versions = sorted({graphs.opset_version(model) for _, model in batched})
        groups = [[one for one in batched if graphs.opset_version(one[1]) == version] for version in versions]
        self._groups = [_MergedHeads(group) for group in groups]
        self._others = [head for head in heads if head.batched is None]
        found = [head for group in groups for head, _ in group] + self._others
        self._order = [found.index(head) for head in heads]

    def score(self, windows: Floats) -> list[list[float]]:
        """Return each window's scores, in the order of the words; the windows are (batch, hops, 96)."""
        found = [group.score(windows) for group in self._groups]
        found += [head.best_score(head.score_each(windows[:, -head.hops :]))[:, None] for head in self._others]
        ordered = found[0] if len(found) == 1 else np.concatenate(found, axis=1)[:, self._order]
        return cast(list[list[float]], ordered.tolist())


class _MergedHeads:
    """Words that are one network."""

    def __init__(self, group: Sequence[tuple[WakeWordHead, onnx.ModelProto]]) -> None:
        self._heads = [head for head, _ in group]
        self._hops = [head.hops for head in self._heads]
        columns = [head.columns for head in self._heads]
        self._ends = np.cumsum(columns)[:-1] if max(columns) > 1 else None
        self._session = session(graphs.merge_models([model for _, model in group], self._hops, columns))

    def score(self, windows: Floats) -> Floats:
        """Return each window's scores, (batch, words)."""
        found = np.asarray(self._session.run(None, {"windows": windows[:, -max(self._hops) :]})[0])
        if self._ends is None:
            return found
        pieces = np.split(found, self._ends, axis=1)
        return np.stack([head.best_score(piece) for head, piece in zip(self._heads, pieces, strict=True)], axis=1)


class OpenWakeWordNetwork:
    """Everything that all streams share."""

    hop_samples = HOP_SAMPLES
    hop_bytes = HOP_BYTES

    def __init__(self, features: FeatureExtractor, heads: Mapping[str, WakeWordHead]) -> None:
        self.heads = heads
        self._features = features
        self._words = lru_cache(MOST_CHOICES)(self._load_heads)

    def create_stream(self) -> StreamFeatures:
        """Begin a stream; costs nothing."""
        return self._features.create_stream()

    def prepare(self, names: tuple[str, ...]) -> None:
        """Load what streams need that want these words, before they do."""
        self._words(names)

    def predict(
        self, states: Sequence[StreamFeatures], hops: Sequence[bytes], wanted: Sequence[tuple[str, ...]]
    ) -> list[list[float]]:
        """Give each stream its next 80 ms; return the scores of the words that it wants, in their order."""
        windows = self._features.extract(states, hops)
        choices: dict[tuple[str, ...], list[int]] = {}
        for row, names in enumerate(wanted):
            choices.setdefault(names, []).append(row)
        if len(choices) == 1:
            return self._words(wanted[0]).score(windows)
        scores: list[list[float]] = [[] for _ in states]
        for names, rows in choices.items():
            for row, found in zip(rows, self._words(names).score(windows[rows]), strict=True):
                scores[row] = found
        return scores

    def _load_heads(self, names: tuple[str, ...]) -> HeadGroup:
        return HeadGroup([self.heads[name] for name in names])


def session(model: onnx.ModelProto) -> "InferenceSession":
    """Return the network on one thread: the batch is what keeps it busy."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def load(files: Mapping[str, model_files.ModelFile], features: FeatureFiles) -> OpenWakeWordNetwork:
    """Return the networks. Raises ConfigError for a file that is not such a network."""
    heads = {name: WakeWordHead(name, file.path) for name, file in files.items()}
    return OpenWakeWordNetwork(FeatureExtractor(features, max(head.hops for head in heads.values())), heads)


def _onnx(path: Path) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

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


def _hops(model: onnx.ModelProto, path: Path) -> int:
    shapes = [[size.dim_value for size in value.type.tensor_type.shape.dim] for value in model.graph.input]
    names = {tensor.name for tensor in model.graph.initializer}
    shapes = [shape for shape, value in zip(shapes, model.graph.input, strict=True) if value.name not in names]
    if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][2] != EMBEDDING or not 0 < shapes[0][1] <= 1000:
        raise ConfigError(f"{path} is not an openWakeWord word: its input is {shapes}, not (1, frames, {EMBEDDING})")
    return int(shapes[0][1])


def _tried(model: onnx.ModelProto, hops: int, path: Path) -> tuple["InferenceSession", Floats, Floats]:
    """Return the network, some windows and what it makes of them one by one. Raises ConfigError when it does not run."""
    some = np.random.default_rng(1).normal(0, 10, (3, hops, EMBEDDING)).astype(np.float32)
    try:
        single = session(model)
        name = single.get_inputs()[0].name
        scores = [single.run(None, {name: some[i : i + 1]})[0] for i in range(len(some))]
        return single, some, np.asarray(scores, np.float32).reshape(len(some), -1)
    except _failures() as err:
        raise ConfigError(f"{path} does not run as an openWakeWord word: {' '.join(str(err).split())[:200]}") from err


def _batched(model: onnx.ModelProto, some: Floats, scores: Floats) -> onnx.ModelProto | None:
    """Return the network for several windows at once, nothing when it then says something else."""
    try:
        batched = graphs.batched_head(model)
        found = session(batched).run(None, {graphs.input_name(batched): some})[0]
        is_same = np.allclose(np.asarray(found, np.float32).reshape(len(some), -1), scores, atol=1e-6)
    except _failures():  # a network of a kind that only takes one
        return None
    return batched if is_same else None


def _failures() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    native = (errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.NotImplemented, errors.RuntimeException)
    return (*native, IndexError, TypeError, AttributeError, ValueError)
