"""The conductor over MQTT, with a broker in memory and a satellite whose speaker is a fake."""

import asyncio
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from wyoming.event import Event
from wyoming.satellite import RunSatellite

from tests.unit.satellite.fakes import RecordingSpeaker
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.bus import schema
from wyoming_rosie.bus.envelope import Envelope, decode
from wyoming_rosie.bus.interface import MqttMessage
from wyoming_rosie.bus.memory import MemoryMqtt
from wyoming_rosie.bus.messages import (
    MAX_AUDIO_META_BYTES,
    MAX_INLINE_BYTES,
    AudioFormatData,
    AudioMeta,
    DeviceStatus,
    Receipt,
    Say,
    SpeechData,
    WakeHeard,
)
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie_satellite import factory
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.handler import SatelliteHandler
from wyoming_rosie_satellite.integrations.mqtt_conductor import MqttConductor, VoiceDevice
from wyoming_rosie_satellite.integrations.observers import Observers
from wyoming_rosie_satellite.messages import SatellitePhase
from wyoming_rosie_satellite.satellite import Satellite, SatelliteComponents

FORMAT = AudioFormatData()
FRAME = b"\x01\x00" * 320
FAILURE_CUE = b"\x07\x00" * 160


class MemoryBroker(MemoryMqtt):
    """A broker that can be lost."""

    async def run(self) -> None:
        await asyncio.Event().wait()


class SilentDevice:
    """A satellite, its conductor over MQTT, and what is published."""

    def __init__(self, folder: Path) -> None:
        self.speaker = RecordingSpeaker()
        observers = Observers()
        self.satellite = Satellite(self.speaker, SatelliteComponents({m.Cue.ERROR: FAILURE_CUE}, observers=observers))
        self.mqtt = MemoryBroker()
        device = VoiceDevice("kitchen", "Kitchen", "en")
        self.conductor = MqttConductor(self.mqtt, device, folder / "mqtt", self.satellite)
        observers.add(self.conductor)

    def published(self, leaf: str) -> list[MqttMessage]:
        return [one for one in self.mqtt.published if one.topic == f"voice/kitchen/{leaf}"]

    async def speak(self, seconds: float = 0.1, *, stops: bool = True) -> Envelope:
        """Say a command to the satellite; return what is published of it. Without `stops` it hears no end of speech."""
        before = len(self.published("audio_meta"))
        self.satellite.handle(m.WakeWord("okay_nabu", 0, "t1", 0.9))
        for _ in range(round(seconds / 0.02)):
            self.satellite.handle(m.MicAudio(FRAME))
        if stops:
            self.satellite.handle(m.StopRequested())
        await wait_until(lambda: len(self.published("audio_meta")) > before)
        return decode(self.published("audio_meta")[-1].payload, MAX_AUDIO_META_BYTES)

    async def answer(self, cause: Envelope, *messages: Receipt | Say) -> None:
        for message in messages:
            leaf = "receipt" if isinstance(message, Receipt) else "say"
            answer = schema.follow(cause, message, "bridge", cause.ts)
            await self.mqtt.publish(f"voice/kitchen/{leaf}", answer.encode())


@asynccontextmanager
async def conducting(folder: Path) -> AsyncIterator[SilentDevice]:
    device = SilentDevice(folder)
    async with run_beside(device.satellite.player.run()), run_beside(device.conductor.run()):
        await wait_until(lambda: device.satellite.phase is SatellitePhase.WAITING)
        yield device


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[SilentDevice]:
    async with conducting(tmp_path) as made:
        yield made


def pieces(*parts: bytes, text: str = "Done.") -> list[Say]:
    return [
        Say(
            "" if number else text,
            audio=SpeechData(b64encode(part).decode(), FORMAT, number, number == len(parts) - 1),
        )
        for number, part in enumerate(parts)
    ]


async def test_what_was_said_is_published_with_its_wake_word_and_its_room(device: SilentDevice) -> None:
    meta = schema.unwrap(AudioMeta, await device.speak())
    assert meta.wake is not None
    assert (meta.wake.name, meta.area, meta.language, meta.fmt) == ("okay_nabu", "Kitchen", "en", FORMAT)
    assert b64decode(meta.inline or "") == FRAME * 5
    (heard,) = device.published("wake")
    assert schema.unwrap(WakeHeard, decode(heard.payload)) == WakeHeard("okay_nabu", 0.9)


async def test_a_command_is_cut_where_a_message_ends(device: SilentDevice) -> None:
    meta = schema.unwrap(AudioMeta, await device.speak(seconds=20.0, stops=False))
    assert len(b64decode(meta.inline or "")) == MAX_INLINE_BYTES > SPEECH.bytes_in(15.0)
    assert device.satellite.phase is SatellitePhase.THINKING


async def test_an_answer_in_pieces_is_played_once_and_in_order(device: SilentDevice) -> None:
    cause = await device.speak()
    said = pieces(b"ab" * 100, b"cd" * 100, b"ef" * 100)
    await device.answer(cause, Receipt("stored"), *said, *said)
    await wait_until(lambda: device.satellite.phase is SatellitePhase.WAITING)
    assert device.speaker.played == b"ab" * 100 + b"cd" * 100 + b"ef" * 100


async def test_a_failure_without_audio_is_told_by_the_satellites_own_sound(device: SilentDevice) -> None:
    await device.answer(await device.speak(), Receipt("stored"), Say("That failed.", "failure"))
    await wait_until(lambda: device.speaker.played)
    assert device.speaker.played == FAILURE_CUE
    assert device.satellite.phase is SatellitePhase.WAITING


async def test_an_answer_without_audio_ends_the_run_quietly(device: SilentDevice) -> None:
    await device.answer(await device.speak(), Say("Done."))
    await wait_until(lambda: device.satellite.phase is SatellitePhase.WAITING)
    assert device.speaker.played == b""


@pytest.mark.parametrize(
    "audio",
    [SpeechData("no base64"), SpeechData("AAAA", AudioFormatData(rate=1)), SpeechData("AAA=")],
    ids=["no base64", "a rate that cannot be", "half a sample"],
)
async def test_after_an_answer_that_cannot_be_played_the_next_one_is(device: SilentDevice, audio: SpeechData) -> None:
    await device.answer(await device.speak(), Say("Done.", audio=audio))
    await device.answer(await device.speak(), *pieces(b"ab" * 100))
    await wait_until(lambda: device.speaker.played.endswith(b"ab" * 100))


async def test_a_rejected_utterance_is_a_failure_for_who_waits(device: SilentDevice) -> None:
    await device.answer(await device.speak(), Receipt("rejected", "no"))
    await wait_until(lambda: device.speaker.played)
    assert device.speaker.played == FAILURE_CUE


async def test_an_answer_waits_while_the_next_command_is_spoken(device: SilentDevice) -> None:
    cause = await device.speak()
    device.satellite.handle(m.WakeWord("okay_nabu", 0, "t2", 0.9))
    await device.answer(cause, *pieces(b"ab" * 100))
    device.satellite.handle(m.MicAudio(FRAME))
    await asyncio.sleep(0)
    assert device.satellite.phase is SatellitePhase.STREAMING
    device.satellite.handle(m.StopRequested())
    await wait_until(lambda: device.speaker.played)
    assert device.speaker.played == b"ab" * 100


async def test_another_conductor_gets_the_commands_as_if_there_were_no_bridge(device: SilentDevice) -> None:
    told: list[str] = []

    async def hear(event: Event) -> None:
        told.append(event.type)

    other = SatelliteHandler(device.satellite, hear)
    await other.on_event(RunSatellite().event())
    device.satellite.handle(m.WakeWord("okay_nabu", 0, "t1", 0.9))
    device.satellite.handle(m.MicAudio(FRAME))
    device.satellite.handle(m.StopRequested())
    await wait_until(lambda: "audio-stop" in told)
    await wait_until(lambda: device.published("wake"))
    assert device.published("audio_meta") == []
    await other.close()


async def test_a_program_can_speak_in_a_room_whose_satellite_has_another_conductor(device: SilentDevice) -> None:
    async def ignore(event: Event) -> None:
        assert event.type != "error"

    other = SatelliteHandler(device.satellite, ignore)
    await other.on_event(RunSatellite().event())
    (said,) = pieces(b"ab" * 100)
    envelope = schema.wrap(said, key="door:1", source="door", now=time.time())
    await device.mqtt.publish("voice/kitchen/say", envelope.encode())
    await wait_until(lambda: device.speaker.played)
    assert device.speaker.played == b"ab" * 100
    await other.close()


async def test_the_state_is_retained_and_counts_what_waits_for_a_receipt(device: SilentDevice) -> None:
    def latest() -> DeviceStatus:
        return schema.unwrap(DeviceStatus, decode(device.published("status")[-1].payload))

    await wait_until(lambda: device.published("status"))
    assert device.published("status")[0].retained
    assert (latest().state, latest().outbox) == ("online", 0)
    cause = await device.speak()
    await wait_until(lambda: latest().outbox == 1)
    await device.answer(cause, Receipt("stored"))
    await wait_until(lambda: latest().outbox == 0)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"mqtt": "mqtt://10.0.0.1"}, "--mqtt-plain"),
        ({"mqtt": "redis://127.0.0.1"}, "mqtt://"),
        ({"mqtt": "mqtt://127.0.0.1", "ends_commands": False}, "--ends-commands"),
        ({"mqtt": "mqtt://127.0.0.1", "mqtt_device_id": "a/b"}, "--mqtt-device-id"),
        ({"mqtt": "mqtt://me:secret@127.0.0.1"}, "MQTT_PASSWORD"),
    ],
    ids=["plain", "another broker", "no end of speech", "an ID with a slash", "a password in the URL"],
)
async def test_settings_that_cannot_work_are_refused(changes: dict[str, object], problem: str) -> None:
    build: Callable[..., SatelliteConfig] = SatelliteConfig
    with pytest.raises(ConfigError, match=problem):
        factory.create_mqtt_conductor(build(**changes), Satellite(RecordingSpeaker()))


def test_the_device_has_the_satellites_name() -> None:
    build: Callable[..., SatelliteConfig] = SatelliteConfig
    assert factory._create_device_id(build(name="Living Room #1")) == "living_room_1"
