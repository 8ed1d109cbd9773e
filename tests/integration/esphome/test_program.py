"""wyoming-rosie-satellite --esphome as a process."""

import asyncio
import stat
from pathlib import Path

from wyoming.satellite import RunSatellite

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.integration.esphome.room import TONE, AudioServer, HomeAssistantClient, wav
from tests.integration.satellite_room import ScriptedConductor, Voice
from tests.waiting import wait_until
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.protocol import address
from wyoming_rosie.runtime.secrets import ESPHOME_KEY_FILE


async def port_of(satellite: Daemon) -> int:
    bound = address.parse((await satellite.wait_for_line("ESPHome API"))["uri"])
    assert isinstance(bound, address.Tcp)
    return bound.port


async def start(daemon: StartDaemon, folder: Path, *arguments: str, mic: str = "sleep 600") -> Daemon:
    devices = ("--mic-command", mic, "--snd", f"wav:{folder / 'played.wav'}", "--snd-command-rate", "16000")
    return await daemon("satellite", "--esphome", "--esphome-uri", "tcp://127.0.0.1:0", *devices, *arguments)


async def test_a_spoken_wake_word_starts_a_turn_whose_reply_is_played(
    daemon: StartDaemon, tmp_path: Path, audio: AudioServer, shared_data: Path
) -> None:
    audio.files["reply.wav"] = wav(TONE)
    _, word = await asyncio.to_thread(read_wav, shared_data / "wake" / "woww_okay_nabu.wav")
    voice = Voice(tmp_path / "voice")
    async with voice.speaking():
        satellite = await start(daemon, tmp_path, mic=voice.command)
        async with HomeAssistantClient(await port_of(satellite)).connected() as home:
            await satellite.wait_for_line("phase", phase="waiting")
            voice.says(word)
            await wait_until(lambda: home.runs)
            await wait_until(lambda: len(home.heard) > 16_000)
            assert home.runs == [("", "okay nabu")]
            home.answer("Done.", f"{audio.url}/reply.wav")
            await wait_until(lambda: home.finished)
    assert await satellite.stop() == 0
    _, played = await asyncio.to_thread(read_wav, tmp_path / "played.wav")
    assert TONE in played


async def test_another_wake_word_can_be_chosen_and_stays_chosen(
    daemon: StartDaemon, tmp_path: Path, shared_data: Path
) -> None:
    _, word = await asyncio.to_thread(read_wav, shared_data / "wake" / "woww_hey_jarvis.wav")
    for number, choice in enumerate([["hey_jarvis"], None]):
        voice = Voice(tmp_path / f"voice-{number}")
        async with voice.speaking():
            satellite = await start(daemon, tmp_path, "--data-dir", str(tmp_path), mic=voice.command)
            async with HomeAssistantClient(await port_of(satellite)).connected() as home:
                await satellite.wait_for_line("phase", phase="waiting")
                if choice is not None:
                    await home.api.set_voice_assistant_configuration(choice)
                offered = await home.api.get_voice_assistant_configuration(60)
                assert offered.active_wake_words == ["hey_jarvis"]
                voice.says(word)
                await wait_until(lambda: home.runs)
        assert await satellite.stop() == 0


async def test_the_key_of_an_encrypted_satellite_is_in_a_private_file_and_in_no_log(
    daemon: StartDaemon, tmp_path: Path
) -> None:
    satellite = await start(daemon, tmp_path, "--esphome-encryption", "--data-dir", str(tmp_path), "--debug")
    port = await port_of(satellite)
    (path,) = await asyncio.to_thread(lambda: list(tmp_path.rglob(ESPHOME_KEY_FILE)))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = await asyncio.to_thread(path.read_text)
    async with HomeAssistantClient(port, key).connected() as home:
        assert (await home.api.device_info()).name
        assert not await home.api.noise_encryption_set_key(b"")
    assert not any(key in str(line) for line in satellite.log)


async def test_a_conductor_over_wyoming_is_refused(daemon: StartDaemon, tmp_path: Path) -> None:
    satellite = await start(daemon, tmp_path)
    async with ScriptedConductor.connected(satellite.uri) as conductor:
        await conductor.says(RunSatellite().event())
        assert (await conductor.hears("error")).data["code"]


async def test_a_port_that_is_taken_is_a_clear_error(daemon: StartDaemon, tmp_path: Path) -> None:
    first = await start(daemon, tmp_path)
    taken = f"tcp://127.0.0.1:{await port_of(first)}"
    devices = ("--mic-command", "sleep 600", "--snd", "stdout")
    second = await Daemon.start("satellite", "--esphome", "--esphome-uri", taken, *devices)
    assert await second.process.wait() == 1
    assert any("cannot listen at" in str(line) for line in second.log)


async def test_a_hub_can_have_a_wake_word_of_its_own(daemon: StartDaemon, tmp_path: Path, shared_data: Path) -> None:
    _, word = await asyncio.to_thread(read_wav, shared_data / "wake" / "woww_hey_jarvis.wav")
    voice = Voice(tmp_path / "voice")
    async with voice.speaking():
        satellite = await start(daemon, tmp_path, "--wake-word-port.hey_jarvis", "0", mic=voice.command)
        place = await satellite.wait_for_line("wake word has its own port")
        async with (
            HomeAssistantClient(await port_of(satellite)).connected() as home,
            ScriptedConductor.connected(place["uri"]) as hub,
        ):
            await hub.joins()
            offered = await home.api.get_voice_assistant_configuration(60)
            assert "hey_jarvis" not in [word.id for word in offered.available_wake_words]
            await home.api.set_voice_assistant_configuration(["alexa"])
            voice.says(word)
            assert (await hub.hears("run-pipeline")).data["wake_word_name"] == "hey_jarvis"
            assert home.runs == []
