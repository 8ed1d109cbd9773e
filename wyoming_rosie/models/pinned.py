"""Models whose weights are compared with a known checksum when they are fetched."""

from collections.abc import Iterator
from pathlib import Path

from wyoming_rosie.models import catalog, piper, wake_words, whisper
from wyoming_rosie.models.checksums import known_files
from wyoming_rosie.models.model import InstalledModel
from wyoming_rosie.models.pip_source import PACKAGES


def is_pinned(name: str) -> bool:
    """Return whether the checksum of a model's weights is known, from whatever source they come."""
    weights = (
        (whisper.REPOSITORIES.get(name, name), whisper.WEIGHTS),
        (piper.REPOSITORY, f"{name}{piper.NETWORK}"),
        (wake_words.REPOSITORY, f"{name}.onnx"),
    )
    return name in PACKAGES or any(
        file.checksum is not None for repository, known in weights if (file := known_files(repository).get(known))
    )


def find_unpinned(data: Path) -> Iterator[InstalledModel]:
    """Yield the fetched models on this machine that no known checksum vouches for."""
    for kind in catalog.KINDS:
        for model in kind.installed(data):
            if model.source == InstalledModel.source and not is_pinned(model.name):
                yield model
