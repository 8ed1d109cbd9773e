"""Relays between Home Assistant and programs of a test.

As a program, `python -m tests.interop.relay SOCKET PORT` leads from a UNIX socket, which all hosts of a test reach, to a
port of the host on which it runs.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from wyoming.event import Event

from wyoming_rosie.protocol.wire import Decoder

BLOCK_BYTES = 65_536
TO_DAEMON, FROM_DAEMON = ">", "<"


class Connection:
    """The events of one connection, in order, with the side that sent each."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Event]] = []
        self._decoders = {TO_DAEMON: Decoder(), FROM_DAEMON: Decoder()}

    def add(self, direction: str, received: bytes) -> None:
        decoder = self._decoders[direction]
        decoder.feed(received)
        while (event := decoder.next()) is not None:
            self.events.append((direction, event))

    def count(self, direction: str, kind: str) -> int:
        return sum((way, event.type) == (direction, kind) for way, event in self.events)


class RecordingRelay:
    """A port of this machine that leads to a daemon, and the connections that were made through it."""

    def __init__(self, port: int) -> None:
        self.connections: list[Connection] = []
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Accept connections during the block; yield the port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection()
        self.connections.append(connection)
        task = asyncio.create_task(connect(reader, writer, self._port, connection.add))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def connect(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    port: int,
    record: Callable[[str, bytes], None] = lambda *_: None,
) -> None:
    """Connect a client with a port of 127.0.0.1 until either ends; `record` gets all bytes before they are passed on."""
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        await _close(writer)
        return
    tasks = [
        asyncio.create_task(_pass_on(reader, far_writer, lambda received: record(TO_DAEMON, received))),
        asyncio.create_task(_pass_on(far_reader, writer, lambda received: record(FROM_DAEMON, received))),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in (writer, far_writer):
            await _close(one)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while received := await reader.read(BLOCK_BYTES):
            record(received)
            writer.write(received)
            await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _main(path: str, port: int) -> None:
    server = await asyncio.start_unix_server(lambda reader, writer: connect(reader, writer, port), path)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
