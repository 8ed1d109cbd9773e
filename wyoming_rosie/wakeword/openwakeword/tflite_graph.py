"""Conversion of TensorFlow Lite models to ONNX, for the operators of openWakeWord's networks.

Arrays keep TensorFlow's layout (batch, time, frequency, channels); onnxruntime removes most of the transpositions.
The schema: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

from wyoming_rosie.errors import ConfigError

OPSET = 13
IR_VERSION = 7
IDENTIFIER = b"TFL3"
_OPERATORS = {number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)}
_DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
    tflite.TensorType.INT64: np.int64,
}
_ACTIVATIONS: dict[int, tuple[str, dict[str, Any]]] = {
    tflite.ActivationFunctionType.RELU: ("Relu", {}),
    tflite.ActivationFunctionType.TANH: ("Tanh", {}),
}
_ELEMENTWISE = {
    "ADD": "Add",
    "SUB": "Sub",
    "MUL": "Mul",
    "DIV": "Div",
    "MAXIMUM": "Max",
    "MINIMUM": "Min",
    "LOGISTIC": "Sigmoid",
    "RELU": "Relu",
    "TANH": "Tanh",
    "SQRT": "Sqrt",
    "LOG": "Log",
    "EXP": "Exp",
    "GREATER_EQUAL": "GreaterOrEqual",
}
Array: TypeAlias = npt.NDArray[Any]


def is_tflite(content: bytes) -> bool:
    """Return whether a file's content is a TensorFlow Lite model."""
    return content[4:8] == IDENTIFIER


def to_onnx(content: bytes) -> onnx.ModelProto:
    """Convert a model. Raises ConfigError for an operator that is not supported."""
    model = tflite.Model.GetRootAs(content, 0)
    main = _Subgraph(model, 0, [], {})
    outputs = main.convert()
    graph = helper.make_graph(
        main.nodes,
        "tflite",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in main.inputs()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def read_values(content: bytes) -> list[Array]:
    """Return the floating-point constants of a model."""
    model = tflite.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(i) for i in range(graph.TensorsLength())]
    return [_read_value(model, tensor) for tensor in tensors if tensor.Type() == tflite.TensorType.FLOAT32]


class _Subgraph:
    """One subgraph, converted to ONNX nodes in `nodes`; `names` maps its tensors to their ONNX names."""

    def __init__(self, model: Any, number: int, nodes: list[onnx.NodeProto], names: dict[int, str]) -> None:
        self.nodes = nodes
        self._model = model
        self._graph = model.Subgraphs(number)
        self._prefix = f"{number}_"
        self._names = names

    def inputs(self) -> list[tuple[str, list[int]]]:
        return [(self._name(i), self._shape(i)) for i in self._graph.InputsAsNumpy()]

    def convert(self) -> list[str]:
        """Add the nodes of this subgraph; return the names of its outputs."""
        for number in range(self._graph.OperatorsLength()):
            self._convert_operator(self._graph.Operators(number))
        return [self._name(i) for i in self._graph.OutputsAsNumpy()]

    def _convert_operator(self, operator: Any) -> None:
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        kind = _OPERATORS.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "?")
        inputs = [int(i) for i in operator.InputsAsNumpy()]
        outputs = [self._name(int(i)) for i in operator.OutputsAsNumpy()]
        if kind in _ELEMENTWISE:
            self._convert_elementwise(operator, _ELEMENTWISE[kind], inputs, outputs)
        elif kind in _CONVERTERS:
            _CONVERTERS[kind](self, operator, inputs, outputs)
        else:
            raise ConfigError(f"the model has an operator that is not supported: {kind}")

    def _convert_elementwise(self, operator: Any, kind: str, inputs: list[int], outputs: list[str]) -> None:
        options = {
            "Add": tflite.AddOptions,
            "Sub": tflite.SubOptions,
            "Mul": tflite.MulOptions,
            "Div": tflite.DivOptions,
        }
        activation = _options(operator, options[kind]).FusedActivationFunction() if kind in options else 0
        self._add_activation(
            activation, outputs[0], lambda name: self._add(kind, [self._name(i) for i in inputs], [name])
        )

    def convert_fully_connected(self, operator: Any, inputs: list[int], outputs: list[str]) -> None:
        options = _options(operator, tflite.FullyConnectedOptions)
        names = [self._name(i) for i in inputs if i >= 0]
        self._add_activation(
            options.FusedActivationFunction(), outputs[0], lambda name: self._add("Gemm", names, [name], transB=1)
        )

    def convert_conv_2d(self, operator: Any, inputs: list[int], outputs: list[str]) -> None:
        options = _options(operator, tflite.Conv2DOptions)
        kernel = self._get_value(inputs[1]).transpose(0, 3, 1, 2)
        names = [self._channels_first(inputs[0]), self._add_value(np.ascontiguousarray(kernel), outputs[0] + "_kernel")]
        names += [self._name(i) for i in inputs[2:] if i >= 0]
        strides = [options.StrideH(), options.StrideW()]
        pads = self._get_padding(options.Padding(), inputs[0], outputs[0], kernel.shape[2:], strides)

        def convolve(name: str) -> None:
            self._add("Conv", names, [name + "_first"], kernel_shape=list(kernel.shape[2:]), strides=strides, pads=pads)
            self._add("Transpose", [name + "_first"], [name], perm=[0, 2, 3, 1])

        self._add_activation(options.FusedActivationFunction(), outputs[0], convolve)

    def convert_max_pool_2d(self, operator: Any, inputs: list[int], outputs: list[str]) -> None:
        options = _options(operator, tflite.Pool2DOptions)
        size = [options.FilterHeight(), options.FilterWidth()]
        first = self._channels_first(inputs[0])
        strides = [options.StrideH(), options.StrideW()]
        self._add("MaxPool", [first], [outputs[0] + "_first"], kernel_shape=size, strides=strides)
        self._add("Transpose", [outputs[0] + "_first"], outputs, perm=[0, 2, 3, 1])

    def convert_pad(self, _: Any, inputs: list[int], outputs: list[str]) -> None:
        pads = self._add_value(self._get_value(inputs[1]).T.reshape(-1).astype(np.int64), outputs[0] + "_pads")
        self._add("Pad", [self._name(inputs[0]), pads], outputs)

    def convert_leaky_relu(self, operator: Any, inputs: list[int], outputs: list[str]) -> None:
        alpha = _options(operator, tflite.LeakyReluOptions).Alpha()
        self._add("LeakyRelu", [self._name(inputs[0])], outputs, alpha=alpha)

    def convert_softmax(self, _: Any, inputs: list[int], outputs: list[str]) -> None:
        self._add("Softmax", [self._name(inputs[0])], outputs, axis=-1)

    def convert_mean(self, operator: Any, inputs: list[int], outputs: list[str]) -> None:
        axes = [int(axis) for axis in np.atleast_1d(self._get_value(inputs[1]))]
        keep = int(_options(operator, tflite.ReducerOptions).KeepDims())
        self._add("ReduceMean", [self._name(inputs[0])], outputs, axes=axes, keepdims=keep)

    def convert_rsqrt(self, _: Any, inputs: list[int], outputs: list[str]) -> None:
        self._add("Sqrt", [self._name(inputs[0])], [outputs[0] + "_root"])
        self._add("Reciprocal", [outputs[0] + "_root"], outputs)

    def convert_dequantize(self, _: Any, inputs: list[int], outputs: list[str]) -> None:
        self._add("Cast", [self._name(inputs[0])], outputs, to=TensorProto.FLOAT)

    def convert_reshape(self, operator: Any, inputs: list[int], outputs: list[str]) -> None:
        shape = (
            self._get_value(inputs[1])
            if len(inputs) > 1
            else _options(operator, tflite.ReshapeOptions).NewShapeAsNumpy()
        )
        if not len(shape):  # a scalar condition; here one value per row
            self._add("Identity", [self._name(inputs[0])], outputs)
            return
        batched = np.array([-1, *shape[1:]], np.int64)
        self._add("Reshape", [self._name(inputs[0]), self._add_value(batched, outputs[0] + "_shape")], outputs)

    def convert_if(self, operator: Any, inputs: list[int], outputs: list[str]) -> None:
        """Compute both branches and select one per row of the batch."""
        options = _options(operator, tflite.IfOptions)
        condition, *arguments = [self._name(i) for i in inputs]
        branches = []
        for number in (options.ThenSubgraphIndex(), options.ElseSubgraphIndex()):
            branch_inputs = self._model.Subgraphs(number).InputsAsNumpy()
            names = {int(i): name for i, name in zip(branch_inputs, arguments, strict=True)}
            branches += _Subgraph(self._model, number, self.nodes, names).convert()
        self._add("Where", [condition, *branches], outputs)

    def _add_activation(self, activation: int, output: str, make: Callable[[str], None]) -> None:
        if activation == tflite.ActivationFunctionType.NONE:
            make(output)
            return
        if activation not in _ACTIVATIONS:
            raise ConfigError(f"the model has an activation that is not supported: number {activation}")
        kind, attributes = _ACTIVATIONS[activation]
        make(output + "_linear")
        self._add(kind, [output + "_linear"], [output], **attributes)

    def _channels_first(self, tensor: int) -> str:
        name = self._name(tensor)
        self._add("Transpose", [name], [f"{name}_{len(self.nodes)}"], perm=[0, 3, 1, 2])
        return str(self.nodes[-1].output[0])

    def _get_padding(
        self, padding: int, tensor: int, name: str, kernel: Sequence[int], strides: Sequence[int]
    ) -> list[int]:
        if padding == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        if list(strides) != [1, 1]:
            raise ConfigError(f"the model pads a strided convolution, which is not supported: {name}")
        return [(kernel[0] - 1) // 2, (kernel[1] - 1) // 2, kernel[0] // 2, kernel[1] // 2]

    def _add(self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, list(inputs), list(outputs), **attributes))

    def _add_value(self, array: Array, name: str) -> str:
        self._add("Constant", [], [name], value=numpy_helper.from_array(array))
        return name

    def _name(self, tensor: int) -> str:
        """Return the tensor's ONNX name; adds the node of a constant on its first use."""
        tensor = int(tensor)
        if tensor not in self._names:
            name = f"{self._prefix}{tensor}"
            self._names[tensor] = name
            if self._model.Buffers(self._graph.Tensors(tensor).Buffer()).DataLength():
                self._add_value(self._get_value(tensor), name)
        return self._names[tensor]

    def _get_value(self, tensor: int) -> Array:
        return _read_value(self._model, self._graph.Tensors(tensor))

    def _shape(self, tensor: int) -> list[int]:
        return _get_shape(self._graph.Tensors(int(tensor)))


_CONVERTERS: dict[str, Callable[[_Subgraph, Any, list[int], list[str]], None]] = {
    "FULLY_CONNECTED": _Subgraph.convert_fully_connected,
    "CONV_2D": _Subgraph.convert_conv_2d,
    "MAX_POOL_2D": _Subgraph.convert_max_pool_2d,
    "PAD": _Subgraph.convert_pad,
    "LEAKY_RELU": _Subgraph.convert_leaky_relu,
    "SOFTMAX": _Subgraph.convert_softmax,
    "MEAN": _Subgraph.convert_mean,
    "RSQRT": _Subgraph.convert_rsqrt,
    "DEQUANTIZE": _Subgraph.convert_dequantize,
    "RESHAPE": _Subgraph.convert_reshape,
    "IF": _Subgraph.convert_if,
}


def _read_value(model: Any, tensor: Any) -> Array:
    """Return a constant's values, an empty array for a tensor that is not a constant."""
    dtype = _DTYPES.get(tensor.Type())
    if dtype is None:
        raise ConfigError("the model has tensors of a type that is not supported (quantized?)")
    buffer = model.Buffers(tensor.Buffer())
    if not buffer.DataLength():
        return np.empty(0, dtype)
    return np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype).reshape(_get_shape(tensor))


def _get_shape(tensor: Any) -> list[int]:
    return [int(size) for size in tensor.ShapeAsNumpy()] if tensor.ShapeLength() else []


def _options(operator: Any, kind: type[Any]) -> Any:
    table = operator.BuiltinOptions()
    options = kind()
    if table is not None:
        options.Init(table.Bytes, table.Pos)
    return options
