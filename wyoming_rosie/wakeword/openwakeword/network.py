"""Inference of openWakeWord's networks for many streams: shared sessions, and tens of kilobytes of state per stream."""

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
MAX_CACHED_GROUPS = 8
"""Selections of words whose merged networks are cached."""
WINDOW_HOPS = 10
"""Hops after which earlier audio has no influence on the embedding."""
Floats: TypeAlias = npt.NDArray[np.float32]


class StreamFeatures:
    """The state of one stream: past inputs of convolutions, the audio that the next hop overlaps, newest embeddings."""

    __slots__ = ("_hops", "state")

    def __init__(self, state: Floats, hops: int) -> None:
        self.state = state  # never modified, so that new streams can share it
        self._hops = hops

    @property
    def embeddings(self) -> Floats:
        """The newest embeddings, (hops, 96), the newest last."""
        return self.state[-self._hops * EMBEDDING :].reshape(self._hops, EMBEDDING)


class FeatureExtractor:
    """Mel spectrogram and embedding, for a batch of streams."""

    def __init__(self, files: FeatureFiles, hops: int) -> None:
        built = graphs.build_feature_graph(
            graphs.extract_mel(_load_values(files.mel)), _load_model(files.embedding), hops
        )
        self._hops = hops
        self._session = create_session(built.model)
        primed = StreamFeatures(np.zeros(built.state_floats, np.float32), hops)
        for _ in range(hops + WINDOW_HOPS):
            self.extract([primed], [bytes(HOP_BYTES)])
        self._initial_state = primed.state

    def create_stream(self) -> StreamFeatures:
        """Return the state of a stream after silence; costs nothing."""
        return StreamFeatures(self._initial_state, self._hops)

    def extract(self, states: Sequence[StreamFeatures], hops: Sequence[bytes]) -> Floats:
        """Process the next 80 ms of 16 kHz 16-bit mono PCM of each stream; return its newest embeddings, (batch, hops, 96)."""
        pcm = np.frombuffer(b"".join(hops), "<i2").reshape(len(hops), HOP_SAMPLES)
        before = np.stack([state.state for state in states])
        after, windows = self._session.run(None, {"pcm": pcm, "state": before})
        for state, floats in zip(states, after, strict=True):
            state.state = floats.copy()  # a view would keep the whole batch in memory
        return np.asarray(windows)


class WakeWordHead:
    """The classifier of one wake word: a score for each window of embeddings."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        model = _load_model(path)
        self.hops = _hop_count(model, path)
        self.single, some, scores = _run_single(model, self.hops, path)
        self.columns = scores.shape[1]  # more than one: classes, of which the first is none of the words
        self.batched = _convert_head(model, some, scores)

    def score_windows(self, windows: Floats) -> Floats:
        """Return the outputs for each window, (batch, columns)."""
        name = self.single.get_inputs()[0].name
        rows = [self.single.run(None, {name: windows[i : i + 1]})[0] for i in range(len(windows))]
        return np.asarray(rows, np.float32).reshape(len(windows), self.columns)

    def combine_columns(self, columns: Floats) -> Floats:
        """Return each window's score from its outputs, (batch, columns)."""
        return np.asarray((columns if self.columns == 1 else columns[:, 1:]).max(axis=1))


class HeadGroup:
    """The classifiers of a selection of words, merged into as few networks as possible."""

    def __init__(self, heads: Sequence[WakeWordHead]) -> None:
        batched = [(head, head.batched) for head in heads if head.batched is not None]
        versions = sorted({graphs.opset_version(model) for _, model in batched})
        groups = [[entry for entry in batched if graphs.opset_version(entry[1]) == version] for version in versions]
        self._groups = [_MergedHeads(group) for group in groups]
        self._others = [head for head in heads if head.batched is None]
        found = [head for group in groups for head, _ in group] + self._others
        self._order = [found.index(head) for head in heads]

    def score(self, windows: Floats) -> list[list[float]]:
        """Return the scores of each window, (batch, hops, 96), in the order of the words."""
        found = [group.score(windows) for group in self._groups]
        found += [head.combine_columns(head.score_windows(windows[:, -head.hops :]))[:, None] for head in self._others]
        ordered = found[0] if len(found) == 1 else np.concatenate(found, axis=1)[:, self._order]
        return cast(list[list[float]], ordered.tolist())


class _MergedHeads:
    """Classifiers that are merged into one network."""

    def __init__(self, group: Sequence[tuple[WakeWordHead, onnx.ModelProto]]) -> None:
        self._heads = [head for head, _ in group]
        self._hops = [head.hops for head in self._heads]
        columns = [head.columns for head in self._heads]
        self._ends = np.cumsum(columns)[:-1] if max(columns) > 1 else None
        self._session = create_session(graphs.merge_models([model for _, model in group], self._hops, columns))

    def score(self, windows: Floats) -> Floats:
        """Return each window's scores, (batch, words)."""
        found = np.asarray(self._session.run(None, {"windows": windows[:, -max(self._hops) :]})[0])
        if self._ends is None:
            return found
        pieces = np.split(found, self._ends, axis=1)
        return np.stack([head.combine_columns(piece) for head, piece in zip(self._heads, pieces, strict=True)], axis=1)


class OpenWakeWordNetwork:
    """Feature extraction and classifiers, shared by all streams."""

    hop_samples = HOP_SAMPLES
    hop_bytes = HOP_BYTES

    def __init__(self, features: FeatureExtractor, heads: Mapping[str, WakeWordHead]) -> None:
        self.heads = heads
        self._features = features
        self._load_group = lru_cache(MAX_CACHED_GROUPS)(self._create_group)

    def create_stream(self) -> StreamFeatures:
        """Return the state of a new stream; costs nothing."""
        return self._features.create_stream()

    def load_words(self, names: tuple[str, ...]) -> None:
        """Load the classifiers of a selection of words before their first use."""
        self._load_group(names)

    def predict(
        self, states: Sequence[StreamFeatures], hops: Sequence[bytes], words: Sequence[tuple[str, ...]]
    ) -> list[list[float]]:
        """Process the next 80 ms of each stream; return the scores of its words, in their order."""
        windows = self._features.extract(states, hops)
        choices: dict[tuple[str, ...], list[int]] = {}
        for row, names in enumerate(words):
            choices.setdefault(names, []).append(row)
        if len(choices) == 1:
            return self._load_group(words[0]).score(windows)
        scores: list[list[float]] = [[] for _ in states]
        for names, rows in choices.items():
            for row, found in zip(rows, self._load_group(names).score(windows[rows]), strict=True):
                scores[row] = found
        return scores

    def _create_group(self, names: tuple[str, ...]) -> HeadGroup:
        return HeadGroup([self.heads[name] for name in names])


def create_session(model: onnx.ModelProto) -> "InferenceSession":
    """Return a session on one thread; parallelism comes from batches."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def load_network(files: Mapping[str, model_files.ModelFile], features: FeatureFiles) -> OpenWakeWordNetwork:
    """Load the networks. Raises ConfigError for a file that is no network of openWakeWord."""
    heads = {name: WakeWordHead(name, file.path) for name, file in files.items()}
    return OpenWakeWordNetwork(FeatureExtractor(features, max(head.hops for head in heads.values())), heads)


def _load_model(path: Path) -> onnx.ModelProto:
    from google.protobuf.message import DecodeError

    content = _read_bytes(path)
    if tflite_graph.is_tflite(content):
        return _parse(path, tflite_graph.to_onnx, content)
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as err:
        raise ConfigError(f"{path} is not an ONNX or TensorFlow Lite model") from err
    return model


def _load_values(path: Path) -> list[npt.NDArray[Any]]:
    content = _read_bytes(path)
    if tflite_graph.is_tflite(content):
        return _parse(path, tflite_graph.read_values, content)
    return list(graphs.read_values(_load_model(path)).values())


def _parse(path: Path, read: Callable[[bytes], T], content: bytes) -> T:
    try:
        return read(content)
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as err:  # from broken offsets
        raise ConfigError(f"{path} is a damaged TensorFlow Lite model") from err


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err


def _hop_count(model: onnx.ModelProto, path: Path) -> int:
    shapes = [[size.dim_value for size in value.type.tensor_type.shape.dim] for value in model.graph.input]
    names = {tensor.name for tensor in model.graph.initializer}
    shapes = [shape for shape, value in zip(shapes, model.graph.input, strict=True) if value.name not in names]
    if len(shapes) != 1 or len(shapes[0]) != 3 or shapes[0][2] != EMBEDDING or not 0 < shapes[0][1] <= 1000:
        raise ConfigError(f"{path} is not an openWakeWord word: its input is {shapes}, not (1, frames, {EMBEDDING})")
    return int(shapes[0][1])


def _run_single(model: onnx.ModelProto, hops: int, path: Path) -> tuple["InferenceSession", Floats, Floats]:
    """Return the session, random windows and their scores one by one. Raises ConfigError if the model does not run."""
    some = np.random.default_rng(1).normal(0, 10, (3, hops, EMBEDDING)).astype(np.float32)
    try:
        single = create_session(model)
        name = single.get_inputs()[0].name
        scores = [single.run(None, {name: some[i : i + 1]})[0] for i in range(len(some))]
        return single, some, np.asarray(scores, np.float32).reshape(len(some), -1)
    except _runtime_errors() as err:
        raise ConfigError(f"{path} does not run as an openWakeWord word: {' '.join(str(err).split())[:200]}") from err


def _convert_head(model: onnx.ModelProto, some: Floats, scores: Floats) -> onnx.ModelProto | None:
    """Return the model for batches of windows, None if its scores for `some` differ from `scores` then."""
    try:
        batched = graphs.convert_head(model)
        found = create_session(batched).run(None, {graphs.input_name(batched): some})[0]
        is_same = np.allclose(np.asarray(found, np.float32).reshape(len(some), -1), scores, atol=1e-6)
    except _runtime_errors():  # the model accepts single windows only
        return None
    return batched if is_same else None


def _runtime_errors() -> tuple[type[Exception], ...]:
    from onnxruntime.capi import onnxruntime_pybind11_state as errors

    native = (errors.Fail, errors.InvalidArgument, errors.InvalidGraph, errors.NotImplemented, errors.RuntimeException)
    return (*native, IndexError, TypeError, AttributeError, ValueError)
