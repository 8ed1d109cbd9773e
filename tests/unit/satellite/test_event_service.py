"""Events for an event service that is up, slow, or away."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from wyoming.event import Event

from tests.fakes import FakeDaemon
from tests.unit.satellite.integration_fakes import FakeControls, FakeTimerControls
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.server import Send
from wyoming_rosie_satellite.integrations.command_dispatcher import CommandDispatcher
from wyoming_rosie_satellite.integrations.event_service import MAX_QUEUED, EventForwarder
from wyoming_rosie_satellite.integrations.observers import muted_event, phase_event

NOWHERE = "tcp://127.0.0.1:1"


@asynccontextmanager
async def running(sender: EventForwarder) -> AsyncIterator[EventForwarder]:
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
    async with FakeDaemon().serving() as service, running(EventForwarder(service.uri)) as sender:
        for name in ("detection", "audio-start", "audio-chunk", "ping", "audio-stop", "played"):
            sender.on_event(Event(name))
        assert await heard(service, 4) == ["detection", "audio-start", "audio-stop", "played"]


async def test_a_wake_word_says_where_it_was_heard() -> None:
    place = {"satellite_id": "box", "area": "Kitchen"}
    async with FakeDaemon().serving() as service, running(EventForwarder(service.uri, context=place)) as sender:
        sender.on_event(Event("detection", {"name": "okay_nabu", "context": {"turn_id": "t"}}))
        sender.on_event(Event("played"))
        await heard(service, 2)
    assert service.heard[0].data == {"name": "okay_nabu", "context": {**place, "turn_id": "t"}}
    assert "context" not in service.heard[1].data


async def test_a_service_may_ask_for_what_the_local_api_can_do() -> None:
    controls = FakeControls()
    desk = CommandDispatcher(controls, FakeTimerControls(), lambda: 0.0)
    service = FakeDaemon(asks)
    async with service.serving(), running(EventForwarder(service.uri, desk.execute)) as sender:
        sender.on_event(Event("detection"))
        await heard(service, 2)
    assert controls.requests == ["trigger"]
    assert controls.status.volume == 40
    assert [event.data["code"] for event in service.heard if event.type == "error"] == ["bad-request"]


async def asks(event: Event, send: Send) -> None:
    if event.type == "detection":
        for command in ({"command": "trigger"}, {"command": "volume", "percent": 40}, {"command": "fly"}):
            await send(Event("user-event", {"name": "command", "data": command}))


async def test_a_service_that_comes_back_is_told_again() -> None:
    service_ends = AsyncExitStack()
    service = await service_ends.enter_async_context(FakeDaemon().serving())
    async with running(EventForwarder(service.uri)) as sender:
        sender.on_event(Event("detection"))
        await heard(service, 1)
        uri = service.uri
        await service_ends.aclose()
        again = FakeDaemon()
        async with again.serving(uri):
            await asyncio.sleep(0.1)
            sender.on_event(Event("played"))
            assert await heard(again, 1) == ["played"]


async def test_a_service_that_comes_back_learns_how_things_stand() -> None:
    service_ends = AsyncExitStack()
    service = await service_ends.enter_async_context(FakeDaemon().serving())
    async with running(EventForwarder(service.uri)) as sender:
        news = [
            Event("satellite-connected"),
            muted_event(False),
            phase_event("waiting"),
            Event("played"),
            muted_event(True),
        ]
        for event in news:
            sender.on_event(event)
        assert len(await heard(service, len(news))) == len(news)
        uri = service.uri
        await service_ends.aclose()
        async with FakeDaemon().serving(uri) as again:
            await heard(again, 3)
            assert again.heard == [Event("satellite-connected"), muted_event(True), phase_event("waiting")]


async def test_old_news_is_not_told_any_more() -> None:
    async with FakeDaemon().serving() as service:
        sender = EventForwarder(service.uri, fresh_seconds=1.5)
        sender.on_event(Event("detection"))
        await asyncio.sleep(1.5)
        sender.on_event(Event("played"))
        async with running(sender):
            assert await heard(service, 1) == ["played"]
    assert sender.dropped == 1


async def test_the_oldest_is_forgotten_when_nobody_listens() -> None:
    sender = EventForwarder(NOWHERE)
    for number in range(MAX_QUEUED + 2):
        sender.on_event(Event("transcript", {"text": str(number)}))
    assert sender.dropped == 2


async def test_a_service_that_does_not_read_delays_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stuck:
        async with running(EventForwarder(f"tcp://127.0.0.1:{stuck.getsockname()[1]}")) as sender:
            for _ in range(2_000):
                sender.on_event(Event("transcript", {"text": "x" * 5_000}))
                await asyncio.sleep(0)
            assert sender.dropped, "it fell behind, and everybody else went on"


def test_an_address_that_is_none_is_refused() -> None:
    for uri in ("stdio://", "http://x"):
        with pytest.raises(ConfigError):
            EventForwarder(uri)
