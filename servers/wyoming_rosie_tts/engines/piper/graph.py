"""Splits the ONNX graph of a Piper voice before its decoder, which turns frames into samples, and before its flow.

The encoder makes a latent of the phonemes: what each frame is like, as a random distribution. The flow turns it into frames.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

SPEAKER = "sid"
_NOISE = "RandomNormalLike"


@dataclass(frozen=True)
class FlowSplit:
    """An encoder that ends with the latent, and the flow, whose further inputs `masks` are 1 for each frame."""

    encoder: onnx.ModelProto
    flow: onnx.ModelProto
    latent: str
    masks: tuple[str, ...]


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
    inputs = [tensor for tensor in model.graph.input if tensor.name in needed]
    encoder = _extract(model, _collect_upstream(model, [frames], set()), model.graph.input, [_joint(frames)])
    return encoder, _extract(model, needed, [_joint(frames), *inputs], model.graph.output[:1])


def split_flow(encoder: onnx.ModelProto) -> FlowSplit | None:
    """Split an encoder of `split_model` before its flow; None if the flow needs more than a latent, masks and a speaker."""
    latent = _find_latent(encoder)
    if not latent:
        return None
    (frames,) = (tensor.name for tensor in encoder.graph.output)
    between = _collect_downstream(encoder, latent)
    others = {name for node in encoder.graph.node if between.intersection(node.output) for name in node.input}
    masks = tuple(sorted(name for name in others - between - {latent} if _is_mask(encoder, name)))
    needed = _collect_upstream(encoder, [frames], {latent, *masks})
    inputs = [tensor for tensor in encoder.graph.input if tensor.name in needed]
    if any(tensor.name != SPEAKER for tensor in inputs):
        return None
    before = _extract(encoder, _collect_upstream(encoder, [latent], set()), encoder.graph.input, [_joint(latent)])
    flow = _extract(encoder, needed, [_joint(latent), *map(_joint, masks), *inputs], encoder.graph.output)
    return FlowSplit(before, flow, latent, masks)


def _find_latent(encoder: onnx.ModelProto) -> str:
    """Return the name of the last sum to which noise is added after factors, or "" if there is none."""
    users = {name: node for node in reversed(encoder.graph.node) for name in node.input}
    found = ""
    for noise in (node for node in encoder.graph.node if node.op_type == _NOISE):
        node = users.get(noise.output[0])
        while node is not None and node.op_type == "Mul":
            node = users.get(node.output[0])
        if node is not None and node.op_type == "Add":
            found = str(node.output[0])
    return found


def _is_mask(model: onnx.ModelProto, name: str) -> bool:
    """Return whether a tensor tells which frames belong to the sentence: with a single sentence, all do."""
    makers = _map_producer(model)
    node = makers.get(name)
    while node is not None and node.op_type in ("Cast", "Unsqueeze"):
        node = makers.get(node.input[0])
    return node is not None and node.op_type == "Less"


def _joint(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


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


def _collect_downstream(model: onnx.ModelProto, tensor: str) -> set[str]:
    """Return the tensors that are computed from one."""
    found = {tensor}
    for node in model.graph.node:  # ONNX sorts them: a tensor is used after it is made
        if found.intersection(node.input):
            found.update(node.output)
    return found - {tensor}


def _map_producer(model: onnx.ModelProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in model.graph.node for name in node.output}
