"""Checks of a running bridge, through its MQTT broker alone: what a voice device may expect."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import parse_broker_url
from wyoming_rosie.bus.envelope import Envelope, decode
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.messages import AudioMeta, Receipt, Say
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.commands.conformance.checks import CheckResult, CheckVerdict, ConformanceError
from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.runtime.tasks import run_beside

SCHEMES = ("mqtt://", "mqtts://")
MAX_WAITING = 100
_SILENCE = b64encode(bytes(3200)).decode()


class MqttDevice:
    """A device that exists for the checks only."""

    def __init__(self, url: str, seconds: float) -> None:
        broker = parse_broker_url("the address", url, "MQTT_PASSWORD", None, allow_plain=True)
        self.device_id = f"check-{uuid4().hex[:8]}"
        self._seconds = seconds
        self._mqtt = PahoMqtt(broker, self.device_id, is_persistent=False)
        self._connected = asyncio.Event()
        self._received: asyncio.Queue[MqttMessage] = asyncio.Queue(MAX_WAITING)
        for leaf in ("receipt", "say"):
            self._mqtt.subscribe(names.voice_topic(self.device_id, leaf), self._received.put)
        self._mqtt.on_connect(self._connected.set)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Be connected during the block. Raises UnreachableError."""
        async with run_beside(self._mqtt.run()):
            try:
                async with asyncio.timeout(self._seconds):
                    await self._connected.wait()
            except TimeoutError as err:
                raise UnreachableError(f"{self._mqtt.problem}; is the address right?") from err
            yield

    def utterance(self, number: int, age: float = 3600.0) -> Envelope:
        """Return an utterance that is too old to be obeyed."""
        meta = AudioMeta(inline=_SILENCE, age=age)
        key = f"{self.device_id}:check:{number}"
        return schema.wrap(meta, key=key, source=self.device_id, now=time.time())

    async def publish(self, payload: bytes) -> None:
        """Publish as an utterance. Raises BusError."""
        await self._mqtt.publish(names.voice_topic(self.device_id, "audio_meta"), payload)

    async def receive(self, leaf: str) -> Envelope:
        """Return the next message on a topic of the device. Raises ConformanceError."""
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await self._received.get()
                    if message.topic.endswith(leaf):
                        return decode(message.payload)
        except TimeoutError as err:
            topic = names.voice_topic(self.device_id, leaf)
            raise ConformanceError(f"nothing came on {topic} within {self._seconds:g} s") from err

    async def receive_receipt(self, key: str) -> Receipt:
        """Return the next receipt. Raises ConformanceError if it is for another key."""
        envelope = await self.receive("receipt")
        if envelope.key != key:
            raise ConformanceError(f"the receipt is for {envelope.key}, not {key}")
        return schema.unwrap(Receipt, envelope)


@dataclass(frozen=True)
class _BridgeCheck:
    name: str
    means: str
    run: Callable[[MqttDevice], Awaitable[str]]


async def check_bridge(url: str, seconds: float) -> AsyncIterator[CheckResult]:
    """Run the checks. Raises ConfigError, UnreachableError if there is no broker."""
    device = MqttDevice(url, seconds)
    async with device.connected():
        for check in CHECKS:
            try:
                result = CheckResult(check.name, CheckVerdict.OK, await check.run(device))
            except RosieError as err:
                result = CheckResult(check.name, CheckVerdict.FAILED, str(err), check.means)
            yield result
            if result.verdict is CheckVerdict.FAILED:
                yield CheckResult("the rest", CheckVerdict.SKIPPED, "one check needs the one before it")
                return


async def _check_receipt(device: MqttDevice) -> str:
    began, utterance = time.monotonic(), device.utterance(1)
    await device.publish(utterance.encode())
    receipt = await device.receive_receipt(utterance.key)
    _expect(receipt.result, "stored", receipt.reason)
    return f"after {1000 * (time.monotonic() - began):.0f} ms"


async def _check_end(device: MqttDevice) -> str:
    said = schema.unwrap(Say, await device.receive("say"))
    _expect(said.priority, "failure", said.text)
    return f"“{said.text}”"


async def _check_duplicate(device: MqttDevice) -> str:
    utterance = device.utterance(1)
    await device.publish(utterance.encode())
    receipt = await device.receive_receipt(utterance.key)
    _expect(receipt.result, "duplicate", receipt.reason)
    return "recognised"


async def _check_bad_input(device: MqttDevice) -> str:
    key = f"{device.device_id}:check:2"
    for payload in (b"", b"\xff\xfe", b"{", b"[]", b'{"schema": 1}', b"{" * 5000):
        await device.publish(payload)  # without a key there is nobody to tell
    await device.publish(b'{"schema": "rosie.v1.voice.audio_meta", "key": "%s", "ts": 0, "data": {}}' % key.encode())
    receipt = await device.receive_receipt(key)
    _expect(receipt.result, "rejected", receipt.reason)
    return f"refused: {receipt.reason}"


def _expect(seen: Any, wanted: str, detail: str | None) -> None:
    if seen != wanted:
        raise ConformanceError(f"the answer is {seen}, not {wanted}: {detail or 'no reason given'}")


CHECKS = (
    _BridgeCheck("an utterance is stored", "devices keep their utterances, and nobody answers", _check_receipt),
    _BridgeCheck("an old one is not obeyed but answered", "commands are obeyed late, or end in silence", _check_end),
    _BridgeCheck("one that comes twice is recognised", "commands are carried out twice", _check_duplicate),
    _BridgeCheck("bad input is refused with a reason", "one broken device stops all others", _check_bad_input),
    _BridgeCheck("works after bad input", "the bridge must be restarted after bad input", _check_duplicate),
)
