"""Latency of the component hybrid_llm in the real Home Assistant: from the sentence to the first sound of the answer.

python -m benchmarks.hybrid_llm [--turns 7] [--read 1000]

Home Assistant's demo home and our speech synthesis are real; the satellite sends a recording, its transcript is given, and
the model is scripted: it reads at a fixed speed and caches prompts. For a cold turn it forgets its prompt right before the
sentence. `scripts/peers` installs the versions of Home Assistant; those that are absent are left out.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from wyoming.event import Event

from tests.daemons import Daemon
from tests.fakes import SPEECH_DATA, FakeDaemon, FakeSatellite
from tests.interop.home_assistant import NEWEST, OLD, HomeAssistant, port_of, run_home_assistant
from tests.interop.text_recogniser import create_info
from tests.ollama_model import ModelSpeed
from tests.ollama_script import Rule
from tests.ollama_server import OllamaServer
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.commands.demo import RECORDING
from wyoming_rosie.protocol.server import Send

MODEL, PLAYER = "scripted:latest", "media_player.recording_player"
QUESTION, COMMAND = "what is the capital of france", "turn on the kitchen lights"
RULES = (
    Rule("history", "It began on an island.", wait_seconds=2.0),
    Rule("future", "Nobody knows the future.", wait_seconds=0.15),
    Rule(say="The capital of France is Paris."),
)
WAIT_SECONDS = 60.0
FRAME_SECONDS = 0.02


class ListeningSatellite(FakeSatellite):
    """Notes when each event came."""

    def __init__(self) -> None:
        super().__init__("bench", None)
        self.times: list[float] = []
        self.joined = asyncio.Event()

    async def _on_event(self, event: Event, send: Send) -> None:
        self.times.append(time.monotonic())
        if event.type == "describe":
            await send(self.info.event())
        if event.type == "ping":
            await send(Event("pong", dict(event.data)))
        await super()._on_event(event, send)
        if event.type == "run-satellite":
            self.joined.set()


@dataclass(frozen=True)
class TurnTimes:
    """Milliseconds from the sentence."""

    answer: float
    filler: float | None


@dataclass
class Bench:
    core: HomeAssistant
    ollama: OllamaServer
    satellite: ListeningSatellite
    speech: bytes
    transcripts: FakeDaemon
    text: str = ""
    forgets: bool = False
    said_at: float = 0.0

    async def recognise(self, event: Event, send: Send) -> None:
        if event.type == "audio-stop":
            if self.forgets:
                await forget(self.ollama.url)
            self.said_at = time.monotonic()
            await send(Event("transcript", {"text": self.text}))

    async def turn(self, text: str, *, cold: bool = False) -> TurnTimes:
        """Say something; return the times to the first sound of the answer and of a filler."""
        self.text, self.forgets = text, cold
        fillers, heard = len(await self._fillers()), len(self.satellite.heard)
        await self.satellite.wake()
        speaking = asyncio.create_task(self._speak())
        try:
            await self.satellite.wait_for("audio-chunk", after=heard, seconds=WAIT_SECONDS)
            at = next(n for n, event in enumerate(self.satellite.heard) if n >= heard and event.type == "audio-chunk")
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
        await self.satellite.wait_for("audio-stop", after=at, seconds=WAIT_SECONDS)
        await self.satellite.send(Event("played"))
        await asyncio.sleep(2)  # the filler of a speaker ends
        new = (await self._fillers())[fillers:]
        return TurnTimes(
            1000 * (self.satellite.times[at] - self.said_at), 1000 * (new[0] - self.said_at) if new else None
        )

    async def _speak(self) -> None:
        step = SPEECH.bytes_in(FRAME_SECONDS)
        pieces = [self.speech[at : at + step] for at in range(0, len(self.speech), step)]
        for number in range(1500):
            pcm = pieces[number].ljust(step, b"\0") if number < len(pieces) else bytes(step)
            await self.satellite.send(Event("audio-chunk", dict(SPEECH_DATA), pcm))
            await asyncio.sleep(FRAME_SECONDS)

    async def _fillers(self) -> list[float]:
        return [float(moment) for moment in (await self.core.attributes(PLAYER))["heard"]]


async def forget(url: str) -> None:
    """Have the model read another prompt, so that ours is not cached."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "options": {"num_predict": 1}}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/api/chat", json=body) as answer:
        await answer.read()


@asynccontextmanager
async def open_bench(environment: str, read: float) -> AsyncIterator[Bench]:
    """Run a home with the component, and a satellite."""
    _, speech = await asyncio.to_thread(read_wav, RECORDING)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        core = await stack.enter_async_context(run_home_assistant(folder / "core", environment))
        ollama = await stack.enter_async_context(OllamaServer(RULES, ModelSpeed(read, 100.0)).run())
        recogniser, satellite = FakeDaemon(), ListeningSatellite()
        bench = Bench(core, ollama, satellite, speech, recogniser)
        recogniser.answer = bench.recognise
        await stack.enter_async_context(recogniser.serving(info=create_info()))
        await stack.enter_async_context(satellite.serving(info=satellite.info))
        tts = await Daemon.start("tts", "--engine", "espeak")
        stack.push_async_callback(tts.stop)
        await core.use_pipeline(
            stt=await core.add_wyoming(port_of(recogniser.uri), "stt"),
            tts=await core.add_wyoming(port_of(tts.uri), "tts"),
            conversation=await core.add_hybrid_llm(ollama.url, MODEL, cooldown=0),
        )
        entity = await core.add_wyoming(port_of(satellite.uri), "assist_satellite")
        await core.put_into_area("Workshop", devices=[await core.device_of(entity)], entities=[PLAYER])
        await asyncio.wait_for(satellite.joined.wait(), WAIT_SECONDS)
        yield bench


async def measure(environment: str, turns: int, read: float) -> None:
    """Print the table of one version of Home Assistant."""
    async with open_bench(environment, read) as bench:
        await bench.turn(QUESTION)  # loads the sentences, the voice and the model
        first = [await bench.turn("what is the history of paris")]
        cold = [await bench.turn(QUESTION, cold=True) for _ in range(turns)]
        warm = [await bench.turn(QUESTION) for _ in range(turns)]
        native = [await bench.turn(COMMAND) for _ in range(turns)]
        slow = [await bench.turn("what is the history of paris") for _ in range(turns)]
        quick = [await bench.turn("what is the future of paris") for _ in range(turns)]
        request = next(one.data for one in reversed(bench.ollama.requests_to("/api/chat")) if one.data.get("tools"))
        print(f"\n{await bench.core.versions()}; prompt with tools: {len(json.dumps(request)) // 1000} kB")
        print("| sentence | first sound of the answer, ms: median (least to most) | filler |\n|---|---|---|")
        for name, times in (
            ("the first one with a filler", first),
            ("cold", cold),
            ("warm", warm),
            ("native", native),
            ("model of 2 s", slow),
            ("model of 0.15 s", quick),
        ):
            print(
                f"| {name} | {spread([one.answer for one in times])} | {spread([one.filler for one in times if one.filler])} |"
            )
        ratio = statistics.median(one.answer for one in cold) / statistics.median(one.answer for one in warm)
        print(f"\ncold : warm = {ratio:.1f}")


def spread(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f})" if times else "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7, help="of each kind [%(default)s]")
    parser.add_argument("--read", type=float, default=1000.0, help="tokens a second that the model reads [%(default)s]")
    given = parser.parse_args()
    for environment in (OLD, NEWEST):
        try:
            asyncio.run(measure(environment, given.turns, given.read))
        except pytest.skip.Exception as err:
            print(f"{environment} is left out: {err}")


if __name__ == "__main__":
    main()
