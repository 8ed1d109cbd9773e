"""Kafka's protocol, such as Redpanda: whole events, in order for each camera."""

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from wyoming_rosie.bus import names
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.errors import ConfigError, UnreachableError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_bridge.sinks.sink import Record, SinkError

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

REPLY_MS = 15_000
MAX_RECORD_BYTES = 1_048_576
"""Limit of the protocol's usual brokers, four times that of an envelope."""
START_SECONDS = 20.0
STOP_SECONDS = 5.0


@dataclass(frozen=True)
class KafkaAddress:
    """Where the brokers are, and how to prove who we are."""

    servers: tuple[str, ...]
    topic: str
    tls: ssl.SSLContext | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    max_record_bytes: int = MAX_RECORD_BYTES

    def options(self) -> dict[str, Any]:
        """Return the options of an idempotent producer: a retry of the client is no second record."""
        security = ("SASL_" if self.user else "") + ("SSL" if self.tls else "PLAINTEXT")
        sasl = {
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }
        return {
            "bootstrap_servers": list(self.servers),
            "client_id": "wyoming-rosie-bridge",
            "enable_idempotence": True,
            "acks": "all",
            "request_timeout_ms": REPLY_MS,
            "max_request_size": self.max_record_bytes,
            "security_protocol": security,
            "ssl_context": self.tls,
            **(sasl if self.user else {}),
        }


class KafkaSink:
    """Sends each event as a record: its camera is the key, the whole envelope the value."""

    name = "kafka"
    settle_seconds = 0.0

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._producer: AIOKafkaProducer | None = None
        self._acknowledged: set[int] = set()
        """Records of a batch of which others failed: these are not sent again."""

    def encode(self, envelope: Envelope) -> bytes | None:
        return envelope.encode()

    async def send(self, records: Sequence[Record]) -> None:
        producer = await self._connected()
        from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

        try:
            await self._send_all(producer, [record for record in records if record.id not in self._acknowledged])
        except (MessageSizeTooLargeError, RecordListTooLargeError) as err:
            raise SinkError("the record is larger than the topic admits") from err
        except (KafkaError, OSError) as err:
            await self.close()  # an idempotent producer cannot go on after some failures
            raise self._unreachable(err) from err
        self._acknowledged -= {record.id for record in records}

    async def find_missing(self, records: Sequence[Record]) -> Sequence[Record]:
        return []

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _send_all(self, producer: "AIOKafkaProducer", records: Sequence[Record]) -> None:
        sent: list[tuple[int, asyncio.Future[Any]]] = []
        try:
            for record in records:
                sent.append((record.id, await self._send(producer, record)))
        finally:
            outcomes = await asyncio.gather(*(future for _, future in sent), return_exceptions=True)
            failed = [isinstance(outcome, BaseException) for outcome in outcomes]
            self._acknowledged |= {number for (number, _), fails in zip(sent, failed, strict=True) if not fails}
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _send(self, producer: "AIOKafkaProducer", record: Record) -> "asyncio.Future[Any]":
        envelope = json.loads(record.body)
        sent: asyncio.Future[Any] = await producer.send(
            self._address.topic,
            record.body,
            key=names.escape_token(str(envelope["data"].get("camera", ""))).encode(),
            timestamp_ms=record.time_ms,
            headers=[("key", str(envelope["key"]).encode())],
        )
        return sent

    async def _connected(self) -> "AIOKafkaProducer":
        if self._producer is None:
            aiokafka = await asyncio.to_thread(import_module, "aiokafka")
            producer = aiokafka.AIOKafkaProducer(**self._address.options())
            try:
                async with asyncio.timeout(START_SECONDS):
                    await producer.start()
            except (aiokafka.errors.KafkaError, OSError) as err:  # TimeoutError is an OSError
                await _stop(producer)
                raise self._unreachable(err) from err
            self._producer = producer
        return self._producer

    def _unreachable(self, err: Exception) -> UnreachableError:
        return UnreachableError(f"{', '.join(self._address.servers)}: {type(err).__name__}: {err}"[:300])


def require_kafka() -> None:
    """Raise ConfigError if the client of Kafka is not installed."""
    if find_spec("aiokafka") is None:
        raise ConfigError(f"the module aiokafka is not installed; run: {install_command(['kafka'])}")


async def _stop(producer: "AIOKafkaProducer") -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await producer.stop()
    except Exception:  # noqa: BLE001, S110 - the connection may be broken in any way by now
        pass
