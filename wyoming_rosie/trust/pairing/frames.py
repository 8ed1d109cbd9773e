"""Frames of pairing on a connection: the length in four bytes, then as many bytes."""

import asyncio
import struct
from collections.abc import Iterable

from wyoming_rosie.errors import BadEventError, UnreachableError
from wyoming_rosie.trust.pairing.exchange import MAX_FRAME_BYTES

FRAME_SECONDS = 10.0
"""Wait for the peer's next frame; a small board computes its share in less than one second."""
_LENGTH = struct.Struct(">I")


class ClosedError(UnreachableError):
    """The peer has closed the connection."""

    def __init__(self) -> None:
        super().__init__("it closed the connection")


class FrameStream:
    """A connection that carries frames; every wait has an end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def address(self) -> str:
        """The peer's address."""
        return str((self._writer.get_extra_info("peername") or ("unknown",))[0])

    async def read(self) -> bytes:
        """Return the next frame. Raises UnreachableError if it does not come, BadEventError if it is too long."""
        try:
            async with asyncio.timeout(FRAME_SECONDS):
                (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
                if length > MAX_FRAME_BYTES:
                    raise BadEventError(f"a frame has at most {MAX_FRAME_BYTES} bytes, not {length}")
                return await self._reader.readexactly(length)
        except TimeoutError as err:
            raise UnreachableError(f"it has sent nothing for {FRAME_SECONDS:g} s") from err
        except (OSError, asyncio.IncompleteReadError) as err:
            raise ClosedError from err

    async def write(self, frames: Iterable[bytes]) -> None:
        """Send frames. Raises UnreachableError if the peer does not take them."""
        try:
            async with asyncio.timeout(FRAME_SECONDS):
                for frame in frames:
                    self._writer.write(_LENGTH.pack(len(frame)) + frame)
                    await self._writer.drain()
        except TimeoutError as err:
            raise UnreachableError(f"it has read nothing for {FRAME_SECONDS:g} s") from err
        except OSError as err:
            raise ClosedError from err

    def close(self) -> None:
        """Close the connection; what was written may still be read."""
        self._writer.close()
