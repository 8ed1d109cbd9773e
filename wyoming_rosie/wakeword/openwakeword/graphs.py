"""Streaming graphs of openWakeWord's networks: many streams in one call, without repeated computation.

The embedding has a window of 76 frames of 10 ms and a hop of 8. It is not padded in time, and its pooling in time adds up to
8 frames as well, so that each convolution needs only the last two frames of its past input. With those as state, 8 new
frames give bit for bit the result of the whole window. The networks: https://github.com/dscripka/openWakeWord
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.wakeword.openwakeword.model_files import EMBEDDING, HOP_SAMPLES

MEL_SAMPLES = 1760
"""A hop, and the 480 samples before it that its first spectrum includes."""
HOP_FRAMES = 8
WINDOW_FRAMES = 76
BANDS = 32
_FRAME_SAMPLES = 160
_FFT = 512
_PAST_FRAMES = 2
_LAST = np.iinfo(np.int64).max
Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MelSpectrogram:
    """Two kernels of the spectrum, (bins, 1, taps), and the mel filter bank, (bins, bands)."""

    real: Floats
    imaginary: Floats
    bands: Floats


@dataclass(frozen=True)
class FeatureGraph:
    """Inputs `pcm`, (batch, 1280) of int16, and `state`, (batch, state_floats); outputs `next`, the new state, and `window`.

    `window` has the newest embeddings, (batch, hops, 96), which are also the end of the state.
    """

    model: onnx.ModelProto
    state_floats: int


def extract_mel(arrays: Sequence[npt.NDArray[Any]]) -> MelSpectrogram:
    """Return the spectrum in the constants of openWakeWord's model. Raises ConfigError if there is none."""
    kernels = [
        array.reshape(array.shape[0], 1, _FFT) for array in arrays if array.ndim >= 3 and array.size == 257 * _FFT
    ]
    bands = [array for array in arrays if array.shape == (257, BANDS)]
    if len(kernels) != 2 or len(bands) != 1:
        raise ConfigError("this is not openWakeWord's mel spectrogram")
    return MelSpectrogram(kernels[0], kernels[1], bands[0])


def build_feature_graph(mel: MelSpectrogram, embedding: onnx.ModelProto, hops: int) -> FeatureGraph:
    """Return the graph from audio to embeddings. Raises ConfigError if the embedding is not openWakeWord's."""
    if _shape(embedding.graph.input[0])[1:] != [WINDOW_FRAMES, BANDS, 1]:
        raise ConfigError(f"this is not openWakeWord's embedding: it has no input of {WINDOW_FRAMES} by {BANDS}")
    streaming = _StreamingEmbedding(embedding)
    sizes = [*streaming.past_floats, MEL_SAMPLES - HOP_SAMPLES, hops * EMBEDDING]
    pasts = [f"past_{i}" for i in range(len(streaming.past_floats))]
    nexts = [f"next_{i}" for i in range(len(streaming.past_floats))]
    nodes = [
        _constant("state_sizes", np.array(sizes)),
        helper.make_node("Split", ["state", "state_sizes"], [*pasts, "context", "recent"], axis=1),
        helper.make_node("Cast", ["pcm"], ["samples"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["context", "samples"], ["audio"], axis=1),
        *_build_mel(mel, embedding.graph.input[0].name),
        *streaming.nodes,
        _constant("embedding_shape", np.array([-1, EMBEDDING])),
        helper.make_node("Reshape", [embedding.graph.output[0].name, "embedding_shape"], ["embedding"]),
        *_slice("audio", HOP_SAMPLES, "next_context"),
        *_slice("recent", EMBEDDING, "still_recent"),
        helper.make_node("Concat", ["still_recent", "embedding"], ["next_recent"], axis=1),
        helper.make_node("Concat", [*nexts, "next_context", "next_recent"], ["next"], axis=1),
        _constant("window_shape", np.array([-1, hops, EMBEDDING])),
        helper.make_node("Reshape", ["next_recent", "window_shape"], ["window"]),
    ]
    graph = helper.make_graph(
        nodes,
        "features",
        [
            helper.make_tensor_value_info("pcm", TensorProto.INT16, ["batch", HOP_SAMPLES]),
            _float_input("state", sum(sizes)),
        ],
        [
            _float_input("next", sum(sizes)),
            helper.make_tensor_value_info("window", TensorProto.FLOAT, ["batch", hops, EMBEDDING]),
        ],
        initializer=_used_values(embedding, nodes),
    )
    return FeatureGraph(_create_model(graph, embedding), sum(sizes))


def build_window_graph(mel: MelSpectrogram, embedding: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph for a whole window, `audio` (1, 12640) to `embedding`: the reference for the streaming graph."""
    samples = MEL_SAMPLES + (WINDOW_FRAMES - HOP_FRAMES) * _FRAME_SAMPLES
    nodes = [*_build_mel(mel, embedding.graph.input[0].name), *embedding.graph.node]
    output = embedding.graph.output[0]
    graph = helper.make_graph(nodes, "window", [_float_input("audio", samples)], [output], embedding.graph.initializer)
    return _create_model(graph, embedding)


class _StreamingEmbedding:
    """The embedding's nodes; each convolution in time has a flat input `past_0`, `past_1`, ... and an output `next_0`, ..."""

    def __init__(self, embedding: onnx.ModelProto) -> None:
        self._shapes = _infer_shapes(embedding)
        self._pasts: list[tuple[int, int]] = []  # channels and width of each convolution's past input
        self._reshapes = read_values(embedding)
        self.nodes = [node for original in embedding.graph.node for node in self._convert_node(original)]
        self.past_floats = [_PAST_FRAMES * channels * width for channels, width in self._pasts]

    def _convert_node(self, original: onnx.NodeProto) -> list[onnx.NodeProto]:
        node = onnx.NodeProto()
        node.CopyFrom(original)
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Reshape":
            return self._convert_shape(node)
        if node.op_type != "Conv" or attributes["kernel_shape"][0] == 1:
            return [node]
        if attributes["kernel_shape"][0] != _PAST_FRAMES + 1 or any(attributes.get("pads", [0])[::2]):
            raise ConfigError("this is not openWakeWord's embedding: a convolution in time is of another kind")
        return self._add_state(node)

    def _add_state(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        _, channels, _, width = self._shapes[node.input[0]]
        i = len(self._pasts)
        self._pasts.append((channels, width))
        new, node.input[0] = node.input[0], f"both_{i}"
        return [
            _constant(f"past_shape_{i}", np.array([-1, channels, _PAST_FRAMES, width])),
            helper.make_node("Reshape", [f"past_{i}", f"past_shape_{i}"], [f"past_frames_{i}"]),
            helper.make_node("Concat", [f"past_frames_{i}", new], [f"both_{i}"], axis=2),
            _constant(f"from_{i}", np.array([-_PAST_FRAMES])),
            _constant(f"to_{i}", np.array([_LAST])),
            _constant(f"axis_{i}", np.array([2])),
            helper.make_node("Slice", [f"both_{i}", f"from_{i}", f"to_{i}", f"axis_{i}"], [f"next_frames_{i}"]),
            _constant(f"next_shape_{i}", np.array([-1, channels * _PAST_FRAMES * width])),
            helper.make_node("Reshape", [f"next_frames_{i}", f"next_shape_{i}"], [f"next_{i}"]),
            node,
        ]

    def _convert_shape(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """Replace a window's frames by a hop's in a Reshape."""
        shape = [HOP_FRAMES if size == WINDOW_FRAMES else int(size) for size in self._reshapes[node.input[1]]]
        node.input[1] = f"{node.output[0]}_shape"
        return [_constant(node.input[1], np.array([-1, *shape[1:]])), node]


def convert_head(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a classifier for batches of windows, with conditions evaluated per row."""
    batched = onnx.ModelProto()
    batched.CopyFrom(model)
    _replace_conditions(batched.graph)
    for value in (*batched.graph.input, *batched.graph.output):
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return batched


def merge_models(models: Sequence[onnx.ModelProto], hops: Sequence[int], columns: Sequence[int]) -> onnx.ModelProto:
    """Merge classifiers of one operator set, from `windows` (batch, most hops, 96) to `scores` (batch, all columns).

    Each uses the newest hops of the window, as many as it has been trained with.
    """
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    for number, model in enumerate(models):
        source = f"word{number}_{input_name(model)}"
        word = onnx.ModelProto()
        word.CopyFrom(model)
        _add_prefix(word.graph, f"word{number}_")
        nodes += [
            *_slice("windows", -hops[number], source),
            *word.graph.node,
            _constant(f"columns{number}", np.array([-1, columns[number]])),
            helper.make_node("Reshape", [word.graph.output[0].name, f"columns{number}"], [f"score{number}"]),
        ]
        initializers += word.graph.initializer
    nodes.append(helper.make_node("Concat", [f"score{number}" for number in range(len(models))], ["scores"], axis=1))
    windows = helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["batch", max(hops), EMBEDDING])
    graph = helper.make_graph(nodes, "words", [windows], [_float_input("scores", sum(columns))], initializers)
    return _create_model(graph, models[0])


def _add_prefix(graph: onnx.GraphProto, prefix: str) -> None:
    """Add a prefix to all names of a graph and of its subgraphs, which onnx.compose leaves out."""
    for node in graph.node:
        node.name = node.name and prefix + node.name
        node.input[:] = [name and prefix + name for name in node.input]
        node.output[:] = [name and prefix + name for name in node.output]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _add_prefix(attribute.g, prefix)
    for tensor in graph.initializer:
        tensor.name = prefix + tensor.name
    for value in (*graph.input, *graph.output):
        value.name = prefix + value.name


def input_name(model: onnx.ModelProto) -> str:
    """Return the name of the only input that is not a constant. Raises ConfigError if there are more."""
    constant = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constant]
    if len(names) != 1:
        raise ConfigError(f"the model has {len(names)} inputs, not one")
    return str(names[0])


def opset_version(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's default operator set that the model uses."""
    return max(int(opset.version) for opset in model.opset_import if opset.domain in ("", "ai.onnx"))


def _slice(source: str, first: int, output: str) -> list[onnx.NodeProto]:
    """Return the nodes that slice the second dimension from `first` on."""
    return [
        _constant(f"{output}_from", np.array([first])),
        _constant(f"{output}_to", np.array([_LAST])),
        _constant(f"{output}_axis", np.array([1])),
        helper.make_node("Slice", [source, f"{output}_from", f"{output}_to", f"{output}_axis"], [output]),
    ]


def _replace_conditions(graph: onnx.GraphProto) -> None:
    """Select the branch of each If per row; the first branch is computed only if its condition holds for any row."""
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes += _convert_condition(node) if node.op_type == "If" else [node]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _convert_condition(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    branches = {attribute.name: attribute.g for attribute in node.attribute}
    then, otherwise = branches["then_branch"], branches["else_branch"]
    condition, output = node.input[0], node.output[0]
    both = onnx.GraphProto()
    both.CopyFrom(then)
    del both.output[:]
    rows = [condition, then.output[0].name, otherwise.output[0].name]
    both.node.append(helper.make_node("Where", rows, [f"{output}_some"]))
    both.output.append(helper.make_tensor_value_info(f"{output}_some", TensorProto.FLOAT, None))
    none = helper.make_node("Identity", [otherwise.output[0].name], [f"{output}_none"])
    neither = helper.make_graph(
        [none], "neither", [], [helper.make_tensor_value_info(f"{output}_none", TensorProto.FLOAT, None)]
    )
    return [
        *otherwise.node,
        helper.make_node("Cast", [condition], [f"{output}_number"], to=TensorProto.INT32),
        helper.make_node("ReduceMax", [f"{output}_number"], [f"{output}_any_number"], keepdims=0),
        helper.make_node("Cast", [f"{output}_any_number"], [f"{output}_any"], to=TensorProto.BOOL),
        helper.make_node("If", [f"{output}_any"], [output], then_branch=both, else_branch=neither),
    ]


def _build_mel(mel: MelSpectrogram, output: str) -> list[onnx.NodeProto]:
    """Return the nodes from `audio` to mel bands in dB, scaled for the embedding: (batch, frames, bands, 1)."""
    bins = np.flatnonzero(mel.bands.any(axis=1))  # the others are in no band
    taps = np.flatnonzero(np.abs(mel.real).sum(axis=(0, 1)) + np.abs(mel.imaginary).sum(axis=(0, 1)))
    first, end = taps[0], taps[-1] + 1  # the window is shorter than the transform
    real, imaginary = (np.ascontiguousarray(kernel[bins, :, first:end]) for kernel in (mel.real, mel.imaginary))

    def scalar(name: str, value: float) -> onnx.NodeProto:
        return _constant(name, np.array(value, np.float32))

    return [
        _constant("mel_first", np.array([first])),
        _constant("mel_end", np.array([end - _FFT if end < _FFT else _LAST])),
        _constant("mel_samples", np.array([1])),
        helper.make_node("Slice", ["audio", "mel_first", "mel_end", "mel_samples"], ["mel_heard"]),
        helper.make_node("Unsqueeze", ["mel_heard", "mel_samples"], ["mel_audio"]),
        _constant("mel_real_kernel", real),
        _constant("mel_imaginary_kernel", imaginary),
        helper.make_node("Conv", ["mel_audio", "mel_real_kernel"], ["mel_real"], strides=[_FRAME_SAMPLES]),
        helper.make_node("Conv", ["mel_audio", "mel_imaginary_kernel"], ["mel_imaginary"], strides=[_FRAME_SAMPLES]),
        helper.make_node("Mul", ["mel_real", "mel_real"], ["mel_real_power"]),
        helper.make_node("Mul", ["mel_imaginary", "mel_imaginary"], ["mel_imaginary_power"]),
        helper.make_node("Add", ["mel_real_power", "mel_imaginary_power"], ["mel_bins"]),
        helper.make_node("Transpose", ["mel_bins"], ["mel_power"], perm=[0, 2, 1]),
        _constant("mel_bands", np.ascontiguousarray(mel.bands[bins])),
        helper.make_node("MatMul", ["mel_power", "mel_bands"], ["mel_sum"]),
        scalar("mel_least", 1e-10),
        helper.make_node("Max", ["mel_sum", "mel_least"], ["mel_clipped"]),
        helper.make_node("Log", ["mel_clipped"], ["mel_log"]),
        scalar("mel_ten", 10.0),
        helper.make_node("Mul", ["mel_log", "mel_ten"], ["mel_bels"]),
        scalar("mel_ln10", np.log(10.0)),
        helper.make_node("Div", ["mel_bels", "mel_ln10"], ["mel_db"]),
        helper.make_node("ReduceMax", ["mel_db"], ["mel_loudest"], axes=[1, 2], keepdims=1),
        scalar("mel_range", 80.0),
        helper.make_node("Sub", ["mel_loudest", "mel_range"], ["mel_floor"]),
        helper.make_node("Max", ["mel_db", "mel_floor"], ["mel_limited"]),
        helper.make_node("Div", ["mel_limited", "mel_ten"], ["mel_tenth"]),
        scalar("mel_two", 2.0),
        helper.make_node("Add", ["mel_tenth", "mel_two"], ["mel"]),
        _constant("mel_last", np.array([3])),
        helper.make_node("Unsqueeze", ["mel", "mel_last"], [output]),
    ]


def _constant(name: str, value: npt.NDArray[Any]) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))


def _float_input(name: str, size: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])


def _create_model(graph: onnx.GraphProto, like: onnx.ModelProto) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=like.opset_import, ir_version=like.ir_version)


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def _infer_shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    graph = shape_inference.infer_shapes(model).graph
    return {value.name: _shape(value) for value in (*graph.input, *graph.value_info, *graph.output)}


def _used_values(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> list[onnx.TensorProto]:
    names = {name for node in nodes for name in node.input}
    return [tensor for tensor in model.graph.initializer if tensor.name in names]


def read_values(model: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    """Return the model's constants by name."""
    made = {node.output[0]: node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"}
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    return {name: numpy_helper.to_array(tensor) for name, tensor in {**initializers, **made}.items()}
