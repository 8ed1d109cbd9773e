"""A cancellation that a client library has swallowed still ends the task."""

import asyncio
from contextlib import suppress

import pytest

from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.errors import raise_if_cancelled
from wyoming_rosie.bus.nats_jetstream import NatsEvents


async def swallow_a_cancellation() -> str:
    """Wait as a library does that makes a time-out of every cancellation."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise_if_cancelled()
    return "it went on"


async def test_a_cancelled_task_ends() -> None:
    task = asyncio.create_task(swallow_a_cancellation())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_ends_that_is_cancelled_when_nats_has_just_answered() -> None:
    async def publish() -> None:
        with NatsEvents(BrokerUrl("nats://127.0.0.1:1"), "test").errors(), suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    task = asyncio.create_task(publish())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_other_tasks_go_on() -> None:
    raise_if_cancelled()
