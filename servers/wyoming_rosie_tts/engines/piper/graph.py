"""Splits the ONNX graph of a Piper voice before its decoder, whose convolutions turn frames into samples."""

from collections.abc import Iterable, Sequence

import onnx
from onnx import TensorProto, helper

SPEAKER = "sid"


def find_decoder_input(model: onnx.ModelProto) -> str:
    """Return the name of the decoder's input tensor, or "" if there is none.

    It is the input of the last convolution before the first transposed one.
    """
    makers = _map_producer(model)
    node = next((node for node in model.graph.node if node.op_type == "ConvTranspose"), None)
    while node is not None:
        node = makers.get(node.input[0])
        if node is not None and node.op_type == "Conv":
            return str(node.input[0])
    return ""


def split_model(model: onnx.ModelProto, frames: str) -> tuple[onnx.ModelProto, onnx.ModelProto] | None:
    """Return the model up to the tensor `frames`, and from it on; None if the latter needs more than it and a speaker."""
    inputs_before = {tensor.name for tensor in model.graph.input}
    sound = [tensor.name for tensor in model.graph.output][:1]
    needed = _collect_upstream(model, sound, {frames})
    if needed & inputs_before - {SPEAKER}:
        return None
    joint = helper.make_tensor_value_info(frames, TensorProto.FLOAT, None)
    inputs = [tensor for tensor in model.graph.input if tensor.name in needed]
    encoder = _extract(model, _collect_upstream(model, [frames], set()), model.graph.input, [joint])
    return encoder, _extract(model, needed, [joint, *inputs], model.graph.output[:1])


def _extract(
    model: onnx.ModelProto,
    tensors: set[str],
    inputs: Iterable[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    nodes = [node for node in model.graph.node if tensors.intersection(node.output)]
    weights = [weight for weight in model.graph.initializer if weight.name in tensors]
    graph = helper.make_graph(nodes, model.graph.name or "voice", list(inputs), list(outputs), weights)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _collect_upstream(model: onnx.ModelProto, tensors: Sequence[str], stop_at: set[str]) -> set[str]:
    """Return the tensors and all that they are computed from, without `stop_at` and what is only needed for it."""
    makers = _map_producer(model)
    found = set[str]()
    waiting = list(tensors)
    while waiting:
        name = waiting.pop()
        if name and name not in found and name not in stop_at:
            found.add(name)
            waiting += makers[name].input if name in makers else ()
    return found


def _map_producer(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in model.graph.node for name in node.output}
