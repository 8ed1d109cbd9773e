"""Models in ONNX format, by onnxruntime."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from wyoming_rosie_bridge.vision.edge.detections import Rows


@dataclass(frozen=True)
class Settings:
    model: Path | None = option(None, "model file")
    threads: int = option(1, "threads of the model")


def load(settings: Settings) -> "OnnxDetector":
    """Return the model. Raises ConfigError."""
    if settings.model is None or not settings.model.is_file():
        raise ConfigError(f"--vision.edge.onnx.model: there is no model file {settings.model or ''}".rstrip())
    try:
        import onnxruntime
    except ImportError as err:
        raise ConfigError("the detector onnx needs onnxruntime; run: pip install onnxruntime") from err
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    try:
        session = onnxruntime.InferenceSession(settings.model, options, providers=["CPUExecutionProvider"])
    except Exception as err:  # its errors have no common base but Exception
        raise ConfigError(f"--vision.edge.onnx.model: {settings.model} cannot be loaded: {type(err).__name__}") from err
    return OnnxDetector(session)


class OnnxDetector:
    """A model with one input: NHWC or NCHW, bytes or floats from 0 to 1."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._input = session.get_inputs()[0]
        shape = self._input.shape
        self._channels_first = shape[1] == 3
        self.height, self.width = (shape[2], shape[3]) if self._channels_first else (shape[1], shape[2])
        if not (isinstance(self.height, int) and isinstance(self.width, int)):
            raise ConfigError(f"the model's input has no fixed size: {shape}; export it with one, such as 320 x 320")

    def detect(self, tensor: "NDArray[np.uint8]") -> "Rows":
        import numpy as np

        from wyoming_rosie_bridge.vision.edge.detections import to_rows

        values: NDArray[Any] = np.transpose(tensor, (0, 3, 1, 2)) if self._channels_first else tensor
        if "float" in self._input.type:
            values = values.astype(np.float32) / 255
        outputs = self._session.run(None, {self._input.name: np.ascontiguousarray(values)})
        return to_rows([np.asarray(output, np.float32) for output in outputs], self.width, self.height)
