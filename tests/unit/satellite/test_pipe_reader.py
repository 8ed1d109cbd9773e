"""The pipe reader."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wyoming_rosie_satellite.audio.devices.pipe_reader import READ_BYTES, PipeReader


@asynccontextmanager
async def pipe() -> AsyncIterator[tuple[PipeReader, int]]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    reader = PipeReader(reading)
    try:
        yield reader, writing
    finally:
        reader.close()


async def test_pieces_are_of_one_size_however_they_were_written() -> None:
    async with pipe() as (reader, writing), asyncio.timeout(60):
        read = asyncio.create_task(reader.read(6))
        for part in (b"ab", b"cdefgh", b"ijk", b"lmn"):
            os.write(writing, part)
            await asyncio.sleep(0.01)
        assert [await read, await reader.read(6)] == [b"abcdef", b"ghijkl"]
        os.close(writing)
        assert [await reader.read(6), await reader.read(6)] == [b"mn", b""]


async def test_pieces_may_be_larger_than_what_is_read_at_a_time() -> None:
    async with pipe() as (reader, writing), asyncio.timeout(60):
        os.write(writing, bytes(3 * READ_BYTES))
        assert len(await reader.read(3 * READ_BYTES)) == 3 * READ_BYTES
        os.close(writing)


async def test_what_nobody_reads_stays_in_the_pipe() -> None:
    async with pipe() as (reader, writing), asyncio.timeout(60):
        written = os.write(writing, bytes(1_000_000))
        await reader.read(2)
        await asyncio.sleep(0.05)
        assert os.write(writing, bytes(1_000_000)) <= 2 * READ_BYTES < written
        os.close(writing)
