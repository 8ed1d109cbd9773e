"""Downloads from a web server that breaks off, lies, stalls, forgets and redirects."""

import asyncio
import fcntl
import hashlib
import resource
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from wyoming_rosie.models.checksums import SEEN_FILE
from wyoming_rosie.models.downloads import (
    Download,
    DownloadError,
    Progress,
    RetryPolicy,
    describe_unpinned,
    download_files,
    follow_redirect,
)
from wyoming_rosie.models.partial_file import _is_at

CONTENT = bytes(range(256)) * 2000
HALF = len(CONTENT) // 2
PATIENT = RetryPolicy(read_timeout_seconds=600, lock_timeout_seconds=600)
HASTY = RetryPolicy(retry_seconds=(0.01, 0.01), read_timeout_seconds=60, lock_timeout_seconds=60)
BRIEF = RetryPolicy(retry_seconds=(0.01, 0.01), read_timeout_seconds=0.3, lock_timeout_seconds=0.3)
"""For what never comes."""


@dataclass
class Site:
    """What the server does, and what it was asked."""

    content: bytes = CONTENT
    version: str = '"1"'
    version_header: str = "ETag"
    has_ranges: bool = True
    cares_for_version: bool = True
    has_length: bool = True
    claimed_bytes: int | None = None
    breaks_after: list[int] = field(default_factory=list)  # bytes of each answer
    statuses: list[int] = field(default_factory=list)  # of the first answers
    leads_to: str = ""
    block_seconds: float = 0.0  # before each 16 KiB
    silent: bool = False
    holds_after: int | None = None  # bytes, after which nothing comes until the end of the test
    asked_ranges: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    site: Site

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        site = self.site
        site.asked_ranges.append(self.headers.get("Range", ""))
        if site.statuses:
            self.answer(site.statuses.pop(0))
        elif site.leads_to:
            self.answer(302, Location=site.leads_to)
        elif site.silent:
            site.over.wait()
        else:
            self.send_content(site, self.first_byte(site))

    def first_byte(self, site: Site) -> int:
        wanted = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        is_current = self.headers.get("If-Range") in (None, site.version) or not site.cares_for_version
        return int(wanted) if wanted and site.has_ranges and is_current else 0

    def send_content(self, site: Site, first: int) -> None:
        if first >= len(site.content):
            self.answer(416, Content_Range=f"bytes */{len(site.content)}")
            return
        rest = site.content[first:]
        headers = {site.version_header.replace("-", "_"): site.version} if site.version else {}
        if site.has_length:
            headers["Content-Length"] = str(site.claimed_bytes or len(rest))
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(site.content) - 1}/{len(site.content)}"
        self.answer(206 if first else 200, **headers)
        if site.holds_after is not None:
            self.wfile.write(site.content[first : site.holds_after])
            site.over.wait()
            return
        self.send_slowly(site, rest[: site.breaks_after.pop(0)] if site.breaks_after else rest)

    def send_slowly(self, site: Site, content: bytes) -> None:
        for at in range(0, len(content), 16384):
            if site.block_seconds and site.over.wait(site.block_seconds):
                return
            self.wfile.write(content[at : at + 16384])

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


class QuietServer(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, *_: object) -> None:
        """Clients leave in the middle of answers here."""


@pytest.fixture
def site() -> Iterator[Site]:
    one = Site()
    with QuietServer(("127.0.0.1", 0), type("SiteHandler", (Handler,), {"site": one})) as server:
        one.url = f"http://127.0.0.1:{server.server_port}/model.bin"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.over.set()
        server.shutdown()
    thread.join()


def ignore(progress: Progress) -> None:
    pass


async def fetched(site: Site, folder: Path, patience: RetryPolicy = HASTY, **known: Any) -> bytes:
    file = Download(site.url, Path("model.bin"), **known)
    await download_files([file], folder, ignore, patience)
    return (folder / "model.bin").read_bytes()


async def complaint(site: Site, folder: Path, **known: Any) -> str:
    with pytest.raises(DownloadError) as caught:
        await fetched(site, folder, **known)
    assert not (folder / "model.bin").exists()
    return str(caught.value)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_a_file_is_fetched_checked_and_alone_in_its_folder(site: Site, tmp_path: Path) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert await fetched(site, tmp_path / "new" / "folder", size=len(CONTENT), checksum=f"sha256:{digest}") == CONTENT
    assert names(tmp_path / "new" / "folder") == {"model.bin"}


async def test_what_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"mine")
    assert await fetched(site, tmp_path) == b"mine"
    assert await fetched(site, tmp_path, size=4) == b"mine"
    assert site.asked_ranges == []
    assert await fetched(site, tmp_path, size=len(CONTENT)) == CONTENT


async def test_files_come_in_order_and_progress_is_told(site: Site, tmp_path: Path) -> None:
    told: list[Progress] = []
    site.block_seconds = 0.02
    files = [Download(site.url, Path("a.bin")), Download(site.url, Path("deeper/b.bin"))]
    await download_files(files, tmp_path, told.append, HASTY)
    assert (tmp_path / "deeper" / "b.bin").read_bytes() == CONTENT
    assert told[-1] == Progress(len(CONTENT), len(CONTENT), "deeper/b.bin")
    assert any(0 < one.done_bytes < len(CONTENT) and one.name == "a.bin" for one in told)
    assert 3 <= len(told) <= 10  # 1.3 s in all


async def test_a_broken_connection_is_resumed_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.breaks_after = [HALF, 1000]
    assert await fetched(site, tmp_path) == CONTENT
    assert site.asked_ranges == ["", f"bytes={HALF}-", f"bytes={HALF + 1000}-"]


async def test_patience_lasts_as_long_as_more_comes(site: Site, tmp_path: Path) -> None:
    site.breaks_after = [1000] * 10
    assert await fetched(site, tmp_path) == CONTENT


async def test_a_server_that_always_breaks_at_the_same_place_is_given_up(site: Site, tmp_path: Path) -> None:
    site.has_ranges, site.breaks_after = False, [HALF] * 10
    assert "the connection broke off" in await complaint(site, tmp_path)
    assert len(site.asked_ranges) == 1 + len(HASTY.retry_seconds)


async def test_a_restarted_program_goes_on_from_what_is_there(site: Site, tmp_path: Path) -> None:
    site.breaks_after = [HALF, 0, 0, 0]
    await complaint(site, tmp_path)
    assert (tmp_path / "model.bin.part").read_bytes() == CONTENT[:HALF]
    assert await fetched(site, tmp_path) == CONTENT
    assert site.asked_ranges[-1] == f"bytes={HALF}-"


@pytest.mark.parametrize("cares", [True, False], ids=["honest", "ignores If-Range"])
async def test_a_file_that_changed_meanwhile_starts_anew(site: Site, tmp_path: Path, cares: bool) -> None:
    site.breaks_after = [HALF]
    first = asyncio.create_task(fetched(site, tmp_path))
    while not site.asked_ranges:
        await asyncio.sleep(0)
    site.content, site.version, site.cares_for_version = CONTENT[::-1], '"2"', cares
    assert await first == CONTENT[::-1]


@pytest.mark.parametrize("version", ["", 'W/"1"'], ids=["no version", "weak version"])
async def test_what_has_no_version_is_never_resumed(site: Site, tmp_path: Path, version: str) -> None:
    site.version, site.breaks_after = version, [HALF]
    assert await fetched(site, tmp_path) == CONTENT
    assert site.asked_ranges == ["", ""]


PINNED: dict[str, Any] = {"size": len(CONTENT), "checksum": f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"}


async def test_a_known_checksum_makes_up_for_a_version(site: Site, tmp_path: Path) -> None:
    site.version, site.breaks_after = "", [HALF]
    assert await fetched(site, tmp_path, **PINNED) == CONTENT
    assert site.asked_ranges == ["", f"bytes={HALF}-"]


async def test_what_does_not_fit_the_checksum_after_all_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    site.version = ""
    (tmp_path / "model.bin.part").write_bytes(b"another version"[:10])
    assert await fetched(site, tmp_path, **PINNED) == CONTENT
    assert site.asked_ranges == ["bytes=10-", ""]


async def test_a_date_names_a_version(site: Site, tmp_path: Path) -> None:
    site.version, site.breaks_after = "Sat, 28 Nov 2026 10:00:00 GMT", [HALF]
    site.version_header = "Last-Modified"
    assert await fetched(site, tmp_path) == CONTENT
    assert site.asked_ranges == ["", f"bytes={HALF}-"]


async def test_a_download_that_begins_again_says_so(site: Site, tmp_path: Path) -> None:
    told: list[Progress] = []
    site.version, site.breaks_after, site.block_seconds = "", [HALF], 0.02
    await download_files([Download(site.url, Path("model.bin"))], tmp_path, told.append, HASTY)
    assert any("from the beginning" in one.problem for one in told)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


async def test_a_server_without_ranges_sends_all_of_it_again(site: Site, tmp_path: Path) -> None:
    site.has_ranges, site.breaks_after = False, [HALF]
    assert await fetched(site, tmp_path) == CONTENT


async def test_a_part_that_was_whole_already_is_taken(site: Site, tmp_path: Path) -> None:
    (tmp_path / "model.bin.part").write_bytes(CONTENT)
    (tmp_path / "model.bin.part.version").write_text(site.version)
    assert await fetched(site, tmp_path, size=len(CONTENT)) == CONTENT
    assert names(tmp_path) == {"model.bin"}


async def test_a_part_of_unknown_version_is_not_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "model.bin.part").write_bytes(b"x" * 2 * len(CONTENT))
    assert await fetched(site, tmp_path) == CONTENT
    (tmp_path / "model.bin").rename(tmp_path / "model.bin.part")
    (tmp_path / "model.bin.part.version").write_bytes(b"\xff\x00")
    assert await fetched(site, tmp_path) == CONTENT


async def test_a_length_that_nobody_tells_is_found(site: Site, tmp_path: Path) -> None:
    site.has_length = False
    assert await fetched(site, tmp_path, size=len(CONTENT)) == CONTENT


@pytest.mark.parametrize("has_length", [True, False])
async def test_another_size_is_refused(site: Site, tmp_path: Path, has_length: bool) -> None:
    site.has_length = has_length
    assert "bytes instead of 1000" in await complaint(site, tmp_path, size=1000)
    assert names(tmp_path) == set()


async def test_another_content_is_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    for wrong in ("sha256:" + "00" * 32, "md5:" + "00" * 16):
        assert "checksum is wrong" in await complaint(site, tmp_path, checksum=wrong)
        assert names(tmp_path) == set()


async def test_the_md5_that_a_publisher_lists_is_enough(site: Site, tmp_path: Path) -> None:
    listed = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
    assert await fetched(site, tmp_path, checksum=f"md5:{listed}") == CONTENT


async def test_a_file_without_a_known_checksum_has_to_be_the_one_that_came_first(site: Site, tmp_path: Path) -> None:
    models = tmp_path / "voice"
    assert await fetched(site, models) == CONTENT
    (models / "model.bin").unlink()
    assert await fetched(site, models) == CONTENT
    (models / "model.bin").unlink()
    site.content = CONTENT[::-1]
    said = await complaint(site, models)
    assert said == (
        f"{site.url} sends another file than the first time; if you trust it, delete 'voice/model.bin' from "
        f"{tmp_path / SEEN_FILE}, and fetch it again"
    )
    assert names(models) == set()
    (tmp_path / SEEN_FILE).unlink()
    assert await fetched(site, models) == CONTENT[::-1]


@pytest.mark.parametrize("damage", ["[", "[]", '{"voice/model.bin": 1}'])
async def test_a_damaged_list_of_checksums_is_named(site: Site, tmp_path: Path, damage: str) -> None:
    (tmp_path / SEEN_FILE).write_text(damage)
    assert f"{tmp_path / SEEN_FILE} cannot be read" in await complaint(site, tmp_path / "voice")


def test_files_without_a_known_checksum_are_named() -> None:
    known, unknown = Download("http://a/b", Path("b"), checksum="md5:00"), Download("http://a/c", Path("c"))
    assert describe_unpinned([known]) == ""
    assert describe_unpinned([known, unknown]).startswith("no checksum is published for c: ")


async def test_what_the_server_does_not_have_is_said_with_what_to_do(site: Site, tmp_path: Path) -> None:
    site.statuses = [404]
    said = await complaint(site, tmp_path)
    assert said == f"{site.url} answers 404 Not Found; put model.bin into {tmp_path} yourself"
    assert (len(site.asked_ranges), names(tmp_path)) == (1, set())


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_server_in_trouble_is_asked_again(site: Site, tmp_path: Path, status: int) -> None:
    site.statuses = [status, status]
    assert await fetched(site, tmp_path) == CONTENT


async def test_a_server_that_stays_in_trouble_is_given_up_and_trouble_is_told(site: Site, tmp_path: Path) -> None:
    told: list[Progress] = []
    site.statuses = [503] * 9
    with pytest.raises(DownloadError, match="answers 503 Service Unavailable; put"):
        await download_files([Download(site.url, Path("model.bin"))], tmp_path, told.append, RetryPolicy((0.4,)))
    assert told[0].problem == "the server answers 503 Service Unavailable"


async def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    site = Site(url="http://127.0.0.1:9/model.bin")
    assert "model.bin: Connection refused; put" in await complaint(site, tmp_path)


async def test_a_server_that_says_nothing_is_given_up(site: Site, tmp_path: Path) -> None:
    site.silent = True
    assert "timed out" in await complaint(site, tmp_path, patience=BRIEF)


async def test_a_server_that_stops_in_the_middle_is_given_up_and_what_came_is_kept(site: Site, tmp_path: Path) -> None:
    site.holds_after = 16384
    with pytest.raises(DownloadError, match="timed out"):
        await fetched(site, tmp_path, patience=BRIEF)
    assert (tmp_path / "model.bin.part").stat().st_size >= 16384


async def test_cancelling_waits_for_nothing_and_leaves_what_can_be_resumed(site: Site, tmp_path: Path) -> None:
    site.holds_after = HALF
    task = asyncio.create_task(fetched(site, tmp_path, patience=PATIENT))
    part = tmp_path / "model.bin.part"
    while not (await asyncio.to_thread(part.exists) and part.stat().st_size):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    came = part.stat().st_size
    assert 0 < came < len(CONTENT)
    site.holds_after = None
    site.over.set()
    assert await fetched(site, tmp_path, patience=PATIENT) == CONTENT
    assert int(site.asked_ranges[-1][6:-1]) >= came


async def test_cancelling_does_not_wait_for_a_silent_server(site: Site, tmp_path: Path) -> None:
    site.silent = True
    task = asyncio.create_task(fetched(site, tmp_path, patience=PATIENT))
    while not site.asked_ranges:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not site.over.is_set(), "the server is still silent"


async def test_whenever_it_is_cancelled_the_next_one_gets_the_file(site: Site, tmp_path: Path) -> None:
    site.content = b"small"
    for steps in range(60):
        task = asyncio.create_task(fetched(site, tmp_path / str(steps)))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await fetched(site, tmp_path / str(steps)) == site.content


async def test_a_redirect_is_followed(site: Site, tmp_path: Path) -> None:
    moved = Download(site.url, Path("model.bin"))
    site.statuses, site.leads_to = [], site.url
    task = asyncio.create_task(download_files([moved], tmp_path, ignore, HASTY))
    while not site.asked_ranges:
        await asyncio.sleep(0)
    site.leads_to = ""
    await task
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://127.0.0.1/model.bin"])
async def test_a_redirect_to_anything_but_the_web_is_refused(site: Site, tmp_path: Path, address: str) -> None:
    site.leads_to = address
    assert address in await complaint(site, tmp_path)


async def test_a_redirect_from_https_to_http_is_refused() -> None:
    url = URL("https://host/model.bin")
    assert follow_redirect(url, "https://other/model.bin") == URL("https://other/model.bin")
    with pytest.raises(DownloadError, match="is not https"):
        follow_redirect(url, "http://host/model.bin")


async def test_the_signature_in_a_redirect_stays_as_it_is() -> None:
    signed = "https://cdn/a%2Bb?sig=a%2Fb%3D&name=%22m%22"
    assert str(follow_redirect(URL("https://host/model.bin"), signed)) == signed


async def test_redirects_without_end_are_given_up(site: Site, tmp_path: Path) -> None:
    site.leads_to = "/model.bin"
    assert "without end" in await complaint(site, tmp_path)


async def test_the_proxy_of_the_environment_is_used(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", site.url.removesuffix("/model.bin"))
    monkeypatch.delenv("no_proxy", raising=False)
    far = Download("http://models.example/model.bin", Path("model.bin"))
    await download_files([far], tmp_path, ignore, HASTY)
    assert (tmp_path / "model.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("path", ["/etc/model.bin", "../model.bin", "a/../../model.bin", "", "."])
async def test_nothing_is_written_outside_the_folder(site: Site, tmp_path: Path, path: str) -> None:
    with pytest.raises(DownloadError, match="not inside the folder"):
        await download_files([Download(site.url, Path(path))], tmp_path, ignore)
    assert site.asked_ranges == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/model.bin", "model.bin", "http:model.bin"])
async def test_only_the_web_is_fetched_from(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="http:// or https://"):
        await download_files([Download(url, Path("model.bin"))], tmp_path, ignore)


async def test_a_file_that_has_no_room_is_not_begun(site: Site, tmp_path: Path) -> None:
    site.claimed_bytes = 10**16
    assert "needs 10000000001 MB" in await complaint(site, tmp_path)
    assert names(tmp_path) == set()


async def test_a_disk_that_becomes_full_is_told_and_freed(site: Site, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, before[1]))
    try:
        assert f"cannot write {tmp_path / 'model.bin'}: File too large" in await complaint(site, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(tmp_path) == set()


async def test_a_folder_that_is_none_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot write"):
        await fetched(site, tmp_path / "file" / "folder")


async def test_two_at_once_fetch_a_file_only_once(site: Site, tmp_path: Path) -> None:
    site.block_seconds = 0.005
    one, two = await asyncio.gather(fetched(site, tmp_path), fetched(site, tmp_path))
    assert one == two == CONTENT
    assert site.asked_ranges == [""]
    assert names(tmp_path) == {"model.bin"}


async def test_one_takes_over_when_the_other_gives_up(site: Site, tmp_path: Path) -> None:
    site.block_seconds = 0.005
    first = asyncio.create_task(fetched(site, tmp_path))
    while not site.asked_ranges:
        await asyncio.sleep(0.01)
    second = asyncio.create_task(fetched(site, tmp_path))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == CONTENT
    assert len(site.asked_ranges) == 2


def test_a_part_that_another_has_just_finished_is_not_mistaken_for_one_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "model.bin.part"
    with path.open("wb") as opened:
        assert _is_at(path, opened.fileno())
        path.rename(tmp_path / "model.bin")
        assert not _is_at(path, opened.fileno())
        path.write_bytes(b"")
        assert not _is_at(path, opened.fileno())


async def test_another_program_is_not_waited_for_forever(site: Site, tmp_path: Path) -> None:
    with (tmp_path / "model.bin.part").open("ab") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        assert "another program has been fetching model.bin" in await complaint(site, tmp_path, patience=BRIEF)
