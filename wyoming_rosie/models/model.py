"""Installed models, download plans, and the interface of a kind of models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wyoming_rosie.models.downloads import Download


@dataclass(frozen=True)
class InstalledModel:
    """A model on this machine; `source` names the package it came with."""

    kind: str
    name: str
    licence: str  # empty if unknown
    size: int  # bytes
    path: Path
    source: str = "fetched"
    is_complete: bool = True


@dataclass(frozen=True)
class FetchPlan:
    """Files to download into a folder; `notice` is about their licence."""

    name: str
    files: Sequence[Download]
    folder: Path
    licence: str
    notice: str = ""


class ModelKind(Protocol):
    """One kind of models; implemented by modules."""

    NAME: str

    def available(self) -> Mapping[str, int]:
        """Return the names that can be downloaded, with their approximate bytes; 0 if unknown."""

    def is_model_name(self, name: str) -> bool:
        """Return whether a model of this kind can have this name."""

    def installed(self, data: Path) -> list[InstalledModel]:
        """Return the models on this machine; `data` is the folder of downloads."""

    def fetch_plan(self, name: str, data: Path, source: str | None) -> FetchPlan:
        """Return the files to download, from the default source or another. Raises ConfigError."""

    def installed_files(self, name: str, data: Path) -> list[Path]:
        """Return the files and folders to delete when a model is removed."""


def disk_size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [child for child in path.rglob("*") if child.is_file()]
    return sum(child.stat().st_size for child in files)
