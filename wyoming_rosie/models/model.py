"""A model that lies on this machine, and what it takes to fetch one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wyoming_rosie.models.downloads import Download


@dataclass(frozen=True)
class InstalledModel:
    """Of a kind and a name; one that came with a package has the package's name as its source."""

    kind: str
    name: str
    licence: str  # empty: not known here
    size: int  # bytes
    path: Path
    source: str = "fetched"
    is_complete: bool = True


@dataclass(frozen=True)
class FetchPlan:
    """Files to fetch into a folder; `notice` is what must be known of their licence."""

    name: str
    files: Sequence[Download]
    folder: Path
    licence: str
    notice: str = ""


class ModelKind(Protocol):
    """What is known of one kind of models; modules are such kinds."""

    NAME: str

    def available(self) -> Mapping[str, int]:
        """Return the names that can be fetched, and how many bytes that is about; 0 where it is not known."""

    def is_model_name(self, name: str) -> bool:
        """Whether a model of this kind is named so, or may be."""

    def installed(self, data: Path) -> list[InstalledModel]:
        """Return what is on this machine; `data` is the folder of what was fetched."""

    def fetch_plan(self, name: str, data: Path, source: str | None) -> FetchPlan:
        """Return what is to be fetched, from the usual source or another. Raises ConfigError."""

    def installed_files(self, name: str, data: Path) -> list[Path]:
        """Return the files and folders that removing a model deletes."""


def disk_size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return sum(one.stat().st_size for one in files)
