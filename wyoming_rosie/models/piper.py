"""Piper voices by name: their source and their files."""

import re
from functools import cache
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models.checksums import known_files
from wyoming_rosie.models.downloads import Download, create_download
from wyoming_rosie.models.model import FetchPlan, InstalledModel, disk_size

NAME = "piper"
FOLDER = "piper"
NETWORK, DESCRIPTION = ".onnx", ".onnx.json"
SOURCE = "https://huggingface.co/rhasspy/piper-voices/resolve/main"
LICENCE = ""
"""Each voice has its own."""
REPOSITORY = "rhasspy/piper-voices"
"""Name of the source in the table of checksums: its list of voices has those of the networks; descriptions change."""
_NAME = re.compile(
    r"(?P<family>[a-z]{2,3})_(?P<region>[A-Z0-9]{2,3})-(?P<dataset>\w+)-(?P<quality>x_low|low|medium|high)"
)


@cache
def available() -> dict[str, int]:
    """Return the source's voices with the bytes of their networks."""
    files = known_files(REPOSITORY)
    return {name.removesuffix(NETWORK): file.size or 0 for name, file in files.items() if name.endswith(NETWORK)}


def is_model_name(name: str) -> bool:
    """Return whether a name has the form en_US-lessac-medium."""
    return _NAME.fullmatch(name) is not None


def installed(data: Path) -> list[InstalledModel]:
    """Return the downloaded voices, incomplete ones included."""
    networks = sorted((data / FOLDER).glob(f"*{NETWORK}"))
    parts = sorted((data / FOLDER).glob(f"*{NETWORK}.part"))
    return [
        *(
            _installed_model(file, file.stem, is_whole=file.with_name(f"{file.stem}{DESCRIPTION}").is_file())
            for file in networks
        ),
        *(_installed_model(file, file.name.removesuffix(f"{NETWORK}.part"), is_whole=False) for file in parts),
    ]


def fetch_plan(name: str, data: Path, source: str | None) -> FetchPlan:
    """Return the files to download for a voice. Raises ConfigError."""
    files = downloads(name, source or SOURCE)
    if not files:
        raise ConfigError(f"{name!r} is no name of a voice such as en_US-lessac-medium")
    card = f"{files[0].url.rpartition('/')[0]}/MODEL_CARD"
    return FetchPlan(name, files, data / FOLDER, LICENCE, f"its licence: {card}")


def installed_files(name: str, data: Path) -> list[Path]:
    """Return the files of a voice and their incomplete parts."""
    endings = (NETWORK, DESCRIPTION)
    found = [data / FOLDER / f"{name}{ending}{part}" for ending in endings for part in ("", ".part", ".part.version")]
    return [path for path in found if path.is_file()]


def downloads(name: str, source: str) -> list[Download]:
    """Return the downloads of a voice; none without a source, or for another form of name."""
    found = _NAME.fullmatch(name)
    if found is None or not source:
        return []
    folder = f"{source.rstrip('/')}/{found['family']}/{found['family']}_{found['region']}/{found['dataset']}/{found['quality']}"
    return [create_download(folder, REPOSITORY, name + ending) for ending in (DESCRIPTION, NETWORK)]


def _installed_model(file: Path, name: str, *, is_whole: bool) -> InstalledModel:
    return InstalledModel(NAME, name, LICENCE, disk_size(file), file, is_complete=is_whole)
