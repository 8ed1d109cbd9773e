"""Downloads: files fetched over HTTP whole and checked or not at all, and resumed after a break."""

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from wyoming_rosie.errors import RosieError

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

BLOCKS_AHEAD = 16
"""Blocks of up to 128 KiB that wait for a slow disk; then the server waits."""
REPORT_SECONDS = 0.25
RELEASE_SECONDS = 0.25
LOCK_POLL_SECONDS = 0.1
MAX_REDIRECTS = 10
MEGABYTE = 1_000_000
_RESTARTED = "the server cannot go on where it stopped, so that it is fetched from the beginning"
_TRANSIENT = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
_HEADERS = {"User-Agent": "wyoming-rosie", "Accept-Encoding": "identity"}  # ranges count uncompressed bytes
T = TypeVar("T")
_Block: TypeAlias = bytes | Exception | None
"""What has arrived of a response, or how it has ended: None when whole."""


class DownloadError(RosieError):
    """A file cannot be fetched; the sentence says what to do."""

    code = "download"


class WrongContentError(DownloadError):
    """The source has another file than the expected one; another attempt would download it in vain."""


@dataclass(frozen=True)
class Download:
    """A file to fetch, and its path in the folder; its size and SHA-256 are checked if given."""

    url: str
    path: Path
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Progress:
    """Bytes of the file `name` on disk, and the reason why no more arrive at present."""

    done_bytes: int
    total_bytes: int | None
    name: str
    problem: str = ""


@dataclass(frozen=True)
class RetryPolicy:
    """Pauses before each retry of a server that fails, its time-out, and that of another program's download, in seconds."""

    retry_seconds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)
    read_timeout_seconds: float = 20.0
    lock_timeout_seconds: float = 3600.0


DEFAULT_RETRY_POLICY = RetryPolicy()


async def download_files(
    files: Sequence[Download],
    folder: Path,
    progress: Callable[[Progress], None],
    retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
) -> None:
    """Fetch the files into the folder, one after the other; one that exists, with its size if given, is kept.

    `progress` is called about four times a second. Raises DownloadError. After an error or a cancellation, what has come
    of a file stays beside its place as `.part`, and the next call resumes it. Proxies are those of the environment.
    """
    for file in files:
        _check(file)
    if not files:
        return
    batch = _Batch(files, folder, retry_policy)
    running = asyncio.create_task(batch.run())
    try:
        while not running.done():
            await asyncio.wait([running], timeout=REPORT_SECONDS)
            progress(batch.progress)
    finally:
        running.cancel()
        await asyncio.wait([running])
    running.result()


class _BrokenError(Exception):
    """The rest of a file did not arrive; it may the next time."""


class _Batch:
    """Transfers that run one after the other, with one thread for the disk."""

    def __init__(self, files: Sequence[Download], folder: Path, policy: RetryPolicy) -> None:
        self._policy = policy
        self._disk = ThreadPoolExecutor(1, "downloads")
        self._transfers = [_Transfer(file, folder, policy, self._disk) for file in files]
        self._current = self._transfers[0]

    @property
    def progress(self) -> Progress:
        return self._current.progress

    async def run(self) -> None:
        aiohttp = await asyncio.to_thread(import_module, "aiohttp")
        seconds = self._policy.read_timeout_seconds
        timeout = aiohttp.ClientTimeout(total=None, connect=seconds, sock_connect=seconds, sock_read=seconds)
        try:
            async with aiohttp.ClientSession(
                headers=_HEADERS, timeout=timeout, trust_env=True, auto_decompress=False
            ) as session:
                for transfer in self._transfers:
                    self._current = transfer
                    await transfer.run(session)
        finally:
            self._disk.shutdown(wait=False)


class _Transfer:
    """One file's download; all access to the disk runs on the batch's thread."""

    def __init__(self, file: Download, folder: Path, policy: RetryPolicy, disk: ThreadPoolExecutor) -> None:
        self._file = file
        self._folder = folder
        self._policy = policy
        self._disk = disk
        self._part = _Part(folder / file.path, is_pinned=None not in (file.size, file.sha256))
        self._total = file.size
        self._problem = ""

    @property
    def progress(self) -> Progress:
        return Progress(self._part.size, self._total, str(self._file.path), self._problem)

    async def run(self, session: "ClientSession") -> None:
        """Fetch the file into its place. Raises DownloadError."""
        try:
            if not await self._on_disk(self._part.is_finished, self._file.size):
                async with self._locked():
                    await self._fetch(session)
        except OSError as err:  # network errors are _BrokenErrors by now
            raise DownloadError(f"cannot write {self._folder / self._file.path}: {err.strerror}") from err

    def _on_disk(self, function: Callable[..., T], *args: object) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._disk, partial(function, *args))

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """Hold the part, once no other program does."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._policy.lock_timeout_seconds
        try:
            while not await self._on_disk(self._part.acquire):
                if loop.time() > deadline:
                    raise DownloadError(
                        f"another program has been fetching {self._file.path} for too long; end it first"
                    )
                self._problem = "another program is fetching it"
                await asyncio.sleep(LOCK_POLL_SECONDS)
            yield
        finally:  # after what still runs on the disk's thread; a cancellation does not wait for a large checksum
            released = self._on_disk(self._part.release)
            await asyncio.wait([released], timeout=RELEASE_SECONDS)

    async def _fetch(self, session: "ClientSession") -> None:
        if await self._on_disk(self._part.is_finished, self._file.size):  # by another program, while this one waited
            return
        await self._receive_all(session)
        if self._part.was_resumed_unseen and not await self._on_disk(self._matches):
            await self._on_disk(self._part.restart)  # the old part was of another version
            await self._receive_all(session)
        await self._on_disk(self._check_content)
        await self._on_disk(self._part.finish)

    async def _receive_all(self, session: "ClientSession") -> None:
        """Retry until nothing is missing; the retries are counted anew whenever more has arrived than ever before."""
        pauses, most = iter(self._policy.retry_seconds), self._part.size
        while True:
            try:
                return await self._receive(session)
            except _BrokenError as err:
                if self._part.size > most:
                    pauses, most = iter(self._policy.retry_seconds), self._part.size
                pause = next(pauses, None)
                if pause is None:
                    raise DownloadError(f"cannot fetch {self._file.url}: {err}; {self._remedy}") from err
                self._problem = str(err)
            await asyncio.sleep(pause)

    async def _receive(self, session: "ClientSession") -> None:
        """Download the missing bytes. Raises _BrokenError when not all of them arrive, DownloadError."""
        from aiohttp import ClientError

        try:
            async with await self._request(session) as response:
                if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
                    await self._handle_refusal(response)
                    return
                async with _read_ahead(response) as blocks:
                    await self._prepare(response)
                    await self._write(blocks)
        except (ClientError, TimeoutError) as err:
            raise _BrokenError(_reason(err)) from err
        if self._total is not None and self._part.size < self._total:
            raise _BrokenError("the connection broke off")

    async def _request(self, session: "ClientSession") -> "ClientResponse":
        """Ask for the rest and follow the server's redirects. Raises DownloadError for those that are not followed."""
        from yarl import URL

        url, headers = URL(self._file.url), await self._on_disk(self._part.range_headers)
        for _ in range(MAX_REDIRECTS):
            response = await session.get(url, headers=headers, allow_redirects=False)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return response
            response.close()
            url = follow_redirect(url, location)
        raise DownloadError(f"{self._file.url} leads from address to address without end; {self._remedy}")

    async def _handle_refusal(self, response: "ClientResponse") -> None:
        """Return when nothing is missing. Raises _BrokenError for what may pass, DownloadError."""
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self._part.size:
            if response.headers.get("Content-Range") == f"bytes */{self._part.size}":
                return
            await self._on_disk(self._part.restart)
        elif response.status < HTTPStatus.INTERNAL_SERVER_ERROR and response.status not in _TRANSIENT:
            raise DownloadError(f"{self._file.url} answers {response.status} {response.reason}; {self._remedy}")
        raise _BrokenError(f"the server answers {response.status} {response.reason}")

    async def _prepare(self, response: "ClientResponse") -> None:
        before = self._part.size
        await self._on_disk(self._part.continue_with, response.status, response.headers)
        self._problem = _RESTARTED if before and not self._part.size else ""
        length = response.content_length
        self._total = None if length is None else self._part.size + length
        await self._on_disk(self._check_total)

    async def _write(self, blocks: "asyncio.Queue[_Block]") -> None:
        while (block := await blocks.get()) is not None:
            if isinstance(block, Exception):
                raise block
            await self._on_disk(self._part.write, block)
            if self._file.size is not None and self._part.size > self._file.size:
                return

    def _check_total(self) -> None:
        if self._total is None:
            return
        if self._file.size not in (None, self._total):
            raise self._reject(f"has {self._total} bytes instead of {self._file.size}")
        missing, free = self._total - self._part.size, shutil.disk_usage(self._folder).free
        if missing > free:
            need, room = missing // MEGABYTE + 1, free // MEGABYTE
            raise DownloadError(f"{self._file.path} needs {need} MB, and there is room for {room} MB in {self._folder}")

    def _check_content(self) -> None:
        if self._file.size not in (None, self._part.size):
            raise self._reject(f"sent {self._part.size} bytes instead of {self._file.size}")
        if self._file.sha256 not in (None, self._part.sha256()):
            raise self._reject("sent something else: the checksum is wrong")

    def _matches(self) -> bool:
        return self._file.size == self._part.size and self._file.sha256 == self._part.sha256()

    def _reject(self, reason: str) -> WrongContentError:
        self._part.restart()
        return WrongContentError(f"{self._file.url} {reason}; try again later, or {self._remedy}")

    @property
    def _remedy(self) -> str:
        return f"put {self._file.path} into {self._folder} yourself"


class _Part:
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
        """Keep what the response continues. Raises _BrokenError for a response that continues something else."""
        version = _version(headers)
        if status != HTTPStatus.PARTIAL_CONTENT:
            self.restart(version)
        elif not self._continues(headers.get("Content-Range", ""), version):
            self.restart()
            raise _BrokenError("the server sends another part than it was asked for")
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

    def sha256(self) -> str:
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

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


@asynccontextmanager
async def _read_ahead(response: "ClientResponse") -> "AsyncIterator[asyncio.Queue[_Block]]":
    """Read a response during the block, as it arrives: aiohttp drops what is unread when the connection breaks."""
    blocks: asyncio.Queue[_Block] = asyncio.Queue(BLOCKS_AHEAD)
    blocks.put_nowait(response.content.read_nowait())
    reading = asyncio.create_task(_read_all(response, blocks))
    try:
        yield blocks
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def _read_all(response: "ClientResponse", blocks: "asyncio.Queue[_Block]") -> None:
    try:
        async for block in response.content.iter_any():
            await blocks.put(block)
    except Exception as err:  # noqa: BLE001 - the edge of the task: the consumer raises it
        await blocks.put(err)
    else:
        await blocks.put(None)


def follow_redirect(url: "URL", location: str) -> "URL":
    """Return the address a server redirects to. Raises DownloadError when https would be left."""
    from yarl import URL

    target = url.join(URL(location, encoded=location.isascii()))  # quoting anew would break a signature
    if target.scheme not in ("https", url.scheme):
        raise DownloadError(f"{url} leads to {target}, which is not https")
    return target


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


def _check(file: Download) -> None:
    if not file.url.startswith(("http://", "https://")):
        raise DownloadError(f"{file.url} cannot be fetched: addresses begin with http:// or https://")
    if file.path.is_absolute() or ".." in file.path.parts or not file.path.name:
        raise DownloadError(f"{file.url} cannot be written to {file.path}: that is not inside the folder")


def _reason(err: Exception) -> str:
    from aiohttp import ClientPayloadError, ServerDisconnectedError

    if isinstance(err, TimeoutError):
        return "timed out"
    if isinstance(err, ClientPayloadError | ServerDisconnectedError):
        return "the connection broke off"
    cause = getattr(err, "os_error", err)
    number = getattr(cause, "errno", None) or 0
    if number > 0:
        return os.strerror(number)
    return getattr(cause, "strerror", None) or str(err) or type(err).__name__
