"""Standard input and output as an asyncio transport, also for regular files, /dev/null and terminals.

The event loop's pipe transports refuse regular files (epoll returns EPERM), so threads read and write.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Protocol

READ_BYTES = 65_536
MAX_QUEUED_WRITES = 64


class StreamProtocol(Protocol):
    """The methods of an asyncio protocol that this transport calls."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> object: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...


class StdioTransport(asyncio.Transport):
    """Reads from one file descriptor into `protocol` and writes to another; call `start()` once."""

    def __init__(self, protocol: StreamProtocol, read_fd: int = 0, write_fd: int = 1) -> None:
        super().__init__()
        self._protocol = protocol
        self._fds = read_fd, write_fd
        self._loop = asyncio.get_running_loop()
        self._can_read = threading.Event()
        self._unsent: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._is_paused = False
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._can_read.set()
        self._protocol.connection_made(self)
        # A daemon thread: a read from a terminal cannot be cancelled, and must not delay the exit.
        threading.Thread(target=self._read, name="stdin", daemon=True).start()
        self._writer = self._loop.create_task(self._write())

    def pause_reading(self) -> None:
        self._can_read.clear()

    def resume_reading(self) -> None:
        self._can_read.set()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._unsent.put_nowait(bytes(data))
        if self._unsent.qsize() > MAX_QUEUED_WRITES and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()

    def close(self) -> None:
        self._unsent.put_nowait(None)

    def abort(self) -> None:
        if self._writer is not None:
            self._writer.cancel()

    def is_closing(self) -> bool:
        return self._writer is None or self._writer.done()

    def _read(self) -> None:
        while True:
            self._can_read.wait()
            try:
                received = os.read(self._fds[0], READ_BYTES)
            except OSError:
                received = b""
            if not received:
                self._call_in_loop(self._protocol.eof_received)
                return
            self._can_read.clear()
            self._call_in_loop(self._receive, received)

    def _receive(self, received: bytes) -> None:
        self._can_read.set()  # the protocol may clear it again
        self._protocol.data_received(received)

    def _call_in_loop(self, call: Callable[..., object], *args: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)

    async def _write(self) -> None:
        error: OSError | None = None
        try:
            while (data := await self._unsent.get()) is not None:
                await asyncio.to_thread(_write_all, self._fds[1], data)
                if self._is_paused and self._unsent.empty():
                    self._is_paused = False
                    self._protocol.resume_writing()
        except OSError as err:
            error = err
        finally:
            self._protocol.connection_lost(error)


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
