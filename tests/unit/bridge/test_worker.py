import asyncio
from collections.abc import Sequence

import pytest

from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BusError
from wyoming_rosie.bus.interface import Backlog, Delivery
from wyoming_rosie.metrics import Metrics
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.worker import Stage, run_stage


class DeafSource:
    """Takes a cancellation for a failure of the broker, as a client library may that loses its connection just then."""

    def __init__(self) -> None:
        self.takes = 0

    async def take(self, count: int, seconds: float) -> Sequence[Delivery]:
        self.takes += 1
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise BusError("the connection is lost") from None
        return []

    async def backlog(self) -> Backlog:
        return Backlog(0, 0, 0.0)


async def ignore(_: Envelope) -> None: ...


async def ignore_dead(_: Envelope, reason: str) -> None: ...


async def test_a_stage_ends_although_its_cancellation_was_swallowed() -> None:
    source = DeafSource()
    task = asyncio.create_task(run_stage(Stage("test", source, ignore, ignore_dead), StageMetrics(Metrics())))
    while not source.takes:
        await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(60):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert source.takes == 1
