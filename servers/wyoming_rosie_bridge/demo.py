"""`wyoming-rosie-bridge --demo`: a spoken command, a Frigate storm and a prompt go through all roles in this process."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console

from wyoming_rosie import logging
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.interface import Buses
from wyoming_rosie.bus.memory import create_memory_buses
from wyoming_rosie.bus.messages import AudioMeta, ModelPrompt, ResponseFinal, Result
from wyoming_rosie.commands.demo import COMMAND
from wyoming_rosie.commands.processes import run_server
from wyoming_rosie.errors import RosieError
from wyoming_rosie.home.model import DEMO_HOME
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_bridge.config import BridgeConfig
from wyoming_rosie_bridge.mind.role import MindRole
from wyoming_rosie_bridge.role import BridgeContext, Role
from wyoming_rosie_bridge.stage_metrics import StageMetrics
from wyoming_rosie_bridge.vision.role import VisionRole
from wyoming_rosie_bridge.voice.role import VoiceRole
from wyoming_rosie_bridge.worker import run_stage

DEVICE = "demo"
STEP_SECONDS = 30.0
SETTLE_SECONDS = 1.0
"""Silence after which a storm is over."""
OBJECTS, UPDATES = 40, 50
PROMPT = "what time is it?"


class DemoError(RosieError):
    """Something did not come out of the bridge."""


class EventLog:
    """The events that come out of the bridge, printed as they come."""

    def __init__(self, console: Console) -> None:
        self.counts: Counter[str] = Counter()
        self.shows = True
        self._console = console
        self._began = time.monotonic()
        self._last = self._began
        self._messages: dict[str, Envelope] = {}

    def begin(self) -> None:
        """Count time and events from now on."""
        self._began = self._last = time.monotonic()
        self.counts.clear()

    def show(self, name: str, detail: str = "") -> None:
        """Print a step with the time since the beginning."""
        self._console.print(f"  {1000 * (time.monotonic() - self._began):6.0f} ms   {name:<38}{detail}", markup=False)

    async def read(self, buses: Buses) -> None:
        """Keep and print each event until cancelled."""
        async with buses.events.listen(">") as messages:
            async for message in messages:
                self._last = time.monotonic()
                self.counts[_describe(message)] += 1
                self._messages[message.schema] = message
                if self.shows:
                    self.show(_describe(message), _detail(message))

    async def wait_for(self, schema_name: str) -> Envelope:
        """Return the first message of a schema. Raises DemoError."""
        try:
            async with asyncio.timeout(STEP_SECONDS):
                while schema_name not in self._messages:  # noqa: ASYNC110 - a look at a dictionary
                    await asyncio.sleep(0.02)
        except TimeoutError as err:
            raise DemoError(f"no {schema_name} came out of the bridge within {STEP_SECONDS:g} s") from err
        return self._messages[schema_name]

    async def settle(self) -> None:
        """Wait until nothing comes any more."""
        while time.monotonic() - self._last < SETTLE_SECONDS:  # noqa: ASYNC110 - it waits for silence
            await asyncio.sleep(0.05)


async def run_demo(settings: BridgeConfig) -> None:
    """Show each role at work, in memory and on private ports. Raises DemoError, ConfigError."""
    console = Console(soft_wrap=True, highlight=False)
    logging.configure("bridge", only_warnings=True)
    began = time.monotonic()
    buses = create_memory_buses()
    log = EventLog(console)
    async with AsyncExitStack() as stack:
        with console.status("starting vad, asr and intent"):
            uris = await stack.enter_async_context(_run_daemons())
        await stack.enter_async_context(_run_roles(settings, buses, uris))
        await stack.enter_async_context(run_beside(log.read(buses)))
        console.print(f"Ready after {time.monotonic() - began:.1f} s: no broker, the buses are in memory.")
        await _speak(console, buses, log)
        await _storm(console, buses, log)
        await _prompt(console, buses, log)
    console.print("Next: docs/bridge.md tells how to run it with mosquitto, Redis and NATS.", markup=False)


async def _speak(console: Console, buses: Buses, log: EventLog) -> None:
    console.print(f"\nA device publishes a recording ({COMMAND.name}) to voice/{DEVICE}/audio_meta:")
    _, pcm = await asyncio.to_thread(read_wav, COMMAND)
    uri = await buses.jobs.put_blob(f"{DEVICE}:1", pcm, STEP_SECONDS)
    log.begin()
    envelope = schema.wrap(AudioMeta(uri, area="Kitchen"), key=f"{DEVICE}:1", source=DEVICE, now=time.time())
    await buses.mqtt.publish(names.voice_topic(DEVICE, "audio_meta"), envelope.encode())
    result = schema.unwrap(Result, await log.wait_for(schema.schema_of(Result)))
    if not result.ok:
        raise DemoError(f"the command was not carried out: {result.detail or result.message}")


async def _storm(console: Console, buses: Buses, log: EventLog) -> None:
    messages = list(create_storm(OBJECTS, UPDATES, seed=1))
    console.print(f"\nFrigate publishes {len(messages)} messages about {OBJECTS} objects, as fast as it can:")
    log.shows = False
    log.begin()
    for message in messages:
        await buses.mqtt.publish("frigate/events", json.dumps(message).encode(), 0)
    await log.settle()
    for name, count in sorted(log.counts.items()):
        console.print(f"  {count:6d}      {name}")
    if not log.counts:
        raise DemoError("no event came out of the storm")


async def _prompt(console: Console, buses: Buses, log: EventLog) -> None:
    console.print(f'\nA script asks the language models "{PROMPT}" (llm:incoming):')
    log.shows = True
    log.begin()
    envelope = schema.wrap(ModelPrompt(PROMPT, "demo"), key="demo:prompt:1", source="demo", now=time.time())
    await buses.jobs.add(names.LLM_INCOMING, envelope)
    await log.wait_for(schema.schema_of(ResponseFinal))


def create_storm(objects: int, updates: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield Frigate's event messages: people and cars that come, move through zones, and leave, all mixed."""
    chance, now = random.Random(seed), time.time()  # noqa: S311 - it shows, and hides nothing
    tracked = [_create_object(number, chance, now) for number in range(objects)]
    for about in tracked:
        yield {"type": "new", "before": about, "after": about}
    for round_number in range(updates):
        for index, before in enumerate(tracked):
            zones = ["driveway"] if round_number > updates // 2 else []
            after = {**before, "current_zones": zones, "entered_zones": zones, "frame_time": now + round_number / 5}
            tracked[index] = after
            yield {"type": "update", "before": before, "after": after}
    for about in tracked:
        yield {"type": "end", "before": about, "after": {**about, "end_time": now + updates / 5}}


def _create_object(number: int, chance: random.Random, now: float) -> dict[str, Any]:
    score = round(chance.uniform(0.7, 0.95), 3)
    return {
        "id": f"{now:.6f}-{number:06d}", "camera": "front_door", "frame_time": now, "start_time": now, "end_time": None,
        "label": chance.choice(["person", "car"]), "sub_label": None, "score": score, "top_score": score,
        "false_positive": False, "box": [10, 10, 90, 190], "area": 14_400, "region": [0, 0, 320, 320],
        "stationary": False, "active": True, "motionless_count": 0, "position_changes": 1, "current_zones": [],
        "entered_zones": [], "has_snapshot": False, "has_clip": False,
    }  # fmt: skip


@asynccontextmanager
async def _run_daemons() -> AsyncIterator[dict[str, str]]:
    """Run the daemons on free ports; yield their URIs by part."""
    home = ("--home", str(DEMO_HOME))
    starts = {
        "vad": run_server("vad"),
        "asr": run_server("asr", *home),
        "intent": run_server("intent", *home),
    }
    async with AsyncExitStack() as stack:
        processes = await asyncio.gather(*(stack.enter_async_context(start) for start in starts.values()))
        yield {part: process.uri for part, process in zip(starts, processes, strict=True)}


@asynccontextmanager
async def _run_roles(settings: BridgeConfig, buses: Buses, uris: dict[str, str]) -> AsyncIterator[None]:
    voice = replace(
        settings.voice,
        vad_uri=uris["vad"],
        asr_uri=uris["asr"],
        intent_uri=uris["intent"],
        executor_uri=None,
        grammar_uri=None,
        wake_uri=None,
        deadline_seconds=STEP_SECONDS,
    )
    context = BridgeContext(buses, StageMetrics(Metrics()))
    roles: list[Role] = [
        VoiceRole(voice, context),
        VisionRole(settings.vision, context),
        MindRole(replace(settings.mind, intent_uri=(uris["intent"],), cloud_uri=None), context),
    ]
    async with AsyncExitStack() as stack:
        for role in roles:
            for stage in role.stages():
                await stack.enter_async_context(run_beside(run_stage(stage, context.metrics)))
            for task in role.tasks():
                await stack.enter_async_context(run_beside(task))
        yield


def _describe(message: Envelope) -> str:
    """Return what a message is about: its schema, and of an event its label and phase."""
    name = message.schema.removeprefix("rosie.v1.")
    if name == "vision.event":
        return f"{name}: {message.data.get('label')} {message.data.get('phase')}"
    return name


def _detail(message: Envelope) -> str:
    data = message.data
    parts = (data.get("category"), data.get("intent"), data.get("route"), data.get("outcome"), data.get("message"))
    texts = [str(part) for part in (*parts, data.get("text")) if part]
    return ": ".join(dict.fromkeys(texts))
