"""Attacks on pairing, run on another host than the hub's; each prints a line when it has begun, and one of JSON at its end.

guess HOST PORT SOURCE NAMEPLATE COUNT     tries wrong codes
flood HOST PORT SOURCE COUNT               opens connections and holds them, half of them after a share
relay HOST PORT SOURCE LISTEN_PORT FLIP FILE   stands between: changes the FLIP-th frame (-1: none), records the joiner's
replay HOST PORT SOURCE FILE               sends what `relay` has recorded of a joiner
pose HOST PORT SOURCE NAMEPLATE            announces itself as the hub that shows a code, and guesses
"""

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from wyoming_rosie import logging
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.trust.pairing import discovery
from wyoming_rosie.trust.pairing.code import OfferedCode, PairingCode
from wyoming_rosie.trust.pairing.exchange import HubExchange, JoinerExchange, RefusedError, Reply
from wyoming_rosie.trust.pairing.frames import FrameStream
from wyoming_rosie.trust.pairing.messages import Application

APPLICATION = Application(b"none", "satellite", "attacker", "0")
SECONDS = 30.0
POSE_SECONDS = 15.0


class Attacker:
    """Attacks the hub at an address from one of its own."""

    def __init__(self, host: str, port: str, source: str) -> None:
        self._hub, self._source = (host, int(port)), source

    async def _connect(self) -> FrameStream:
        return FrameStream(*await asyncio.open_connection(*self._hub, local_addr=(self._source, 0)))

    async def guess(self, nameplate: str, count: str) -> Any:
        outcomes = []
        for number in range(int(count)):
            exchange = JoinerExchange(PairingCode(nameplate, f"{number:08}"), APPLICATION)
            try:
                stream = await self._connect()
                await stream.write([exchange.start()])
                while True:
                    answer = exchange.receive(await stream.read())
                    assert isinstance(answer, bytes)
                    await stream.write([answer])
            except RefusedError as err:
                outcomes.append(str(err.refused.reason))
            except (OSError, RosieError):
                outcomes.append("closed")
        return outcomes

    async def flood(self, count: str) -> Any:
        streams, half = [], JoinerExchange(PairingCode("00", "00000000"), APPLICATION).start()
        for number in range(int(count)):
            with contextlib.suppress(OSError, RosieError):
                streams.append(await self._connect())
                await streams[-1].write([half] * (number % 2))
        print("flooding", flush=True)
        await asyncio.sleep(SECONDS)
        return len(streams)

    async def relay(self, listen_port: str, flip: str, path: str) -> Any:
        sent: list[bytes] = []
        joiners: list[str] = []

        async def pass_frames(source: FrameStream, target: FrameStream, *, is_joiner: bool) -> None:
            with contextlib.suppress(RosieError):
                while True:
                    frame = await source.read()
                    if len(sent) == int(flip):
                        frame = frame[:-1] + bytes([frame[-1] ^ 1])
                    sent.append(frame)
                    if is_joiner:
                        joiners.append(frame.hex())
                    await target.write([frame])
            target.close()

        async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            joiner, hub = FrameStream(reader, writer), await self._connect()
            await asyncio.gather(pass_frames(joiner, hub, is_joiner=True), pass_frames(hub, joiner, is_joiner=False))
            await asyncio.to_thread(Path(path).write_text, json.dumps(joiners))
            done.set()

        done = asyncio.Event()
        async with await asyncio.start_server(between, "0.0.0.0", int(listen_port)):
            print("relaying", flush=True)
            async with asyncio.timeout(SECONDS):
                await done.wait()
        return len(sent)

    async def replay(self, path: str) -> Any:
        stream = await self._connect()
        answers = []
        with contextlib.suppress(RosieError):
            for frame in json.loads(await asyncio.to_thread(Path(path).read_text)):
                await stream.write([bytes.fromhex(frame)])
                answers.append((await stream.read())[:11].decode(errors="replace"))
        return answers[1:]

    async def pose(self, nameplate: str) -> Any:
        guesses = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal guesses
            stream = FrameStream(reader, writer)
            exchange = HubExchange(OfferedCode(PairingCode(nameplate, "00000000"), float("inf")), "satellite")
            with contextlib.suppress(RosieError):
                while True:
                    reply = exchange.receive(await stream.read(), 0)
                    assert isinstance(reply, Reply)
                    guesses += reply.is_wrong_try
                    await stream.write(reply.frames)
            stream.close()

        async with await asyncio.start_server(serve, self._source, 0) as server:
            port = server.sockets[0].getsockname()[1]
            async with discovery.announce(nameplate, Tcp(self._source, port)):
                await asyncio.sleep(3)
                print("posing", flush=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POSE_SECONDS):
                        while not guesses:
                            await asyncio.sleep(0.1)
        return guesses


def main(attack: str, host: str, port: str, source: str, *arguments: str) -> None:
    logging.configure("attacker")
    attacker = Attacker(host, port, source)
    print(json.dumps(asyncio.run(getattr(attacker, attack)(*arguments))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
