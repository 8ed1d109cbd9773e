"""News for an event service that is there, slow, or away."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from wyoming.event import Event

from tests.fakes import FakeDaemon
from tests.unit.satellite.outside_fakes import FakeClock, FakeControls
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.server import Send
from wyoming_rosie_satellite.integrations.commands import Desk
from wyoming_rosie_satellite.integrations.event_service import MOST_WAITING, EventSender
from wyoming_rosie_satellite.integrations.observers import muted, phase_shown

NOWHERE = "tcp://127.0.0.1:1"


@asynccontextmanager
async def running(sender: EventSender) -> AsyncIterator[EventSender]:
    task = asyncio.create_task(sender.run())
    try:
        yield sender
    finally:
        task.cancel()
        await asyncio.wait([task])


async def heard(service: FakeDaemon, count: int) -> list[str]:
    async with asyncio.timeout(60):
        while len(service.heard) < count:
            await asyncio.sleep(0.01)
    return [event.type for event in service.heard]


async def test_events_arrive_in_order_without_audio() -> None:
    async with FakeDaemon().serving() as service, running(EventSender(service.uri)) as sender:
        for name in ("detection", "audio-start", "audio-chunk", "ping", "audio-stop", "played"):
            sender.saw(Event(name))
        assert await heard(service, 4) == ["detection", "audio-start", "audio-stop", "played"]


async def test_a_wake_word_says_where_it_was_heard() -> None:
    place = {"satellite_id": "box", "area": "Kitchen"}
    async with FakeDaemon().serving() as service, running(EventSender(service.uri, place=place)) as sender:
        sender.saw(Event("detection", {"name": "okay_nabu", "context": {"turn_id": "t"}}))
        sender.saw(Event("played"))
        await heard(service, 2)
    assert service.heard[0].data == {"name": "okay_nabu", "context": {**place, "turn_id": "t"}}
    assert "context" not in service.heard[1].data


async def test_a_service_may_ask_for_what_the_local_api_can_do() -> None:
    controls = FakeControls()
    desk = Desk(controls, FakeClock(), lambda: 0.0)
    service = FakeDaemon(asks)
    async with service.serving(), running(EventSender(service.uri, desk.do)) as sender:
        sender.saw(Event("detection"))
        await heard(service, 2)
    assert controls.asked == ["trigger"]
    assert controls.shown.volume == 40
    assert [event.data["code"] for event in service.heard if event.type == "error"] == ["bad-request"]


async def asks(event: Event, send: Send) -> None:
    if event.type == "detection":
        for command in ({"command": "trigger"}, {"command": "volume", "percent": 40}, {"command": "fly"}):
            await send(Event("user-event", {"name": "command", "data": command}))


async def test_a_service_that_comes_back_is_told_again() -> None:
    service_ends = AsyncExitStack()
    service = await service_ends.enter_async_context(FakeDaemon().serving())
    async with running(EventSender(service.uri)) as sender:
        sender.saw(Event("detection"))
        await heard(service, 1)
        uri = service.uri
        await service_ends.aclose()
        again = FakeDaemon()
        async with again.serving(uri):
            await asyncio.sleep(0.1)
            sender.saw(Event("played"))
            assert await heard(again, 1) == ["played"]


async def test_a_service_that_comes_back_learns_how_things_stand() -> None:
    service_ends = AsyncExitStack()
    service = await service_ends.enter_async_context(FakeDaemon().serving())
    async with running(EventSender(service.uri)) as sender:
        news = [Event("satellite-connected"), muted(False), phase_shown("waiting"), Event("played"), muted(True)]
        for event in news:
            sender.saw(event)
        assert len(await heard(service, len(news))) == len(news)
        uri = service.uri
        await service_ends.aclose()
        async with FakeDaemon().serving(uri) as again:
            await heard(again, 3)
            assert again.heard == [Event("satellite-connected"), muted(True), phase_shown("waiting")]


async def test_old_news_is_not_told_any_more() -> None:
    async with FakeDaemon().serving() as service:
        sender = EventSender(service.uri, fresh_seconds=0.1)
        sender.saw(Event("detection"))
        await asyncio.sleep(0.2)
        sender.saw(Event("played"))
        async with running(sender):
            assert await heard(service, 1) == ["played"]
    assert sender.forgotten == 1


async def test_the_oldest_is_forgotten_when_nobody_listens() -> None:
    sender = EventSender(NOWHERE)
    for number in range(MOST_WAITING + 2):
        sender.saw(Event("transcript", {"text": str(number)}))
    assert sender.forgotten == 2


async def test_a_service_that_does_not_read_delays_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stuck:
        async with running(EventSender(f"tcp://127.0.0.1:{stuck.getsockname()[1]}")) as sender:
            for _ in range(2_000):
                sender.saw(Event("transcript", {"text": "x" * 5_000}))
                await asyncio.sleep(0)
            assert sender.forgotten, "it fell behind, and everybody else went on"


def test_an_address_that_is_none_is_refused() -> None:
    for uri in ("stdio://", "http://x"):
        with pytest.raises(ConfigError):
            EventSender(uri)
