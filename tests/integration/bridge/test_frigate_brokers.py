"""Frigate's messages go through the bridge's process with real brokers; what MQTT or a kill loses is found again."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.frigate_messages import after, event, object_id, storm
from tests.frigate_server import FrigateServer, database_row
from tests.integration.bridge.frigate_site import SECONDS, FrigateSite, run_site
from wyoming_rosie.bus.envelope import load_json

pytestmark = pytest.mark.long


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[FrigateSite]:
    async with FrigateServer().serving() as server, run_site(FrigateSite(tmp_path, server)) as found:
        await found.start_bridge()
        yield found
        assert found.bridge is not None
        assert await found.bridge.stop() == 0


async def test_an_end_that_is_lost_with_the_mqtt_broker_comes_late_from_the_api(site: FrigateSite) -> None:
    now = time.time()
    await site.send(event("new", now, now))
    await site.wait_for(lambda subject, about: about.phase == "new" and subject == "vision.event.person")
    await site.mosquitto.killed()
    site.server.rows[object_id(now)] = database_row(after(now, now + 2, end_time=now + 2))  # Frigate drops the message
    await site.mosquitto.started()
    end = await site.wait_for_end(object_id(now))
    assert (end.late, end.end) == (True, now + 2)
    await site.send(event("end", now, now + 2))
    await site.send(event("new", now + 3, now + 3))
    await site.wait_for(lambda _, about: about.event_id == object_id(now + 3))
    assert site.counts() == {f"new {object_id(now)}": 1, f"end {object_id(now)}": 1, f"new {object_id(now + 3)}": 1}


async def test_the_objects_survive_a_kill_of_the_bridge(site: FrigateSite) -> None:
    now = time.time()
    car, person = object_id(now), object_id(now + 1)
    await site.send(event("new", now, now, label="car", current_zones=["driveway"]))
    await site.send(event("new", now + 1, now + 1))
    await site.wait_for(lambda _, about: about.event_id == person)
    await site.kill_bridge()
    for started in (now, now + 1):
        site.server.rows[object_id(started)] = database_row(
            after(started, started, label="car" if started == now else "person")
        )
    site.server.rows[person]["end_time"] = now + 5
    await site.start_bridge()
    assert (await site.wait_for_end(person)).late
    await site.send(event("update", now, now + 6, label="car", current_zones=["driveway"]))
    await site.send(event("end", now, now + 7, label="car"))
    assert not (await site.wait_for_end(car)).late
    assert site.counts() == {f"{phase} {one}": 1 for phase in ("new", "end") for one in (car, person)}
    entered = [about for subject, about in site.events if subject.endswith("driveway.entered")]
    assert len(entered) == 1


@pytest.mark.parametrize("place", ["frigate.published", "frigate.recorded"])
async def test_a_kill_at_each_step_of_a_storm_leaves_one_begin_and_one_end(site: FrigateSite, place: str) -> None:
    messages = storm(time.time() - 30, objects=12, updates_per_second=2, seconds=20)
    await site.kill_bridge()
    await site.start_bridge(f"{place}:23")
    assert site.bridge is not None
    for message in messages:
        await site.send(message.payload)  # mosquitto keeps those of QoS 1 for a bridge that is away
    async with asyncio.timeout(SECONDS):
        await site.bridge.process.wait()
    await site.start_bridge()
    for message in messages:
        if message.payload.startswith(b'{"type": "end"'):
            await site.wait_for_end(load_json(message.payload)["after"]["id"])
    await site.send(event("new", 1_700_000_000.5, time.time(), id="last"))
    await site.wait_for(lambda _, about: about.event_id == "last")
    counts = site.counts()
    del counts["new last"]
    assert len(counts) == 24
    assert set(counts.values()) == {1}


async def test_a_storm_is_few_events_and_each_once(site: FrigateSite) -> None:
    messages = storm(time.time() - 60, objects=20, updates_per_second=5, seconds=10)
    for message in messages:
        await site.send(message.payload, qos=0)
        await site.send(message.payload, qos=0)
        await asyncio.sleep(0)
    for message in messages:
        if message.payload.startswith(b'{"type": "end"'):
            await site.wait_for_end(load_json(message.payload)["after"]["id"])
    await site.send(event("new", 1_700_000_000.5, time.time(), id="last"))
    await site.wait_for(lambda _, about: about.event_id == "last")
    counts = site.counts()
    del counts["new last"]
    assert (len(counts), set(counts.values())) == (40, {1})
    assert len(messages) == 1000
    assert len(site.events) < 300


async def test_two_bridges_at_once_publish_each_object_once(site: FrigateSite) -> None:
    other = await site.start_another("other")
    messages = storm(time.time() - 30, objects=8, updates_per_second=2, seconds=20)
    for message in messages:
        await site.send(message.payload)
    for message in messages:
        if message.payload.startswith(b'{"type": "end"'):
            await site.wait_for_end(load_json(message.payload)["after"]["id"])
    assert await other.stop() == 0
    await site.send(event("new", 1_700_000_000.5, time.time(), id="last"))
    await site.wait_for(lambda _, about: about.event_id == "last")
    assert len(site.counts()) == 17
    assert set(site.counts().values()) == {1}
