"""Sound that has been made before: in memory, and on disk what was wanted more than once.

What people are told is private: the folder is for this user alone, names of files are hashes, and no text is written.
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
from wyoming_rosie.errors import ConfigError
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
        None, "where sound is kept that was wanted more than once, never its text [default: the user's cache folder]"
    )
    megabytes: int = option(64, "most that is kept there; 0 writes nothing")
    memory_megabytes: int = option(16, "most that is kept in memory; 0 keeps nothing anywhere")


def cache_key(voice: Voice, segment: TextSegment, *, pause: bool) -> str:
    """Return what names the sound of these words with this voice."""
    said = (
        __version__,
        voice.identity,
        astuple(voice.audio_format),
        segment.text,
        segment.phonemes,
        astuple(segment.prosody),
        pause,
    )
    return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()


class UsageOrder:
    """What was used last, within a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self.bytes = 0

    def __contains__(self, name: str) -> bool:
        return name in self._sizes

    def touch(self, name: str) -> None:
        self._sizes.move_to_end(name)

    def add(self, name: str, size: int) -> list[str]:
        """Add or replace one; return what there is no more room for, which may be itself."""
        self.remove(name)
        self._sizes[name] = size
        self.bytes += size
        gone = []
        while self.bytes > self._most_bytes:
            oldest = next(iter(self._sizes))
            self.remove(oldest)
            gone.append(oldest)
        return gone

    def remove(self, name: str) -> None:
        self.bytes -= self._sizes.pop(name, 0)


class PhraseCache:
    """Sound by key: the newest in memory, and on disk what was wanted more than once."""

    def __init__(self, memory_bytes: int, folder: "PhraseStore | None" = None) -> None:
        self._recent = UsageOrder(memory_bytes)
        self._audio: dict[str, bytes] = {}
        self._pinned: dict[str, bytes] = {}  # besides, whatever else is wanted
        self._folder = folder

    async def get(self, key: str) -> bytes | None:
        """Return the sound if it is here; what is in memory without a wait."""
        if (sound := self._pinned.get(key)) is not None:
            return sound
        if (sound := self._audio.get(key)) is not None:
            self._recent.touch(key)
            self._store(key, sound)
            return sound
        if self._folder is None or (sound := await self._folder.read(key)) is None:
            return None
        self._keep_in_memory(key, sound)
        return sound

    def add(self, key: str, sound: bytes, *, pin: bool = False) -> None:
        """Keep sound that was made; on disk only when it is wanted again, or when it is to be there `always`."""
        self._keep_in_memory(key, sound)
        if pin and key in self._audio:
            self._pinned[key] = sound
            self._store(key, sound)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.close()

    def _keep_in_memory(self, key: str, sound: bytes) -> None:
        self._audio[key] = sound
        for gone in self._recent.add(key, len(sound)):
            del self._audio[gone]

    def _store(self, key: str, sound: bytes) -> None:
        if self._folder is not None and key not in self._folder:
            self._folder.write(key, sound)


class PhraseStore:
    """A file for each sound, with its digest; a thread of its own reads and writes them."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._recent = UsageOrder(most_bytes)
        self._thread = ThreadWorker("phrases")
        self._writing: set[asyncio.Future[None]] = set()

    def load_index(self) -> None:
        """Note what is there, and make the folder if it is not. Raises OSError."""
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = [(path.stat(), path) for path in self._path.glob(f"*{SUFFIX}")]
        for status, path in sorted(found, key=lambda one: one[0].st_mtime_ns):
            for gone in self._recent.add(path.stem, status.st_size):
                self._path_for(gone).unlink(missing_ok=True)

    def __contains__(self, key: str) -> bool:
        return key in self._recent

    async def read(self, key: str) -> bytes | None:
        """Return a sound that is there, and whole."""
        if key not in self._recent:
            return None
        sound = await self._thread.run(_read_file, self._path_for(key))
        if sound is None:
            self._recent.remove(key)
        elif key in self._recent:
            self._recent.touch(key)
        return sound

    def write(self, key: str, sound: bytes) -> None:
        """Have a sound written soon, and removed what there is no more room for; not when the disk is far behind."""
        if len(self._writing) >= MAX_PENDING_WRITES:
            return
        gone = self._recent.add(key, len(sound) + _DIGEST_BYTES)
        writing = asyncio.ensure_future(
            self._thread.run(_write_file, self._path_for(key), sound, [self._path_for(one) for one in gone])
        )
        self._writing.add(writing)
        writing.add_done_callback(self._on_written)

    def close(self) -> None:
        self._thread.close()

    def _on_written(self, writing: "asyncio.Future[None]") -> None:
        self._writing.discard(writing)
        if not writing.cancelled() and (failure := writing.exception()) is not None:
            _LOG.warning("sound was not kept on disk", folder=str(self._path), reason=str(failure))

    def _path_for(self, key: str) -> Path:
        return self._path / f"{key}{SUFFIX}"


def load(settings: Settings) -> PhraseCache:
    """Return the cache. Raises ConfigError for settings that cannot be; without its folder it makes do with memory."""
    if settings.megabytes < 0 or settings.memory_megabytes < 0:
        raise ConfigError("--cache.megabytes and --cache.memory-megabytes must be 0 or more")
    memory_bytes = settings.memory_megabytes * MEGABYTE
    if not (settings.megabytes and memory_bytes):
        return PhraseCache(memory_bytes)
    folder = PhraseStore(settings.dir or config.cache_folder() / "tts", settings.megabytes * MEGABYTE)
    try:
        folder.load_index()
    except OSError as err:
        _LOG.warning("sound is kept in memory only", reason=str(err))
        return PhraseCache(memory_bytes)
    return PhraseCache(memory_bytes, folder)


def _read_file(path: Path) -> bytes | None:
    """Return the sound of a file, and note that it was used; nothing when it is damaged or gone."""
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    digest, sound = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(sound).digest() == digest:
        return sound
    path.unlink(missing_ok=True)
    return None


def _write_file(path: Path, sound: bytes, gone: Sequence[Path]) -> None:
    """Write a file, whole or not at all, and remove others, of which it may be one."""
    for other in gone:
        other.unlink(missing_ok=True)
    if path in gone:
        return
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(hashlib.sha256(sound).digest() + sound)
    part.replace(path)
