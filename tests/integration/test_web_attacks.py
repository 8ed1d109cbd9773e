"""Attacks on the hub's web server: each is refused with the right status, and nothing is told."""

import asyncio
import base64
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from tests.daemons import Daemon, command
from tests.web_client import PASSWORD, Credentials, bearer, create_credentials, page_of
from wyoming_rosie.http import access
from wyoming_rosie.http.access import ADMINISTRATOR, Access
from wyoming_rosie_hub.web.doors import SESSION_COOKIE
from wyoming_rosie_hub.web.server import MAX_OPENING

pytestmark = pytest.mark.asyncio(loop_scope="module")
SESSION = "/api/v1/session"
HEALTH = "/api/v1/health"
STREAM = "/api/v1/stream"
WEB = ("--no-zeroconf", "--web", "--web.port", "0")
ADDRESSES = itertools.count(1)


@dataclass(frozen=True)
class House:
    """A hub with keys and a password."""

    hub: Daemon
    url: str
    credentials: Credentials
    client: aiohttp.ClientSession

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    async def change(self, changed: Access) -> None:
        """Write other keys or another password, and wait until the hub has read them."""
        known = len(self.changes)
        await asyncio.to_thread(access.save, self.credentials.folder / access.FILE_NAME, changed)
        async with asyncio.timeout(60):
            while len(self.changes) == known:
                await asyncio.sleep(0.02)

    @property
    def changes(self) -> list[dict[str, Any]]:
        return [line for line in self.hub.lines("audit") if line["caller"] == "command"]

    def cookie(self, expires_in: float = 3600) -> dict[str, str]:
        """Return the header with an administrator's session."""
        session = self.credentials.access.create_session(ADMINISTRATOR, time.time() + expires_in)
        return {"Cookie": f"{SESSION_COOKIE}={session}"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Daemon, Credentials]]:
    """Run one hub for all attacks."""
    folder = tmp_path_factory.mktemp("house")
    credentials = create_credentials(folder / "state")
    hub = await Daemon.start("hub", *WEB, "--data-dir", str(credentials.folder), env={"XDG_STATE_HOME": str(folder)})
    yield hub, credentials
    assert await hub.stop() == 0


@pytest_asyncio.fixture(loop_scope="module")
async def house(shared: tuple[Daemon, Credentials]) -> AsyncIterator[House]:
    """Attack from an address that no other test has used; afterwards the hub has its keys and password again."""
    hub, credentials = shared
    url = await page_of(hub)
    connector = aiohttp.TCPConnector(local_addr=(f"127.0.2.{next(ADDRESSES)}", 0))
    timeout, jar = aiohttp.ClientTimeout(60), aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(url, timeout=timeout, cookie_jar=jar, connector=connector) as client:
        house = House(hub, url, credentials, client)
        known = len(house.changes)
        yield house
    if len(house.changes) > known:
        await house.change(credentials.access)


@dataclass(frozen=True)
class Attack:
    """A request, and the status that it must get."""

    name: str
    status: int
    path: str = "/api/v1/status"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)


ADMIN_PATHS = ("log", "keys", "config", "config/asr")
READ_PATHS = ("events", "voices", "wake-words", "plugins")
ATTACKS = (
    Attack("no key", 401),
    *(Attack(f"{path} without a key", 401, f"/api/v1/{path}") for path in (*ADMIN_PATHS, *READ_PATHS)),
    Attack("new key without a key", 401, "/api/v1/keys", "POST"),
    Attack("revocation without a key", 401, "/api/v1/keys/monitor", "DELETE"),
    Attack("password without a key", 401, "/api/v1/password", "POST"),
    Attack("voice without a key", 401, "/api/v1/voices/try", "POST"),
    Attack("wrong key", 401, headers=bearer("rosie_" + "A" * 43)),
    Attack("empty key", 401, headers=bearer("")),
    Attack("wrong password", 401, headers={"Authorization": "Basic " + base64.b64encode(b"admin:guess").decode()}),
    Attack("Basic that is no base64", 401, headers={"Authorization": "Basic ???"}),
    Attack("unknown scheme", 401, headers={"Authorization": "Digest x"}),
    Attack("cookie of somebody else", 401, headers={"Cookie": f"{SESSION_COOKIE}=9999999999.admin.AAAA"}),
    Attack("cookie that is no cookie", 401, headers={"Cookie": f"{SESSION_COOKIE}=é\x7f;;"}),
    Attack("foreign Origin", 403, headers={"Origin": "http://evil.example"}),
    Attack("Origin of a page without one", 403, headers={"Origin": "null"}),
    Attack("foreign Host", 403, headers={"Host": "evil.example"}),
    Attack("no Host", 403, headers={"Host": ""}),
    Attack("Host with two names", 403, headers={"Host": "evil.example@127.0.0.1.evil.example"}),
    Attack("path traversal", 404, path="/../doors.py"),
    Attack("encoded path traversal", 404, path="/%2e%2e/%2e%2e/doors.py"),
    Attack("traversal by backslash", 404, path="/..%5c..%5cdoors.py"),
    Attack("path with a zero byte", 404, path="/index%00.html"),
    Attack("absolute path", 404, path="//etc/passwd"),
    Attack("100 MB body", 413, path=SESSION, method="POST", headers={"Content-Length": "104857600"}),
    Attack(
        "body without length that is too large",
        413,
        path=SESSION,
        method="POST",
        headers={"Transfer-Encoding": "chunked"},
    ),
    Attack("length that is no number", 400, path=SESSION, method="POST", headers={"Content-Length": "many"}),
    Attack("two meanings of a length", 400, path=SESSION, method="POST", headers={"Content-Length": "4, 5"}),
    Attack("body that is missing", 422, path=SESSION, method="POST", headers={"Content-Type": "application/json"}),
    Attack("huge header", 431, headers={"X-Long": "a" * 40_000}),
    Attack("method that is none", 405, path="/health", method="BREW"),
)


SECRETS = ("Kitchen", "kitchen-tablet", "Traceback", "evil.example", "/state", PASSWORD)
"""Texts that no answer to a stranger may have."""


async def test_each_attack_is_refused_and_learns_nothing(house: House) -> None:
    replies = {attack.name: await send_raw(house, attack, number) for number, attack in enumerate(ATTACKS, 2)}
    statuses = {name: int(reply.split(" ", 2)[1]) for name, reply in replies.items()}
    assert statuses == {attack.name: attack.status for attack in ATTACKS}
    told = {name: [secret for secret in SECRETS if secret in reply] for name, reply in replies.items()}
    assert not any(told.values()), told


async def send_raw(house: House, attack: Attack, number: int) -> str:
    """Send a request as it is, which no client would, from an address of its own; return the whole answer."""
    port = urlsplit(house.url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(f"127.0.0.{number}", 0))
    headers = {"Host": house.host, "Connection": "close", **attack.headers}
    lines = [f"{attack.method} {attack.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    if attack.headers.get("Transfer-Encoding"):
        writer.write((f"{2**16 + 1:x}\r\n" + "x" * (2**16 + 1) + "\r\n").encode())
    async with asyncio.timeout(60):
        reply = await reader.read()
    writer.close()
    return reply.decode()


async def test_an_expired_session_is_over(house: House) -> None:
    async with house.client.get(SESSION, headers=house.cookie()) as answer:
        assert (await answer.json())["name"] == "admin"
    async with house.client.get(SESSION, headers=house.cookie(expires_in=-1)) as answer:
        assert (await answer.json())["name"] is None


async def test_a_session_ends_with_the_password(house: House) -> None:
    await house.change(await asyncio.to_thread(house.credentials.access.with_password, "another one"))
    async with house.client.get(SESSION, headers=house.cookie()) as answer:
        assert (await answer.json())["name"] is None


async def test_a_revoked_key_is_refused(house: House) -> None:
    headers = bearer(house.credentials.monitor)
    async with house.client.get(SESSION, headers=headers) as answer:
        assert (await answer.json())["name"] == "monitor"
    await house.change(house.credentials.access.revoke_key("monitor"))
    async with house.client.get(SESSION, headers=headers) as answer:
        assert answer.status == 401


async def test_a_websocket_ends_with_its_key(house: House) -> None:
    async with house.client.ws_connect(STREAM, headers=bearer(house.credentials.tablet)) as stream:
        await stream.send_json({"type": "info", "data": {"satellite": {"name": "tablet"}}})
        assert (await stream.receive_json())["type"] == "run-satellite"
        await house.change(house.credentials.access.revoke_key("kitchen-tablet"))
        await stream.send_json({"type": "ping", "data": {}})
        async with asyncio.timeout(60):
            while (await stream.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert stream.closed


async def test_a_change_by_a_cookie_needs_the_pages_origin(house: House) -> None:
    async with house.client.delete(SESSION, headers=house.cookie()) as answer:
        assert answer.status == 403
    foreign = {**house.cookie(), "Origin": "http://evil.example"}
    async with house.client.delete(SESSION, headers=foreign) as answer:
        assert answer.status == 403
    own = {**house.cookie(), "Origin": house.url}
    async with house.client.delete(SESSION, headers=own) as answer:
        assert answer.status == 204


async def test_guessing_a_password_is_slow(house: House) -> None:
    async def guess(number: int) -> aiohttp.ClientResponse:
        async with house.client.post(SESSION, json={"secret": f"guess number {number}"}) as answer:
            return answer

    answers = await asyncio.gather(*(guess(number) for number in range(12)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses.count(401) <= 6
    assert statuses[-1] == 429
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers if answer.status == 429)
    async with house.client.get(SESSION, headers=bearer(house.credentials.tablet)) as answer:
        assert answer.status == 200, "whoever has a key is not locked out"


async def test_a_log_in_gives_a_cookie_that_no_script_reads(house: House) -> None:
    async with house.client.post(SESSION, json={"secret": PASSWORD}) as answer:
        assert answer.status == 200
        cookie = answer.cookies[SESSION_COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    headers = {"Cookie": f"{SESSION_COOKIE}={cookie.value}"}
    async with house.client.get(SESSION, headers=headers) as answer:
        assert (await answer.json())["scopes"] == ["act", "admin", "audio", "read", "text"]


async def test_a_key_that_asks_too_often_is_told_when_to_come_back(house: House) -> None:
    headers = bearer(house.credentials.tablet)

    async def ask(number: int) -> tuple[int, str | None]:
        async with house.client.get(SESSION, headers=headers) as answer:
            return answer.status, answer.headers.get("Retry-After")

    answers = await asyncio.gather(*(ask(number) for number in range(100)))
    assert {status for status, _ in answers} == {200, 429}
    assert all(int(wait or 0) >= 1 for status, wait in answers if status == 429)


async def test_a_thousand_sockets_of_one_machine_leave_room_for_others(house: House) -> None:
    port = urlsplit(house.url).port
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_OPENING + 150)]
    try:
        request = f"GET /health HTTP/1.1\r\nHost: {house.host}\r\nConnection: close\r\n\r\n".encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        writer.write(request)
        async with asyncio.timeout(60):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        async with asyncio.timeout(60):
            ended = [await reader.read() for reader, _ in opened]
        assert ended == [b""] * len(opened), "those that never ask are let go"
    finally:
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)


async def test_a_websocket_is_refused_in_the_handshake(house: House) -> None:
    handshakes: tuple[tuple[Mapping[str, str], int], ...] = (
        ({}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        (bearer("rosie_guess"), 401),
        (bearer(house.credentials.monitor), 403),  # which only reads
        ({**bearer(house.credentials.tablet), "Origin": "http://evil.example"}, 403),
    )
    statuses = []
    for headers, _ in handshakes:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await house.client.ws_connect(STREAM, headers=headers)
        statuses.append(refused.value.status)
    assert statuses == [status for _, status in handshakes]


async def test_a_reader_that_stops_reading_is_let_go(house: House) -> None:
    """Ask for more answers than the buffers of both sides hold, and read none."""
    _, writer = await asyncio.open_connection("127.0.0.1", urlsplit(house.url).port, limit=1024)
    writer.transport.pause_reading()  # type: ignore[attr-defined] # of a stream's transport
    request = f"GET /app.js HTTP/1.1\r\nHost: {house.host}\r\n\r\n".encode()
    async with asyncio.timeout(60):
        for _ in range(100):
            writer.write(request)
            await writer.drain()
        async with house.client.get("/health") as answer:
            assert answer.status == 200, "others are served meanwhile"
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_each_call_of_the_api_needs_a_caller(house: House) -> None:
    async with house.client.get("/openapi.json", headers=bearer(house.credentials.admin)) as answer:
        paths = (await answer.json())["paths"]
    open_calls = {
        ("get", "/health"),
        ("get", "/health/{part}"),
        ("get", SESSION),
        ("post", SESSION),
        ("delete", SESSION),
    }
    open_calls |= {("get", HEALTH), ("get", f"{HEALTH}/{{part}}")}
    closed = [(method, path) for path, calls in paths.items() for method in calls if (method, path) not in open_calls]
    assert len(closed) >= 12
    for number, (method, path) in enumerate(closed):
        local = aiohttp.TCPConnector(local_addr=(f"127.0.1.{number + 1}", 0))
        async with (
            aiohttp.ClientSession(house.url, connector=local) as stranger,
            stranger.request(method, path, json={}) as answer,
        ):
            assert answer.status == 401, (method, path)


async def test_a_program_that_floods_from_one_address_is_slowed_down(house: House) -> None:
    async def ask() -> int:
        async with house.client.get("/health") as answer:
            return answer.status

    statuses = await asyncio.gather(*(ask() for _ in range(400)))
    assert set(statuses) == {200, 429}
    local = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0))
    async with aiohttp.ClientSession(house.url, connector=local) as other, other.get("/health") as answer:
        assert answer.status == 200


async def test_every_answer_has_the_security_headers(house: House) -> None:
    for path in ("/", "/health", HEALTH, "/nothing", SESSION):
        async with house.client.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"


async def test_a_stranger_learns_only_whether_the_hub_is_well(house: House) -> None:
    async with house.client.get("/health") as answer:
        assert await answer.json() == {"program": "hub", "status": "ok"}


async def test_what_was_changed_is_in_the_log_without_secrets(house: House) -> None:
    async with house.client.post(SESSION, json={"secret": PASSWORD}) as answer:
        assert answer.status == 200
    await house.hub.wait_for_line("audit", path=SESSION, status=200)
    assert PASSWORD not in str(house.hub.log)


@pytest.mark.parametrize(
    "flags", [("--web.host", "0.0.0.0"), ("--web.names", "rosie.example"), ("--web.proxy", "127.0.0.1")]
)
async def test_what_others_can_reach_needs_a_password_or_key(tmp_path: Path, flags: tuple[str, ...]) -> None:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-hub"),
        "--no-zeroconf",
        "--web",
        *flags,
        "--data-dir",
        str(tmp_path),
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert "wyoming-rosie key" in said.decode()
