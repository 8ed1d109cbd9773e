"""Piper voices by name: their source and their files."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models.downloads import Download
from wyoming_rosie.models.model import FetchPlan, InstalledModel, disk_size

NAME = "piper"
FOLDER = "piper"
NETWORK, DESCRIPTION = ".onnx", ".onnx.json"
SOURCE = "https://huggingface.co/rhasspy/piper-voices/resolve/main"
LICENCE = ""
"""Each voice has its own."""
SHA256: Mapping[str, Mapping[str, str]] = {
    "en_US-joe-medium": {
        NETWORK: "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        DESCRIPTION: "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
    }
}
"""Checksums of a voice's files, by ending, from whatever source they come."""
_NAME = re.compile(
    r"(?P<family>[a-z]{2,3})_(?P<region>[A-Z0-9]{2,3})-(?P<dataset>\w+)-(?P<quality>x_low|low|medium|high)"
)
_VOICE_LIST = Path(__file__).with_name("piper_voices.txt")
"""The source's voices as of 2026-11, with the megabytes of their networks."""


@cache
def available() -> dict[str, int]:
    """Return the source's voices with the approximate bytes of their networks."""
    lines = (line.split() for line in _VOICE_LIST.read_text("utf-8").splitlines())
    return {name: 1_000_000 * int(megabytes) for name, megabytes in lines}


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
    sums = SHA256.get(name, {})
    return [
        Download(f"{folder}/{name}{ending}", Path(name + ending), sha256=sums.get(ending))
        for ending in (DESCRIPTION, NETWORK)
    ]


def _installed_model(file: Path, name: str, *, is_whole: bool) -> InstalledModel:
    return InstalledModel(NAME, name, LICENCE, disk_size(file), file, is_complete=is_whole)
