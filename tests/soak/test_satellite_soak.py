"""A thousand turns with a satellite of which many go wrong; the next one must be as good as the first.

scripts/soak runs it; WYOMING_ROSIE_SOAK_TURNS and WYOMING_ROSIE_SOAK_SEED change how many turns, and which faults.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TypeAlias

import aiohttp
import psutil
import pytest
from wyoming.error import Error
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.integration.satellite_room import Voice
from tests.unit.satellite.dialogues import SOUND_START, sound
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol import address
from wyoming_rosie.protocol.client import Client, connect

TURNS = int(os.environ.get("WYOMING_ROSIE_SOAK_TURNS", "1000"))
SEED = int(os.environ.get("WYOMING_ROSIE_SOAK_SEED", "1"))
TURN_SECONDS = 10.0
GROWTH_MB = 12.0
STOP = Event("audio-stop")
Fault: TypeAlias = Callable[["Conductor"], Awaitable[None]]


class Conductor:
    """Conducts one satellite, well or badly; comes back when it has left."""

    def __init__(self, satellite: Daemon, api: str, session: aiohttp.ClientSession) -> None:
        self._satellite = satellite
        self._api = api
        self._session = session
        self._stack = AsyncExitStack()
        self._peer: Client | None = None

    @property
    def uri(self) -> str:
        return self._satellite.uri

    async def connect(self) -> Client:
        """Conduct, if that is not so already."""
        if self._peer is None:
            async with asyncio.timeout(TURN_SECONDS):
                while not await self._is_accepted():
                    await self.leave()
                    await asyncio.sleep(0.2)
        assert self._peer is not None
        return self._peer

    async def leave(self) -> None:
        self._peer = None
        await self._stack.aclose()

    async def post_command(self, command: str) -> None:
        """Press a button."""
        async with self._session.post(f"{self._api}/{command}") as answer:
            assert answer.status == 200, await answer.text()

    async def receive_types(self, *types: str) -> Event:
        """Return the next of such events, answering pings on the way."""
        peer = await self.connect()
        async with asyncio.timeout(TURN_SECONDS):
            while True:
                event = await peer.receive()
                if event.type == "ping":
                    await peer.send(Event("pong", event.data))
                elif event.type in types:
                    return event

    async def send(self, *events: Event) -> None:
        peer = await self.connect()
        for event in events:
            await peer.send(event)

    async def wait_for_run(self) -> None:
        """Have the satellite ask for a run, whatever it was at before."""
        await self.connect()
        await self.post_command("stop")
        await self.send(Error("over", "over").event())
        await asyncio.sleep(0.02)
        await self.post_command("trigger")
        await self.receive_types("run-pipeline")

    async def run_turn(self) -> None:
        """A turn as it should be."""
        await self.wait_for_run()
        await self.send(Event("transcript", {"text": "turn on the light"}), Event("synthesize", {"text": "Done."}))
        await self.send(SOUND_START, sound(0.05), STOP)
        await self.receive_types("played")

    async def _is_accepted(self) -> bool:
        self._peer = await self._stack.enter_async_context(connect(self.uri))
        await self._peer.send(Event("run-satellite"))
        await self._peer.send(Event("describe"))
        return (await self._peer.wait_for("info", "error", seconds=TURN_SECONDS)).type == "info"


async def disconnects(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    await conductor.leave()


async def disconnects_during_its_reply(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    await conductor.send(SOUND_START, sound(0.5))
    await conductor.leave()


async def sends_no_reply(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    await conductor.send(Error("nothing was said", "no-speech").event())


async def does_not_end_the_reply(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    await conductor.send(Event("transcript", {"text": "hello"}))


async def sends_unexpected_events(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    await conductor.send(STOP, Event("audio-chunk", {"rate": "fast"}, b"123"), Event("timer-finished"), Event("played"))
    await conductor.send(Event("audio-start", {"rate": 0}), Event("synthesize", {"text": 5}), Event("wonder"))


async def sends_garbage(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    where = address.parse(conductor.uri)
    assert isinstance(where, address.Tcp)
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(random.randbytes(2000))
    with suppress(ConnectionError):
        await writer.drain()
        await asyncio.wait_for(reader.read(), 60)
    writer.close()


async def is_interrupted(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    await conductor.send(SOUND_START, sound(2.0))
    await conductor.post_command("trigger")
    await conductor.receive_types("run-pipeline")


async def competes_with_another_conductor(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    async with connect(conductor.uri) as rival:
        await rival.send(Event("run-satellite"))
        assert (await rival.wait_for("error", seconds=60)).data["code"] == "busy"


async def sends_invalid_timers(conductor: Conductor) -> None:
    await conductor.connect()
    for seconds in (-1, 1e12, "soon", None):
        await conductor.send(Event("timer-started", {"id": "mad", "total_seconds": seconds}))
    await conductor.send(Event("timer-started", {"id": f"{random.random()}", "total_seconds": 0}))
    await conductor.post_command("stop")


async def is_muted_during_a_run(conductor: Conductor) -> None:
    await conductor.wait_for_run()
    await conductor.post_command("mute")
    await conductor.post_command("unmute")


FAULTS: list[Fault] = [
    disconnects, disconnects_during_its_reply, sends_no_reply, does_not_end_the_reply, sends_unexpected_events, sends_garbage, is_interrupted,
    competes_with_another_conductor, sends_invalid_timers, is_muted_during_a_run,
]  # fmt: skip


@pytest.fixture
async def conductor(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[Conductor]:
    voice = Voice(tmp_path / "voice")
    devices = ("--mic-command", voice.command, "--snd", f"wav:{tmp_path / 'reply.wav'}", "--data-dir", str(tmp_path))
    async with voice.speaking(), aiohttp.ClientSession() as session:
        satellite = await daemon("satellite", *devices, "--api-port", "0", "--timer-rings", "1")
        api = (await satellite.wait_for_line("local API"))["uri"]
        one = Conductor(satellite, api, session)
        yield one
        await one.leave()


@pytest.mark.soak
@pytest.mark.timeout(7200)
async def test_after_many_bad_turns_the_next_is_as_good_as_the_first(conductor: Conductor) -> None:
    chance = random.Random(SEED)
    await conductor.run_turn()
    process = psutil.Process(conductor._satellite.process.pid)
    before = process.memory_info().rss
    for number in range(TURNS):
        fault = chance.choice([None, *FAULTS])
        try:
            await (conductor.run_turn() if fault is None else fault(conductor))
        except (RosieError, ConnectionError):
            await conductor.leave()  # it was let go for what it did
        except TimeoutError as err:
            raise AssertionError(f"turn {number} did not go on: {fault.__name__ if fault else 'a good one'}") from err
    await conductor.run_turn()
    grown = (process.memory_info().rss - before) / 1e6
    print(f"{TURNS} turns, memory grew by {grown:.1f} MB")
    assert grown < GROWTH_MB
    assert conductor._satellite.lines("request failed") == []
