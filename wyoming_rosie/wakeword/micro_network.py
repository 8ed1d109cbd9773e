"""microWakeWord networks on TensorFlow Lite's C library, without numpy, whose 12 MB are a fifth of a satellite's memory."""

import ctypes
import weakref
from array import array
from collections import deque
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from wyoming_rosie.errors import ConfigError

FEATURES = 40
"""Features of 10 ms of audio."""
MAGIC = b"TFL3"  # the library crashes on files without it
TYPES = {3: "B", 9: "b"}  # TensorFlow Lite's types uint8 and int8, as array's type codes
LIMITS = {"B": (0, 255), "b": (-128, 127)}


class _Quantization(ctypes.Structure):
    _fields_ = (("scale", ctypes.c_float), ("zero", ctypes.c_int32))


class MicroNetwork:
    """One word's network for one stream. Raises ConfigError if the file is no network of microWakeWord.

    Each `stride` frames of features give a score; the last `window` scores are averaged.
    """

    def __init__(self, library: Path, model: Path, window: int) -> None:
        if model.read_bytes()[4:8] != MAGIC:
            raise ConfigError(f"{model} is not a TensorFlow Lite model")
        calls = _load_library(library)
        self._invoke = calls.TfLiteInterpreterInvoke
        self._interpreter = _create_runtime(calls, model, self)
        self._input = _Tensor(calls, calls.TfLiteInterpreterGetInputTensor(self._interpreter, 0))
        self._output = _Tensor(calls, calls.TfLiteInterpreterGetOutputTensor(self._interpreter, 0))
        if self._input.shape[2:] != [FEATURES] or self._output.size != 1:
            raise ConfigError(
                f"{model} is not a microWakeWord model: it takes {self._input.shape}, not {FEATURES} features"
            )
        self.stride = self._input.shape[1]
        self._frames: list[float] = []
        self._scores: deque[float] = deque(maxlen=window)

    def score(self, features: Sequence[float]) -> float | None:
        """Process the features of the next 10 ms; return the averaged score if they complete a stride, else None."""
        self._frames += features
        if len(self._frames) < self._input.size:
            return None
        self._input.write(self._frames)
        self._frames = []
        self._invoke(self._interpreter)
        self._scores.append(self._output.read())
        return fmean(self._scores) if len(self._scores) == self._scores.maxlen else 0.0


class _Tensor:
    """A quantized tensor at a fixed address; a byte stands for the number (byte - zero) * scale."""

    def __init__(self, calls: ctypes.CDLL, tensor: int) -> None:
        quantization = calls.TfLiteTensorQuantizationParams(tensor)
        self.shape = [calls.TfLiteTensorDim(tensor, axis) for axis in range(calls.TfLiteTensorNumDims(tensor))]
        self.size = int(calls.TfLiteTensorByteSize(tensor))
        self._scale = float(quantization.scale)
        self._zero = int(quantization.zero)
        self._type = TYPES.get(calls.TfLiteTensorType(tensor), "")
        self._address = int(calls.TfLiteTensorData(tensor))

    def write(self, numbers: Sequence[float]) -> None:
        scale, zero = self._scale, self._zero
        ctypes.memmove(self._address, self._to_bytes([round(number / scale + zero) for number in numbers]), self.size)

    def read(self) -> float:
        return (array(self._type, ctypes.string_at(self._address, 1))[0] - self._zero) * self._scale

    def _to_bytes(self, whole: list[int]) -> bytes:
        try:
            return array(self._type, whole).tobytes()
        except OverflowError:
            least, most = LIMITS[self._type]
            return array(self._type, [min(max(number, least), most) for number in whole]).tobytes()


def _create_runtime(calls: ctypes.CDLL, model: Path, owner: object) -> int:
    """Return an interpreter that is deleted with its owner."""
    loaded = calls.TfLiteModelCreateFromFile(str(model).encode())
    if not loaded:
        raise ConfigError(f"{model} is not a TensorFlow Lite model")
    made = calls.TfLiteInterpreterCreate(loaded, None)
    weakref.finalize(owner, _delete, calls, made, loaded)
    if not made or calls.TfLiteInterpreterAllocateTensors(made):
        raise ConfigError(f"{model} cannot be run by this version of TensorFlow Lite")
    return int(made)


def _delete(calls: ctypes.CDLL, interpreter: int | None, model: int) -> None:
    if interpreter:
        calls.TfLiteInterpreterDelete(interpreter)
    calls.TfLiteModelDelete(model)


@cache
def _load_library(library: Path) -> ctypes.CDLL:
    calls = ctypes.CDLL(str(library))
    address, number, size = ctypes.c_void_p, ctypes.c_int32, ctypes.c_size_t
    signatures: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "TfLiteModelCreateFromFile": (address, (ctypes.c_char_p,)),
        "TfLiteModelDelete": (None, (address,)),
        "TfLiteInterpreterCreate": (address, (address, address)),
        "TfLiteInterpreterDelete": (None, (address,)),
        "TfLiteInterpreterAllocateTensors": (number, (address,)),
        "TfLiteInterpreterInvoke": (number, (address,)),
        "TfLiteInterpreterGetInputTensor": (address, (address, number)),
        "TfLiteInterpreterGetOutputTensor": (address, (address, number)),
        "TfLiteTensorType": (number, (address,)),
        "TfLiteTensorNumDims": (number, (address,)),
        "TfLiteTensorDim": (number, (address, number)),
        "TfLiteTensorByteSize": (size, (address,)),
        "TfLiteTensorData": (address, (address,)),
        "TfLiteTensorQuantizationParams": (_Quantization, (address,)),
    }
    for name, (result, arguments) in signatures.items():
        call = getattr(calls, name)
        call.restype, call.argtypes = result, arguments
    return calls
