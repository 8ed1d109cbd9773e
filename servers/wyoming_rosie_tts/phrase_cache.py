"""Cache of synthesized audio: in memory, and on disk what was requested more than once.

Replies are private: only this user can read the folder, file names are hashes, and no text is written.
"""

import asyncio
import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import structlog

from wyoming_rosie import __version__, config
from wyoming_rosie.config import option
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_tts.engine import Voice
from wyoming_rosie_tts.text.segments import TextSegment

_LOG = structlog.get_logger()
MEGABYTE = 1_000_000
SUFFIX = ".pcm"
MAX_PENDING_WRITES = 32
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Settings:
    dir: Path | None = option(
        None, "folder for audio that was requested more than once, never its text [default: the user's cache folder]"
    )
    megabytes: int = option(64, "size limit of the folder; 0 writes no files", minimum=0)
    memory_megabytes: int = option(16, "size limit in memory; 0 turns the cache off", minimum=0)


def cache_key(voice: Voice, segment: TextSegment, *, pause: bool) -> str:
    """Return the key of a segment's audio: a hash of everything the audio depends on."""
    parts = (
        __version__,
        voice.identity,
        astuple(voice.audio_format),
        segment.text,
        segment.phonemes,
        astuple(segment.prosody),
        pause,
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


class LruIndex:
    """Names and sizes in the order of their last use, within a limit in bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self.bytes = 0

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def touch(self, name: str) -> None:
        self._sizes.move_to_end(name)

    def add(self, name: str, size: int) -> list[str]:
        """Add or replace a name. Return the evicted names, which may include this one."""
        self.remove(name)
        self._sizes[name] = size
        self.bytes += size
        evicted = []
        while self.bytes > self._max_bytes:
            oldest = next(iter(self._sizes))
            self.remove(oldest)
            evicted.append(oldest)
        return evicted

    def remove(self, name: str) -> None:
        self.bytes -= self._sizes.pop(name, 0)


class PhraseCache:
    """Audio by key: the most recent in memory, and on disk what was requested more than once."""

    def __init__(self, memory_bytes: int, folder: "PhraseStore | None" = None) -> None:
        self._recent = LruIndex(memory_bytes)
        self._audio: dict[str, bytes] = {}
        self._pinned: dict[str, bytes] = {}  # never evicted
        self._folder = folder

    async def get(self, key: str) -> bytes | None:
        """Return the audio, or None. Audio in memory is returned without waiting."""
        if (audio := self._pinned.get(key)) is not None:
            return audio
        if (audio := self._audio.get(key)) is not None:
            self._recent.touch(key)
            self._store(key, audio)
            return audio
        if self._folder is None or (audio := await self._folder.read(key)) is None:
            return None
        self._keep_in_memory(key, audio)
        return audio

    def add(self, key: str, audio: bytes, *, pin: bool = False) -> None:
        """Add audio in memory. If `pin`, it is never evicted and also written to disk, where it fits."""
        self._keep_in_memory(key, audio)
        if pin and key in self._audio:
            self._pinned[key] = audio
            self._store(key, audio)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.close()

    def _keep_in_memory(self, key: str, audio: bytes) -> None:
        self._audio[key] = audio
        for evicted in self._recent.add(key, len(audio)):
            del self._audio[evicted]

    def _store(self, key: str, audio: bytes) -> None:
        if self._folder is not None and key not in self._folder:
            self._folder.write(key, audio)


class PhraseStore:
    """A folder with one file per key, which holds a digest and the audio. A thread of its own reads and writes."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._recent = LruIndex(max_bytes)
        self._thread = ThreadWorker("phrases")
        self._writing: set[asyncio.Future[None]] = set()
        self._is_failing = False

    def load_index(self) -> None:
        """Create the folder if it is missing, and index its files. Raises OSError."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = [(path.stat(), path) for path in self._path.glob(f"*{SUFFIX}")]
        for status, path in sorted(found, key=lambda entry: entry[0].st_mtime_ns):
            for evicted in self._recent.add(path.stem, status.st_size):
                self._path_for(evicted).unlink(missing_ok=True)

    def __contains__(self, key: str) -> bool:
        return key in self._recent

    async def read(self, key: str) -> bytes | None:
        """Return the audio, or None if it is missing or damaged."""
        if key not in self._recent:
            return None
        audio = await self._thread.run(_read_file, self._path_for(key))
        if audio is None:
            self._recent.remove(key)
        elif key in self._recent:
            self._recent.touch(key)
        return audio

    def write(self, key: str, audio: bytes) -> None:
        """Queue a write, and the removal of evicted files. Dropped while MAX_PENDING_WRITES are queued."""
        if len(self._writing) >= MAX_PENDING_WRITES:
            return
        evicted = [self._path_for(oldest) for oldest in self._recent.add(key, len(audio) + _DIGEST_BYTES)]
        writing = asyncio.ensure_future(self._thread.run(_write_file, self._path_for(key), audio, evicted))
        self._writing.add(writing)
        writing.add_done_callback(self._on_written)

    def close(self) -> None:
        self._thread.close()

    def _on_written(self, writing: "asyncio.Future[None]") -> None:
        self._writing.discard(writing)
        if writing.cancelled():
            return
        failure = writing.exception()
        if failure is not None and not self._is_failing:
            _LOG.warning(
                "cannot write audio to the cache",
                folder=str(self._path),
                reason=getattr(failure, "strerror", None) or str(failure),
            )
        self._is_failing = failure is not None

    def _path_for(self, key: str) -> Path:
        return self._path / f"{key}{SUFFIX}"


def load(settings: Settings) -> PhraseCache:
    """Return the cache, which is in memory only if its folder cannot be used. Raises ConfigError for invalid settings."""
    config.check_limits(settings, "--cache.")
    memory_bytes = settings.memory_megabytes * MEGABYTE
    if not (settings.megabytes and memory_bytes):
        return PhraseCache(memory_bytes)
    folder = PhraseStore(settings.dir or config.cache_folder() / "tts", settings.megabytes * MEGABYTE)
    try:
        folder.load_index()
    except OSError as err:
        _LOG.warning("cannot use the cache folder; caching in memory only", reason=str(err))
        return PhraseCache(memory_bytes)
    return PhraseCache(memory_bytes, folder)


def _read_file(path: Path) -> bytes | None:
    """Return a file's audio and update its time, or return None if it is missing or damaged."""
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    digest, audio = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(audio).digest() == digest:
        return audio
    path.unlink(missing_ok=True)
    return None


def _write_file(path: Path, audio: bytes, evicted: Sequence[Path]) -> None:
    """Remove the evicted files, then write this one atomically unless it is evicted itself."""
    for other in evicted:
        other.unlink(missing_ok=True)
    if path in evicted:
        return
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(hashlib.sha256(audio).digest() + audio)
    part.replace(path)
