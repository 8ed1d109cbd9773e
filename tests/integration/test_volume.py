"""Volume by voice: a satellite, the hub and the intent daemon as processes, with scripted transcripts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.fakes import FakeDaemon
from tests.integration.test_hub import tts, vad
from wyoming_rosie.protocol.server import Send


@dataclass
class Room:
    """A satellite with a button; transcripts are scripted."""

    http: aiohttp.ClientSession
    voice: FakeDaemon
    api: str = ""
    says: str = ""

    async def hear(self, event: Event, send: Send) -> None:
        if event.type == "audio-stop":
            await send(Event("transcript", {"text": self.says}))

    async def state(self) -> dict[str, Any]:
        async with self.http.get(f"{self.api}/state") as answer:
            return dict(await answer.json())

    async def say(self, text: str) -> str:
        """Press the button and say something; return the answer once it is played."""
        self.says, before = text, len(self.voice.heard)
        await (await self.http.post(f"{self.api}/trigger")).release()
        async with asyncio.timeout(60):
            while not (spoken := self._spoken(before)):
                await asyncio.sleep(0.02)
            while (await self.state())["phase"] != "waiting":
                await asyncio.sleep(0.02)
        return spoken[0]

    def _spoken(self, before: int) -> list[str]:
        """Return the texts synthesized since then, without the fallback phrases."""
        asked = [event for event in self.voice.heard[before:] if event.type == "synthesize"]
        return [str(event.data["text"]) for event in asked if "context" in event.data]


@pytest.fixture
async def room(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[Room]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        voice = FakeDaemon(tts)
        inside = Room(http, voice)
        stages = {"vad": FakeDaemon(vad), "asr": FakeDaemon(inside.hear), "tts": voice}
        for stage in stages.values():
            await stack.enter_async_context(stage.serving())
        satellite = await daemon(
            "satellite",
            *("--mic-command", "cat /dev/zero", "--snd-command", "tee", "--area", "Kitchen", "--name", "kitchen"),
            *("--api-port", "0", "--no-ends-commands", "--data-dir", str(tmp_path)),
        )
        inside.api = (await satellite.wait_for_line("local API"))["uri"]
        uris = {role: stage.uri for role, stage in stages.items()} | {"intent": (await daemon("intent")).uri}
        hub = await daemon(
            "hub",
            *("--satellite", satellite.uri, "--no-zeroconf", "--data-dir", str(tmp_path / "hub")),
            *(part for role, uri in uris.items() for part in (f"--{role}-uri", uri)),
        )
        await hub.wait_for_line("satellite connected")
        async with asyncio.timeout(60):
            while (await inside.state())["phase"] != "waiting":
                await asyncio.sleep(0.02)
        yield inside


async def test_the_volume_is_set_by_voice(room: Room) -> None:
    assert await room.say("set the volume to 40 percent") == "The volume is at 40 percent."
    assert (await room.state())["volume"] == 40
    assert await room.say("louder") == "The volume is at 50 percent."
    assert await room.say("turn up the volume in the living room") == "There is no satellite in that room."
    assert (await room.state())["volume"] == 50
