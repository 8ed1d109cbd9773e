"""Our satellite as an ESPHome device of the real Home Assistant: adopted by its flow, turns, questions, keys, losses."""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.integration.satellite_room import Voice, logged
from tests.interop.home_assistant import HomeAssistant, port_of
from tests.interop.peers import free_port
from tests.interop.test_home_assistant_satellite import HOME
from tests.interop.text_recogniser import TextDaemon, run_speech
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie.commands.diagnostics.machine import find_esphome_keys
from wyoming_rosie.runtime.child_processes import send_signal

pytestmark = [pytest.mark.interop]
WRONG_KEY = "d3JvbmcgIGtleSAgd3JvbmcgIGtleSAgd3JvbmcgIDE="


@dataclass
class EspHomeHouse:
    """A core with the engines of a pipeline, and the means to start satellites."""

    core: HomeAssistant
    daemon: StartDaemon
    folder: Path
    voice: Voice
    speech: bytes
    recogniser: TextDaemon
    engines: dict[str, str]
    port: int = field(default_factory=free_port)
    entity: str = ""
    seen: int = 0  # phases

    async def start(self, *arguments: str, by: StartDaemon | None = None) -> Daemon:
        satellite = await (by or self.daemon)(
            "satellite", "--esphome", "--esphome-uri", f"tcp://127.0.0.1:{self.port}", "--name", "Kitchen",
            "--mic-command", self.voice.command, "--snd", f"wav:{self.folder / 'played.wav'}",
            "--data-dir", str(self.folder / "data"), "--wake-refractory-seconds", "0.5", *arguments,
        )  # fmt: skip
        await satellite.wait_for_line("ESPHome API")
        return satellite

    async def adopt(self, satellite: Daemon, key: str | None = None) -> None:
        """Add the satellite as a person does, and wait until it is conducted."""
        made = await self.flow(key)
        assert made["type"] == "create_entry", made
        sends_key = self.core.is_newest and key is None
        await logged(satellite, "conductor joined", 2 if sends_key else 1)
        self.entity = await self.find("assist_satellite")
        await self.state(self.entity, "idle")
        self.seen = len(satellite.lines("phase"))

    async def flow(self, key: str | None = None) -> dict[str, Any]:
        """Return the result of the flow that adds the satellite."""
        begun = await self.core.post("config/config_entries/flow", handler="esphome")
        path = f"config/config_entries/flow/{begun['flow_id']}"
        asked = await self.core.post(path, host="127.0.0.1", port=self.port)
        return asked if key is None else await self.core.post(path, noise_psk=key)

    async def find(self, domain: str, name: str = "") -> str:
        """Return the id of one of the device's entities."""

        def is_found(entity: dict[str, Any]) -> bool:
            return (
                entity["platform"] == "esphome"
                and entity["entity_id"].startswith(f"{domain}.")
                and name in entity["entity_id"]
            )

        async with asyncio.timeout(60):
            while not (found := [one for one in await self.core.ask("config/entity_registry/list") if is_found(one)]):
                await asyncio.sleep(0.2)
        return str(found[0]["entity_id"])

    async def phase(self, satellite: Daemon, phase: str) -> None:
        """Wait until the satellite enters a phase after those that were waited for before."""
        async with asyncio.timeout(60):
            while True:
                phases = satellite.lines("phase")
                for number, line in enumerate(phases[self.seen :], self.seen + 1):
                    if line["phase"] == phase:
                        self.seen = number
                        return
                await asyncio.sleep(0.02)

    async def state(self, entity: str, state: str) -> None:
        async with asyncio.timeout(60):
            while await self.core.state(entity) != state:
                await asyncio.sleep(0.2)

    def is_saved(self) -> bool:
        """Return whether the core has written down what was set up; it takes its time."""
        saved = [self.core.folder / ".storage" / name for name in ("core.config_entries", "assist_pipeline.pipelines")]
        return all(file.exists() for file in saved) and all(
            word in file.read_text() for file, word in zip(saved, ("esphome", self.engines["tts"]), strict=True)
        )

    def say(self, text: str) -> None:
        """Say the wake word and a command that is transcribed as `text`."""
        self.recogniser.text = text
        self.voice.says(self.speech)

    async def announce(self, **fields: str) -> int:
        return await self.core.call("assist_satellite", "announce", entity_id=self.entity, **fields)


@pytest.fixture
async def house(
    core: HomeAssistant, daemon: StartDaemon, tmp_path: Path, shared_data: Path
) -> AsyncIterator[EspHomeHouse]:
    await asyncio.to_thread((tmp_path / "home.toml").write_text, HOME)
    async with run_speech(tmp_path, shared_data) as scripted:
        intent = await daemon("intent", "--actor", "none", "--home", str(tmp_path / "home.toml"))
        tts = await daemon("tts", "--engine", "espeak")
        engines = {
            "stt": await core.add_wyoming(scripted.port, "stt"),
            "tts": await core.add_wyoming(port_of(tts.uri), "tts"),
        }
        await core.use_pipeline(conversation=await core.add_wyoming(port_of(intent.uri)), **engines)
        yield EspHomeHouse(core, daemon, tmp_path, scripted.voice, scripted.speech, scripted.recogniser, engines)


async def test_it_is_adopted_and_a_spoken_command_is_done_and_confirmed_aloud(house: EspHomeHouse) -> None:
    satellite = await house.start()
    await house.adopt(satellite)
    house.say("turn off the kitchen lights")
    await house.phase(satellite, "speaking")
    await house.phase(satellite, "waiting")
    assert await house.core.state("light.kitchen_lights") == "off"
    await house.state(house.entity, "idle")


async def test_an_announcement_of_text_and_one_of_media_are_heard_with_a_bell_before(house: EspHomeHouse) -> None:
    satellite = await house.start()
    await house.adopt(satellite)
    assert await house.announce(message="dinner is ready") == 200
    await house.phase(satellite, "speaking")
    await house.phase(satellite, "waiting")
    media = house.core.folder / "www"
    await asyncio.to_thread(media.mkdir, exist_ok=True)
    await asyncio.to_thread(write_wav, media / "bell.wav", SPEECH, b"\x11\x22" * 8000)
    assert await house.announce(media_id=f"{house.core.url}/local/bell.wav") == 200
    await house.phase(satellite, "waiting")
    await house.state(house.entity, "idle")


async def test_a_question_is_asked_and_its_answer_comes_back(house: EspHomeHouse) -> None:
    if not house.core.is_newest:
        pytest.skip("this version of Home Assistant asks no questions")
    satellite = await house.start()
    await house.adopt(satellite)
    house.recogniser.text = "some jazz"
    answers = [{"id": "jazz", "sentences": ["[some] {genre}"]}]
    asking = asyncio.create_task(
        house.core.ask(
            "call_service", domain="assist_satellite", service="ask_question", return_response=True,
            service_data={"entity_id": house.entity, "question": "What shall I play?", "answers": answers},
        )
    )  # fmt: skip
    await house.phase(satellite, "streaming")
    house.voice.says(house.speech)
    answer = (await asyncio.wait_for(asking, 60))["response"]
    assert (answer["sentence"], answer["id"]) == ("some jazz", "jazz")


async def test_a_conversation_is_started_and_continued(house: EspHomeHouse) -> None:
    satellite = await house.start()
    await house.adopt(satellite)
    house.recogniser.text = "turn off the kitchen lights"
    call = house.core.call(
        "assist_satellite", "start_conversation", entity_id=house.entity, start_message="Shall I turn off the lights?"
    )
    assert await call == 200
    await house.phase(satellite, "streaming")
    house.voice.says(house.speech)
    await house.phase(satellite, "speaking")
    await house.phase(satellite, "waiting")
    assert await house.core.state("light.kitchen_lights") == "off"


async def test_the_microphone_the_volume_and_music_are_entities(house: EspHomeHouse) -> None:
    satellite = await house.start()
    await house.adopt(satellite)
    mute, player = await house.find("switch"), await house.find("media_player")
    await house.core.call("switch", "turn_on", entity_id=mute)
    await house.state(mute, "on")
    await house.core.call("switch", "turn_off", entity_id=mute)
    await house.state(mute, "off")
    await house.core.call("media_player", "volume_set", entity_id=player, volume_level=0.4)
    await wait_for_attribute(house, player, "volume_level", 0.4)
    media = house.core.folder / "www"
    await asyncio.to_thread(media.mkdir, exist_ok=True)
    await asyncio.to_thread(write_wav, media / "song.wav", SPEECH, b"\x11\x22" * 16_000 * 20)
    play = {"media_content_type": "music", "media_content_id": f"{house.core.url}/local/song.wav"}
    await house.core.call("media_player", "play_media", entity_id=player, **play)
    await house.state(player, "playing")
    await house.core.call("media_player", "media_pause", entity_id=player)
    await house.state(player, "paused")
    await house.core.call("media_player", "media_stop", entity_id=player)
    await house.state(player, "idle")


async def wait_for_attribute(house: EspHomeHouse, entity: str, name: str, value: float) -> None:
    async with asyncio.timeout(60):
        while round((await house.core.attributes(entity)).get(name) or 0, 2) != value:
            await asyncio.sleep(0.2)


async def test_another_wake_word_is_chosen(house: EspHomeHouse, shared_data: Path) -> None:
    satellite = await house.start()
    await house.adopt(satellite)
    _, jarvis = await asyncio.to_thread(read_wav, shared_data / "wake" / "woww_hey_jarvis.wav")
    choice = await house.find("select", "wake_word")
    await house.state(choice, "okay nabu")
    await house.core.call("select", "select_option", entity_id=choice, option="hey jarvis")
    await house.state(choice, "hey jarvis")
    house.recogniser.text = "turn off the kitchen lights"
    house.voice.says(jarvis)
    await satellite.wait_for_line("wake word", name="hey_jarvis")
    await house.phase(satellite, "speaking")


async def test_a_timer_is_set_by_voice_and_rings(house: EspHomeHouse) -> None:
    satellite = await house.start()
    await house.adopt(satellite)
    if not house.core.is_newest:  # its own agent alone knows which device asks
        await house.core.use_pipeline(conversation="conversation.home_assistant", **house.engines)
    house.say("set a timer for two seconds")
    await house.phase(satellite, "speaking")
    await satellite.wait_for_line("timer finished")


async def test_the_right_key_is_needed(house: EspHomeHouse) -> None:
    satellite = await house.start("--esphome-encryption")
    asked = await house.flow()
    assert (asked["type"], asked["step_id"]) == ("form", "encryption_key")
    refused = await house.flow(WRONG_KEY)
    assert refused["type"] == "form", refused
    ((_, key),) = await asyncio.to_thread(find_esphome_keys, [house.folder / "data"])
    await house.adopt(satellite, key)
    house.say("turn off the kitchen lights")
    await house.phase(satellite, "speaking")


async def test_home_assistant_sends_a_key_of_its_own(house: EspHomeHouse) -> None:
    if not house.core.is_newest:
        pytest.skip("this version of Home Assistant sends no keys")
    satellite = await house.start()
    await house.adopt(satellite)
    await satellite.wait_for_line("encryption key was replaced")
    ((_, key),) = await asyncio.to_thread(find_esphome_keys, [house.folder / "data"])
    assert not any(key in str(line) for line in satellite.log)
    house.say("turn off the kitchen lights")
    await house.phase(satellite, "speaking")


async def test_a_satellite_that_is_killed_in_mid_speech_is_found_again(house: EspHomeHouse) -> None:
    satellite = await house.start(by=Daemon.start)
    await house.adopt(satellite)
    house.say("turn off the kitchen lights")
    await house.phase(satellite, "speaking")
    send_signal(satellite.process, signal.SIGKILL)
    await satellite.stop()
    await house.state(house.entity, "unavailable")
    again = await house.start()
    house.seen = 0
    await house.phase(again, "waiting")
    await house.state(house.entity, "idle")
    house.say("turn off the kitchen lights")
    await house.phase(again, "speaking")


async def test_a_home_assistant_that_is_killed_in_mid_speech_is_lost_and_found_again(house: EspHomeHouse) -> None:
    satellite = await house.start()
    await house.adopt(satellite)
    house.say("turn off the kitchen lights")
    await house.phase(satellite, "speaking")
    await wait_until(house.is_saved)
    await house.core.kill()
    await house.phase(satellite, "offline")
    await house.core.start()
    await house.phase(satellite, "waiting")
    house.say("turn off the kitchen lights")
    await house.phase(satellite, "speaking")


async def test_an_answer_is_spoken_while_its_text_still_comes(house: EspHomeHouse) -> None:
    if not house.core.is_newest:
        pytest.skip("this version of Home Assistant streams no answers")
    satellite = await house.start()
    await house.adopt(satellite)
    await house.core.use_pipeline(conversation="conversation.streaming_agent", **house.engines)
    house.say("what is going on")
    await house.phase(satellite, "speaking")
    assert await house.core.state("input_boolean.bulb") == "off"  # the agent has not said all
    await house.core.call("input_boolean", "turn_on", entity_id="input_boolean.bulb")
    await house.phase(satellite, "waiting")
    await house.state(house.entity, "idle")


async def test_a_deleted_device_needs_no_key_and_can_be_added_again(house: EspHomeHouse) -> None:
    if not house.core.is_newest:
        pytest.skip("this version of Home Assistant sends no keys")
    satellite = await house.start()
    await house.adopt(satellite)
    (entry,) = await house.core.ask("config_entries/get", domain="esphome")
    await house.core.delete(f"config/config_entries/entry/{entry['entry_id']}")
    await satellite.wait_for_line("encryption key was deleted")
    assert await asyncio.to_thread(find_esphome_keys, [house.folder / "data"]) == []
    assert (await house.flow())["type"] == "create_entry"
    await logged(satellite, "conductor joined", 4)


async def test_a_question_to_a_muted_satellite_does_not_wait_for_ever(house: EspHomeHouse) -> None:
    if not house.core.is_newest:
        pytest.skip("this version of Home Assistant asks no questions")
    satellite = await house.start()
    await house.adopt(satellite)
    await house.core.call("switch", "turn_on", entity_id=await house.find("switch"))
    asked = {"entity_id": house.entity, "question": "What shall I play?"}
    asking = house.core.call("assist_satellite", "ask_question", **asked)
    assert await asyncio.wait_for(asking, 60)
    await house.state(house.entity, "idle")
