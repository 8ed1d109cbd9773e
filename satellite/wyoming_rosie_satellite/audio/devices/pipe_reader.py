"""What a program writes, in pieces of one size; asyncio's own pipes reserve 256 kB for each of them."""

import asyncio
import os

READ_BYTES = 16_384


class PipeReader:
    """Reads a pipe's end, which it closes. Call `close`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._ended = False
        self._reading = False
        self._data_available: asyncio.Future[None] | None = None
        os.set_blocking(fd, False)

    async def read(self, size: int) -> bytes:
        """Return the next `size` bytes; fewer at the end."""
        while len(self._received) < size and not self._ended:
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
        self._ended = not received
        if self._ended or len(self._received) >= READ_BYTES:  # the rest may wait in the pipe
            self._pause()
        if self._data_available is not None and not self._data_available.done():
            self._data_available.set_result(None)

    def _resume(self) -> None:
        if not self._reading:
            self._loop.add_reader(self._fd, self._on_readable)
        self._reading = True

    def _pause(self) -> None:
        if self._reading:
            self._loop.remove_reader(self._fd)
        self._reading = False
