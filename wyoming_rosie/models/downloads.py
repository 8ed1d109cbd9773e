"""Files from the web: whole and checked or not there at all, and resumed after a break."""

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from wyoming_rosie.errors import RosieError

BLOCK_BYTES = 65_536
REPORT_SECONDS = 0.25
STOP_SECONDS = 0.05
LOOK_SECONDS = 0.1
"""Between two looks whether another program is done with a file."""
MEGABYTE = 1_000_000
_ANEW = "the server cannot go on where it stopped, so that it is fetched from the beginning"
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class DownloadError(RosieError):
    """A file cannot be had; the sentence says what to do."""

    code = "download"


@dataclass(frozen=True)
class Download:
    """A file to fetch, and its place in the folder; a size and a checksum that are known are checked."""

    url: str
    path: Path
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Progress:
    """How much of the file `name` is here, and why no more comes at present, if so."""

    done_bytes: int
    total_bytes: int | None
    name: str
    problem: str = ""


@dataclass(frozen=True)
class RetryPolicy:
    """How long to bear with a server that fails, one that says nothing, and a program that fetches the same file."""

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
    """Have every file in the folder; one that is there, with its size if that is known, stays as it is.

    `progress` is called about four times a second. Raises DownloadError. When that or a cancellation ends it, what came
    of a file stays beside its place as `.part`, and the next call goes on from there.
    """
    for file in files:
        _check(file)
    if not files:
        return
    work = _Work(files, folder, retry_policy)
    ended = asyncio.wrap_future(work.begin())
    try:
        while not ended.done():
            await asyncio.wait([ended], timeout=REPORT_SECONDS)
            progress(work.progress)
    finally:
        work.stop()
        await asyncio.wait([ended], timeout=STOP_SECONDS)
        ended.cancel()
    ended.result()


class _StoppedError(Exception):
    """Nobody wants the file any more."""


class _BrokenError(Exception):
    """The rest of a file did not come; it may the next time."""


class _Work:
    """Transfers one after the other, on a thread that never keeps the program from ending."""

    def __init__(self, files: Sequence[Download], folder: Path, patience: RetryPolicy) -> None:
        self._stopped = Event()
        self._transfers = [_Transfer(file, folder, patience, self._stopped) for file in files]
        self._current = self._transfers[0]

    @property
    def progress(self) -> Progress:
        return self._current.progress

    def begin(self) -> Future[None]:
        ended = Future[None]()
        ended.set_running_or_notify_cancel()  # only the thread says how it ended
        Thread(target=self._run, args=(ended,), name="downloads", daemon=True).start()
        return ended

    def stop(self) -> None:
        """End the thread with the next block that comes, or when the server has been silent for too long."""
        self._stopped.set()

    def _run(self, ended: Future[None]) -> None:
        try:
            for transfer in self._transfers:
                self._current = transfer
                transfer.run()
        except _StoppedError:
            ended.set_result(None)
        except Exception as err:  # noqa: BLE001 - the edge of the thread: the caller gets it
            ended.set_exception(err)
        else:
            ended.set_result(None)


class _Transfer:
    """One file on its way; it runs on a thread."""

    def __init__(self, file: Download, folder: Path, patience: RetryPolicy, stopped: Event) -> None:
        self._file = file
        self._folder = folder
        self._patience = patience
        self._part = _Part(folder / file.path, is_pinned=None not in (file.size, file.sha256))
        self._total = file.size
        self._trouble = ""
        self._stopped = stopped

    @property
    def progress(self) -> Progress:
        return Progress(self._part.size, self._total, str(self._file.path), self._trouble)

    def run(self) -> None:
        """Have the file in its place. Raises DownloadError, _StoppedError."""
        try:
            if not self._part.is_finished(self._file.size):
                with self._alone():
                    self._fetch()
        except OSError as err:  # those of the network are _BrokenErrors by now
            raise DownloadError(f"cannot write {self._folder / self._file.path}: {err.strerror}") from err

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the part, once nobody else does."""
        deadline = monotonic() + self._patience.lock_timeout_seconds
        while not self._part.take():
            if monotonic() > deadline:
                raise DownloadError(f"another program has been fetching {self._file.path} for too long; end it first")
            self._trouble = "another program is fetching it"
            self._pause(LOOK_SECONDS)
        try:
            yield
        finally:
            self._part.release()

    def _fetch(self) -> None:
        if self._part.is_finished(self._file.size):  # by somebody else meanwhile
            return
        self._receive_all()
        if self._part.was_resumed_unseen and not self._is_right():
            self._part.restart()  # what was here before was of another version
            self._receive_all()
        self._check_content()
        self._part.finish()

    def _receive_all(self) -> None:
        """Ask until nothing is missing; whenever more came than ever before, patience begins anew."""
        pauses, most = iter(self._patience.retry_seconds), self._part.size
        while True:
            try:
                return self._receive()
            except _BrokenError as err:
                if self._part.size > most:
                    pauses, most = iter(self._patience.retry_seconds), self._part.size
                pause = next(pauses, None)
                if pause is None:
                    raise DownloadError(f"cannot fetch {self._file.url}: {err}; {self._remedy}") from err
                self._trouble = str(err)
            self._pause(pause)

    def _receive(self) -> None:
        """Add what is missing. Raises _BrokenError when not all of it came, DownloadError."""
        try:
            answer = self._ask()
        except HTTPError as err:
            err.close()
            self._refused(err)
            return
        with answer:
            before = self._part.size
            self._part.continue_with(answer)
            self._trouble = _ANEW if before and not self._part.size else ""
            self._total = None if answer.length is None else self._part.size + answer.length
            self._check_total()
            self._write(answer)
        if self._total is not None and self._part.size < self._total:
            raise _BrokenError("the connection broke off")

    def _ask(self) -> HTTPResponse:
        headers = {"User-Agent": "wyoming-rosie", **self._part.wish()}
        request = Request(self._file.url, headers=headers)  # noqa: S310 - http or https, as checked
        try:
            answer: HTTPResponse = _web().open(request, timeout=self._patience.read_timeout_seconds)
        except HTTPError:
            raise
        except (OSError, HTTPException) as err:
            raise _BrokenError(_reason(err)) from err
        return answer

    def _refused(self, answer: HTTPError) -> None:
        """Return when nothing is missing. Raises _BrokenError for what may pass, DownloadError."""
        if answer.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and self._part.size:
            if answer.headers.get("Content-Range") == f"bytes */{self._part.size}":
                return
            self._part.restart()
        elif answer.code < HTTPStatus.INTERNAL_SERVER_ERROR and answer.code not in _PASSING:
            raise DownloadError(f"{self._file.url} answers {answer.code} {answer.reason}; {self._remedy}") from answer
        raise _BrokenError(f"the server answers {answer.code} {answer.reason}") from answer

    def _write(self, answer: HTTPResponse) -> None:
        for block in _blocks(answer):
            self._part.write(block)
            if self._stopped.is_set():
                raise _StoppedError
            if self._file.size is not None and self._part.size > self._file.size:
                return

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise _StoppedError

    def _check_total(self) -> None:
        if self._total is None:
            return
        if self._file.size not in (None, self._total):
            raise self._wrong(f"has {self._total} bytes instead of {self._file.size}")
        missing, free = self._total - self._part.size, shutil.disk_usage(self._folder).free
        if missing > free:
            need, room = missing // MEGABYTE + 1, free // MEGABYTE
            raise DownloadError(f"{self._file.path} needs {need} MB, and there is room for {room} MB in {self._folder}")

    def _check_content(self) -> None:
        if self._file.size not in (None, self._part.size):
            raise self._wrong(f"sent {self._part.size} bytes instead of {self._file.size}")
        if self._file.sha256 not in (None, self._part.sha256()):
            raise self._wrong("sent something else: the checksum is wrong")

    def _is_right(self) -> bool:
        return self._file.size == self._part.size and self._file.sha256 == self._part.sha256()

    def _wrong(self, what: str) -> DownloadError:
        self._part.restart()
        return DownloadError(f"{self._file.url} {what}; try again later, or {self._remedy}")

    @property
    def _remedy(self) -> str:
        return f"put {self._file.path} into {self._folder} yourself"


class _Part:
    """What has come of a file, and which version of the file it is; one program at a time holds it."""

    def __init__(self, target: Path, *, is_pinned: bool = False) -> None:
        self.size = 0
        self.was_resumed_unseen = False  # without the server saying which version it has
        self._is_pinned = is_pinned
        self._target = target
        self._path = target.with_name(f"{target.name}.part")
        self._version_path = target.with_name(f"{target.name}.part.version")
        self._descriptor = -1

    def is_finished(self, size: int | None) -> bool:
        """Whether the file itself is there, with this size if that is known."""
        return self._target.is_file() and size in (None, self._target.stat().st_size)

    def take(self) -> bool:
        """Open it, unless another program holds it."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.size = os.fstat(descriptor).st_size
        if _lock(descriptor) and _is_at(self._path, descriptor):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def release(self) -> None:
        """Let go of it; what is empty, or has become the file itself, leaves nothing behind."""
        if not self.size:
            self._path.unlink(missing_ok=True)
            self._version_path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def wish(self) -> dict[str, str]:
        """Return the headers that ask for the rest, provided that the server still has this version.

        A file whose checksum is known needs no version: what does not fit is noticed at the end.
        """
        version = self._version()
        if version:
            return {"Range": f"bytes={self.size}-", "If-Range": version}
        return {"Range": f"bytes={self.size}-"} if self.size and self._is_pinned else {}

    def continue_with(self, answer: HTTPResponse) -> None:
        """Keep what the answer goes on from. Raises _BrokenError when it goes on from something else."""
        version = _version(answer.headers)
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            self.restart(version)
        elif not self._goes_on(answer.headers.get("Content-Range", ""), version):
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
            self.restart()  # a full disk is everybody's trouble
            raise

    def restart(self, version: str = "") -> None:
        """Forget what has come; what comes next is of this version, or of none that could be resumed."""
        os.ftruncate(self._descriptor, 0)
        self.size = 0
        self._version_path.write_text(version, "ascii")

    def sha256(self) -> str:
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def finish(self) -> None:
        """Make it the file itself."""
        os.fsync(self._descriptor)
        self._path.replace(self._target)
        self._version_path.unlink(missing_ok=True)

    def _goes_on(self, content_range: str, version: str) -> bool:
        is_next = content_range.startswith(f"bytes {self.size}-")
        return is_next and (version in ("", self._version()) or (self._is_pinned and not self._version()))

    def _version(self) -> str:
        if not self.size or not self._version_path.is_file():
            return ""
        return self._version_path.read_text("ascii", "ignore")


class _Redirects(HTTPRedirectHandler):
    """Follows a server to another address, but never from https to what anybody on the way could change."""

    def redirect_request(
        self, request: Request, answer: IO[bytes], code: int, reason: str, headers: Message, address: str
    ) -> Request | None:
        if urlsplit(address).scheme not in ("https", request.type):
            answer.close()
            raise DownloadError(f"{request.full_url} leads to {address}, which is not https")
        return super().redirect_request(request, answer, code, reason, headers, address)  # type: ignore[arg-type]


def _web() -> OpenerDirector:
    """Return what opens http and https, through the proxies that the environment names, and nothing else."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    opener.add_handler(_Redirects())
    return opener


def _blocks(answer: HTTPResponse) -> Iterator[bytes]:
    try:
        while block := answer.read1(BLOCK_BYTES):
            yield block
    except (OSError, HTTPException) as err:
        raise _BrokenError(_reason(err)) from err


def _version(headers: Message) -> str:
    """Return what names the version of a file byte for byte, if the server gives that."""
    tag = headers.get("ETag", "")
    version: str = tag if tag.startswith('"') else headers.get("Last-Modified", "")
    return version if version.isascii() else ""


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file still has this name: it may have got another one before it was locked."""
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
    cause = getattr(err, "reason", err)  # urllib wraps what happened
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
