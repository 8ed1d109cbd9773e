"""Waits for a condition, with generous timeouts for busy machines."""

import asyncio
from collections.abc import Callable

import psutil

LONGEST_SECONDS = 60.0


async def wait_until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(LONGEST_SECONDS):
        while not is_so():
            await asyncio.sleep(0.005)


async def cpu_seconds_until_idle(process: psutil.Process) -> float:
    """Return the CPU seconds that a process uses until it is idle."""
    begun = now = process.cpu_times().user
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            await asyncio.sleep(1)
            before, now = now, process.cpu_times().user
            if now - before < 0.05:
                return float(now - begun)
