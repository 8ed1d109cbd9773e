"""Frigate's messages become events in one process, with Frigate's HTTP API beside it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.frigate_messages import after, event, object_id, storm
from tests.frigate_server import FrigateServer, database_row
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.interface import Buses, Consumer
from wyoming_rosie.bus.memory import MemoryEvents, create_memory_buses
from wyoming_rosie.bus.messages import VisionEvent
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.role import BridgeContext
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.vision.frigate import settings as frigate_settings
from wyoming_rosie_bridge.vision.frigate.runner import FrigateRunner
from wyoming_rosie_bridge.vision.frigate.settings import FrigateSettings

SECONDS = 60.0
EVENTS = Consumer(names.VISION_STREAM, "test", "vision.event.>")


class House:
    """A bridge's Frigate part in memory, and the events that it has published."""

    def __init__(self, buses: Buses, metrics: "CountedRefusals") -> None:
        self.buses, self.metrics = buses, metrics
        self._source = buses.events.source(EVENTS)
        self.events: list[tuple[str, VisionEvent]] = []

    async def send(self, leaf: str, payload: bytes) -> None:
        await self.buses.mqtt.publish(f"frigate/{leaf}", payload)

    async def read(self) -> list[str]:
        """Return phase and subject of the events since the last call."""
        found = []
        while deliveries := await self._source.take(100, 0.01):
            for delivery in deliveries:
                about = schema.unwrap(VisionEvent, delivery.envelope)
                self.events.append((delivery.place, about))
                found.append(f"{about.phase} {delivery.place.removeprefix('vision.event.')}")
                await delivery.ack()
        return found

    async def wait_for(self, is_wanted: Callable[[VisionEvent], bool]) -> VisionEvent:
        async with asyncio.timeout(SECONDS):
            while True:
                await self.read()
                for _, one in self.events:
                    if is_wanted(one):
                        return one
                await asyncio.sleep(0.02)


class CountedRefusals(StageMetrics):
    """Metrics that count what was refused."""

    def __init__(self) -> None:
        super().__init__(Metrics())
        self.refused = 0

    def count_refused(self, reason: str) -> None:
        self.refused += reason == "bad-message"


@asynccontextmanager
async def house(settings: FrigateSettings | None = None, buses: Buses | None = None) -> AsyncIterator[House]:
    """Run the Frigate part in memory."""
    metrics = CountedRefusals()
    given = buses or create_memory_buses()
    runner = FrigateRunner(settings or FrigateSettings(), BridgeContext(given, metrics))
    found = House(given, metrics)
    runner.subscribe()
    fill, watch = runner.tasks()
    async with run_beside(fill), run_beside(watch):
        yield found


@pytest.fixture
async def server() -> AsyncIterator[FrigateServer]:
    async with FrigateServer().serving() as found:
        yield found


async def test_a_person_is_an_event_and_its_alias_is_not_counted_twice() -> None:
    now = time.time()
    async with house() as one:
        await one.send("events", event("new", now, now))
        assert await one.read() == ["new person", "new person_detected"]
        await one.send("events", event("update", now, now + 1, current_zones=["yard"], entered_zones=["yard"]))
        await one.send("events", event("end", now, now + 2))
        assert await one.read() == [
            "update zone.yard.entered", "update zone.yard.left", "end person", "end person_detected",
        ]  # fmt: skip
        keys = {(about.event_id, about.phase) for subject, about in one.events if "person" in subject}
        assert keys == {(object_id(now), "new"), (object_id(now), "end")}


async def test_nothing_is_ever_published_to_frigate_and_pictures_are_not_read() -> None:
    async with house() as one:
        for leaf in ("front/person/snapshot", "front/person", "front/detect/set", "stats", "front/motion/state"):
            await one.send(leaf, b"\xff\xd8\xff" * 1000)
        assert (await one.read(), one.metrics.refused) == ([], 0)
        await one.send("front/motion", b"ON")
        await one.send("front/classification/gate", b"open")
        assert await one.read() == ["new motion.simple", "new door"]
        published = one.buses.mqtt.published  # type: ignore[attr-defined]
        assert len(published) == 7


async def test_hostile_messages_are_counted_and_do_no_harm() -> None:
    now = time.time()
    async with house() as one:
        hostile = [b"\xff", b"[" * 100_000, b"{}", b"null", b" " * 300_000, b'{"type":"new","after":{"id":"../x"}}']
        for payload in hostile:
            for leaf in ("events", "reviews", "tracked_object_update", "triggers", "available", "c/motion"):
                await one.send(leaf, payload)
        assert (await one.read(), one.metrics.refused) == ([], 6 * len(hostile))
        await one.send("events", event("new", now, now, label="../a.b >*", camera="c/+/#"))
        assert await one.read() == ["new object._a_b_"]


async def test_an_end_that_mqtt_lost_is_learned_from_the_http_api(server: FrigateServer) -> None:
    now = time.time()
    async with house(FrigateSettings(server.url)) as one:
        await one.send("events", event("new", now, now))
        server.rows[object_id(now)] = database_row(after(now, now + 9, end_time=now + 9))
        missed = now + 3
        server.rows[object_id(missed)] = database_row(after(missed, now + 5, entered_zones=["yard"], end_time=now + 5))
        server.reviews.append(
            {"id": "r", "start_time": now, "severity": "alert", "data": {"detections": [object_id(now)]}}
        )
        await one.send("available", b"online")
        end = await one.wait_for(lambda about: about.phase == "end" and about.event_id == object_id(now))
        assert (end.late, end.end) == (True, now + 9)
        await one.wait_for(lambda about: about.phase == "end" and about.event_id == object_id(missed))
        alert = await one.wait_for(lambda about: about.severity == "alert")
        assert (alert.phase, alert.late) == ("update", True)
        found = [subject for subject, about in one.events if about.event_id == object_id(missed)]
        assert [subject.removeprefix("vision.event.") for subject in found] == [
            "person", "person_detected", "zone.yard.entered", "zone.yard.left", "person", "person_detected",
        ]  # fmt: skip
        await one.send("events", event("end", now, now + 9))  # it arrives after all
        assert await one.read() == []


async def test_objects_that_run_are_found_at_the_first_start_and_those_of_the_past_are_not(
    server: FrigateServer,
) -> None:
    now = time.time()
    for number in range(600):
        server.rows[f"{now}-{number}"] = database_row({**after(now, now, label="car"), "id": f"{now}-{number}"})
    server.rows["past"] = database_row({**after(now - 400, now), "id": "past", "end_time": now - 10})
    server.rows["broken"] = {"id": 17, "start_time": now, "end_time": None}
    async with house(FrigateSettings(server.url)) as one:
        async with asyncio.timeout(SECONDS):
            while len({about.event_id for _, about in one.events}) < 600:
                await one.read()
                await asyncio.sleep(0.05)
        assert {about.late for _, about in one.events} == {True}
        assert "past" not in {about.event_id for _, about in one.events}
        assert one.events[0][1].box == pytest.approx((424 / 1280, 500 / 720, 536 / 1280, 712 / 720), abs=1e-4)
        assert one.metrics.refused >= 1


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"status": 401}, {"status": 302, "location": "http://127.0.0.1:1/"}, {"body": b"{"}, {"body": b"x" * 5_000_000}],
    ids=lambda fault: str(fault)[:30],
)  # fmt: skip
async def test_a_frigate_that_answers_wrongly_is_asked_again(server: FrigateServer, fault: dict[str, Any]) -> None:
    now = time.time()
    right = vars(server).copy()
    server.rows[object_id(now)] = database_row(after(now, now))
    vars(server).update(fault)
    async with house(FrigateSettings(server.url)) as one:
        async with asyncio.timeout(SECONDS):
            while len(server.requests) < 2:
                await asyncio.sleep(0.02)
        assert await one.read() == []
        await one.send("events", event("new", now + 1, now + 1))  # MQTT does not wait for it
        assert await one.read() == ["new person", "new person_detected"]
        vars(server).update({name: right[name] for name in fault})
        assert (await one.wait_for(lambda about: about.event_id == object_id(now))).late


async def test_the_token_is_sent_and_never_in_a_setting(server: FrigateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    server.token = "a-token"
    server.rows[object_id(now)] = database_row(after(now, now))
    monkeypatch.setenv(frigate_settings.TOKEN_VARIABLE, "a-token")
    async with house(FrigateSettings(server.url)) as one:
        await one.wait_for(lambda about: about.event_id == object_id(now))
    with pytest.raises(ConfigError, match="use https"):
        frigate_settings.create_api(FrigateSettings("http://frigate:5000"))
    with pytest.raises(ConfigError, match="process list"):
        frigate_settings.create_api(FrigateSettings("http://me:secret@127.0.0.1:5000"))


@pytest.mark.parametrize(
    "settings",
    [
        FrigateSettings(topic_prefix="frigate/#"), FrigateSettings(topic_prefix=""), FrigateSettings(instance="a.b"),
        FrigateSettings(url="ftp://frigate"), FrigateSettings(min_score=3), FrigateSettings(label_min_score=("dog",)),
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: FrigateSettings) -> None:
    with pytest.raises(ConfigError, match=r"--vision\.frigate\."):
        FrigateRunner(settings, BridgeContext(create_memory_buses(), StageMetrics(Metrics())))


async def test_a_new_process_continues_with_the_objects_of_the_old_one(server: FrigateServer) -> None:
    now = time.time()
    parked = now - 5000  # long before what the API is asked for by time
    first, second = create_memory_buses(), create_memory_buses()
    async with house(buses=first) as one:
        await one.send("events", event("new", parked, now, label="car"))
        await one.send("events", event("new", now + 1, now + 1))
        await one.send("events", event("end", now + 1, now + 2))
        await one.send("front/motion", b"ON")
    buses = replace(second, jobs=first.jobs)  # other events: none is taken for a duplicate there
    server.rows[object_id(parked)] = database_row(after(parked, now, label="car", end_time=now + 9))
    async with house(FrigateSettings(server.url), buses) as two:
        await two.send("events", event("new", now + 1, now + 1))
        await two.send("front/motion", b"ON")
        end = await two.wait_for(lambda about: about.phase == "end")
        assert (end.event_id, end.late, end.end) == (object_id(parked), True, now + 9)
        assert [about.phase for _, about in two.events] == ["end"]


class FailingEvents(MemoryEvents):
    """Events in memory that fail once at each publication before it is stored, and once after."""

    def __init__(self) -> None:
        super().__init__()
        self._failed: set[str] = set()

    async def publish(self, subject: str, message: Envelope, message_id: str) -> bool:
        for when in ("before", "after"):
            if f"{when}:{message_id}" not in self._failed:
                self._failed.add(f"{when}:{message_id}")
                if when == "after":
                    await super().publish(subject, message, message_id)
                raise BusError("NATS is away")
        return await super().publish(subject, message, message_id)


async def test_frigate_is_asked_for_what_was_dropped_while_a_bus_was_away(server: FrigateServer) -> None:
    now = time.time()
    failing = replace(create_memory_buses(), events=FailingEvents())
    async with house(FrigateSettings(server.url), failing) as one:
        async with asyncio.timeout(SECONDS):
            while not any("review" in request for request in server.requests):
                await asyncio.sleep(0.02)
        server.rows[object_id(now)] = database_row(after(now, now))
        with pytest.raises(BusError):
            await one.send("events", event("new", now + 1, now + 1))
        assert (await one.wait_for(lambda about: about.event_id == object_id(now))).late


async def test_a_bus_that_fails_at_each_step_loses_and_repeats_nothing() -> None:
    begin = time.time() - 20
    messages = storm(begin, objects=4, updates_per_second=2, seconds=20)
    whole = create_memory_buses()
    async with house(buses=whole) as one:
        for message in messages:
            await one.send(message.topic.removeprefix("frigate/"), message.payload)
        await one.read()
    failing = replace(create_memory_buses(), events=FailingEvents())
    async with house(buses=failing) as two:
        for message in messages:
            async with asyncio.timeout(SECONDS):
                while True:
                    try:
                        await two.send(message.topic.removeprefix("frigate/"), message.payload)
                        break
                    except BusError:
                        continue
        await two.read()
    assert [(subject, about.phase) for subject, about in two.events] == [
        (subject, about.phase) for subject, about in one.events
    ]
    assert len(one.events) > 8
