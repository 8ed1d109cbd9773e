"""A site under fault: three brokers, a bridge, two workers, an executor and a device, each of which can be killed."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nats
from nats.js.api import AckPolicy, ConsumerConfig

from tests.brokers import Broker, Mosquitto, Nats, Redis, free_port
from tests.daemons import command
from tests.integration.bridge.scripted_daemons import POISON, audio_of, read_effects
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.envelope import decode
from wyoming_rosie.bus.failpoints import VARIABLE
from wyoming_rosie.bus.messages import AudioFormatData, Result, Say
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.bus.voice_node import VoiceNode
from wyoming_rosie.runtime.tasks import run_beside

DAEMONS = Path(__file__).with_name("daemons.py")
BRIDGE = (command("wyoming-rosie-bridge"),)
STAGES = {
    "bridge": ("ingest", "classify", "router", "reply"),
    "worker1": ("asr", "understand"),
    "worker2": ("asr", "understand"),
    "executor": ("execute",),
}
BROKERS = ("mosquitto", "redis", "nats")
DRAIN_SECONDS = 180.0


class Program:
    """A process of ours that can be killed and started again."""

    def __init__(self, words: Sequence[str], folder: Path, name: str) -> None:
        self.words, self.log = list(words), folder / f"{name}.log"
        self.failpoint = ""
        """Where it dies the next time that it is started."""
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        environment = {**os.environ, **({VARIABLE: self.failpoint} if self.failpoint else {})}
        self.failpoint = ""
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.words, stderr=log, stdout=log, env=environment)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            if number in (signal.SIGKILL, signal.SIGTERM):
                self.process.wait()

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None


@dataclass
class Report:
    """What became of the utterances."""

    sent: list[str]
    ends: dict[str, list[str]] = field(default_factory=dict)
    effects: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each utterance was carried out, by its key and its text."""
    kills: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def lost(self) -> list[str]:
        return [key for key in self.sent if key not in self.ends]

    @property
    def ended_twice(self) -> list[str]:
        return [key for key, ends in self.ends.items() if len(ends) > 1]

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(end for ends in self.ends.values() for end in ends)

    @property
    def done_without_effect(self) -> list[str]:
        carried_out = {key for key, _ in self.effects}
        return [key for key, ends in self.ends.items() if "done" in ends and key not in carried_out]

    @property
    def repeated(self) -> int:
        """Effects that were repeated, which only those that do no more the second time may be."""
        return sum(count - 1 for count in self.effects.values())

    @property
    def toggled_twice(self) -> list[str]:
        return [key for (key, text), count in self.effects.items() if text.startswith("toggle") and count > 1]

    def check(self) -> None:
        """Raise AssertionError unless every utterance has exactly one end."""
        assert not self.lost, f"{len(self.lost)} of {len(self.sent)} lost: {self.lost[:5]}; {self}"
        assert not self.ended_twice, f"more than one end: {self.ended_twice[:5]}"
        assert not self.done_without_effect, f"done without effect: {self.done_without_effect[:5]}"
        assert not self.toggled_twice, f"toggled more than once: {self.toggled_twice[:5]}"
        assert set(self.ends) <= set(self.sent)

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        kills = " ".join(f"{name} {count}" for name, count in sorted(self.kills.items())) or "none"
        return (
            f"{len(self.sent)} sent: {outcomes}; {len(self.lost)} lost, {len(self.ended_twice)} ended twice, "
            f"{self.repeated} effects repeated; kills: {kills}; {self.seconds:.0f} s"
        )


class Site:
    """All processes of a site. `bridge_words` starts the bridge, or a broken one that the suite must see."""

    def __init__(
        self,
        folder: Path,
        *,
        newer_nats: bool = True,
        bridge_words: Sequence[str] = BRIDGE,
        deadline_seconds: float = 600.0,
        idle_seconds: float = 3.0,
        redis_settings: Sequence[str] = (),
        flags: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.brokers: dict[str, Broker] = {
            "mosquitto": Mosquitto(folder / "mosquitto"),
            "redis": Redis(folder / "redis", redis_settings),
            "nats": Nats(folder / "nats", installed_by_pip=newer_nats),
        }
        self.database = folder / "effects.db"
        self._ports = [free_port() for _ in range(4)]
        vad, asr, intent, executor = (f"tcp://127.0.0.1:{port}" for port in self._ports)
        self.daemons = Program(
            [sys.executable, str(DAEMONS), str(self.database), *map(str, self._ports)], folder, "daemons"
        )
        shared = [
            "--role", "voice", "--broker.mqtt", self.brokers["mosquitto"].url, "--broker.redis",
            self.brokers["redis"].url, "--broker.nats", self.brokers["nats"].url, "--voice.vad-uri", vad,
            "--voice.asr-uri", asr, "--voice.intent-uri", intent, "--voice.executor-uri", executor,
            "--voice.idle-seconds", str(idle_seconds), "--voice.deadline-seconds", str(deadline_seconds), *flags,
        ]  # fmt: skip
        self.programs = {
            name: Program([*bridge_words, *shared, *_stage_flags(name, stages)], folder, name)
            for name, stages in STAGES.items()
        }
        self.report = Report([])
        self.verbs = ("turn on", "turn on")
        """What is commanded in turn; a toggle must not be repeated."""
        self.node_type: type[VoiceNode] = VoiceNode
        self.said: list[Say] = []
        """What the device was told to speak."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Site"]:
        """Run all processes during the block."""
        try:
            for broker in self.brokers.values():
                await broker.started()
            await asyncio.to_thread(self._start_programs)
            yield self
        finally:
            await asyncio.to_thread(self._kill_all)

    @asynccontextmanager
    async def device(self) -> AsyncIterator[VoiceNode]:
        """Run a device during the block."""
        mqtt = PahoMqtt(BrokerUrl(self.brokers["mosquitto"].url), "device")
        node = self.node_type(mqtt, "kitchen", self.folder / "outbox", lambda _, say: self.said.append(say))
        async with run_beside(mqtt.run()), run_beside(node.run()):
            yield node

    async def speak(self, node: VoiceNode, count: int, seconds: float, poison_every: int = 0) -> None:
        """Send utterances, evenly over a time."""
        began = time.monotonic()
        for number in range(count):
            text = POISON if poison_every and number % poison_every == 0 else f"{self.verbs[number % 2]} lamp {number}"
            self.report.sent.append(await node.send_audio(audio_of(text), AudioFormatData(), wake="okay_nabu"))
            await asyncio.sleep(max(0.0, began + (number + 1) * seconds / count - time.monotonic()))

    async def kill_at_random(self, seconds: float, seed: int, names_to_kill: Sequence[str] = ()) -> None:
        """Kill one process after the other, and start each again."""
        chance = random.Random(seed)
        targets: dict[str, Broker | Program] = {**self.brokers, **self.programs}
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(chance.uniform(0.8, 2.0))
            name = chance.choice(list(names_to_kill or targets))
            await asyncio.to_thread(targets[name].kill)
            self.report.kills[name] += 1
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            await asyncio.to_thread(targets[name].start)

    async def restart_dead(self) -> None:
        """Start the programs again that a failpoint has killed."""
        while True:
            for name, program in self.programs.items():
                if program.has_died():
                    self.report.kills[name] += 1
                    await asyncio.to_thread(program.start)
            await asyncio.sleep(0.1)

    async def drain(self, node: VoiceNode | None = None, seconds: float = DRAIN_SECONDS) -> Report:
        """Wait until each utterance has an end, or until nothing changes any more; return what became of them."""
        began = changed = time.monotonic()
        seen = -1
        while time.monotonic() < began + seconds:
            await self.read_ends()
            if len(self.report.ends) != seen:
                seen, changed = len(self.report.ends), time.monotonic()
            if not self.report.lost or time.monotonic() - changed > 30.0:
                break
            await asyncio.sleep(0.5)
        await asyncio.sleep(1.0)  # for ends that are one too many
        await self.read_ends()
        effects = await asyncio.to_thread(read_effects, self.database)
        self.report.effects = Counter(effects)
        return self.report

    async def read_ends(self) -> None:
        """Read every result in the stream of NATS."""
        client = await nats.connect(self.brokers["nats"].url, max_reconnect_attempts=-1, connect_timeout=5)
        try:
            js = client.jetstream()
            ends: dict[str, list[str]] = {}
            try:
                state = (await js.stream_info(names.RESULTS_STREAM)).state
            except nats.js.errors.NotFoundError:
                return
            subscription = await js.pull_subscribe(
                f"{names.AUTOMATION_RESULT}.>",
                stream=names.RESULTS_STREAM,
                config=ConsumerConfig(ack_policy=AckPolicy.NONE),
            )
            while sum(map(len, ends.values())) < state.messages:
                for message in await subscription.fetch(500, timeout=5):
                    envelope = decode(message.data)
                    ends.setdefault(envelope.key, []).append(schema.unwrap(Result, envelope).outcome)
            self.report.ends = ends
        except (nats.errors.Error, TimeoutError):
            return  # the next look finds them
        finally:
            await client.close()

    def _start_programs(self) -> None:
        self.daemons.start()
        for program in self.programs.values():
            program.start()

    def _kill_all(self) -> None:
        programs: list[Program | Broker] = [*self.programs.values(), self.daemons, *self.brokers.values()]
        for process in programs:
            process.kill(signal.SIGCONT)
            process.kill()


def _stage_flags(name: str, stages: Sequence[str]) -> list[str]:
    flags = [part for stage in stages for part in ("--stage", stage)]
    return [*flags, *(("--broker.mqtt-client-id", "bridge") if name == "bridge" else ())]
