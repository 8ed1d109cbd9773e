"""The smallest daemon: it echoes events. `work` sleeps or waits for `release`; `fail` and `crash` raise exceptions."""

import asyncio
from dataclasses import dataclass

from wyoming.event import Event
from wyoming.info import Info

from wyoming_rosie import config
from wyoming_rosie.errors import EngineError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.server import ConnectionHandler, DaemonServer, Send, run
from wyoming_rosie.protocol.service_config import ServiceConfig


class EchoHandler:
    """Counts, for all connections, how often work was started and ended, and connections closed."""

    started = ended = closed = 0
    released = asyncio.Event()

    def __init__(self, send: Send) -> None:
        self._send = send
        self.is_busy = False

    async def on_event(self, event: Event) -> None:
        match event.type:
            case "work":
                EchoHandler.started += 1
                if "seconds" in event.data:
                    await asyncio.sleep(event.data["seconds"])
                else:
                    await EchoHandler.released.wait()
                EchoHandler.ended += 1
            case "release":
                EchoHandler.released.set()
            case "fail":
                raise EngineError("the engine is out of order")
            case "crash":
                raise RuntimeError("a bug")
            case "flood":
                while True:
                    await self._send(Event("flood", {}, bytes(60_000)))
        await self._send(Event(event.type, {**event.data, "context": turn.context(event)}, event.payload))

    async def close(self) -> None:
        EchoHandler.closed += 1


def create_handler(send: Send) -> ConnectionHandler:
    return EchoHandler(send)


@dataclass(frozen=True)
class EchoConfig(ServiceConfig):
    """Sends every event back."""


async def serve(settings: EchoConfig) -> None:
    await run(DaemonServer("echo", Info(), create_handler), settings)


if __name__ == "__main__":
    config.main("echo", EchoConfig, serve)
