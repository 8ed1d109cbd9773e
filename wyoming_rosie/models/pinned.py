"""Models whose files are checked against a pinned SHA-256 when they are fetched, and why the others are not."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from wyoming_rosie.models import catalog, piper, wake_words, whisper
from wyoming_rosie.models.model import InstalledModel
from wyoming_rosie.models.pip_source import PACKAGES

UNPINNED_REASONS: Mapping[str, str] = {
    whisper.NAME: "fetched from the newest version of a repository, which its owner may change",
    piper.NAME: "fetched from the newest version of the collection of voices, which its owner may change",
    wake_words.NAME: "the release lists no checksums",
}
"""Why models of a kind may have no pinned checksum."""


def is_pinned(name: str) -> bool:
    """Return whether a model's files are pinned, from whatever source they come."""
    return name in PACKAGES


def find_unpinned(data: Path) -> Iterator[InstalledModel]:
    """Yield the fetched models on this machine that no pinned checksum vouches for."""
    for kind in catalog.KINDS:
        for model in kind.installed(data):
            if model.source == InstalledModel.source and not is_pinned(model.name):
                yield model
