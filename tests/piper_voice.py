"""Synthetic Piper voices: the networks of a real one, with random weights.

Their speech is noise, each symbol lasts three frames, and everything else is as in a real voice: names, inputs, shapes
and, for `MEDIUM`, the size (15 million numbers) and the work.
"""

# ruff: noqa: RUF001 - phonemes are meant as they look

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

RATE = 22_050
FRAMES_PER_SYMBOL = 3
_PUNCTUATION = " !'(),-.:;?"
_IPA = "abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗəɚɛɜɞɟɡɢɣɤɥɨɪɫɬɭɮɯɰɱɲɳɴɵɸɹɺɻɽɾʀʁʂʃʈʉʊʋʌʍʎʏʐʑʒʔʝʲˈˌːˑβθχᵻ̧̩̪̯̃"
SYMBOLS = ("_", "^", "$", *_PUNCTUATION, *_IPA)


@dataclass(frozen=True)
class Dimensions:
    """Sizes of the networks; `upsampling` is how many times longer each step makes the sound, its product one frame."""

    channels: int = 192
    filters: int = 768
    layers: int = 6
    couplings: int = 4
    coupling_layers: int = 4
    decoder: int = 256
    upsampling: tuple[int, ...] = (8, 8, 4)
    kernels: tuple[tuple[int, tuple[int, int]], ...] = ((3, (1, 2)), (5, (2, 6)), (7, (3, 12)))
    speakers: tuple[str, ...] = ()
    rate: int = RATE


MEDIUM = Dimensions()
TINY = Dimensions(8, 16, 1, 2, 1, 8)


def build(folder: Path, name: str = "en_US-test-low", size: Dimensions = TINY, **settings: Any) -> Path:
    """Write a voice's two files and return the network's; `settings` go over those of the JSON file."""
    path = folder / f"{name}.onnx"
    onnx.save(_Graph(size).model(), path)
    settings = _settings(name, size) | settings
    path.with_name(f"{path.name}.json").write_text(json.dumps(settings), encoding="utf-8")
    return path


def _settings(name: str, size: Dimensions) -> dict[str, Any]:
    code = name.partition("-")[0]
    return {
        "audio": {"sample_rate": size.rate, "quality": name.rpartition("-")[2]},
        "espeak": {"voice": "en-us" if code == "en_US" else code.partition("_")[0]},
        "language": {"code": code, "family": code.partition("_")[0]},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": {symbol: [position] for position, symbol in enumerate(SYMBOLS)},
        "num_symbols": len(SYMBOLS),
        "num_speakers": max(1, len(size.speakers)),
        "speaker_id_map": {speaker: position for position, speaker in enumerate(size.speakers)},
        "dataset": name.split("-")[1],
    }


class _Graph:
    """Builds the network node by node; each method returns the name of what it made."""

    def __init__(self, size: Dimensions) -> None:
        self._size = size
        self._random = np.random.default_rng(7)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[TensorProto] = []
        self._names = self._new_names()
        self._has_mask = False

    def model(self) -> onnx.ModelProto:
        speaker = self._speaker() if self._size.speakers else ""
        frames = self._op("Mul", self._flow(self._latent(*self._encoder())), "mask")
        self._nodes.append(helper.make_node("Identity", [self._decoder(frames, speaker)], ["output"]))
        inputs = [
            helper.make_tensor_value_info("input", TensorProto.INT64, ["batch", "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, ["batch"]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ]
        if speaker:
            inputs.append(helper.make_tensor_value_info("sid", TensorProto.INT64, ["batch"]))
        output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 1, "time"])
        graph = helper.make_graph(self._nodes, "voice", inputs, [output], self._weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)

    def _speaker(self) -> str:
        table = self._weight((len(self._size.speakers), self._size.channels), 1.0)
        return self._op("Unsqueeze", self._op("Gather", table, "sid"), self._whole([-1]))

    def _encoder(self) -> tuple[str, str]:
        """Return the means and the logarithms of the deviations, for each symbol."""
        size = self._size
        table = self._weight((256, size.channels), 1.0)
        x = self._op("Transpose", self._op("Gather", table, "input"), perm=[0, 2, 1])
        for _ in range(size.layers):
            x = self._op("Add", x, self._attention(x))
            inner = self._op("Relu", self._convolved(x, size.channels, size.filters, 3))
            x = self._op("Add", x, self._convolved(inner, size.filters, size.channels, 3))
        return self._halves(self._convolved(x, size.channels, 2 * size.channels, 1, scale=0.3))

    def _attention(self, x: str) -> str:
        channels = self._size.channels
        query, key, value = (self._convolved(x, channels, channels, 1, scale=0.2) for _ in range(3))
        weights = self._op("Softmax", self._op("MatMul", self._op("Transpose", query, perm=[0, 2, 1]), key), axis=-1)
        heard = self._op("MatMul", value, self._op("Transpose", weights, perm=[0, 2, 1]))
        return self._convolved(heard, channels, channels, 1)

    def _latent(self, means: str, deviations: str) -> str:
        """Return the frames before the flow: each symbol's for as long as it lasts, and noise."""
        means, deviations = (self._lasting(one) for one in (means, deviations))
        noise_scale = self._op("Gather", "scales", self._whole(0))
        noise = self._op("Mul", self._op("RandomNormalLike", means, dtype=TensorProto.FLOAT), noise_scale)
        return self._op("Add", means, self._op("Mul", noise, self._op("Exp", deviations)))

    def _lasting(self, x: str) -> str:
        symbols = self._op("Gather", self._op("Shape", x), self._whole(2))
        frames_each = self._op("Mul", self._op("Gather", "scales", self._whole(1)), self._float(FRAMES_PER_SYMBOL))
        counted = self._op("Ceil", self._op("Mul", self._op("Cast", symbols, to=TensorProto.FLOAT), frames_each))
        at = self._op("Range", self._float(0), counted, self._float(1))
        if not self._has_mask:
            self._has_mask = True
            inside = self._op("Unsqueeze", self._op("Less", at, counted), self._whole([0, 1]))
            self._nodes.append(helper.make_node("Cast", [inside], ["mask"], to=TensorProto.FLOAT))
        places = self._op("Cast", self._op("Floor", self._op("Div", at, frames_each)), to=TensorProto.INT64)
        last = self._op("Sub", symbols, self._whole(1))
        return self._op("Gather", x, self._op("Min", places, last), axis=2)

    def _flow(self, x: str) -> str:
        for _ in range(self._size.couplings):
            first, second = self._halves(x)
            changed = self._op("Mul", self._op("Sub", second, self._coupling(first)), "mask")
            x = self._op("Concat", changed, first, axis=1)
        return x

    def _coupling(self, x: str) -> str:
        channels, half = self._size.channels, self._size.channels // 2
        x = self._convolved(x, half, channels, 1)
        skipped: list[str] = []
        for _ in range(self._size.coupling_layers):
            filtered, gate = self._halves(self._convolved(x, channels, 2 * channels, 5))
            gated = self._op("Mul", self._op("Tanh", filtered), self._op("Sigmoid", gate))
            kept, skip = self._halves(self._convolved(gated, channels, 2 * channels, 1))
            x = self._op("Add", x, kept)
            skipped.append(skip)
        return self._convolved(self._op("Sum", *skipped), channels, half, 1, scale=0.3)

    def _decoder(self, frames: str, speaker: str) -> str:
        size, channels = self._size, self._size.decoder
        cut = self._op("Slice", frames, self._whole([0]), self._whole([2**31]), self._whole([2]))
        x = self._convolved(cut, size.channels, channels, 7)
        if speaker:
            x = self._op("Add", x, self._convolved(speaker, size.channels, channels, 1))
        for times in size.upsampling:
            x = self._stretched(self._op("LeakyRelu", x, alpha=0.1), channels, times)
            channels //= 2
            each = [self._residual(x, channels, kernel, dilations) for kernel, dilations in size.kernels]
            x = self._op("Div", self._op("Sum", *each), self._float(len(each)))
        return self._op("Tanh", self._convolved(self._op("LeakyRelu", x, alpha=0.01), channels, 1, 7, scale=0.3))

    def _residual(self, x: str, channels: int, kernel: int, dilations: tuple[int, int]) -> str:
        for dilation in dilations:
            active = self._op("LeakyRelu", x, alpha=0.1)
            x = self._op("Add", x, self._convolved(active, channels, channels, kernel, dilation))
        return x

    def _stretched(self, x: str, channels: int, times: int) -> str:
        weight = self._weight((channels, channels // 2, 2 * times), (channels * 2) ** -0.5)
        bias = self._weight((channels // 2,), 0.01)
        pads = [times // 2, times // 2]
        return self._op("ConvTranspose", x, weight, bias, kernel_shape=[2 * times], strides=[times], pads=pads)

    def _convolved(
        self, x: str, channels: int, filters: int, kernel: int, dilation: int = 1, scale: float = 1.0
    ) -> str:
        weight = self._weight((filters, channels, kernel), scale * (channels * kernel) ** -0.5)
        bias = self._weight((filters,), 0.01)
        pad = dilation * (kernel - 1) // 2
        return self._op("Conv", x, weight, bias, kernel_shape=[kernel], dilations=[dilation], pads=[pad, pad])

    def _halves(self, x: str) -> tuple[str, str]:
        first, second = next(self._names), next(self._names)
        self._nodes.append(helper.make_node("Split", [x], [first, second], axis=1))
        return first, second

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        made = next(self._names)
        self._nodes.append(helper.make_node(kind, list(inputs), [made], **attributes))
        return made

    def _weight(self, shape: tuple[int, ...], deviation: float) -> str:
        return self._constant(self._random.normal(0, deviation, shape).astype(np.float32))

    def _whole(self, value: int | list[int]) -> str:
        return self._constant(np.array(value, np.int64))

    def _float(self, value: float) -> str:
        return self._constant(np.array(value, np.float32))

    def _constant(self, values: npt.NDArray[Any]) -> str:
        name = next(self._names)
        self._weights.append(numpy_helper.from_array(values, name))
        return name

    @staticmethod
    def _new_names() -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield f"/voice/{number}"
