"""Latency of language models: from a sentence to the first words, with and without a warm-up at the wake word.

python benchmarks/models.py [--turns 15]

The last table has the latency through hub, intent and tts, for rules and for models; wake word and speech are simulated.

The model is scripted: it reads at a fixed speed, caches prompts, and answers at once. For each turn a plain client sends
the same request as the daemon, after the same warm-up: the difference is the daemon's own latency.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from time import perf_counter

import aiohttp
from wyoming.event import Event

from tests.daemons import Daemon
from tests.fakes import FakeDaemon, FakeSatellite, ignore_event
from tests.ollama_model import ModelSpeed
from tests.ollama_script import Rule
from tests.ollama_server import OllamaServer
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.protocol.server import Send

READ = 1000.0
"""Tokens a second: a small model on a small computer."""
SPEAKING_SECONDS = 2.5
QUESTION = "what is the capital of France"
SLOW = "what is the history of Paris"
SOON = "what will be soon"
RULES = (
    Rule("history", "It began on an island.", wait_seconds=2.0),
    Rule("soon", "It is soon.", wait_seconds=0.15),
    Rule(say="It is Paris."),
)


async def first(peer: Client, kind: str) -> float:
    """Return the milliseconds until an event of this type; -1 if the answer ends without one."""
    began = perf_counter()
    milliseconds = -1.0
    while (event := await peer.receive(30)).type != "handled-stop":
        if event.type == kind and milliseconds < 0:
            milliseconds = 1000 * (perf_counter() - began)
    return milliseconds


async def ask(uri: str, text: str, turn_id: str, *, wakes: bool, kind: str = "handled-chunk") -> float:
    context = {"turn_id": turn_id, "conversation_id": turn_id, "area": "kitchen"}
    async with connect(uri) as peer:
        if wakes:
            await peer.send(Event("detection", {"name": "okay_nabu", "context": context}))
            await asyncio.sleep(SPEAKING_SECONDS)
        await peer.send(Event("transcript", {"text": text, "context": context}))
        return await first(peer, kind)


async def raw(session: aiohttp.ClientSession, url: str, body: bytes) -> float:
    """Return the milliseconds until the first words of a request by a plain client."""
    began = perf_counter()
    milliseconds = -1.0
    async with session.post(f"{url}/api/chat", data=body) as answer:
        async for line in answer.content:
            if milliseconds < 0 and json.loads(line)["message"]["content"]:
                milliseconds = 1000 * (perf_counter() - began)
    return milliseconds


async def forget(session: aiohttp.ClientSession, url: str) -> None:
    """Have the model read another prompt, so that ours is not cached."""
    body = {"model": "scripted", "messages": [{"role": "user", "content": "x"}], "options": {"num_predict": 1}}
    async with session.post(f"{url}/api/chat", json=body) as answer:
        await answer.read()


async def pairs(
    turns: int, prepare: Callable[[], Awaitable[None]], server: OllamaServer, uri: str, *, wakes: bool
) -> tuple[list[float], list[float]]:
    """Return the latencies of the daemon and of a plain client."""
    ours, by_hand = [], []
    async with aiohttp.ClientSession() as session:
        for number in range(turns):
            await prepare()
            ours.append(await ask(uri, QUESTION, f"{'warm' if wakes else 'cold'}{number}", wakes=wakes))
            bodies = [request.body for request in server.requests_to("/api/chat")]
            await prepare()
            if wakes:
                await raw(session, server.url, bodies[-2])
            by_hand.append(await raw(session, server.url, bodies[-1]))
    return ours, by_hand


def row(name: str, ours: Sequence[float], by_hand: Sequence[float]) -> None:
    extra = statistics.median(one - other for one, other in zip(ours, by_hand, strict=True))
    print(f"| {name} | {statistics.median(ours):.0f} | {statistics.median(by_hand):.0f} | {extra:.1f} |")


class Room:
    """A satellite of a hub with our intent and tts; its transcripts are given."""

    def __init__(self) -> None:
        self.sentence = ""
        self.satellite = FakeSatellite()
        self.vad = FakeDaemon(ignore_event)
        self.asr = FakeDaemon(self._recognise)

    async def hear(self, sentence: str) -> tuple[float | None, float]:
        """Return the milliseconds from the sentence to the first audio of the filler, if any, and of the answer."""
        self.sentence, begins = sentence, len(self.satellite.heard)
        await self.satellite.wake(f"turn-{begins}")
        await self.satellite.speak(SPEAKING_SECONDS)
        await self.satellite.send(Event("audio-stop"))
        await self.satellite.wait_for("transcript", after=begins)
        began = perf_counter()
        first = await self.satellite.wait_for("audio-chunk", "synthesize", after=begins, seconds=20)
        filled = 1000 * (perf_counter() - began) if first.type == "audio-chunk" else None
        told = [event.type for event in self.satellite.heard].index("synthesize", begins) if filled is None else 0
        while not told:
            await self.satellite.wait_for("synthesize", after=begins, seconds=20)
            told = [event.type for event in self.satellite.heard].index("synthesize", begins)
        await self.satellite.wait_for("audio-chunk", after=told, seconds=20)
        answered = 1000 * (perf_counter() - began)
        await self.satellite.wait_for("audio-stop", after=told, seconds=20)
        await self.satellite.send(Event("played"))
        return filled, answered

    async def _recognise(self, event: Event, send: Send) -> None:
        if event.type == "audio-stop":
            await send(Event("transcript", {"text": self.sentence}))


async def listen(turns: int, intent: str) -> None:
    """Print the latencies through the hub."""
    room = Room()
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            for fake in (room.satellite, room.vad, room.asr):
                await stack.enter_async_context(fake.serving(info=getattr(fake, "info", None)))
            tts = await Daemon.start("tts")
            stages = (
                "--vad-uri",
                room.vad.uri,
                "--asr-uri",
                room.asr.uri,
                "--intent-uri",
                intent,
                "--tts-uri",
                tts.uri,
            )
            hub = await Daemon.start(
                "hub", "--satellite", room.satellite.uri, *stages, "--no-zeroconf", "--data-dir", folder
            )
            await hub.wait_for_line("satellite connected")
            print("\n| heard after the sentence, ms | filler | answer |\n|---|---|---|")
            for name, sentence in (
                ("rules", "turn on the kitchen light"), ("a model that takes 2 s", SLOW), ("one that takes 0.15 s", SOON)
            ):  # fmt: skip
                heard = [await room.hear(sentence) for _ in range(turns)]
                fillers = [filler for filler, _ in heard if filler is not None]
                filled = (
                    f"{statistics.median(fillers):.0f} ({min(fillers):.0f} to {max(fillers):.0f})"
                    if fillers
                    else "none"
                )
                print(f"| {name} | {filled} | {statistics.median(answer for _, answer in heard):.0f} |")
            await hub.stop()
            await tts.stop()


async def measure(turns: int) -> None:
    async with OllamaServer(RULES, ModelSpeed(read_rate=READ)).run() as server, aiohttp.ClientSession() as session:
        daemon = await Daemon.start("intent", "--local.model", "scripted", "--local.url", server.url, "--no-warm-up")
        uri = daemon.uri

        async def cold() -> None:
            await forget(session, server.url)

        print("| the model's prompt | sentence to first words, ms | the same request by hand, ms | ours, ms |")
        print("|---|---|---|---|")
        row("read when the sentence comes (cold)", *await pairs(turns, cold, server, uri, wakes=False))
        row("read at the wake word (warm)", *await pairs(turns, cold, server, uri, wakes=True))
        fillers = [await ask(uri, SLOW, f"slow{one}", wakes=True, kind="user-event") for one in range(turns)]
        soon = [await ask(uri, SOON, f"soon{one}", wakes=True, kind="user-event") for one in range(turns)]
        print("\n| the model's first word after | filler sent after, ms | least, most |\n|---|---|---|")
        print(f"| 2 s | {statistics.median(fillers):.0f} | {min(fillers):.0f}, {max(fillers):.0f} |")
        none = all(one < 0 for one in soon)
        print(f"| 0.15 s | {'none' if none else f'{max(soon):.0f}'} | |")
        await listen(turns, uri)
        await daemon.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=15, help="of each kind [%(default)s]")
    asyncio.run(measure(parser.parse_args().turns))


if __name__ == "__main__":
    main()
