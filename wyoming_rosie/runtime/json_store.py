"""JSON store: a small file that a power cut leaves whole, written by a thread of its own."""

import asyncio
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from wyoming_rosie.runtime import atomic_file
from wyoming_rosie.runtime.workers import ThreadWorker

_LOG = structlog.get_logger()
MAX_BYTES = 4_000_000


def read(path: Path) -> Any:
    """Return the file's document, None if there is no file. Raises ValueError for invalid JSON, OSError."""
    try:
        with path.open("rb") as file:
            return json.loads(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None
    except RecursionError as err:
        raise ValueError("it is nested too deep") from err


def write(path: Path, document: object, mode: int = 0o666) -> None:
    """Replace the file atomically: a power cut leaves either the old or the new one. Raises OSError."""
    atomic_file.write(path, json.dumps(document).encode(), mode)


def write_private(path: Path, document: object) -> None:
    """Replace the file atomically, readable by the owner of its folder alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".private-") as private:  # mode 0700
        new = Path(private) / path.name
        write(new, document, 0o600)
        atomic_file.give_to_owner(new, path.parent)
        new.replace(path)


def quarantine(path: Path, reason: Exception) -> None:
    """Rename an unusable file, so that it is kept, and log it."""
    broken = path.with_suffix(".broken")
    _LOG.warning("unusable file renamed", file=str(path), now=str(broken), reason=str(reason))
    try:
        path.replace(broken)
    except OSError as err:
        _LOG.warning("unusable file could not be renamed", file=str(path), reason=err.strerror)


class JsonWriter:
    """Writes what `document` returns after each `schedule`; changes during a write are written together."""

    def __init__(self, path: Path, document: Callable[[], object]) -> None:
        self._path = path
        self._document = document
        self._changed = asyncio.Event()
        self._is_failing = False

    def schedule(self) -> None:
        """Schedule a write; never blocks."""
        self._changed.set()

    async def run(self) -> None:
        """Write scheduled changes until cancelled, then those that are left."""
        worker = ThreadWorker("saver")  # one thread: writes never overlap, even after a cancellation
        try:
            while True:
                await self._changed.wait()
                await self._write(worker)
        finally:
            if self._changed.is_set():
                await self._write(worker)
            worker.close()

    async def _write(self, worker: ThreadWorker) -> None:
        self._changed.clear()
        try:
            await worker.run(write, self._path, self._document())
        except asyncio.CancelledError:
            self._changed.set()  # the write may not have started
            raise
        except OSError as err:
            if not self._is_failing:
                _LOG.error("file could not be written", file=str(self._path), reason=err.strerror)
            self._is_failing = True
        else:
            self._is_failing = False
