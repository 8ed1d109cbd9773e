"""Models in TensorFlow Lite format, by LiteRT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wyoming_rosie_bridge.vision.edge.detections import Rows

_MODULES = "ai_edge_litert.interpreter", "tflite_runtime.interpreter"


@dataclass(frozen=True)
class Settings:
    model: Path | None = option(None, "model file")
    threads: int = option(1, "threads of the model")


class Interpreter(Protocol):
    """The interpreter of LiteRT."""

    def allocate_tensors(self) -> None: ...
    def get_input_details(self) -> Sequence[Mapping[str, Any]]: ...
    def get_output_details(self) -> Sequence[Mapping[str, Any]]: ...
    def set_tensor(self, index: int, value: "NDArray[Any]") -> None: ...
    def get_tensor(self, index: int) -> "NDArray[Any]": ...
    def invoke(self) -> None: ...


def load(settings: Settings) -> "TfliteDetector":
    """Return the model. Raises ConfigError."""
    if settings.model is None or not settings.model.is_file():
        raise ConfigError(f"--vision.edge.tflite.model: there is no model file {settings.model or ''}".rstrip())
    interpreter = _import_interpreter()
    try:
        return TfliteDetector(interpreter(model_path=str(settings.model), num_threads=settings.threads))
    except (ValueError, RuntimeError) as err:
        raise ConfigError(f"--vision.edge.tflite.model: {settings.model} cannot be loaded") from err


def _import_interpreter() -> Any:
    for name in _MODULES:
        try:
            return import_module(name).Interpreter
        except ImportError:
            continue
    raise ConfigError("the detector tflite needs LiteRT; run: pip install ai-edge-litert")


class TfliteDetector:
    """A model with one input in NHWC; quantised ones take bytes."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        interpreter.allocate_tensors()
        self._input = interpreter.get_input_details()[0]
        self._outputs = interpreter.get_output_details()
        self.height, self.width = int(self._input["shape"][1]), int(self._input["shape"][2])

    def detect(self, tensor: "NDArray[np.uint8]") -> "Rows":
        import numpy as np

        from wyoming_rosie_bridge.vision.edge.detections import to_rows

        values: NDArray[Any] = tensor
        if self._input["dtype"] == np.float32:
            values = tensor.astype(np.float32) / 255
        elif self._input["dtype"] == np.int8:
            values = (tensor.astype(np.int16) - 128).astype(np.int8)
        self._interpreter.set_tensor(self._input["index"], values)
        self._interpreter.invoke()
        return to_rows([self._read(output) for output in self._outputs], self.width, self.height)

    def _read(self, output: Mapping[str, Any]) -> "NDArray[np.float32]":
        values = self._interpreter.get_tensor(output["index"]).astype("float32")
        scale, zero = output.get("quantization", (0.0, 0))
        return (values - zero) * scale if scale else values
