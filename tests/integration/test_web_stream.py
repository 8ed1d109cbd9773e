"""The stream of a page, as programs see it: turns, bounds, and connections that end."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.fakes import FakeDaemon
from tests.integration.test_turn_runner import create_context
from tests.waiting import wait_until
from tests.web_client import Credentials, create_credentials, open_web, page_of, start_web
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.timers.requests import SatelliteIdentity
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.satellites.registry import SatelliteRegistry
from wyoming_rosie_hub.web.browser_satellite import (
    MAX_UNSENT,
    BrowserSatellite,
    ConnectedPages,
    StreamCaller,
    StreamEndedError,
)
from wyoming_rosie_hub.web.house import HouseSatellite
from wyoming_rosie_hub.web.stream_messages import CloseCode, Message

STREAM = "/api/v1/stream"


def message(kind: str, **data: Any) -> str:
    return json.dumps({"type": kind, "data": data})


def identify(name: str = "browser-1") -> str:
    return message("info", satellite={"name": name, "area": "Kitchen"})


@asynccontextmanager
async def connected(
    client: aiohttp.ClientSession, name: str = "browser-1"
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with client.ws_connect(STREAM) as socket:
        await socket.send_str(identify(name))
        assert (await socket.receive_json())["type"] == "run-satellite"
        yield socket


async def close_code(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(60):
        async for _ in socket:
            pass
    return socket.close_code


async def test_a_page_is_a_satellite_of_the_house(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client, client.ws_connect(STREAM) as socket:
        await socket.send_str(identify())
        context = (await socket.receive_json())["data"]["context"]
        assert context.pop("transports")[0] == "pcm"
        assert context == {"area": "Kitchen", "areas": ["Kitchen"], "area_is_fixed": False}


async def test_a_typed_sentence_reaches_intent_with_its_room(daemon: StartDaemon) -> None:
    async def answer(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("handled", {"text": "Done."}))

    async with (
        FakeDaemon(answer).serving() as intent,
        open_web(daemon, "--intent-uri", intent.uri) as client,
        connected(client) as socket,
    ):
        await socket.send_str(message("transcript", text="lights on"))
        told = [await socket.receive_json() for _ in range(2)]
    assert [event["type"] for event in told] == ["transcript", "synthesize"]
    asked = intent.of_type("transcript")[0]
    assert (asked.data["text"], asked.data["context"]["area"]) == ("lights on", "Kitchen")
    assert asked.data["context"]["satellite_id"] == "browser-1"


async def test_a_ping_is_answered(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client, connected(client) as socket:
        await socket.send_str(message("ping", text="1"))
        assert await socket.receive_json() == {"type": "pong", "data": {"text": "1"}}


@pytest.mark.parametrize(
    "sent", ["", "[]", '{"type": "reboot", "data": {}}', b"\0"], ids=["empty", "list", "type", "odd"]
)
async def test_a_message_that_is_none_ends_the_stream(daemon: StartDaemon, sent: str | bytes) -> None:
    async with open_web(daemon) as client, connected(client) as socket:
        await (socket.send_bytes(sent) if isinstance(sent, bytes) else socket.send_str(sent))
        assert await close_code(socket) == CloseCode.INVALID


async def test_audio_faster_than_speech_ends_the_stream(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client, connected(client) as socket:
        for _ in range(40):
            await socket.send_bytes(bytes(32_000))
        assert await close_code(socket) == CloseCode.INVALID


async def test_a_newer_page_of_the_same_name_takes_over(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client, connected(client) as first, connected(client) as second:
        assert await close_code(first) == CloseCode.REPLACED
        await second.send_str(message("ping"))
        assert (await second.receive_json())["type"] == "pong"


async def test_a_page_of_another_site_is_refused(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(STREAM, headers={"Origin": "http://example.org"})
        assert refused.value.status == 403


async def test_a_page_that_leaves_in_mid_sentence_ends_its_turn(daemon: StartDaemon) -> None:
    async with FakeDaemon().serving() as asr, FakeDaemon().serving() as other:
        flags = ("--asr-uri", asr.uri, "--vad-uri", other.uri, "--intent-uri", other.uri)
        async with open_web(daemon, *flags) as client:
            async with connected(client) as socket:
                await socket.send_str(message("run-pipeline", start_stage="asr", end_stage="tts"))
                await socket.send_bytes(bytes(640))
                await wait_until(lambda: asr.of_type("audio-chunk"))
            async with connected(client) as again:
                await again.send_str(message("ping"))
                assert (await again.receive_json())["type"] == "pong"
    assert asr.of_type("audio-stop") == []


class UnreadSocket:
    """A page that sends its name and then reads nothing."""

    def __init__(self) -> None:
        self._sent = [identify()]

    async def receive_message(self) -> Message | None:
        if self._sent:
            return self._sent.pop()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def send_message(self, message: Message) -> None:
        await asyncio.get_running_loop().create_future()


@dataclass
class QuietHouse:
    """A house whose daemons are all away."""

    registry: SatelliteRegistry
    folder: Path

    def satellites(self) -> Sequence[HouseSatellite]:
        return ()

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        uris = dict.fromkeys(("wake", "vad", "asr", "intent", "tts"), "tcp://127.0.0.1:9")
        return self.registry.attach(create_context(self.folder, uris), satellite, send)


async def test_a_page_that_does_not_read_is_let_go(tmp_path: Path) -> None:
    registry = SatelliteRegistry()
    page = BrowserSatellite(UnreadSocket(), QuietHouse(registry, tmp_path), StreamCaller())
    running = asyncio.create_task(page.run(ConnectedPages()))
    await wait_until(lambda: registry.areas())
    for _ in range(1 + MAX_UNSENT):
        registry.send("browser-1", Event("synthesize", {"text": "Well."}))
    with pytest.raises(StreamEndedError) as ended:
        await asyncio.wait_for(running, 60)
    assert ended.value.close_code == CloseCode.SLOW
    assert registry.areas() == {}


async def test_a_page_whose_socket_takes_nothing_for_some_time_is_let_go(tmp_path: Path) -> None:
    house = QuietHouse(SatelliteRegistry(), tmp_path)
    page = BrowserSatellite(UnreadSocket(), house, StreamCaller(), send_seconds=0.05)
    with pytest.raises(StreamEndedError) as ended:
        await asyncio.wait_for(page.run(ConnectedPages()), 60)
    assert ended.value.close_code == CloseCode.SLOW
    assert house.registry.areas() == {}


async def test_a_page_that_leaves_its_socket_unread_is_let_go_and_others_go_on(daemon: StartDaemon) -> None:
    audio = {"rate": 384_000, "width": 4, "channels": 8}

    async def answer(event: Event, send: Send) -> None:
        if event.type == "transcript":
            await send(Event("handled", {"text": "Well."}))
        elif event.type == "synthesize":
            await send(Event("audio-start", audio))
            for _ in range(700):
                await send(Event("audio-chunk", audio, bytes(64_000)))

    async with FakeDaemon(answer).serving() as stage:
        hub = await start_web(daemon, "--intent-uri", stage.uri, "--tts-uri", stage.uri)
        async with (
            aiohttp.ClientSession(await page_of(hub)) as client,
            connected(client, "other") as other,
            connected(client, "slow") as slow,
        ):
            await slow.send_str(message("transcript", text="hello"))
            assert (await hub.wait_for_line("satellite detached"))["satellite"] == "slow"
            await other.send_str(message("ping"))
            assert (await other.receive_json())["type"] == "pong"


def chosen(transport: str) -> str:
    return message("user-event", name="transport", transport=transport)


@pytest.mark.long
@pytest.mark.parametrize(
    "packet", [b"", b"\x03", b"\xff" * 100, bytes(1501)], ids=["empty", "no-count", "noise", "large"]
)
async def test_what_is_no_opus_packet_ends_the_stream(daemon: StartDaemon, packet: bytes) -> None:
    pytest.importorskip("av")
    async with open_web(daemon, "--web.opus") as client, connected(client) as socket:
        await socket.send_str(chosen("opus"))
        await socket.send_bytes(packet)
        assert await close_code(socket) == CloseCode.INVALID


async def test_a_transport_that_the_hub_does_not_offer_ends_the_stream(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client, connected(client) as socket:
        await socket.send_str(chosen("webrtc"))
        assert await close_code(socket) == CloseCode.INVALID


async def test_an_offer_of_webrtc_that_is_none_is_refused(daemon: StartDaemon) -> None:
    pytest.importorskip("aiortc")
    async with open_web(daemon, "--web.webrtc") as client, client.ws_connect(STREAM) as socket:
        await socket.send_str(identify())
        ticket = (await socket.receive_json())["data"]["context"]["webrtc"]["ticket"]
        audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
        for given, sdp in (
            ("x" * 32, "v=0\r\n" + audio),
            (ticket, "v=0\r\n"),
            (ticket, audio),
            (ticket, "v=0\r\n" + audio),
        ):
            async with client.post("/api/v1/webrtc/offer", json={"ticket": given, "sdp": sdp}) as refused:
                assert (refused.status, (await refused.json())["code"]) == (422, "offer")
        await socket.send_str(message("ping"))
        assert (await socket.receive_json())["type"] == "pong"


@pytest.fixture
def secured(tmp_path: Path) -> Credentials:
    return create_credentials(tmp_path)


async def test_a_stranger_cannot_offer_webrtc(daemon: StartDaemon, secured: Credentials) -> None:
    offer = {"ticket": "x", "sdp": "v=0"}
    async with (
        open_web(daemon, "--data-dir", str(secured.folder)) as client,
        client.post("/api/v1/webrtc/offer", json=offer) as refused,
    ):
        assert refused.status == 401
