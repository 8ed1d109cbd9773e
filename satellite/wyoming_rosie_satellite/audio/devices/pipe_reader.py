"""Pipe reader with a small buffer: asyncio's own pipes reserve 256 kB each."""

import asyncio
import os

READ_BYTES = 16_384


class PipeReader:
    """Reads from a pipe's file descriptor, which `close` closes."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._has_ended = False
        self._is_reading = False
        self._data_available: asyncio.Future[None] | None = None
        os.set_blocking(fd, False)

    async def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer at the end."""
        while len(self._received) < size and not self._has_ended:
            self._resume()
            self._data_available = self._loop.create_future()
            await self._data_available
        piece, self._received = self._received[:size], self._received[size:]
        return piece

    def close(self) -> None:
        self._pause()
        os.close(self._fd)

    def _on_readable(self) -> None:
        try:
            received = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        self._received += received
        self._has_ended = not received
        if self._has_ended or len(self._received) >= READ_BYTES:  # the rest waits in the pipe
            self._pause()
        if self._data_available is not None and not self._data_available.done():
            self._data_available.set_result(None)

    def _resume(self) -> None:
        if not self._is_reading:
            self._loop.add_reader(self._fd, self._on_readable)
        self._is_reading = True

    def _pause(self) -> None:
        if self._is_reading:
            self._loop.remove_reader(self._fd)
        self._is_reading = False
