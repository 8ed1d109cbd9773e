"""Attacks on programs of a house, run on another host; each prints a line when it has begun, and one of JSON at its end.

probe HOST SOURCE CERTIFICATE VERSION PORT…    describes itself and gives a command at each port; returns what came back
hold HOST SOURCE IDENTITY PORT…                connects to each port as a member, and tells what ended it
relay HOST PORT LISTEN_PORT SIDE NUMBER FILE   passes TLS records on, and alters the NUMBER-th of SIDE; records all in FILE
terminate HOST PORT LISTEN_PORT CERTIFICATE VERSION    ends TLS by a certificate of its own, and passes on what it gets
replay HOST PORT FILE                          sends what `relay` has recorded of a client
pose LISTEN_PORT FILE                          answers with what `relay` has recorded of a server
connects HOST SOURCE PORT…                     connects 10,000 times a second, and leaves at once
linger HOST SOURCE COUNT PORT                  begins TLS handshakes, and neither ends nor closes them
audio URI IDENTITY COUNT CONNECTIONS           sends seconds of audio, as a member
A certificate is a file with its key, `none`, or `plain` for no TLS at all; VERSION is 1.2 or 1.3.
"""

import asyncio
import json
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from wyoming.event import Event

from tests.flood import flood
from wyoming_rosie import logging
from wyoming_rosie.protocol.wire import encode
from wyoming_rosie.trust.membership import Membership

SECONDS = 60.0
READ_BYTES = 65_536
CONNECTS_PER_SECOND = 10_000
LEAVE_NO_TRACE = struct.pack("ii", 1, 0)
"""Closes a socket without the minute in which its port cannot be used again."""
HEADER_BYTES = 5  # of a TLS record
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01"
COMMAND = encode(Event("describe")) + encode(Event("transcript", {"text": "turn on the stove lamp", "language": "en"}))


def create_context(protocol: int, certificate: str, version: str) -> ssl.SSLContext | None:
    """Return a context that takes anybody for genuine."""
    if certificate == "plain":
        return None
    context = ssl.SSLContext(protocol)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate != "none":
        context.load_cert_chain(certificate)
    if version == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


async def probe(host: str, source: str, certificate: str, version: str, *ports: str) -> dict[str, str]:
    context = create_context(ssl.PROTOCOL_TLS_CLIENT, certificate, version)
    return {port: await _probe_once(host, port, source, context) for port in ports}


async def _probe_once(host: str, port: str, source: str, context: ssl.SSLContext | None) -> str:
    hostname = None if context is None else ""
    received = b""
    with suppress(OSError):
        reader, writer = await asyncio.open_connection(
            host, int(port), ssl=context, server_hostname=hostname, local_addr=(source, 0)
        )
        writer.write(COMMAND)
        async with asyncio.timeout(SECONDS):
            with suppress(OSError):
                while data := await reader.read(READ_BYTES):
                    received += data
        writer.transport.abort()
    return received.decode(errors="replace")


async def hold(host: str, source: str, identity: str, *ports: str) -> list[str]:
    context = create_context(ssl.PROTOCOL_TLS_CLIENT, str(Path(identity) / "member.pem"), "1.3")
    streams = []
    for port in ports:
        reader, writer = await asyncio.open_connection(
            host, int(port), ssl=context, server_hostname="", local_addr=(source, 0)
        )
        writer.write(encode(Event("describe")))
        await reader.readline()
        streams.append((reader, writer))
    _begin("holding")
    async with asyncio.timeout(SECONDS):
        ends = [(await reader.read()).decode(errors="replace") for reader, _ in streams]
    for _, writer in streams:
        writer.transport.abort()
    return ends


async def relay(host: str, port: str, listen_port: str, side: str, number: str, path: str) -> list[list[Any]]:
    order: list[list[Any]] = []
    recorded: dict[str, list[str]] = {"client": [], "server": []}

    async def pass_records(source: asyncio.StreamReader, sink: asyncio.StreamWriter, sender: str) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                header, content = await _read_record(source)
                record = header + content
                if (sender, len(recorded[sender])) == (side, int(number)):
                    record = record[:-1] + bytes([record[-1] ^ 1])
                recorded[sender].append(record.hex())
                order.append([sender, len(content)])
                sink.write(record)
        with suppress(OSError):
            sink.close()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pass_records(reader, far_writer, "client"), pass_records(far_reader, writer, "server"))

    await _serve(listen_port, None, between)
    await asyncio.to_thread(Path(path).write_text, json.dumps(recorded))
    return order


async def terminate(host: str, port: str, listen_port: str, certificate: str, version: str) -> str:
    received = b""

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        own = create_context(ssl.PROTOCOL_TLS_CLIENT, certificate, "1.3")
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(host, int(port), ssl=own, server_hostname="")
            answering = asyncio.create_task(_pass_on(far_reader, writer))
            while data := await reader.read(READ_BYTES):
                received += data
                far_writer.write(data)
            answering.cancel()
            far_writer.transport.abort()

    await _serve(listen_port, create_context(ssl.PROTOCOL_TLS_SERVER, certificate, version), between)
    return received.decode(errors="replace")


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(READ_BYTES):
            sink.write(data)


async def replay(host: str, port: str, path: str) -> list[int]:
    """Return the types of the records that come back: 21 is an alert, 22 a handshake, 23 is sealed."""
    recorded = json.loads(await asyncio.to_thread(Path(path).read_text))
    hello, *others = map(bytes.fromhex, recorded["client"])
    reader, writer = await asyncio.open_connection(host, int(port))
    types = []
    with suppress(OSError, asyncio.IncompleteReadError):
        writer.write(hello)
        async with asyncio.timeout(SECONDS):
            while True:
                header, _ = await _read_record(reader)
                types.append(header[0])
                if len(types) == 1:
                    writer.write(b"".join(others))
    writer.transport.abort()
    return types


async def _read_record(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the header and the content of a TLS record."""
    header = await source.readexactly(HEADER_BYTES)
    return header, await source.readexactly(int.from_bytes(header[3:]))


async def pose(listen_port: str, path: str) -> int:
    recorded = json.loads(await asyncio.to_thread(Path(path).read_text))
    received = b""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        with suppress(OSError):
            received += await reader.read(READ_BYTES)
            writer.write(b"".join(map(bytes.fromhex, recorded["server"])))
            while data := await reader.read(READ_BYTES):
                received += data

    await _serve(listen_port, None, answer)
    return len(received)


async def _serve(
    port: str,
    context: ssl.SSLContext | None,
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    """Serve until SIGTERM, and then until the peers have left."""
    stop, serving = asyncio.Event(), set[asyncio.Task[Any]]()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.set_exception_handler(lambda *_: None)  # handshakes that fail are what is tried here

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await serve(reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(on_connection, "0.0.0.0", int(port), ssl=context)
    _begin("listening")
    async with asyncio.timeout(SECONDS):
        await stop.wait()
        server.close()
        await asyncio.gather(*serving)


async def connects(host: str, source: str, *ports: str) -> dict[str, float]:
    stop = threading.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    return await asyncio.to_thread(_connect_until, stop, host, source, [int(port) for port in ports])


def _connect_until(stop: threading.Event, host: str, source: str, ports: list[int]) -> dict[str, float]:
    _begin("connecting")
    begun, number = time.monotonic(), 0
    while not stop.wait(0.001):
        for _ in range(max(0, int((time.monotonic() - begun) * CONNECTS_PER_SECOND) - number)):
            with socket.socket() as one, suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LEAVE_NO_TRACE)
                one.bind((source, 0))
                one.setblocking(False)
                one.connect_ex((host, ports[number % len(ports)]))
            number += 1
    return {"connections": number, "seconds": time.monotonic() - begun}


async def linger(host: str, source: str, count: str, port: str) -> int:
    streams = []
    for number in range(int(count)):
        with suppress(OSError):
            streams.append(await asyncio.open_connection(host, int(port), local_addr=(source, 0)))
            streams[-1][1].write(HALF_A_HELLO[: number % (len(HALF_A_HELLO) + 1)])
    _begin("lingering")
    await asyncio.sleep(SECONDS)
    return len(streams)


async def audio(uri: str, identity: str, count: str, connections: str) -> dict[str, int]:
    membership = await asyncio.to_thread(Membership.load, Path(identity))
    _begin("flooding")
    flooding = (flood(uri, "audio", int(count), membership) for _ in range(int(connections)))
    ended = await asyncio.gather(*flooding, return_exceptions=True)
    return sum((one for one in ended if isinstance(one, Counter)), Counter())


def _begin(what: str) -> None:
    print(what, flush=True)


if __name__ == "__main__":
    logging.configure("attacker")
    attack, *arguments = sys.argv[1:]
    print(json.dumps(asyncio.run(globals()[attack](*arguments))), flush=True)
