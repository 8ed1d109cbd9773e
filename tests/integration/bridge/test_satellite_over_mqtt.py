"""A satellite without a conductor: what is said to it goes over real brokers through a real bridge, and the answer comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from wyoming.satellite import RunSatellite
from wyoming.server import AsyncEventHandler

from tests.brokers import Broker, Mosquitto, Nats, Redis, free_port
from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.integration.bridge.scripted_daemons import (
    HearingAsr,
    ScriptedActor,
    ScriptedTts,
    ScriptedUnderstanding,
    ScriptedVad,
    read_effects,
    serve_daemon,
    speech_of,
)
from tests.integration.bus.house import House, open_house
from tests.integration.satellite_room import SAID, Room, furnished, logged
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie.bus import schema
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.envelope import decode
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.messages import DeviceStatus, WakeHeard
from wyoming_rosie.bus.mqtt import PahoMqtt
from wyoming_rosie.runtime.tasks import run_beside

CONDUCTS = "bridge is the conductor of last resort"
PATIENCE = ("--voice.deadline-seconds", "600", "--voice.idle-seconds", "3")


class Listener:
    """Listens to what devices publish about themselves."""

    def __init__(self, url: BrokerUrl) -> None:
        self.states: list[tuple[str, DeviceStatus]] = []
        self.wake_words: list[tuple[str, str]] = []
        self._mqtt = PahoMqtt(url, "listener", is_persistent=False)
        self._mqtt.subscribe("voice/+/status", self._on_status)
        self._mqtt.subscribe("voice/+/wake", self._on_wake)

    async def run(self) -> None:
        await self._mqtt.run()

    @property
    def problem(self) -> str | None:
        return self._mqtt.problem

    async def _on_status(self, message: MqttMessage) -> None:
        self.states.append((message.topic, schema.unwrap(DeviceStatus, decode(message.payload))))

    async def _on_wake(self, message: MqttMessage) -> None:
        self.wake_words.append((message.topic, schema.unwrap(WakeHeard, decode(message.payload)).model))


class VoiceHouse:
    """Three brokers, a bridge and its daemons."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mosquitto: Broker = Mosquitto(folder / "mosquitto")
        self.brokers = [self.mosquitto, Redis(folder / "redis"), Nats(folder / "nats")]
        self.words = [""]

    @asynccontextmanager
    async def running(self, daemon: StartDaemon) -> AsyncIterator["VoiceHouse"]:
        async with AsyncExitStack() as stack:
            for broker in self.brokers:
                stack.callback(broker.kill)
                await broker.started()
            kinds: dict[str, Callable[..., AsyncEventHandler]] = {
                "vad-uri": ScriptedVad,
                "asr-uri": partial(HearingAsr, words=self.words),
                "intent-uri": ScriptedUnderstanding,
                "executor-uri": partial(ScriptedActor, database=self.folder / "effects.db"),
                "tts-uri": ScriptedTts,
            }
            daemons: list[str] = []
            for flag, kind in kinds.items():
                uri = await stack.enter_async_context(serve_daemon(kind, free_port()))
                daemons += [f"--voice.{flag}", uri]
            flags = ("--broker.mqtt", "--broker.redis", "--broker.nats")
            urls = [word for pair in zip(flags, (one.url for one in self.brokers), strict=True) for word in pair]
            await daemon("bridge", "--role", "voice", *urls, *daemons, *PATIENCE)
            yield self

    async def effects(self) -> list[str]:
        return [text for _, text in await asyncio.to_thread(read_effects, self.folder / "effects.db")]

    async def has_done(self, text: str) -> None:
        async with asyncio.timeout(60):
            while text not in await self.effects():
                await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
def said(shared_data: Path) -> bytes:
    """Return a wake word and a command."""
    word = read_wav(shared_data / "wake" / f"{SAID}.wav")[1]
    command = read_wav(shared_data / "commands-en" / "turn_on_standing_light.wav")[1]
    return word + bytes(SPEECH.bytes_in(0.3)) + command


def device(url: str, folder: Path) -> tuple[str, ...]:
    return ("--mqtt", url, "--name", "Living Room", "--data-dir", str(folder / "data"))


async def played(room: Room, text: str) -> None:
    """Wait until an answer has been played."""
    async with asyncio.timeout(60):
        while speech_of(text) not in await asyncio.to_thread(room.reply.read_bytes):
            await asyncio.sleep(0.1)


async def test_a_spoken_command_is_done_once_and_its_answer_is_played_though_the_broker_dies_meanwhile(
    daemon: StartDaemon, tmp_path: Path, said: bytes
) -> None:
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(VoiceHouse(tmp_path).running(daemon))
        listener = Listener(BrokerUrl(house.mosquitto.url))
        await stack.enter_async_context(run_beside(listener.run()))
        await wait_until(lambda: listener.problem is None)
        room = await stack.enter_async_context(furnished(daemon, tmp_path, *device(house.mosquitto.url, tmp_path)))
        await logged(room.satellite, CONDUCTS)
        house.words.append("turn on the lamp")
        room.voice.says(said)
        await played(room, "Done: turn on the lamp.")
        await wait_until(lambda: listener.wake_words)
        assert listener.wake_words == [("voice/living_room/wake", "okay_nabu")]

        await logged(room.satellite, "phase", phase="waiting", count=2)
        house.words.append("toggle the fan")
        room.voice.says(said)
        await logged(room.satellite, "phase", phase="streaming", count=2)
        await house.mosquitto.killed()
        await house.mosquitto.started()
        await house.has_done("toggle the fan")
        await played(room, "Done: toggle the fan.")
        assert await house.effects() == ["turn on the lamp", "toggle the fan"]
        recorded = await asyncio.to_thread(room.reply.read_bytes)
        assert recorded.count(speech_of("Done: toggle the fan.")) == 1


async def test_a_conductor_that_is_connected_gets_the_command_and_the_bridge_does_not(
    daemon: StartDaemon, tmp_path: Path, said: bytes
) -> None:
    mosquitto = Mosquitto(tmp_path / "mosquitto")
    await mosquitto.started()
    try:
        async with furnished(daemon, tmp_path, *device(mosquitto.url, tmp_path)) as room:
            await logged(room.satellite, CONDUCTS)
            await room.conductor.says(RunSatellite().event())
            await room.conductor.is_heard()
            room.voice.says(said)
            await room.conductor.hears("run-pipeline")
            assert room.satellite.lines("utterance is sent to the bridge") == []
    finally:
        await mosquitto.killed()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=lambda one: one.name)
async def test_a_satellite_says_that_it_is_online_and_it_or_the_broker_that_it_is_gone(
    tmp_path: Path, end: signal.Signals
) -> None:
    mosquitto = Mosquitto(tmp_path / "mosquitto")
    await mosquitto.started()
    listener = Listener(BrokerUrl(mosquitto.url))
    silence = tmp_path / "silence.wav"
    await asyncio.to_thread(write_wav, silence, SPEECH, bytes(3200))
    try:
        async with run_beside(listener.run()):
            devices = ("--mic", f"wav:{silence}", "--snd", f"wav:{tmp_path / 'reply.wav'}")
            satellite = await Daemon.start("satellite", *devices, *device(mosquitto.url, tmp_path))
            await wait_until(lambda: listener.states)
            satellite.process.send_signal(end)
            await wait_until(lambda: len(listener.states) == 2)
            await satellite.stop()
            topics, states = zip(*listener.states, strict=True)
            assert set(topics) == {"voice/living_room/status"}
            assert [state.state for state in states] == ["online", "offline"]
    finally:
        await mosquitto.killed()


@pytest.fixture(scope="module")
def secure_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house")) as one:
        yield one


@asynccontextmanager
async def secure_satellite(house: House, device_id: str, folder: Path) -> AsyncIterator[Daemon]:
    """Run a satellite that is the user kitchen of a broker with TLS, passwords and an ACL."""
    silence = folder / "silence.wav"
    await asyncio.to_thread(write_wav, silence, SPEECH, bytes(3200))
    satellite = await Daemon.start(
        "satellite", "--mic", f"wav:{silence}", "--snd", f"wav:{folder / 'reply.wav'}", "--mqtt-device-id", device_id,
        "--mqtt", f"mqtts://kitchen@127.0.0.1:{house.mosquitto.port}", "--mqtt-ca-file", str(house.ca_file),
        "--data-dir", str(folder / "data"),
        env={"MQTT_PASSWORD": house.secret("kitchen", "MQTT_PASSWORD")},
    )  # fmt: skip
    try:
        yield satellite
    finally:
        assert await satellite.stop() == 0


async def test_a_satellite_proves_who_it_is_to_a_broker_with_tls(secure_house: House, tmp_path: Path) -> None:
    listener = Listener(secure_house.mqtt_url("bridge-voice"))
    async with run_beside(listener.run()), secure_satellite(secure_house, "kitchen", tmp_path) as satellite:
        await logged(satellite, CONDUCTS)
        await wait_until(lambda: listener.states)
        assert listener.states[0][0] == "voice/kitchen/status"
