"""A stranger on the network: announces every role as if it were of the house.

python -m tests.attacks.stranger ADDRESS HOUSE IDENTITY REPORT

Each role is announced three ways: without TLS, with a TLS port that takes anybody's certificate and shows that of another
house, and with a TLS port at which bytes are only counted. At SIGTERM it writes to REPORT what reached it, as JSON.
"""

import asyncio
import json
import signal
import ssl
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from wyoming_rosie import logging
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.discovery import announce
from wyoming_rosie.trust.identity import IdentityFiles

READ_BYTES = 4096
WAYS = ("plain", "tls", "counted")
CLIENT_HELLO = b"\x16\x03"
"""The first bytes of a TLS handshake, which name nobody and carry nothing."""


class Listener:
    """Keeps what reaches one port, without TLS or after its handshake."""

    def __init__(self, role: str, way: str) -> None:
        self.name = f"{role} {way}"
        self.connections = 0
        self.received = b""

    async def serve(self, host: str, context: ssl.SSLContext | None) -> asyncio.Server:
        return await asyncio.start_server(self._on_connection, host, 0, ssl=context)

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while data := await reader.read(READ_BYTES):
            self.received += data
        writer.close()

    @property
    def told(self) -> dict[str, Any]:
        hello = self.received.startswith(CLIENT_HELLO)
        return {"name": self.name, "connections": self.connections, "bytes": len(self.received), "is_hello": hello}


def create_context(files: IdentityFiles) -> ssl.SSLContext:
    """Return a context that accepts anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.member)
    return context


async def run(host: str, house: str, identity: Path) -> list[dict[str, Any]]:
    """Announce until SIGTERM, and return what reached each port."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    context = create_context(IdentityFiles(identity))
    listeners = []
    async with AsyncExitStack() as stack:
        for role in BY_ROLE:
            for way in WAYS:
                listener = Listener(role, way)
                listeners.append(listener)
                server = await listener.serve(host, context if way == "tls" else None)
                stack.callback(server.close)
                port = server.sockets[0].getsockname()[1]
                records = {} if way == "plain" else {"tls": str(port), "house": house}
                where = Tcp(host, port)
                await stack.enter_async_context(announce(role, f"a-{role}-{way}", where, properties=records))
        await stop.wait()
    return [listener.told for listener in listeners]


if __name__ == "__main__":
    logging.configure("stranger")
    host, house, identity, report = sys.argv[1:]
    Path(report).write_text(json.dumps(asyncio.run(run(host, house, Path(identity)))))
