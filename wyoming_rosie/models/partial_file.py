"""Partial file: what has arrived of a download beside its place, its version, and the lock of the program that fetches it."""

import fcntl
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from wyoming_rosie.models.checksums import SHA256, compute_checksum


class BrokenTransferError(Exception):
    """The rest of a file did not arrive; it may the next time."""


class PartialFile:
    """The part of a file that has arrived, and its version; one program at a time holds it."""

    def __init__(self, target: Path, *, is_pinned: bool = False) -> None:
        self.size = 0
        self.was_resumed_unseen = False  # the server named no version
        self._is_pinned = is_pinned
        self._target = target
        self._path = target.with_name(f"{target.name}.part")
        self._version_path = target.with_name(f"{target.name}.part.version")
        self._descriptor = -1

    def is_finished(self, size: int | None) -> bool:
        """Whether the file itself is there, with this size if that is known."""
        return self._target.is_file() and size in (None, self._target.stat().st_size)

    def acquire(self) -> bool:
        """Open and lock the part; return False if another program holds it."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.size = os.fstat(descriptor).st_size
        if _lock(descriptor) and _is_at(self._path, descriptor):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def release(self) -> None:
        """Unlock the part, if it is held; an empty one, or one that has become the file itself, leaves nothing behind."""
        if self._descriptor < 0:
            return
        if not self.size:
            self._path.unlink(missing_ok=True)
            self._version_path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def range_headers(self) -> dict[str, str]:
        """Return the headers that request the rest, provided that the server still has this version.

        A file with a known checksum needs no version: a mismatch is noticed at the end.
        """
        version = self._version()
        if version:
            return {"Range": f"bytes={self.size}-", "If-Range": version}
        return {"Range": f"bytes={self.size}-"} if self.size and self._is_pinned else {}

    def continue_with(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep what the response continues. Raises BrokenTransferError for a response that continues something else."""
        version = _version(headers)
        if status != HTTPStatus.PARTIAL_CONTENT:
            self.restart(version)
        elif not self._continues(headers.get("Content-Range", ""), version):
            self.restart()
            raise BrokenTransferError("the server sends another part than it was asked for")
        elif not self._version():
            self.was_resumed_unseen = True

    def write(self, block: bytes) -> None:
        try:
            while block:
                written = os.write(self._descriptor, block)
                self.size += written
                block = block[written:]
        except OSError:
            self.restart()  # free the disk for others
            raise

    def restart(self, version: str = "") -> None:
        """Drop what has arrived; what comes next is of this version, or of one that cannot be resumed."""
        os.ftruncate(self._descriptor, 0)
        self.size = 0
        self._version_path.write_text(version, "ascii")

    def checksum(self, algorithm: str = SHA256) -> str:
        """Return the checksum of what has arrived."""
        return compute_checksum(self._path, algorithm)

    def has_checksum(self, expected: str) -> bool:
        """Return whether what has arrived has this checksum."""
        return self.checksum(expected.partition(":")[0]) == expected

    def finish(self) -> None:
        """Turn the part into the file itself."""
        os.fsync(self._descriptor)
        self._path.replace(self._target)
        self._version_path.unlink(missing_ok=True)

    def _continues(self, content_range: str, version: str) -> bool:
        is_next = content_range.startswith(f"bytes {self.size}-")
        return is_next and (version in ("", self._version()) or (self._is_pinned and not self._version()))

    def _version(self) -> str:
        if not self.size or not self._version_path.is_file():
            return ""
        version = self._version_path.read_text("ascii", "ignore")
        return version if version.isprintable() else ""  # it goes into a header


def _version(headers: Mapping[str, str]) -> str:
    """Return what names the version of a file byte for byte, if the server sends that."""
    tag = headers.get("ETag", "")
    version = tag if tag.startswith('"') else headers.get("Last-Modified", "")
    return version if version.isascii() else ""


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether an open file still has this path: it may have been renamed before it was locked."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
