"""Events go to brokers of Kafka's protocol: here the broker of librdkafka's tests, which keeps them in memory."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Nats, free_port
from tests.daemons import Daemon
from wyoming_rosie.bus import failpoints
from wyoming_rosie.bus.connection import parse_broker_url
from wyoming_rosie.bus.messages import Result, VisionEvent
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.schema import wrap
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.sinks.kafka import KafkaAddress, KafkaSink
from wyoming_rosie_bridge.sinks.sink import Record, SinkError

confluent_kafka = pytest.importorskip("confluent_kafka", reason="pip install confluent-kafka")
TOPIC, SECONDS = "rosie.test", 60.0
PARTITIONS = 4


class MockBroker:
    """A broker that another implementation of the protocol brings."""

    def __init__(self) -> None:
        settings = {"test.mock.num.brokers": 1, "bootstrap.servers": "unused", "log_level": 0}
        self._owner = confluent_kafka.Producer(settings)
        (broker,) = self._owner.list_topics(timeout=SECONDS).brokers.values()
        self.server = f"{broker.host}:{broker.port}"

    def read(self, number: int) -> list[Any]:
        """Return this many records; fails if there are more."""
        records = self.read_all(number)
        assert len(records) == number
        return records

    def read_keys(self) -> list[str]:
        """Return the idempotency keys of all records."""
        return [dict(record.headers())["key"].decode() for record in self.read_all(0)]

    def read_all(self, least: int) -> list[Any]:
        """Return all records, at least this many."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.server, "group.id": "test", "log_level": 0})
        consumer.assign([confluent_kafka.TopicPartition(TOPIC, partition, 0) for partition in range(PARTITIONS)])
        records: list[Any] = []
        deadline = time.monotonic() + SECONDS
        try:
            while time.monotonic() < deadline:
                record = consumer.poll(0.5)
                if record is None and len(records) >= least:
                    break
                if record is not None and not record.error():
                    records.append(record)
        finally:
            consumer.close()
        return records


@pytest.fixture
def broker() -> MockBroker:
    return MockBroker()


def records_of(sink: KafkaSink, number: int, **changes: Any) -> list[Record]:
    records = []
    for index in range(number):
        event = VisionEvent(f"e{index}", "test", f"Camera {index % 2}", "person", "new", **changes)
        body = sink.encode(wrap(event, key=f"k{index}", source="test", now=1.8e9))
        assert body is not None
        records.append(Record(index + 1, 1_800_000_000_000 + index, body))
    return records


async def test_an_event_is_a_record_with_its_camera_time_and_whole_envelope(broker: MockBroker) -> None:
    sink = KafkaSink(KafkaAddress((broker.server,), TOPIC))
    sent = records_of(sink, 100)
    await sink.send(sent[:60])
    await sink.send(sent[60:])
    result = sink.encode(wrap(Result("done", ok=True), key="r", source="test", now=1.8e9))
    assert result is not None
    await sink.send([Record(101, 1_800_000_000_200, result)])
    await sink.close()
    records = await asyncio.to_thread(broker.read, 101)
    for camera, offset in ((b"camera_0", 0), (b"camera_1", 1)):
        of_camera = [record for record in records if record.key() == camera]
        assert [record.value() for record in of_camera] == [record.body for record in sent[offset::2]]
        assert [record.timestamp()[1] for record in of_camera] == [record.time_ms for record in sent[offset::2]]
        assert of_camera[0].headers() == [("key", f"k{offset}".encode())]
        assert len({record.partition() for record in of_camera}) == 1


async def test_a_broker_that_is_away_is_tried_again() -> None:
    sink = KafkaSink(KafkaAddress((f"127.0.0.1:{free_port()}",), TOPIC))
    for _ in range(2):
        with pytest.raises(UnreachableError, match=r"127\.0\.0\.1.*Unable to bootstrap"):
            await sink.send(records_of(sink, 1))
    await sink.close()


async def test_a_record_that_is_too_large_is_refused_and_the_others_are_sent_once(broker: MockBroker) -> None:
    sink = KafkaSink(KafkaAddress((broker.server,), TOPIC, max_record_bytes=2_000))
    small, large = records_of(sink, 2), records_of(sink, 1, description="x" * 3_000)
    batch = [small[0], Record(7, 1, large[0].body), small[1]]
    with pytest.raises(SinkError):
        await sink.send(batch)
    for record in small:
        await sink.send([record])
    await sink.close()
    values = sorted(record.value() for record in await asyncio.to_thread(broker.read, 2))
    assert values == sorted(record.body for record in small)


async def test_a_bridge_that_is_killed_after_sending_sends_again_with_the_same_key(
    broker: MockBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nats = Nats(tmp_path / "nats")
    words = (
        "--broker.nats", nats.url, "--sinks.kafka", broker.server, "--sinks.kafka-topic", TOPIC,
        "--sinks.spool", str(tmp_path / "spool"), "--role", "vision", "--stage", "export-kafka",
    )  # fmt: skip
    await nats.started()
    try:
        monkeypatch.setenv(failpoints.VARIABLE, "kafka.sent:1")
        first = await Daemon.start("bridge", *words)
        url = parse_broker_url("--url", nats.url, "NO_SUCH_VARIABLE", None, allow_plain=False)
        events = NatsEvents(url, "test")
        async with run_beside(events.run()), asyncio.timeout(SECONDS):
            while events.problem:
                await asyncio.sleep(0.02)
            for number in range(5):
                event = VisionEvent(f"e{number}", "test", "door", "person", "new")
                await events.publish(
                    "vision.event.person", wrap(event, key=f"k{number}", source="t", now=1e9), f"{number}"
                )
            assert await first.process.wait() == -signal.SIGKILL
        monkeypatch.delenv(failpoints.VARIABLE)
        second = await Daemon.start("bridge", *words)
        async with asyncio.timeout(SECONDS):
            while len(keys := await asyncio.to_thread(broker.read_keys)) < 5 + 1 or len(set(keys)) < 5:
                await asyncio.sleep(0.1)
        assert await second.stop() == 0
    finally:
        await nats.killed()
    assert set(keys) == {f"k{number}" for number in range(5)}
