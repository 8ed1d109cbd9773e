"""The buses in memory, for one process without brokers: the same behaviour, but nothing survives the process."""

import asyncio
import itertools
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from wyoming_rosie.bus import names
from wyoming_rosie.bus.envelope import Envelope, decode
from wyoming_rosie.bus.errors import BacklogFullError
from wyoming_rosie.bus.interface import PASSED, Backlog, Buses, Consumer, DeadLetter, Delivery, MqttHandler, MqttMessage

MAX_RECORDS = 100_000
MAX_DEAD_LETTERS = 10_000
MAX_UNHEARD = 1000
"""Messages that a slow listener may be behind; beyond that they are lost to it."""
_BLOB = "memory:"


@dataclass
class _Entry:
    number: int
    place: str
    envelope: Envelope
    added: float
    attempts: int = 0
    due: float = 0.0  # monotonic time from which it may be delivered


_Bury: TypeAlias = Callable[[_Entry, str, str], None]


class MemorySource:
    """The messages of one consumer group."""

    def __init__(self, idle_seconds: float, bury: _Bury) -> None:
        self.idle_seconds = idle_seconds
        self.entries: dict[int, _Entry] = {}
        self._bury = bury
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()

    def put(self, place: str, envelope: Envelope) -> None:
        number = next(self._numbers)
        self.entries[number] = _Entry(number, place, envelope, time.time())
        self._changed.set()

    async def take(self, count: int, seconds: float) -> Sequence[Delivery]:
        deadline = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            due = [entry for entry in self.entries.values() if entry.due <= now][:count]
            if due or now >= deadline:
                return [self._deliver(entry) for entry in due]
            next_due = min((entry.due for entry in self.entries.values()), default=deadline)
            self._changed.clear()
            try:
                async with asyncio.timeout(min(deadline, next_due) - now):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def backlog(self) -> Backlog:
        pending = sum(entry.attempts > 0 for entry in self.entries.values())
        now = time.time()
        oldest = min((entry.added for entry in self.entries.values()), default=now)
        return Backlog(len(self.entries) - pending, pending, max(0.0, now - oldest))

    def postpone(self, entry: _Entry, seconds: float) -> None:
        entry.due = time.monotonic() + seconds
        self._changed.set()

    def bury(self, entry: _Entry, reason: str, detail: str) -> None:
        if self.entries.pop(entry.number, None) is not None:
            self._bury(entry, reason, detail)

    def _deliver(self, entry: _Entry) -> Delivery:
        entry.attempts += 1
        entry.due = time.monotonic() + self.idle_seconds
        return MemoryDelivery(self, entry, entry.attempts)


class MemoryDelivery:
    """One delivery of a message."""

    def __init__(self, source: MemorySource, entry: _Entry, attempt: int) -> None:
        self.envelope, self.place, self.attempt = entry.envelope, entry.place, attempt
        self._source, self._entry = source, entry

    async def ack(self) -> None:
        self._source.entries.pop(self._entry.number, None)

    async def extend(self) -> bool:
        if self._entry.number not in self._source.entries or self._entry.attempts != self.attempt:
            return False
        self._source.postpone(self._entry, self._source.idle_seconds)
        return True

    async def release(self, seconds: float) -> None:
        self._source.postpone(self._entry, seconds)

    async def bury(self, reason: str, detail: str = "") -> None:
        self._source.bury(self._entry, reason, detail)


class MemoryDeadLetters:
    """The dead letters of one bus in memory."""

    def __init__(self, name_of: Callable[[str], str], put_back: Callable[[str, Envelope], None]) -> None:
        self._letters: deque[DeadLetter] = deque(maxlen=MAX_DEAD_LETTERS)
        self._name_of = name_of
        self._put_back = put_back
        self._numbers = itertools.count(1)

    def bury(self, entry: _Entry, reason: str, detail: str) -> None:
        letter_id = f"{self._name_of(entry.place)}/{next(self._numbers)}"
        self._letters.append(
            DeadLetter(letter_id, entry.place, reason, detail, entry.attempts, time.time(), entry.envelope.encode())
        )

    async def list(self, limit: int) -> Sequence[DeadLetter]:
        return list(itertools.islice(reversed(self._letters), limit))

    async def replay(self, letter: DeadLetter) -> None:
        self._letters.remove(letter)
        self._put_back(letter.place, decode(letter.raw))


class MemoryJobs:
    """Streams of jobs in memory."""

    problem: str | None = None

    def __init__(self) -> None:
        self.dead_letters = MemoryDeadLetters(names.dead_stream, self._put)
        self._sources: dict[str, MemorySource] = {}
        self._records: OrderedDict[str, tuple[str, float]] = OrderedDict()  # values, with the time of their end
        self._blobs: dict[str, tuple[bytes, float]] = {}

    async def add(self, stream: str, message: Envelope, decision: str | None = None) -> bool:
        decided = decision or f"{stream}:{message.key}"
        if await self.recall(decided) is not None:
            return False
        if len(self._source(stream).entries) >= names.limit_of(stream):
            raise BacklogFullError(f"the stream {stream} has {names.limit_of(stream)} entries already")
        await self.decide(decided, PASSED)
        self._put(stream, message)
        return True

    def source(self, stream: str, idle_seconds: float) -> MemorySource:
        source = self._source(stream)
        source.idle_seconds = idle_seconds
        return source

    async def decide(self, decision: str, value: str) -> str:
        if (earlier := await self.recall(decision)) is not None:
            return earlier
        await self.record(decision, value, names.DECISION_SECONDS)
        return value

    async def recall(self, name: str) -> str | None:
        value, until = self._records.get(name, ("", 0.0))
        return value if until > time.monotonic() else None

    async def record(self, name: str, value: str, seconds: float) -> None:
        self._records[name] = value, time.monotonic() + seconds
        self._records.move_to_end(name)
        if len(self._records) > MAX_RECORDS:
            self._records.popitem(last=False)

    async def put_blob(self, key: str, content: bytes, seconds: float) -> str:
        now = time.monotonic()
        self._blobs = {name: blob for name, blob in self._blobs.items() if blob[1] > now}
        self._blobs[key] = content, now + seconds
        return _BLOB + key

    async def get_blob(self, uri: str) -> bytes | None:
        content, until = self._blobs.get(uri.removeprefix(_BLOB), (None, 0.0))
        return content if until > time.monotonic() else None

    def _source(self, stream: str) -> MemorySource:
        if stream not in self._sources:
            self._sources[stream] = MemorySource(30.0, self.dead_letters.bury)
        return self._sources[stream]

    def _put(self, stream: str, message: Envelope) -> None:
        self._source(stream).put(stream, message)


class MemoryEvents:
    """Events in memory. A durable consumer receives what was published after it was made."""

    problem: str | None = None

    def __init__(self) -> None:
        self.dead_letters = MemoryDeadLetters(names.dead_subject, self._put_back)
        self._consumers: dict[str, tuple[Consumer, MemorySource]] = {}
        self._listeners: dict[asyncio.Queue[Envelope], str] = {}
        self._published: OrderedDict[str, None] = OrderedDict()

    async def publish(self, subject: str, message: Envelope, message_id: str) -> bool:
        if message_id in self._published:
            return False
        self._published[message_id] = None
        if len(self._published) > MAX_RECORDS:
            self._published.popitem(last=False)
        self._put_back(subject, message)
        await self.send(subject, message)
        return True

    async def send(self, subject: str, message: Envelope) -> None:
        for queue, pattern in self._listeners.items():
            if names.matches_subject(pattern, subject) and not queue.full():
                queue.put_nowait(message)

    @asynccontextmanager
    async def listen(self, subject: str) -> AsyncIterator[AsyncIterator[Envelope]]:
        queue: asyncio.Queue[Envelope] = asyncio.Queue(MAX_UNHEARD)
        self._listeners[queue] = subject
        try:
            yield _drain(queue)
        finally:
            del self._listeners[queue]

    def source(self, consumer: Consumer) -> MemorySource:
        if consumer.name not in self._consumers:
            self._consumers[consumer.name] = consumer, MemorySource(consumer.ack_seconds, self.dead_letters.bury)
        return self._consumers[consumer.name][1]

    def _put_back(self, subject: str, message: Envelope) -> None:
        for consumer, source in self._consumers.values():
            if names.matches_subject(consumer.subject, subject):
                source.put(subject, message)


class MemoryMqtt:
    """MQTT in memory: messages of the devices of a demo, or of a test."""

    problem: str | None = None

    def __init__(self) -> None:
        self.published: deque[MqttMessage] = deque(maxlen=MAX_UNHEARD)
        """What was published last."""
        self._retained: dict[str, MqttMessage] = {}
        self._handlers: list[tuple[str, MqttHandler]] = []

    async def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        message = MqttMessage(topic, payload, retain)
        self.published.append(message)
        if retain:
            self._retained[topic] = message
        for topic_filter, handler in list(self._handlers):
            if names.matches_topic(topic_filter, topic):
                await handler(MqttMessage(topic, payload))

    def subscribe(self, topic_filter: str, handler: MqttHandler, qos: int = 1, *, at_a_time: int = 1) -> None:
        self._handlers.append((topic_filter, handler))

    def on_connect(self, callback: Callable[[], None]) -> None:
        callback()


def create_memory_buses() -> Buses:
    """Return the three buses of one process."""
    jobs, events = MemoryJobs(), MemoryEvents()
    return Buses(MemoryMqtt(), jobs, events, (jobs.dead_letters, events.dead_letters))


async def _drain(queue: "asyncio.Queue[Envelope]") -> AsyncIterator[Envelope]:
    while True:
        yield await queue.get()
