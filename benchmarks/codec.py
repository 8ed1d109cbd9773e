"""CPU time to write and read one audio event, compared with the wyoming package, in one process over a socket pair.

The codecs alternate, and the median of the runs counts, so that other work on the machine affects both alike.
"""

import asyncio
import json
import socket
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from wyoming import event as reference
from wyoming.event import Event

from wyoming_rosie.protocol.wire import EventStream

EVENTS = 20_000
RUNS = 5
PAYLOADS = 320, 2560


def create_chunks(payload_bytes: int) -> list[Event]:
    return [
        Event("audio-chunk", {"rate": 16000, "width": 2, "channels": 1, "timestamp": 10 * index}, bytes(payload_bytes))
        for index in range(EVENTS)
    ]


async def measure_package(events: list[Event]) -> float:
    """Return the CPU time per event in microseconds with the wyoming package."""
    here, there = socket.socketpair()
    reader, reader_side = await asyncio.open_connection(sock=here)
    other, writer = await asyncio.open_connection(sock=there)

    async def write() -> None:
        for event in events:
            await reference.async_write_event(event, writer)

    spent = await _measure_transfer(write, lambda: reference.async_read_event(reader))
    for side in (writer, reader_side):
        side.close()
        await side.wait_closed()
    del other
    return spent


async def measure_codec(events: list[Event]) -> float:
    """Return the CPU time per event in microseconds with wyoming_rosie.protocol.wire."""
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    _, reader = await loop.create_connection(EventStream, sock=here)
    _, writer = await loop.create_connection(EventStream, sock=there)

    async def write() -> None:
        for event in events:
            await writer.write(event)

    spent = await _measure_transfer(write, reader.read)
    reader.abort()
    writer.abort()
    return spent


async def _measure_transfer(write: Callable[[], Awaitable[None]], read: Callable[[], Awaitable[object]]) -> float:
    async def read_all() -> None:
        for _ in range(EVENTS):
            await read()

    reading = asyncio.create_task(read_all())
    begun = time.process_time()
    await write()
    await reading
    return (time.process_time() - begun) / EVENTS * 1e6


def main() -> None:
    rows = []
    for size in PAYLOADS:
        events = create_chunks(size)
        times = [(asyncio.run(measure_package(events)), asyncio.run(measure_codec(events))) for _ in range(RUNS)]
        theirs, mine = (statistics.median(column) for column in zip(*times, strict=True))
        rows.append({"payload_bytes": size, "wyoming_us": theirs, "rosie_us": mine, "ratio": theirs / mine})
    if "--json" in sys.argv:
        print(json.dumps(rows))
        return
    print(
        "| payload | wyoming 1.10.2, µs CPU per event | wyoming-rosie, µs CPU per event | times less |\n|---|---|---|---|"
    )
    for row in rows:
        print(f"| {row['payload_bytes']} B | {row['wyoming_us']:.1f} | {row['rosie_us']:.1f} | {row['ratio']:.2f} |")


if __name__ == "__main__":
    main()
