"""Events on NATS JetStream. Works with nats-server 2.9 and newer, without the features that 2.9 lacks."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.bus import names
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.envelope import Envelope, decode
from wyoming_rosie.bus.errors import BacklogFullError, BadMessageError, BusError, raise_if_cancelled
from wyoming_rosie.bus.interface import Backlog, Consumer, DeadLetter, Delivery
from wyoming_rosie.bus.nats_connection import CONNECT_SECONDS, NatsConnection

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

_LOG = structlog.get_logger()
REPLY_SECONDS = 5.0
DUPLICATE_SECONDS = 600.0
"""Time for which JetStream knows a message again; longer than any outage that is replayed."""
MAX_UNHEARD = 1000
MESSAGE_ID = "Nats-Msg-Id"
_FULL_CODES = (10077, 10047, 10023)  # too many messages, or bytes; no resources
_NO_CONSUMER_CODES = (404, 10014, 10059)
_DAY, _HOUR = 86_400.0, 3_600.0


@dataclass(frozen=True)
class StreamSpec:
    """A stream of JetStream."""

    name: str
    subjects: tuple[str, ...]
    max_age: float
    """Seconds."""
    is_work_queue: bool = False
    """Messages are removed when they are confirmed; a full stream refuses new ones."""
    max_bytes: int = 256 * 2**20
    max_messages: int = -1


STREAMS = (
    StreamSpec(names.VOICE_STREAM, ("audio.event.>", f"{names.VOICE_INTENT}.>"), _DAY),
    StreamSpec(names.VISION_STREAM, (f"{names.VISION_EVENT}.>",), _DAY),
    StreamSpec(names.JOBS_STREAM, (f"{names.LLM_ROUTE}.>",), _DAY, is_work_queue=True, max_messages=10_000),
    StreamSpec(names.RESPONSES_STREAM, (f"{names.LLM_RESPONSE}.*",), _HOUR),
    StreamSpec(names.RESULTS_STREAM, ("automation.>",), _DAY),
    StreamSpec(names.DEAD_STREAM, (f"{names.DEAD_SUBJECTS}.>",), 14 * _DAY),
)


@dataclass(frozen=True)
class StoredEvent:
    """An event that a stream keeps, by its number there."""

    number: int
    data: bytes


class NatsEvents:
    """Events on one NATS; `run` keeps the connection."""

    def __init__(
        self, url: BrokerUrl, name: str, credentials: Path | None = None, nkey_seed: Path | None = None
    ) -> None:
        self._connection = NatsConnection([url], name, credentials, nkey_seed)
        self._connection.on_reconnect = self._restore_lost_streams
        self._js: JetStreamContext | None = None
        self._sources: dict[str, NatsSource] = {}

    @property
    def problem(self) -> str | None:
        return self._connection.problem

    async def run(self) -> None:
        """Stay connected until cancelled, with growing pauses while there is no connection."""
        await self._connection.run(self._create_streams)

    async def publish(self, subject: str, message: Envelope, message_id: str) -> bool:
        with self.errors():
            confirmed = await self.js.publish(
                subject, message.encode(), timeout=REPLY_SECONDS, headers={MESSAGE_ID: message_id}
            )
        return not confirmed.duplicate

    async def send(self, subject: str, message: Envelope) -> None:
        with self.errors():
            await self.client.publish(subject, message.encode())

    @asynccontextmanager
    async def listen(self, subject: str) -> AsyncIterator[AsyncIterator[Envelope]]:
        client = self.client
        with self.errors():
            subscription = await client.subscribe(subject, pending_msgs_limit=MAX_UNHEARD)
            await client.flush(CONNECT_SECONDS)
        try:
            yield _decode_each(subscription.messages)
        finally:
            with suppress(Exception):  # it ends with the connection anyway
                await subscription.unsubscribe()

    async def read_stored(self, stream: str, subject: str, after: int) -> "StoredEvent | None":
        """Return the first event of a subject that a stream keeps after a number; None if there is none. Raises BusError."""
        from nats.js.errors import NotFoundError

        with self.errors():
            try:
                message = await self.js.get_msg(stream, seq=after + 1, subject=subject, next=True)
            except NotFoundError:
                return None
        return StoredEvent(message.seq or 0, message.data or b"")

    def source(self, consumer: Consumer) -> "NatsSource":
        return self._sources.setdefault(consumer.name, NatsSource(self, consumer))

    @property
    def js(self) -> "JetStreamContext":
        """Return JetStream. Raises BusError while it is not connected."""
        if self._js is None:
            raise BusError("NATS is not connected")
        return self._js

    @property
    def client(self) -> "Client":
        """Return the client library's connection. Raises BusError while there is none."""
        client = self._connection.client
        if client is None or not client.is_connected:
            raise BusError("NATS is not connected")
        return client

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise BusError or BacklogFullError for what goes wrong in the block."""
        from nats.errors import Error
        from nats.js.errors import APIError

        try:
            yield
            raise_if_cancelled()  # the library waits with `wait_for`, which before Python 3.12 prefers an answer
        except APIError as err:
            raise_if_cancelled()
            if err.err_code in _FULL_CODES:
                raise BacklogFullError(f"NATS: {err.description}") from err
            raise BusError(f"NATS: {err.description or type(err).__name__}") from err
        except TimeoutError as err:  # also what follows from a refusal, which the server tells apart from the request
            raise_if_cancelled()
            raise BusError(f"NATS: {self._connection.recent_refusal() or 'no answer in time'}") from err
        except (Error, OSError) as err:
            raise_if_cancelled()
            raise BusError(f"NATS: {type(err).__name__}") from err

    async def list(self, limit: int) -> Sequence[DeadLetter]:
        """Return the newest dead letters."""
        letters: list[DeadLetter] = []
        with self.errors():
            state = (await self.js.stream_info(names.DEAD_STREAM)).state
        sequence = state.last_seq
        while sequence >= state.first_seq and sequence > 0 and len(letters) < limit:
            with suppress(BusError), self.errors():  # a message may have been removed
                letters.append(_parse_dead_letter(await self.js.get_msg(names.DEAD_STREAM, sequence)))
            sequence -= 1
        return letters

    async def replay(self, letter: DeadLetter) -> None:
        sequence = int(letter.id.rpartition("/")[2])
        with self.errors():
            replayed = f"replay:{sequence}:{letter.buried_at}"
            await self.js.publish(letter.place, letter.raw, timeout=REPLY_SECONDS, headers={MESSAGE_ID: replayed})
            await self.js.delete_msg(names.DEAD_STREAM, sequence)

    async def bury(self, message: "Msg", reason: str, detail: str) -> None:
        """Publish a message as a dead letter."""
        about = message.metadata
        headers = {
            MESSAGE_ID: f"dead:{about.stream}:{about.sequence.stream}:{about.timestamp.timestamp()}",
            "Rosie-Place": message.subject,
            "Rosie-Reason": reason,
            "Rosie-Detail": "".join(char if char.isprintable() and char.isascii() else "?" for char in detail)[:500],
            "Rosie-Attempts": str(about.num_delivered),
            "Rosie-At": str(time.time()),
        }
        with self.errors():
            subject = names.dead_subject(message.subject)
            await self.js.publish(subject, message.data, timeout=REPLY_SECONDS, headers=headers)

    async def _create_streams(self, client: "Client") -> None:
        """Create the streams, or change them to what they should be; waits until JetStream works."""
        self._js = client.jetstream(timeout=REPLY_SECONDS)
        for spec in STREAMS:
            while not client.is_closed:
                try:
                    with self.errors():
                        await _create_stream(self._js, spec)
                    break
                except BusError as err:
                    self._connection.report(f"NATS: cannot create the stream {spec.name}: {err}")
                    await self._connection.pause()

    async def _restore_lost_streams(self) -> None:
        """Create the streams that the server has lost with its data while it was away."""
        with suppress(BusError):  # whoever takes from a stream tries again
            await self.restore_streams()

    async def restore_streams(self) -> None:
        """Create the streams again that a server has lost with its data."""
        for spec in STREAMS:
            with self.errors():
                await _create_stream(self.js, spec)


class NatsSource:
    """The events of one durable consumer."""

    def __init__(self, events: NatsEvents, consumer: Consumer) -> None:
        self.events, self.consumer = events, consumer
        self._subscription: JetStreamContext.PullSubscription | None = None

    async def take(self, count: int, seconds: float) -> Sequence[Delivery]:
        subscription = await self._subscribe()
        try:
            with self.events.errors():
                try:
                    messages = await subscription.fetch(count, timeout=max(seconds, 0.05))
                except TimeoutError:  # the client's own error, or asyncio's when this machine was slow
                    raise_if_cancelled()
                    if self.events.problem:
                        raise
                    return []
        except BusError:
            await self._forget()
            raise
        return await self._to_deliveries(messages)

    async def backlog(self) -> Backlog:
        with self.events.errors():
            info = await self.events.js.consumer_info(self.consumer.stream, self.consumer.name)
        waiting, pending = info.num_pending or 0, info.num_ack_pending or 0
        oldest = await self._age_after(info.ack_floor.stream_seq if info.ack_floor else 0) if waiting + pending else 0.0
        return Backlog(waiting, pending, oldest)

    async def _age_after(self, sequence: int) -> float:
        """Return the age of the first message after one."""
        with suppress(BusError), self.events.errors():
            message = await self.events.js.get_msg(
                self.consumer.stream, seq=sequence + 1, subject=self.consumer.subject, next=True
            )
            if message.time is not None:
                return max(0.0, time.time() - message.time.timestamp())
        return 0.0

    async def _subscribe(self) -> "JetStreamContext.PullSubscription":
        """Create the consumer, or change it to what it should be."""
        from nats.js.api import AckPolicy, ConsumerConfig

        if self._subscription is None:
            config = ConsumerConfig(
                durable_name=self.consumer.name,
                filter_subject=self.consumer.subject,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self.consumer.ack_seconds,
                max_deliver=-1,  # after MAX_DELIVERIES we make it a dead letter ourselves
                max_ack_pending=self.consumer.max_pending,
            )
            with self.events.errors():
                await self.events.js.add_consumer(self.consumer.stream, config)
                self._subscription = await self.events.js.pull_subscribe_bind(
                    self.consumer.name, stream=self.consumer.stream
                )
        return self._subscription

    async def _forget(self) -> None:
        """Make the consumer again next time: the server may have lost it."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(Exception):  # the connection may be broken in any way by now
                await subscription.unsubscribe()
        with suppress(BusError):
            await self.events.restore_streams()

    async def _to_deliveries(self, messages: "Sequence[Msg]") -> Sequence[Delivery]:
        """Return the messages that are valid, and bury the others."""
        deliveries: list[Delivery] = []
        for message in messages:
            try:
                deliveries.append(NatsDelivery(self.events, message, decode(message.data)))
            except BadMessageError as err:
                await self.events.bury(message, "malformed", str(err))
                with self.events.errors():
                    await message.term()
        return deliveries


class NatsDelivery:
    """One delivery of an event."""

    def __init__(self, events: NatsEvents, message: "Msg", envelope: Envelope) -> None:
        self.envelope, self.place = envelope, message.subject
        self.attempt = message.metadata.num_delivered
        self._events, self._message = events, message

    async def ack(self) -> None:
        with self._events.errors():
            await self._message.ack_sync(REPLY_SECONDS)

    async def extend(self) -> bool:
        with self._events.errors():
            await self._message.in_progress()
        return True

    async def release(self, seconds: float) -> None:
        with self._events.errors():
            await self._message.nak(delay=seconds or None)

    async def bury(self, reason: str, detail: str = "") -> None:
        await self._events.bury(self._message, reason, detail)
        with self._events.errors():
            await self._message.term()


async def _create_stream(js: "JetStreamContext", spec: StreamSpec) -> None:
    from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
    from nats.js.errors import BadRequestError

    config = StreamConfig(
        name=spec.name,
        subjects=list(spec.subjects),
        retention=RetentionPolicy.WORK_QUEUE if spec.is_work_queue else RetentionPolicy.LIMITS,
        discard=DiscardPolicy.NEW if spec.is_work_queue else DiscardPolicy.OLD,
        storage=StorageType.FILE,
        max_age=spec.max_age,
        max_bytes=spec.max_bytes,
        max_msgs=spec.max_messages,
        duplicate_window=DUPLICATE_SECONDS,
    )
    try:
        await js.add_stream(config)
    except BadRequestError:  # it exists with other settings, of which the number of copies is the operator's
        there = (await js.stream_info(spec.name)).config
        await js.update_stream(replace(config, num_replicas=there.num_replicas))


async def _decode_each(messages: "AsyncIterator[Msg]") -> AsyncIterator[Envelope]:
    async for message in messages:
        with suppress(BadMessageError):  # somebody else's message on our subject
            yield decode(message.data)


def _parse_dead_letter(message: Any) -> DeadLetter:
    headers = message.headers or {}
    return DeadLetter(
        f"{message.subject}/{message.seq}",
        headers.get("Rosie-Place", message.subject.removeprefix(f"{names.DEAD_SUBJECTS}.")),
        headers.get("Rosie-Reason", ""),
        headers.get("Rosie-Detail", ""),
        int(headers.get("Rosie-Attempts", "0")),
        float(headers.get("Rosie-At", "0")),
        message.data or b"",
    )
