"""Checksums of the files that can be fetched: those that are known, in `checksums.txt`, and those seen at a first download."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wyoming_rosie.runtime import json_store

SHA256 = "sha256"
SEEN_FILE = "seen-checksums.json"
_TABLE = Path(__file__).with_name("checksums.txt")
"""A line for each file: repository and name, bytes, checksum; "-" is unknown. As of 2026-11: Piper's are from the publisher's list,
the others agree in at least two independent projects that pin them."""


@dataclass(frozen=True)
class KnownFile:
    """What is known of a file of a repository: its bytes, and its checksum as `sha256:HEX` or `md5:HEX`."""

    size: int | None = None
    checksum: str | None = None


@cache
def known_files(repository: str) -> Mapping[str, KnownFile]:
    """Return the files of a repository, by name; none if it is not in the table."""
    return _load_table().get(repository, {})


def known_sha256(repository: str) -> Mapping[str, str]:
    """Return the SHA-256 of those files of a repository for which it is known, by name."""
    prefix = f"{SHA256}:"
    return {
        name: file.checksum.removeprefix(prefix)
        for name, file in known_files(repository).items()
        if file.checksum and file.checksum.startswith(prefix)
    }


def compute_checksum(path: Path, algorithm: str = SHA256) -> str:
    """Return a file's checksum, in the form of the table. Raises OSError."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()}"


class SeenChecksums:
    """Checksums of files for which none is known, from their first download on this machine; they survive a removal."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def accepts(self, name: str, checksum: str) -> bool:
        """Return whether a file is the one that came first; the first one is remembered. Raises ValueError, OSError."""
        seen = self._load()
        if name not in seen:
            json_store.write(self.path, seen | {name: checksum})
        return seen.get(name, checksum) == checksum

    def _load(self) -> dict[str, str]:
        document = json_store.read(self.path)
        if document is None:
            return {}
        if not isinstance(document, dict) or not all(isinstance(one, str) for one in document.values()):
            raise ValueError("it is no list of checksums")
        return document


@cache
def _load_table() -> Mapping[str, Mapping[str, KnownFile]]:
    table: dict[str, dict[str, KnownFile]] = {}
    for line in _TABLE.read_text("utf-8").splitlines():
        path, size, checksum = line.split()
        repository, _, name = path.rpartition("/")
        known = KnownFile(None if size == "-" else int(size), None if checksum == "-" else checksum)
        table.setdefault(repository, {})[name] = known
    return table
