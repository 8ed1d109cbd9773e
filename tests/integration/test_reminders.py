"""Alarms and reminders through a whole house of installed programs, which are ended and started again in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from wyoming.event import Event

from tests.brokers import free_port
from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import FakeDaemon
from tests.integration.test_hub import vad
from tests.waiting import LONGEST_SECONDS, wait_until
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.voice_activity.endpointing import SPECULATION

pytestmark = pytest.mark.long

REMINDER = "Reminder: water the plants."
HOME = """
[[areas]]
id = "kitchen"
name = "Kitchen"
[[entities]]
id = "person.ada"
name = "Ada"
domain = "person"
place = "{place}"
"""


class Kitchen:
    """A satellite with a button, a hub, an intent and a tts daemon; what is said at the satellite is scripted."""

    def __init__(self, start: StartDaemon, http: aiohttp.ClientSession, folder: Path) -> None:
        self._start = start
        self._http = http
        self._folder = folder
        self._says = ""
        self._satellite_port, self._api_port = free_port(), free_port()
        self._uris: dict[str, str] = {}
        self._heard = folder / "heard"
        self._home = folder / "home.toml"

    async def begin(self, stack: AsyncExitStack, *intent_flags: str) -> None:
        stages = {"vad": FakeDaemon(vad), "asr": FakeDaemon(self._transcribe)}
        for stage in stages.values():
            await stack.enter_async_context(stage.serving())
        self.move_ada("not_home")
        intent = await self._start("intent", "--home", str(self._home), *intent_flags)
        own = {"intent": intent.uri, "tts": (await self._start("tts")).uri}
        self._uris = own | {role: stage.uri for role, stage in stages.items()}

    def move_ada(self, place: str) -> None:
        """Let the simulated home report that Ada is somewhere else."""
        self._home.write_text(HOME.format(place=place), "utf-8")

    async def start_satellite(self) -> Daemon:
        texts = f"sh -c 'cat >> {self._heard}; echo >> {self._heard}'"
        return await self._start(
            "satellite",
            *("--uri", f"tcp://127.0.0.1:{self._satellite_port}", "--name", "Kitchen", "--area", "Kitchen"),
            *("--mic-command", "cat /dev/zero", "--snd-command", "tee", "--synthesize-command", texts),
            *("--api-port", str(self._api_port), "--no-ends-commands", "--data-dir", str(self._folder / "satellite")),
        )

    async def start_hub(self) -> Daemon:
        uris = [part for role, uri in self._uris.items() for part in (f"--{role}-uri", uri)]
        satellite = f"tcp://127.0.0.1:{self._satellite_port}"
        data = ("--data-dir", str(self._folder / "hub"), "--no-zeroconf")
        hub = await self._start("hub", "--satellite", satellite, *uris, *data)
        await hub.wait_for_line("satellite connected")
        return hub

    async def say(self, text: str) -> str:
        """Press the button and say something; return the answer once it is played."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while (await self._state())["phase"] != "waiting":
                await asyncio.sleep(0.02)
        self._says, before = text, len(self.heard)
        await (await self._http.post(f"{self._api}/trigger")).release()
        await self._played()
        await wait_until(lambda: len(self.heard) > before)
        await self._played()
        return self.heard[before]

    def will_say(self, text: str) -> None:
        """Say something as soon as the satellite listens."""
        self._says = text

    async def rings(self) -> None:
        """Wait until the satellite rings."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while not (await self._state())["ringing"]:
                await asyncio.sleep(0.02)

    async def is_silent(self) -> bool:
        return not (await self._state())["ringing"]

    async def timers(self) -> list[Any]:
        """Return the timers that the satellite would ring for without a server."""
        return list((await self._state())["timers"])

    @property
    def heard(self) -> list[str]:
        """The texts that the satellite was given to play."""
        return self._heard.read_text("utf-8").splitlines() if self._heard.exists() else []

    async def _played(self) -> None:
        async with asyncio.timeout(LONGEST_SECONDS):
            while (await self._state())["phase"] == "speaking":
                await asyncio.sleep(0.02)

    @property
    def _api(self) -> str:
        return f"http://127.0.0.1:{self._api_port}"

    async def _state(self) -> dict[str, Any]:
        async with self._http.get(f"{self._api}/state") as answer:
            return dict(await answer.json())

    async def _transcribe(self, event: Event, send: Send) -> None:
        if event.type == "voice-stopped":
            found = {"text": self._says, "completeness": "complete"}
            await send(Event("user-event", {"name": SPECULATION, "data": found}))
        elif event.type == "audio-stop":
            await send(Event("transcript", {"text": self._says}))


@pytest.fixture
async def kitchen(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[Kitchen]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        kitchen = Kitchen(daemon, http, tmp_path)
        await kitchen.begin(stack)
        yield kitchen


async def test_a_reminder_rings_without_a_server_and_is_spoken_when_it_is_back(kitchen: Kitchen) -> None:
    satellite, hub = await kitchen.start_satellite(), await kitchen.start_hub()
    assert (await kitchen.say("remind me in two seconds to water the plants")).endswith("water the plants.")
    assert await hub.stop() == 0
    await kitchen.rings()
    assert REMINDER not in kitchen.heard
    await kitchen.start_hub()
    await wait_until(lambda: REMINDER in kitchen.heard)
    assert await kitchen.say("what are my reminders") == "There are no reminders."
    assert kitchen.heard.count(REMINDER) == 1
    assert len(satellite.lines("timer finished")) == 1


async def test_a_reminder_survives_a_restart_of_its_satellite(kitchen: Kitchen) -> None:
    satellite = await kitchen.start_satellite()
    hub = await kitchen.start_hub()
    await kitchen.say("remind me in two seconds to water the plants")
    assert await satellite.stop() == 0
    again = await kitchen.start_satellite()
    await again.wait_for_line("timer finished")
    await wait_until(lambda: REMINDER in kitchen.heard)
    await kitchen.rings()
    assert len(hub.lines("timer finished")) == 1


async def test_a_reminder_is_snoozed_by_voice_and_spoken_again(kitchen: Kitchen) -> None:
    await kitchen.start_satellite()
    hub = await kitchen.start_hub()
    await kitchen.say("remind me in one second to water the plants")
    await wait_until(lambda: REMINDER in kitchen.heard)
    assert await kitchen.say("two more seconds, please") == "I will ring again in 2 seconds."
    assert await kitchen.is_silent()
    assert await hub.stop() == 0
    await kitchen.rings()
    await kitchen.start_hub()
    await wait_until(lambda: kitchen.heard.count(REMINDER) == 2)


async def test_what_is_cancelled_by_voice_is_no_longer_known_to_the_satellite(kitchen: Kitchen) -> None:
    await kitchen.start_satellite()
    await kitchen.start_hub()
    await kitchen.say("remind me in five minutes to water the plants")
    await kitchen.say("set an alarm for seven in the morning every weekday")
    assert len(await kitchen.timers()) > 1
    assert (await kitchen.say("cancel the reminder to water the plants")).startswith("Cancelled: water the plants")
    assert await kitchen.say("cancel my seven o'clock alarm") == "Cancelled: 7:00 AM, on weekdays."
    assert await kitchen.timers() == []


async def test_a_reminder_for_an_arrival_survives_a_restart_and_is_spoken_once(kitchen: Kitchen) -> None:
    await kitchen.start_satellite()
    hub = await kitchen.start_hub()
    answer = await kitchen.say("remind me to water the plants when I come home")
    assert answer == "I will remind you when you come home: water the plants."
    assert await hub.stop() == 0
    await kitchen.start_hub()
    assert await kitchen.say("what are my reminders") == "Reminders: water the plants, when you come home."
    kitchen.move_ada("home")
    await wait_until(lambda: REMINDER in kitchen.heard)
    await kitchen.rings()
    assert await kitchen.say("what are my reminders") == "There are no reminders."
    assert kitchen.heard.count(REMINDER) == 1
