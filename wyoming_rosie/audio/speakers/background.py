"""Numbers of other voices, to compare a person's voice with; `benchmarks/speaker_background.py` computes them from synthetic voices."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from wyoming_rosie.audio.speakers.spectrum import Floats

FOLDER = Path(__file__).with_name("backgrounds")


@cache
def load_background(engine: str) -> Mapping[str, Floats]:
    """Return an engine's arrays by name."""
    with np.load(FOLDER / f"{engine}.npz", allow_pickle=False) as file:
        return {name: np.asarray(file[name], np.float32) for name in file.files}
