"""Interfaces of the buses: what the roles of the bridge need, whichever broker or memory provides it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from wyoming_rosie.bus.envelope import Envelope

MqttHandler: TypeAlias = Callable[["MqttMessage"], Awaitable[None]]
"""The broker gets its acknowledgement when the handler returns; none if it raises."""
PASSED = "passed"
"""The decision that `Jobs.add` records."""
MAX_DELIVERIES = 5
"""Deliveries after which a message is a dead letter: whoever handles it does not survive it."""


@dataclass(frozen=True)
class MqttMessage:
    """A message of MQTT."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool = False


class Mqtt(Protocol):
    """The language of edge devices."""

    async def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        """Publish; with QoS 1, return when the broker has it. Raises BusError."""

    def subscribe(self, topic_filter: str, handler: MqttHandler, qos: int = 1, *, at_a_time: int = 1) -> None:
        """Call the handler for each message that matches, in order, now and after each reconnection.

        With a larger `at_a_time`, so many are handled at the same time, and their order is lost.
        """

    def on_connect(self, callback: Callable[[], None]) -> None:
        """Call a function after each connection, once messages arrive."""

    @property
    def problem(self) -> str | None:
        """Why it does not work now, as a sentence."""


class Delivery(Protocol):
    """A message that must be confirmed; else it is delivered again."""

    @property
    def envelope(self) -> Envelope: ...

    @property
    def attempt(self) -> int:
        """1 for the first delivery."""

    @property
    def place(self) -> str:
        """The stream or subject."""

    async def ack(self) -> None:
        """Confirm: it is never delivered again. Raises BusError."""

    async def extend(self) -> bool:
        """Ask for more time; return False if another consumer has it by now. Raises BusError."""

    async def release(self, seconds: float) -> None:
        """Have it delivered again, at the earliest after `seconds`. Raises BusError."""

    async def bury(self, reason: str, detail: str = "") -> None:
        """Move it to the dead letters. Raises BusError."""


class Source(Protocol):
    """A stream of deliveries that its consumers share."""

    async def take(self, count: int, seconds: float) -> Sequence[Delivery]:
        """Return up to `count` messages, waiting up to `seconds` for the first. Raises BusError."""

    async def backlog(self) -> "Backlog":
        """Return how much is not confirmed yet. Raises BusError."""


@dataclass(frozen=True)
class Backlog:
    """The messages of a source that are not confirmed."""

    waiting: int
    """Not delivered yet."""
    pending: int
    """Delivered, not confirmed."""
    oldest_seconds: float
    """Age of the oldest one."""


class Jobs(Protocol):
    """Streams of short-lived jobs, with payloads by pointer, and a memory of decisions."""

    async def add(self, stream: str, message: Envelope, decision: str | None = None) -> bool:
        """Add a job once per key, return False for one that was added before. Raises BusError, BacklogFullError.

        `decision` names a decision that is recorded in the same step: `decide` then returns "passed", and a job whose
        decision was another one is not added.
        """

    def source(self, stream: str, idle_seconds: float) -> Source:
        """Return the jobs of a stream; those that are not confirmed for `idle_seconds` are delivered again."""

    async def decide(self, decision: str, value: str) -> str:
        """Record a decision unless there is one; return the one that counts. Raises BusError."""

    async def recall(self, name: str) -> str | None:
        """Return the recorded value, None if there is none. Raises BusError."""

    async def record(self, name: str, value: str, seconds: float) -> None:
        """Record a value, replacing an earlier one. Raises BusError."""

    async def put_blob(self, key: str, content: bytes, seconds: float) -> str:
        """Store a payload for `seconds`; return its URI. Raises BusError."""

    async def get_blob(self, uri: str) -> bytes | None:
        """Return a payload, None if it has expired. Raises BusError."""

    @property
    def problem(self) -> str | None:
        """Why it does not work now, as a sentence."""


@dataclass(frozen=True)
class Consumer:
    """A durable consumer of events, shared by all processes that use its name."""

    stream: str
    name: str
    subject: str
    """Pattern of the subjects."""
    ack_seconds: float = 30.0
    max_pending: int = 256


class Events(Protocol):
    """The fabric of events and routing."""

    async def publish(self, subject: str, message: Envelope, message_id: str) -> bool:
        """Publish durably, once per `message_id`; return False for a duplicate. Raises BusError, BacklogFullError."""

    async def send(self, subject: str, message: Envelope) -> None:
        """Send to those who listen now; it may be lost. Raises BusError."""

    def listen(self, subject: str) -> AbstractAsyncContextManager[AsyncIterator[Envelope]]:
        """Receive what is sent or published during the block."""

    def source(self, consumer: Consumer) -> Source:
        """Return the events of a durable consumer."""

    @property
    def problem(self) -> str | None:
        """Why it does not work now, as a sentence."""


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be handled."""

    id: str
    """Names it for `show` and `replay`, such as `dead:audio:incoming/1795-0`."""
    place: str
    """The stream or subject it was in."""
    reason: str
    detail: str
    attempts: int
    buried_at: float
    raw: bytes = field(repr=False)
    """The message as it was received."""


class DeadLetters(Protocol):
    """The dead letters of one bus."""

    async def list(self, limit: int) -> Sequence[DeadLetter]:
        """Return the newest. Raises BusError."""

    async def replay(self, letter: DeadLetter) -> None:
        """Put it back to its place and remove it here. Raises BusError."""


@dataclass(frozen=True)
class Buses:
    """The three buses."""

    mqtt: Mqtt
    jobs: Jobs
    events: Events
    dead_letters: tuple[DeadLetters, ...]
