"""The local API over real sockets: commands, authorization, and listeners that hang."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.event import Event

from tests.unit.satellite.integration_fakes import FakeControls, FakeTimerControls
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.http.auth import ApiAuth, ApiRequestError, authorize, create_auth
from wyoming_rosie.runtime.secrets import Secret
from wyoming_rosie_satellite.integrations.api import MAX_LISTENERS, LocalApi
from wyoming_rosie_satellite.integrations.command_dispatcher import CommandDispatcher

TOKEN = "correct horse battery"
JSON_HEADERS = {"Content-Type": "application/json"}


class Room:
    def __init__(self, token: str | None = None) -> None:
        self.controls = FakeControls()
        self.clock = FakeTimerControls()
        self.api = LocalApi(
            CommandDispatcher(self.controls, self.clock, lambda: 0.0), ApiAuth(None if token is None else Secret(token))
        )


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
async def session(room: Room) -> AsyncIterator[aiohttp.ClientSession]:
    async with room.api.serve("127.0.0.1", 0) as url, aiohttp.ClientSession(url) as one:
        yield one


async def line(events: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    found = json.loads(await events.receive_str(timeout=60))
    assert isinstance(found, dict)
    return found


async def test_the_state_tells_everything(room: Room, session: aiohttp.ClientSession) -> None:
    room.clock.start(90, "tea")
    async with session.get("/state") as answer:
        assert await answer.json() == {
            "phase": "waiting", "muted": False, "volume": 100, "ringing": False,
            "timers": [{"id": "0", "name": "tea", "total_seconds": 90, "seconds_left": 90.0, "is_active": True}],
        }  # fmt: skip


@pytest.mark.parametrize("command", ["trigger", "stop"])
async def test_it_can_be_made_to_listen_and_to_stop(room: Room, session: aiohttp.ClientSession, command: str) -> None:
    async with session.post(f"/{command}") as answer:
        assert answer.status == 200
    assert room.controls.requests == [command]


async def test_mute_and_volume(session: aiohttp.ClientSession) -> None:
    async with session.post("/mute") as answer:
        assert (await answer.json())["muted"] is True
    async with session.post("/unmute") as answer:
        assert (await answer.json())["muted"] is False
    async with session.post("/volume", json={"percent": 30}) as answer:
        assert (await answer.json())["volume"] == 30


async def test_timers_begin_and_end(session: aiohttp.ClientSession) -> None:
    async with session.post("/timers", json={"seconds": 90, "name": "tea"}) as answer:
        assert [timer["name"] for timer in (await answer.json())["timers"]] == ["tea"]
    async with session.delete("/timers/0") as answer:
        assert (await answer.json())["timers"] == []
    async with session.delete("/timers/0") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "unknown-timer")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("volume", ""),
        ("volume", "{"),
        ("volume", "[]"),
        ("volume", "[" * 10_000),
        ("volume", '{"percent": 101}'),
        ("volume", '{"percent": -1}'),
        ("volume", '{"percent": true}'),
        ("volume", '{"percent": 1e400}'),
        ("volume", b"\xff\xfe"),
        ("timers", '{"seconds": "long"}'),
        ("timers", '{"seconds": 5, "name": 7}'),
    ],
)
async def test_what_makes_no_sense_is_refused(session: aiohttp.ClientSession, path: str, body: str | bytes) -> None:
    async with session.post(f"/{path}", data=body, headers=JSON_HEADERS) as answer:
        assert answer.status == 400
        assert set(await answer.json()) == {"error", "code"}


async def test_a_body_that_is_too_large_is_refused(session: aiohttp.ClientSession) -> None:
    async with session.post("/volume", data=b"x" * 100_000) as answer:
        assert answer.status == 413


async def test_what_happens_is_told_as_lines_without_audio(room: Room, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect("/events") as events:
        assert (await line(events))["type"] == "state"
        room.api.on_event(Event("audio-chunk", {"rate": 16000}, bytes(640)))
        room.api.on_event(Event("transcript", {"text": "grüß dich"}))
        assert await line(events) == {"type": "transcript", "data": {"text": "grüß dich"}}


async def test_commands_come_in_on_the_same_connection(room: Room, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect("/events") as events:
        await line(events)
        await events.send_json({"command": "volume", "percent": 40})
        assert (await line(events))["data"]["volume"] == 40
        for nonsense in ("", "[]", "7", '{"command": ["x"]}', '{"command": "explode"}'):
            await events.send_str(nonsense)
            assert (await line(events))["type"] == "error"
        await events.send_json({"command": "trigger"})
        await line(events)
    assert room.controls.requests == ["trigger"]


@given(st.text() | st.none(), st.dictionaries(st.text(), st.none() | st.booleans() | st.floats() | st.text()))
def test_any_command_is_done_or_refused(command: str | None, arguments: dict[str, Any]) -> None:
    try:
        state = CommandDispatcher(FakeControls(), FakeTimerControls(), lambda: 0.0).execute(command, arguments)
    except RosieError:
        return
    assert 0 <= state["volume"] <= 100


async def test_there_are_so_many_listeners_at_most(room: Room, session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(60):
        events = [await session.ws_connect("/events") for _ in range(MAX_LISTENERS)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect("/events")
        assert refused.value.status == 503
        await events[0].close()
        while len(room.api._listeners) == MAX_LISTENERS:
            await asyncio.sleep(0.01)
        events.append(await session.ws_connect("/events"))
        for one in events:
            await one.close()


async def test_a_listener_that_does_not_read_is_let_go(room: Room) -> None:
    async with room.api.serve("127.0.0.1", 0) as url:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            await asyncio.to_thread(deaf.connect, ("127.0.0.1", int(url.rpartition(":")[2])))
            await asyncio.to_thread(
                deaf.sendall,
                b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
            )
            async with asyncio.timeout(60):
                while not room.api._listeners:
                    await asyncio.sleep(0.01)
                while room.api._listeners:
                    room.api.on_event(Event("transcript", {"text": "x" * 10_000}))
                    await asyncio.sleep(0.001)


async def test_pages_of_others_and_strange_names_are_kept_out(session: aiohttp.ClientSession) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
        async with session.post("/trigger", headers=headers) as answer:
            assert answer.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect("/events", headers=headers)


async def test_with_a_token_only_who_knows_it_comes_in() -> None:
    async with Room(TOKEN).api.serve("127.0.0.1", 0) as url, aiohttp.ClientSession(url) as session:
        for given_token, status in ((None, 401), ("Bearer wrong", 401), (TOKEN, 401), (f"Bearer {TOKEN}", 200)):
            headers = {} if given_token is None else {"Authorization": given_token}
            async with session.get("/state", headers=headers) as answer:
                assert answer.status == status


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080", "192.168.1.5"])
def test_an_address_is_no_strange_name(host: str) -> None:
    authorize({"Host": host}, None)


HEADER = st.text(st.characters(max_codepoint=0x7F) | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF))


@given(HEADER, HEADER, HEADER | st.none())
def test_no_other_token_opens(host: str, secret: str, origin: str | None) -> None:
    headers = {"Host": host, "Authorization": f"Bearer {secret}"} | ({} if origin is None else {"Origin": origin})
    with pytest.raises(ApiRequestError):
        authorize(headers, TOKEN)


def test_who_can_be_reached_by_others_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="--api-token-file"):
        create_auth("0.0.0.0", None)
    monkeypatch.setenv("WYOMING_ROSIE_API_TOKEN", TOKEN)
    file = tmp_path / "token"
    file.write_text("another token for this\n")
    tokens = [create_auth(host, path).token for host in ("0.0.0.0", "127.0.0.1") for path in (None, file)]
    assert [token and token.read() for token in tokens] == [TOKEN, "another token for this"] * 2


async def test_a_token_of_a_changed_file_is_accepted_and_the_former_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    await asyncio.to_thread(file.write_text, TOKEN)
    auth = await asyncio.to_thread(create_auth, "127.0.0.1", file)
    for content, valid in (
        (TOKEN, TOKEN),
        ("too short", TOKEN),
        ("another token for this\n", "another token for this"),
    ):
        await asyncio.to_thread(file.write_text, content)
        await auth.authorize(_bearer(valid))
    with pytest.raises(ApiRequestError):
        await auth.authorize(_bearer(TOKEN))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("content", ["", "short", "x" * 2_000, "\xff" * 20])
def test_a_token_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, "latin-1")
    with pytest.raises(ConfigError):
        create_auth("127.0.0.1", file)
    with pytest.raises(ConfigError, match="No such file"):
        create_auth("127.0.0.1", tmp_path / "missing")
