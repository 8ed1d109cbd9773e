"""Downloads: files fetched over HTTP whole and checked or not at all, and resumed after a break."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from wyoming_rosie.errors import RosieError
from wyoming_rosie.models.checksums import SEEN_FILE, KnownFile, SeenChecksums, known_files
from wyoming_rosie.models.partial_file import BrokenTransferError, PartialFile

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
    """A file to fetch, and its path in the folder; its size and checksum (`sha256:HEX` or `md5:HEX`) are checked.

    A file without a checksum has to be the one that came at its first download on this machine.
    """

    url: str
    path: Path
    size: int | None = None
    checksum: str | None = None


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


def create_download(folder_url: str, repository: str, name: str) -> Download:
    """Return the download of a repository's file, with what is known of it."""
    known = known_files(repository).get(name, KnownFile())
    return Download(f"{folder_url}/{name}", Path(name), known.size, known.checksum)


def describe_unpinned(files: Sequence[Download]) -> str:
    """Return a sentence about the files whose checksum nobody has published; nothing if there are none."""
    names = [str(file.path) for file in files if file.checksum is None]
    if not names:
        return ""
    return f"no checksum is published for {', '.join(names)}: the first one is remembered, another one refused later"


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
        self._part = PartialFile(folder / file.path, is_pinned=None not in (file.size, file.checksum))
        self._seen = SeenChecksums(folder.parent / SEEN_FILE)
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
        except OSError as err:  # network errors are BrokenTransferErrors by now
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
            except BrokenTransferError as err:
                if self._part.size > most:
                    pauses, most = iter(self._policy.retry_seconds), self._part.size
                pause = next(pauses, None)
                if pause is None:
                    raise DownloadError(f"cannot fetch {self._file.url}: {err}; {self._remedy}") from err
                self._problem = str(err)
            await asyncio.sleep(pause)

    async def _receive(self, session: "ClientSession") -> None:
        """Download the missing bytes. Raises BrokenTransferError when not all of them arrive, DownloadError."""
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
            raise BrokenTransferError(_reason(err)) from err
        if self._total is not None and self._part.size < self._total:
            raise BrokenTransferError("the connection broke off")

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
        """Return when nothing is missing. Raises BrokenTransferError for what may pass, DownloadError."""
        if response.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self._part.size:
            if response.headers.get("Content-Range") == f"bytes */{self._part.size}":
                return
            await self._on_disk(self._part.restart)
        elif response.status < HTTPStatus.INTERNAL_SERVER_ERROR and response.status not in _TRANSIENT:
            raise DownloadError(f"{self._file.url} answers {response.status} {response.reason}; {self._remedy}")
        raise BrokenTransferError(f"the server answers {response.status} {response.reason}")

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
        if self._file.checksum is None:
            self._compare_with_first()
        elif not self._part.has_checksum(self._file.checksum):
            raise self._reject("sent something else: the checksum is wrong")

    def _compare_with_first(self) -> None:
        """Raise WrongContentError for another file than came before, DownloadError."""
        name = f"{self._folder.name}/{self._file.path}"
        try:
            is_same = self._seen.accepts(name, self._part.checksum())
        except ValueError as err:
            raise DownloadError(f"{self._seen.path} cannot be read: {err}; delete it to trust what comes next") from err
        if not is_same:
            self._part.restart()
            raise WrongContentError(
                f"{self._file.url} sends another file than the first time; if you trust it, delete "
                f"{name!r} from {self._seen.path}, and fetch it again"
            )

    def _matches(self) -> bool:
        file = self._file
        return file.size == self._part.size and file.checksum is not None and self._part.has_checksum(file.checksum)

    def _reject(self, reason: str) -> WrongContentError:
        self._part.restart()
        return WrongContentError(f"{self._file.url} {reason}; try again later, or {self._remedy}")

    @property
    def _remedy(self) -> str:
        return f"put {self._file.path} into {self._folder} yourself"


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
