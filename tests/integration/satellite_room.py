"""A satellite process in a room: a person who speaks, and a conductor that behaves like Home Assistant."""

import asyncio
import os
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.satellite import RunSatellite

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.unit.satellite.dialogues import (
    JARVIS,
    ConductorSends,
    Dialogue,
    SatelliteSends,
    UserSays,
    merge_repeated_chunks,
)
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie_satellite.messages import MAIN_SLOT

FRAME_SECONDS = 0.02
SETTLED_SECONDS = 0.3
LONGEST_WAIT_SECONDS = 60.0
REPEATED_SECONDS = 10.0
SAID = "woww_okay_nabu"


class Voice:
    """Speaks into a named pipe in real time, silence between the words; a satellite's microphone command reads it.

    A satellite that does not listen makes it wait, in the middle of a word too.
    """

    def __init__(self, pipe: Path) -> None:
        self.command = f"cat {shlex.quote(str(pipe))}"
        os.mkfifo(pipe)
        self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # for writing alone there would have to be a reader
        self._unsaid = b""

    def says(self, pcm: bytes) -> None:
        self._unsaid += pcm

    @asynccontextmanager
    async def speaking(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._speak())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            os.close(self._pipe)

    async def _speak(self) -> None:
        step = SPEECH.bytes_in(FRAME_SECONDS)
        while True:
            heard = self._mix(self._unsaid[:step].ljust(step, b"\0"))
            with suppress(BlockingIOError):  # the pipe is full; it takes a frame wholly or not at all
                os.write(self._pipe, heard)
                self._unsaid = self._unsaid[step:]
            await asyncio.sleep(FRAME_SECONDS)

    def _mix(self, frame: bytes) -> bytes:
        """Return what the microphone hears while the voice says a frame."""
        return frame


class ScriptedConductor:
    """Does what Home Assistant does: run-satellite, describe, pings; the rest is said by the test."""

    def __init__(self, client: AsyncClient) -> None:
        self.info = Info()
        self._client = client
        self._received: asyncio.Queue[Event] = asyncio.Queue()
        self._last = ""
        self.is_accepted = False  # the satellite asks its conductor alone whether it is there
        self._asked = self._answered = 0
        self._over = False

    @classmethod
    @asynccontextmanager
    async def connected(cls, uri: str) -> AsyncIterator["ScriptedConductor"]:
        client = AsyncClient.from_uri(uri)
        await client.connect()
        conductor = cls(client)
        tasks = [asyncio.create_task(conductor._read()), asyncio.create_task(conductor._ping())]
        try:
            yield conductor
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            with suppress(ConnectionError):  # the satellite may have left first
                await client.disconnect()

    async def joins(self) -> "ScriptedConductor":
        await self.says(RunSatellite().event(), Describe().event())
        self.info = Info.from_event(await self.hears("info"))
        return self

    async def says(self, *events: Event) -> None:
        for event in events:
            await self._client.write_event(event)

    async def is_heard(self) -> None:
        """Wait until the satellite has taken what was said to it, or has closed the connection."""
        self._asked += 1
        with suppress(ConnectionError):
            await self.says(Ping(f"heard {self._asked}").event())
        await wait_until(lambda: self._over or self._answered == self._asked)

    async def next(self, seconds: float = LONGEST_WAIT_SECONDS) -> Event:
        event = await asyncio.wait_for(self._received.get(), seconds)
        self._last = event.type
        return event

    async def hears(self, *types: str) -> Event:
        """Return the next event of one of the types, skipping others."""
        while (event := await self.next()).type not in types:
            pass
        return event

    async def hears_types(self, count: int) -> list[str]:
        """Return the types of the next events, a run of audio chunks as one; then none but chunks may follow."""
        types: list[str] = []
        while len(types) < count:
            last = self._last
            types += merge_repeated_chunks([(await self.next()).type], last)
        last = self._last
        await asyncio.sleep(SETTLED_SECONDS)
        return types + merge_repeated_chunks(self.heard_so_far(), last)

    def heard_so_far(self) -> list[str]:
        """Return the types of the events that have come since the last one that was asked for."""
        types = [self._received.get_nowait().type for _ in range(self._received.qsize())]
        self._last = (types or [self._last])[-1]
        return types

    async def _read(self) -> None:
        while (event := await self._client.read_event()) is not None:
            match event.type:
                case "ping":
                    self.is_accepted = True
                    await self.says(Pong(event.data.get("text")).event())
                case "pong":
                    self._answered += bool(event.data.get("text"))
                case _:
                    self._received.put_nowait(event)
        self._over = True

    async def _ping(self) -> None:
        while True:
            await self.says(Ping().event())
            await asyncio.sleep(2)


class Room:
    """A satellite as a process, somebody who speaks to it, and a conductor for each slot."""

    def __init__(self, satellite: Daemon, voice: Voice, conductor: ScriptedConductor, reply: Path) -> None:
        self.satellite = satellite
        self.voice = voice
        self.conductor = conductor
        self.conductors = {MAIN_SLOT: conductor}
        self.reply = reply

    async def perform(self, dialogue: Dialogue, words: dict[str, bytes]) -> None:
        for step in dialogue:
            match step:
                case UserSays(word):
                    await self._says_until_heard(words[f"woww_{word}"])
                case ConductorSends(events, slot):
                    await self.conductors[slot].says(*events)
                    await self.conductors[slot].is_heard()  # other conductors' events come another way
                case SatelliteSends(types, slot):
                    assert await self.conductors[slot].hears_types(len(types)) == list(types)

    async def _says_until_heard(self, word: bytes) -> None:
        """Say a wake word, and again after a pause: a busy machine drops audio that it has no time for."""
        before = len(self.satellite.lines("wake word"))
        for _ in range(round(LONGEST_WAIT_SECONDS / REPEATED_SECONDS)):
            self.voice.says(word)
            with suppress(TimeoutError):
                await logged(self.satellite, "wake word", before + 1, REPEATED_SECONDS)
                return
        raise AssertionError("the word was not heard")


@asynccontextmanager
async def furnished_for_two(daemon: StartDaemon, folder: Path, *arguments: str) -> AsyncIterator[Room]:
    """Yield a room in which hey_jarvis has a conductor of its own."""
    async with AsyncExitStack() as stack:
        port = (f"--wake-word-port.{JARVIS}", "0")
        room = await stack.enter_async_context(furnished(daemon, folder, *port, *arguments))
        place = await room.satellite.wait_for_line("wake word has its own port", word=JARVIS)
        room.conductors[JARVIS] = await stack.enter_async_context(ScriptedConductor.connected(place["uri"]))
        yield room


@asynccontextmanager
async def furnished(daemon: StartDaemon, folder: Path, *arguments: str) -> AsyncIterator[Room]:
    reply = folder / "reply.wav"
    voice = Voice(folder / "voice")
    # The dialogues repeat the word sooner than people do.
    devices = ("--mic-command", voice.command, "--snd", f"wav:{reply}", "--wake-refractory-seconds", "0.5")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(voice.speaking())
        satellite = await daemon("satellite", *devices, *arguments)
        conductor = await stack.enter_async_context(ScriptedConductor.connected(satellite.uri))
        yield Room(satellite, voice, conductor, reply)


async def first_run(conductor: ScriptedConductor, seconds: float) -> tuple[Event, bytes, int]:
    """Return the detection, so many seconds of the audio that follows, and its first chunk's milliseconds."""
    detection = await conductor.hears("detection")
    chunk = await conductor.hears("audio-chunk")
    first, pcm = chunk.data["timestamp"], chunk.payload or b""
    while SPEECH.seconds(len(pcm)) < seconds:
        pcm += (await conductor.hears("audio-chunk")).payload or b""
    return detection, pcm, first


async def accepted(conductor: ScriptedConductor) -> None:
    """Ask to conduct until the satellite lets this conductor."""
    async with asyncio.timeout(LONGEST_WAIT_SECONDS):
        while not conductor.is_accepted:
            await conductor.says(RunSatellite().event())
            await asyncio.sleep(1)
    conductor.heard_so_far()  # the refusals


async def logged(
    satellite: Daemon, event: str, count: int = 1, seconds: float = LONGEST_WAIT_SECONDS, **fields: Any
) -> None:
    """Wait until the satellite has logged such a line so many times."""

    def found() -> int:
        return sum(fields.items() <= line.items() for line in satellite.lines(event))

    async with asyncio.timeout(seconds):
        while found() < count:
            await asyncio.sleep(FRAME_SECONDS)
