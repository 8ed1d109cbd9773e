"""The bridge with one of its promises broken: the chaos suite must see each of them. MUTATION and the bridge's flags."""

import asyncio
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from wyoming_rosie import config, logging
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.interface import Buses, Delivery, Source
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie_bridge.__main__ import serve
from wyoming_rosie_bridge.config import BridgeConfig


class Through:
    """Something that passes everything on to what it wraps."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class ConfirmedDelivery(Through):
    """A delivery that was confirmed before it was handled."""

    async def ack(self) -> None:
        pass

    async def release(self, seconds: float) -> None:
        pass


class EarlySource(Through):
    """Confirms what it takes at once."""

    async def take(self, count: int, seconds: float) -> Sequence[Delivery]:
        taken: Sequence[Delivery] = await self._inner.take(count, seconds)
        for delivery in taken:
            await delivery.ack()
        return [ConfirmedDelivery(delivery) for delivery in taken]


class EarlyJobs(Through):
    def source(self, stream: str, idle_seconds: float) -> Source:
        return EarlySource(self._inner.source(stream, idle_seconds))


class ForgetfulJobs(Through):
    """Knows no key again."""

    async def add(self, stream: str, message: Envelope, decision: str | None = None) -> bool:
        return bool(await self._inner.add(stream, message, uuid.uuid4().hex))

    async def decide(self, decision: str, value: str) -> str:
        return value

    async def recall(self, name: str) -> str | None:
        return None


class ForgetfulEvents(Through):
    async def publish(self, subject: str, message: Envelope, message_id: str) -> bool:
        return bool(await self._inner.publish(subject, message, uuid.uuid4().hex))


class FireAndForgetNode(VoiceNode):
    """A device that keeps no utterance after it was sent."""

    async def _send_waiting(self) -> None:
        await super()._send_waiting()
        for kept in (await self._load()).values():
            kept.sent = float("inf")


def break_promise(mutation: str, buses: Buses) -> Buses:
    match mutation:
        case "early acknowledge":
            return replace(buses, jobs=EarlyJobs(buses.jobs))
        case "no dedupe key":
            return replace(buses, jobs=ForgetfulJobs(buses.jobs), events=ForgetfulEvents(buses.events))
    return buses


if __name__ == "__main__":
    settings = config.read("bridge", BridgeConfig, sys.argv[2:])
    assert settings is not None
    logging.configure("bridge")
    asyncio.run(serve(settings, partial(break_promise, sys.argv[1])))
