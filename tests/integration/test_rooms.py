"""Two satellites, the hub and the intent daemon as processes, with scripted transcripts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import FakeDaemon
from tests.integration.test_hub import tts, vad
from tests.waiting import wait_until
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.voice_activity.endpointing import SPECULATION


@dataclass
class Rooms:
    """A kitchen and an office, each with a satellite that has a button; transcripts are scripted."""

    http: aiohttp.ClientSession
    voice: FakeDaemon
    satellites: dict[str, Daemon] = field(default_factory=dict)
    apis: dict[str, str] = field(default_factory=dict)
    says: str = ""

    async def hear(self, event: Event, send: Send) -> None:
        if event.type == "voice-stopped":
            await send(
                Event("user-event", {"name": SPECULATION, "data": {"text": self.says, "completeness": "complete"}})
            )
        elif event.type == "audio-stop":
            await send(Event("transcript", {"text": self.says}))

    async def state(self, room: str) -> dict[str, Any]:
        async with self.http.get(f"{self.apis[room]}/state") as answer:
            return dict(await answer.json())

    async def say(self, room: str, text: str) -> str:
        """Press the button of a room and say something; return the answer once it is played."""
        self.says, before = text, len(self.spoken)
        await (await self.http.post(f"{self.apis[room]}/trigger")).release()
        return await self.hears(room, before)

    async def hears(self, room: str, before: int) -> str:
        """Return the next text after the first `before` ones, once it is played."""
        async with asyncio.timeout(60):
            while len(self.spoken) <= before or (await self.state(room))["phase"] not in ("waiting", "streaming"):
                await asyncio.sleep(0.02)
        return self.spoken[before]

    @property
    def spoken(self) -> list[str]:
        """The synthesized texts, without the fallback phrases."""
        asked = [event for event in self.voice.heard if event.type == "synthesize" and "context" in event.data]
        return [str(event.data["text"]) for event in asked]


@pytest.fixture
async def rooms(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[Rooms]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        voice = FakeDaemon(tts)
        house = Rooms(http, voice)
        stages = {"vad": FakeDaemon(vad), "asr": FakeDaemon(house.hear), "tts": voice}
        for stage in stages.values():
            await stack.enter_async_context(stage.serving())
        for room in ("Kitchen", "Office"):
            house.satellites[room] = satellite = await daemon(
                "satellite",
                *("--mic-command", "cat /dev/zero", "--snd-command", "tee", "--area", room, "--name", room),
                *("--api-port", "0", "--no-ends-commands", "--data-dir", str(tmp_path / room)),
            )
            house.apis[room] = (await satellite.wait_for_line("local API"))["uri"]
        uris = {role: stage.uri for role, stage in stages.items()} | {"intent": (await daemon("intent")).uri}
        hub = await daemon(
            "hub",
            *(part for one in house.satellites.values() for part in ("--satellite", one.uri)),
            *("--no-zeroconf", "--data-dir", str(tmp_path / "hub")),
            *(part for role, uri in uris.items() for part in (f"--{role}-uri", uri)),
        )
        await wait_until(lambda: len(hub.lines("satellite connected")) == 2)
        for room in house.apis:
            while (await house.state(room))["phase"] != "waiting":
                await asyncio.sleep(0.02)
        yield house


@pytest.mark.long
async def test_timers_and_failed_delayed_commands_belong_to_their_room(rooms: Rooms) -> None:
    assert await rooms.say("Kitchen", "set a timer for 20 seconds") == "20 second timer started."
    assert await rooms.say("Office", "cancel the timer") == "The 20 second timer is cancelled."
    assert await rooms.say("Office", "set a timer for 6 seconds") == "6 second timer started."
    before = len(rooms.spoken)
    later = "turn up the volume in the bedroom"
    assert await rooms.say("Kitchen", f"{later} in two seconds") == f"In 2 seconds: {later}."
    failed = await rooms.hears("Kitchen", before + 1)
    assert failed == f"It was time for this: {later}. There is no satellite in that room."
    await rooms.satellites["Office"].wait_for_line("timer finished")
    assert rooms.satellites["Kitchen"].lines("timer finished") == []
    assert (await rooms.state("Kitchen"))["timers"] == []
