"""A day of a satellite in a room, much faster than a day: its memory must not grow.

    python -m tests.soak.satellite_day [--hours 24] [--seed 1]

The whole satellite runs in this process, with its wake detector, its endpointing and its timers; so do its conductor and a
Wyoming microphone, on an event loop whose clock skips timeouts. Somebody speaks to it some twenty times an hour; besides, there
are announcements, timers, questions, failing replies, and a conductor that disconnects. Caches that fill in the first hours are
not growth: the last hour is compared with the third.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event

from tests.soak.fast_clock import FastLoop
from wyoming_rosie import logging
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.protocol.wire import EventStream
from wyoming_rosie.runtime.tasks import run_until_first_exit
from wyoming_rosie_satellite.__main__ import serve
from wyoming_rosie_satellite.config import SatelliteConfig

HOUR_SECONDS = 3600.0
SPEAKS_EACH_SECONDS = 180.0
CHUNK_SECONDS = 0.08
RATES = 22_050, 48_000  # the speaker's own, and one that has to be converted
SETTLED_HOURS = 3
MOST_GROWTH_MB = 3.0
LEAST_TURNS = 0.9
"""Share of the commands that must become runs."""
MEGABYTE = 1e6


class Room:
    """Audio for the microphone: silence with a little noise, and a person now and then."""

    def __init__(self, chance: random.Random) -> None:
        self.spoken = 0
        self._chance = chance
        self._words = read_wav(RECORDING)[1]
        self._unsaid = b""
        self._quiet = bytes(chance.randrange(4) * (at % 2 == 0) for at in range(SPEECH.bytes_in(CHUNK_SECONDS)))

    async def run(self) -> None:
        """Speak at intervals."""
        while True:
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * SPEAKS_EACH_SECONDS)
            self._unsaid += self._words
            self.spoken += 1

    def microphone(self, stream: EventStream) -> None:
        """Send a new peer what is heard."""
        task = asyncio.get_running_loop().create_task(self._send(stream))
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def _send(self, stream: EventStream) -> None:
        step = len(self._quiet)
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(CHUNK_SECONDS)
                heard, self._unsaid = self._unsaid[:step], self._unsaid[step:]
                pcm = heard + self._quiet[len(heard) :]
                await stream.write(AudioChunk(SPEECH.rate, SPEECH.width, SPEECH.channels, pcm).event())


class Conductor:
    """Answers what it is asked, mostly; announces, sets timers, fails, and leaves."""

    def __init__(self, uri: str, chance: random.Random) -> None:
        self.seen: Counter[str] = Counter()
        self._uri = uri
        self._chance = chance

    async def run(self) -> None:
        while True:
            with suppress(RosieError):
                async with connect(self._uri) as peer:
                    await peer.send(Event("run-satellite"))
                    await run_until_first_exit(self._reply(peer), self._interrupt(peer), self._disconnect())
            self.seen["absences"] += 1
            await asyncio.sleep(self._chance.uniform(1, 60))

    async def _reply(self, peer: Client) -> None:
        while True:
            event = await peer.receive()
            match event.type:
                case "ping":
                    await peer.send(Event("pong", event.data))
                case "run-pipeline":
                    self.seen["turns"] += 1
                case "played":
                    self.seen["played"] += 1
                case "audio-stop":
                    await self._announce(peer)

    async def _announce(self, peer: Client) -> None:
        await peer.send(Event("transcript", {"text": "turn on the light"}))
        match self._chance.randrange(10):
            case 0:
                await peer.send(Error("nothing was understood", "stt-no-text-recognized").event())
            case 1:
                await self._speak(peer, "Which light?")
            case 2:
                seconds = self._chance.randrange(10, 600)
                await peer.send(Event("timer-started", {"id": f"{self._chance.random()}", "total_seconds": seconds}))
                await self._speak(peer, "Done.")
            case _:
                await self._speak(peer, "Done.")

    async def _interrupt(self, peer: Client) -> None:
        """Announce something now and then."""
        while True:
            await asyncio.sleep(self._chance.uniform(200, 1200))
            self.seen["announcements"] += 1
            await self._speak(peer, "The washing machine has finished.")

    async def _speak(self, peer: Client, words: str) -> None:
        rate = self._chance.choice(RATES)
        await peer.send(Event("synthesize", {"text": words}))
        await peer.send(AudioStart(rate, 2, 1).event())
        for _ in range(self._chance.randrange(1, 30)):
            await peer.send(AudioChunk(rate, 2, 1, bytes(rate // 5)).event())  # 0.1 s
        await peer.send(AudioStop().event())

    async def _disconnect(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.5, 3) * HOUR_SECONDS)


@asynccontextmanager
async def listening(room: Room) -> AsyncIterator[str]:
    """Offer the room's microphone; yields its address."""
    server = await asyncio.get_running_loop().create_server(lambda: EventStream(room.microphone), "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def simulate_day(hours: int, seed: int, folder: Path) -> list[float]:
    """Live so many hours; return the memory after each, in MB. Raises AssertionError when hardly anybody was heard."""
    chance = random.Random(seed)
    uri = f"unix://{folder}/satellite"
    room, conductor, memory = Room(chance), Conductor(uri, chance), list[float]()

    async def look() -> None:
        for hour in range(1, hours + 1):
            await asyncio.sleep(HOUR_SECONDS)
            memory.append(psutil.Process().memory_info().rss / MEGABYTE)
            seen = ", ".join(f"{count} {what}" for what, count in sorted(conductor.seen.items()))
            print(f"hour {hour}: {memory[-1]:.1f} MB; {room.spoken} times spoken to; {seen}", flush=True)

    async with listening(room) as microphone:
        settings = SatelliteConfig(
            uri=uri, mic_uri=microphone, snd=f"wav:{folder}/heard.wav", data_dir=folder, timer_rings=5
        )
        await run_until_first_exit(serve(settings), room.run(), conductor.run(), look())
    assert conductor.seen["turns"] >= LEAST_TURNS * room.spoken, "it did not hear who spoke to it"
    return memory


def memory_growth(memory: Sequence[float]) -> float:
    settled = min(SETTLED_HOURS, len(memory)) - 1
    return memory[-1] - memory[settled]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.configure("satellite")
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=FastLoop) as runner:
        memory = runner.run(simulate_day(given.hours, given.seed, Path(folder)))
    print(f"grown since hour {min(SETTLED_HOURS, given.hours)}: {memory_growth(memory):.1f} MB")
    sys.exit(memory_growth(memory) > MOST_GROWTH_MB)


if __name__ == "__main__":
    main()
