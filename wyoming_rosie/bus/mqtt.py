"""MQTT by paho: what a broker delivers with QoS 1 is acknowledged after it was handled, never before.

Speaks MQTT 3.1.1, which mosquitto and nats-server both do. The session is persistent, so that the broker keeps messages while
this program is away; what a broker forgets in a crash, devices send again, because they have no receipt.
"""

import asyncio
import random
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.bus.connection import BrokerUrl, explain_failure
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.interface import MqttHandler, MqttMessage
from wyoming_rosie.bus.names import matches_topic
from wyoming_rosie.runtime.backoff import Backoff

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

_LOG = structlog.get_logger()
DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_SECONDS = 20
CONFIRM_SECONDS = 10.0
MAX_PAYLOAD_BYTES = 2 * 2**20
"""Size from which a message is handled as an empty one: Frigate's pictures and our audio are smaller."""
MAX_WAITING_BYTES = 64 * 2**20
"""Payloads of QoS 0 that wait for a handler; the broker itself bounds those of QoS 1."""
MAX_WAITING = 10_000
"""Messages that wait for a handler; beyond that, those of QoS 0 are dropped and counted."""
MAX_PAUSE_SECONDS = 5
NOT_YET, LOST = "MQTT: not connected yet", "MQTT: the connection is lost"
NOT_SUBSCRIBED = "MQTT: the broker has not confirmed the subscriptions yet"


@dataclass(frozen=True)
class _Received:
    message: MqttMessage
    mid: int
    qos: int
    connection: int
    """Number of the connection, since message IDs begin anew with each."""


@dataclass(frozen=True)
class MqttWill:
    """A retained message that the broker publishes when the connection is lost, and this program when it ends."""

    topic: str
    payload: bytes


class _ClosingSocket(ssl.SSLSocket):
    """A socket that is closed when its handshake fails; the library leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class _Subscription:
    """A topic filter with its handler and its queue.

    One that is slow holds up no other for messages of QoS 0. Of QoS 1 a broker delivers only so many that are not
    acknowledged, 20 for mosquitto, to all filters of a connection together.
    """

    def __init__(self, topic_filter: str, handler: MqttHandler, qos: int, at_a_time: int) -> None:
        self.topic_filter, self.handler, self.qos, self.at_a_time = topic_filter, handler, qos, at_a_time
        self.queue: asyncio.Queue[_Received] = asyncio.Queue(MAX_WAITING)


class PahoMqtt:
    """One connection to a broker; `run` keeps it. Each message goes to the first subscription that matches."""

    def __init__(
        self, url: BrokerUrl, client_id: str, *, is_persistent: bool = True, will: MqttWill | None = None
    ) -> None:
        self._connection_problem: str | None = NOT_YET
        self._refused_filters: list[str] = []
        self.dropped = 0
        """Messages of QoS 0 for which there was no room."""
        self.refused = 0
        """Messages that are not valid."""
        self._url, self._will = url, will
        self._client_id, self._is_persistent = client_id, is_persistent
        self._subscriptions: list[_Subscription] = []
        self._callbacks: list[Callable[[], None]] = []
        self._confirmations: dict[int, asyncio.Future[None]] = {}
        self._subscribing: tuple[int | None, list[str]] = (None, [])
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection_number = 0
        self._waiting_bytes = 0

    @property
    def problem(self) -> str | None:
        if self._connection_problem is None and self._refused_filters:
            return f"MQTT: the broker's ACL does not let this user subscribe to {', '.join(self._refused_filters)}"
        return self._connection_problem

    def subscribe(self, topic_filter: str, handler: MqttHandler, qos: int = 1, *, at_a_time: int = 1) -> None:
        self._subscriptions.append(_Subscription(topic_filter, handler, qos, at_a_time))

    def on_connect(self, callback: Callable[[], None]) -> None:
        """Call back after each connection, once the broker has confirmed the subscriptions."""
        self._callbacks.append(callback)

    async def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> None:
        if self._client is None or not self._client.is_connected():
            raise BusError("MQTT is not connected")
        confirmed = asyncio.get_running_loop().create_future()
        sent = self._client.publish(topic, payload, qos, retain)
        if sent.rc != 0:
            raise BusError(f"MQTT: publishing failed with code {sent.rc}")
        if qos == 0 or sent.is_published():
            return
        self._confirmations[sent.mid] = confirmed
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                await confirmed
        except TimeoutError as err:
            raise BusError("MQTT: the broker did not confirm a message in time") from err
        finally:
            self._confirmations.pop(sent.mid, None)

    async def run(self) -> None:
        """Stay connected, and handle what arrives, until cancelled."""
        await asyncio.to_thread(import_module, "paho.mqtt.client")
        self._loop = asyncio.get_running_loop()
        self._client = client = self._create_client()
        client.connect_async(self._url.host, self._url.port or DEFAULT_PORTS[self._url.scheme], KEEPALIVE_SECONDS)
        await asyncio.to_thread(client.loop_start)
        try:
            async with asyncio.TaskGroup() as tasks:
                for subscription in self._subscriptions:
                    for _ in range(subscription.at_a_time):
                        tasks.create_task(self._handle(subscription))
                tasks.create_task(asyncio.Event().wait())
        finally:
            if self._will is not None:  # the broker publishes none after an orderly end
                client.publish(self._will.topic, self._will.payload, 1, retain=True)
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)

    async def _handle(self, subscription: _Subscription) -> None:
        while True:
            received = await subscription.queue.get()
            self._waiting_bytes -= len(received.message.payload)
            await self._handle_one(subscription.handler, received)
            self._ack(received)
            await asyncio.sleep(0)  # a handler that waits for nothing must not hold up the others

    def _ack(self, received: _Received) -> None:
        if received.qos and self._client is not None and received.connection == self._connection_number:
            self._client.ack(received.mid, received.qos)

    async def _handle_one(self, handler: MqttHandler, received: _Received) -> None:
        """Handle a message, again and again while a bus is away: it is not acknowledged until then."""
        backoff = Backoff(0.1, MAX_PAUSE_SECONDS)
        while True:
            try:
                await handler(received.message)
            except BadMessageError as err:
                self.refused += 1
                _LOG.info("message refused", topic=received.message.topic[:100], reason=str(err))
            except BusError as err:
                if not backoff.failures:
                    _LOG.warning("message waits", topic=received.message.topic[:100], reason=str(err))
                await backoff.sleep()
                continue
            except Exception:  # noqa: BLE001 - the edge of a subscription: one message must not end it
                self.refused += 1
                _LOG.exception("message not handled", topic=received.message.topic[:100])
            return

    def _create_client(self) -> "Client":
        from paho.mqtt.client import Client, MQTTv311
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=not self._is_persistent,
            protocol=MQTTv311,
            manual_ack=True,
        )
        client.on_socket_open = _send_at_once
        client.on_pre_connect = self._set_login
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_connect_fail = self._on_connect_fail
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        # clients that lost a broker together do not come back together; the library knows only whole seconds
        client.reconnect_delay_set(1, random.randint(3, 7))  # noqa: S311
        client.max_queued_messages_set(MAX_WAITING)
        if (context := self._url.ssl_context()) is not None:
            context.sslsocket_class = _ClosingSocket
            client.tls_set_context(context)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, 1, retain=True)
        return client

    # The methods below run on paho's thread.

    def _set_login(self, client: "Client", _: Any) -> None:
        """Set user and password as they are now, before each connection."""
        user, secret = self._url.user, self._url.secret
        if user or secret:
            client.username_pw_set(user or "", None if secret is None else secret.read())

    def _on_connect(self, client: "Client", _: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._report(f"MQTT: the broker refused the connection: {reason}; check the user and the password")
            return
        filters = {
            one.topic_filter: max(other.qos for other in self._subscriptions if other.topic_filter == one.topic_filter)
            for one in self._subscriptions
        }
        self._connection_number += 1
        if filters:
            self._connection_problem = NOT_SUBSCRIBED
            _, mid = client.subscribe(list(filters.items()))
            self._subscribing = (mid, list(filters))
        else:
            self._be_ready()

    def _be_ready(self) -> None:
        """Tell that messages arrive from now on: whoever asks others what was missed must not miss more meanwhile."""
        self._connection_problem = None
        _LOG.info("MQTT connected")
        for callback in self._callbacks:
            self._call_soon(callback)

    def _on_subscribe(self, _: "Client", __: Any, mid: int, reasons: Sequence[Any], properties: Any) -> None:
        expected, filters = self._subscribing
        if mid == expected:
            pairs = zip(filters, reasons, strict=False)
            self._refused_filters = [topic_filter for topic_filter, reason in pairs if reason.is_failure]
            self._be_ready()
        if self._refused_filters:
            _LOG.error("MQTT refused", reason=self.problem)

    def _on_disconnect(self, _: "Client", __: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self._connection_problem in (None, NOT_SUBSCRIBED):
            self._connection_problem = LOST
        elif self._connection_problem in (NOT_YET, LOST):
            self._report("MQTT: the broker ends the connection before it answers; perhaps its port is for TLS")
        self._call_soon(self._fail_confirmations)

    def _on_connect_fail(self, _: "Client", __: Any) -> None:
        failure = sys.exc_info()[1]  # paho calls this while it handles the exception, and does not pass it
        why = f": {explain_failure(failure)}" if failure is not None else ""
        self._report(f"MQTT: the broker cannot be reached{why}")

    def _report(self, problem: str) -> None:
        """Keep a problem, and log it once."""
        if problem != self._connection_problem:
            _LOG.warning("MQTT not connected", host=self._url.host, reason=problem)
        self._connection_problem = problem

    def _on_publish(self, _: "Client", __: Any, mid: int, reason: Any, properties: Any) -> None:
        self._call_soon(self._confirm, mid)

    def _on_message(self, client: "Client", __: Any, message: "MQTTMessage") -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            client.ack(message.mid, message.qos)
            return
        payload = bytes(message.payload) if len(message.payload) <= MAX_PAYLOAD_BYTES else b""
        known = MqttMessage(topic, payload, message.retain)
        received = _Received(known, message.mid, message.qos, self._connection_number)
        self._call_soon(self._enqueue, received)

    def _call_soon(self, callback: Callable[..., object], *arguments: object) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(callback, *arguments)

    # On the event loop again.

    def _enqueue(self, received: _Received) -> None:
        for subscription in self._subscriptions:
            if matches_topic(subscription.topic_filter, received.message.topic):
                size = len(received.message.payload)
                if subscription.queue.full() or (not received.qos and self._waiting_bytes + size > MAX_WAITING_BYTES):
                    self.dropped += 1  # one of QoS 1 is delivered again, since it is not acknowledged
                    return
                self._waiting_bytes += size
                subscription.queue.put_nowait(received)
                return
        self._ack(received)  # of a filter that an earlier run of this program subscribed to

    def _confirm(self, mid: int) -> None:
        confirmed = self._confirmations.get(mid)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(None)

    def _fail_confirmations(self) -> None:
        for confirmed in self._confirmations.values():
            if not confirmed.done():
                confirmed.set_exception(BusError("MQTT: the connection was lost before the broker confirmed"))


def _send_at_once(_: "Client", __: Any, connection: Any) -> None:
    """Have small messages sent at once, which else wait up to 40 ms for the broker's confirmation of earlier ones."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
