"""The device that the official client of ESPHome's API sees: entities, wake words, encryption, several clients."""

import asyncio
import base64
import random
import stat
from pathlib import Path

import pytest
from aioesphomeapi import (
    LightInfo,
    LightState,
    MediaPlayerCommand,
    MediaPlayerEntityState,
    MediaPlayerInfo,
    MediaPlayerState,
    SwitchInfo,
    SwitchState,
    VoiceAssistantFeature,
)
from aioesphomeapi.core import (
    ZERO_NOISE_PSK,
    APIConnectionError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
)
from google.protobuf.message import Message

from tests.integration.esphome.room import TONE, AudioServer, EspHomeRoom, HomeAssistantClient, wav
from tests.waiting import wait_until
from wyoming_rosie.runtime.secrets import ESPHOME_KEY_FILE
from wyoming_rosie_satellite.esphome import api_pb2 as api
from wyoming_rosie_satellite.esphome.device import format_key
from wyoming_rosie_satellite.esphome.framing import PlainFraming
from wyoming_rosie_satellite.esphome.messages import create_frame
from wyoming_rosie_satellite.messages import SatellitePhase

KEY = bytes(range(32))
NEW_KEY = bytes(range(1, 33))


def latest(home: HomeAssistantClient, kind: type) -> object:
    return next(state for state in reversed(home.states) if isinstance(state, kind))


def is_muted(home: HomeAssistantClient) -> bool | None:
    state = latest(home, SwitchState)
    return state.state if isinstance(state, SwitchState) else None


async def test_the_device_is_a_voice_assistant_with_a_stable_address(room: EspHomeRoom) -> None:
    async with room.home_assistant(subscribes=False) as home:
        device = await home.api.device_info()
        assert home.api.api_version is not None
        flags = VoiceAssistantFeature(device.voice_assistant_feature_flags_compat(home.api.api_version))
        assert flags == VoiceAssistantFeature(61)
        assert (device.friendly_name, device.suggested_area, device.manufacturer) == (
            "Kitchen",
            "Kitchen",
            "wyoming-rosie",
        )
        assert int(device.mac_address[:2], 16) & 3 == 2
        assert device.name.startswith("kitchen-")
        assert device.api_encryption_supported
        assert device.api_encryption_provisionable


async def test_entities_are_a_microphone_a_media_player_and_the_leds(room: EspHomeRoom) -> None:
    async with room.home_assistant(subscribes=False) as home:
        entities, services = await home.api.list_entities_services()
        kinds = [type(entity) for entity in entities]
        assert (kinds, services) == ([SwitchInfo, MediaPlayerInfo, LightInfo], [])
        player = next(entity for entity in entities if isinstance(entity, MediaPlayerInfo))
        formats = {
            (one.format, one.sample_rate, one.num_channels, one.sample_bytes) for one in player.supported_formats
        }
        assert formats == {("wav", 16_000, 1, 2)}


async def test_the_microphone_is_muted_from_both_sides(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        home.api.switch_command(1, True)
        await room.until(lambda: room.satellite.status.muted)
        await wait_until(lambda: is_muted(home) is True)
        room.satellite.mute(False)
        await wait_until(lambda: is_muted(home) is False)


async def test_the_volume_is_set_stepped_muted_and_reported(room: EspHomeRoom) -> None:
    def reported() -> tuple[float, bool]:
        state = latest(home, MediaPlayerEntityState)
        assert isinstance(state, MediaPlayerEntityState)
        return round(state.volume, 2), state.muted

    async with room.home_assistant() as home:
        home.api.media_player_command(2, volume=0.4)
        await wait_until(lambda: reported() == (0.4, False))
        home.api.media_player_command(2, command=MediaPlayerCommand.VOLUME_UP)
        await wait_until(lambda: reported() == (0.45, False))
        home.api.media_player_command(2, command=MediaPlayerCommand.MUTE)
        await wait_until(lambda: reported() == (0.45, True))
        assert room.volume.percent == 0
        home.api.media_player_command(2, command=MediaPlayerCommand.UNMUTE)
        await wait_until(lambda: reported() == (0.45, False))
        room.satellite.set_volume(80)
        await wait_until(lambda: reported() == (0.8, False))


async def test_the_leds_are_dimmed_and_remember_their_brightness(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        home.api.light_command(3, state=True, brightness=0.5)
        await room.until(lambda: room.leds.brightness == 0.5)
        home.api.light_command(3, state=False)
        await room.until(lambda: room.leds.brightness == 0)
        state = latest(home, LightState)
        home.api.light_command(3, state=True)
        await room.until(lambda: room.leds.brightness == 0.5)
        assert isinstance(state, LightState)


async def test_media_is_played_paused_and_stopped(room: EspHomeRoom) -> None:
    def state() -> MediaPlayerState | None:
        found = latest(home, MediaPlayerEntityState)
        return found.state if isinstance(found, MediaPlayerEntityState) else None

    room.audio.files |= {"song.wav": wav(TONE), "radio.wav": None}
    async with room.home_assistant() as home:
        home.api.media_player_command(2, media_url=f"{room.audio.url}/song.wav")
        await room.until(lambda: room.speaker.played == TONE)
        await wait_until(lambda: state() is MediaPlayerState.IDLE)
        home.api.media_player_command(2, media_url=f"{room.audio.url}/radio.wav")
        await wait_until(lambda: state() is MediaPlayerState.PLAYING)
        home.api.media_player_command(2, command=MediaPlayerCommand.PAUSE)
        await wait_until(lambda: state() is MediaPlayerState.PAUSED)
        home.api.media_player_command(2, command=MediaPlayerCommand.PLAY)
        await wait_until(lambda: state() is MediaPlayerState.PLAYING)
        home.api.media_player_command(2, command=MediaPlayerCommand.STOP)
        await wait_until(lambda: state() is MediaPlayerState.IDLE)


async def test_an_announcement_by_the_media_player_is_spoken_at_once(room: EspHomeRoom) -> None:
    room.audio.files["news.wav"] = wav(TONE)
    async with room.home_assistant() as home:
        home.api.media_player_command(2, media_url=f"{room.audio.url}/news.wav", announcement=True)
        await room.until(lambda: room.speaker.played == TONE)
        await room.waits()


async def test_wake_words_are_offered_and_chosen(room: EspHomeRoom) -> None:
    async with room.home_assistant() as home:
        offered = await home.api.get_voice_assistant_configuration(60)
        assert [(word.id, word.wake_word) for word in offered.available_wake_words] == [
            ("okay_nabu", "Okay Nabu"),
            ("hey_jarvis", "Hey Jarvis"),
        ]
        assert offered.active_wake_words == ["okay_nabu"]
        await home.api.set_voice_assistant_configuration(["hey_jarvis", "nonsense"])
        chosen = await home.api.get_voice_assistant_configuration(60)
        assert (chosen.active_wake_words, room.selected) == (["hey_jarvis"], [["hey_jarvis"]])


async def test_a_second_client_is_served_and_becomes_the_conductor_after_the_first(room: EspHomeRoom) -> None:
    async with room.home_assistant() as first, HomeAssistantClient(room.port).connected() as second:
        assert (await second.api.device_info()).name == (await first.api.device_info()).name
        room.satellite.mute(True)
        await wait_until(lambda: is_muted(first) is True and is_muted(second) is True)
        room.satellite.mute(False)
        room.wake()
        await wait_until(lambda: first.runs)
        await first.api.disconnect(force=True)
        await room.waits()
        room.wake()
        await wait_until(lambda: second.runs)
        assert len(first.runs) == 1


async def test_messages_of_unknown_types_are_skipped(room: EspHomeRoom) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
    hello, unknown, ping = b"\0\0\1", b"\0\3\xff\x07abc", b"\0\0\7"
    writer.write(hello + unknown + ping)
    async with asyncio.timeout(60):
        assert (await reader.readexactly(3))[2] == 2
        rest = b""
        while not rest.endswith(b"\0\0\x08"):
            rest += await reader.read(100)
    writer.close()


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\7", b"\0\x01\x01\xff", b"\1\0\0\1\0\1\7"],
    ids=["http", "no hello", "bad message", "bad handshake"],
)
async def test_a_client_that_speaks_nonsense_is_disconnected(room: EspHomeRoom, data: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
    writer.write(data)
    async with asyncio.timeout(60):
        while await reader.read(1000):
            pass
    writer.close()
    async with room.home_assistant() as home:
        assert await home.api.device_info()


@pytest.mark.parametrize("seed", range(10))
async def test_any_messages_in_any_order_leave_a_satellite_that_works(room: EspHomeRoom, seed: int) -> None:
    chance = random.Random(seed)
    room.audio.files["reply.wav"] = wav(TONE)
    reader, writer = await asyncio.open_connection("127.0.0.1", room.port)
    framing = PlainFraming()
    writer.write(framing.encode(create_frame(api.HelloRequest())))
    for _ in range(200):
        writer.write(framing.encode(create_frame(any_message(chance, f"{room.audio.url}/reply.wav"))))
        if chance.random() < 0.1:
            room.wake()
        if chance.random() < 0.2:
            await asyncio.sleep(0)
    writer.write(framing.encode(create_frame(api.DisconnectRequest())))
    async with asyncio.timeout(60):
        while await reader.read(100_000):
            pass
    writer.close()
    room.satellite.mute(False)
    room.satellite.stop()
    async with room.home_assistant() as home:
        room.wake()
        await room.until(lambda: home.runs)
        home.answer("Done.", f"{room.audio.url}/reply.wav")
        await room.until(lambda: True in home.finished)
        await room.waits()


def any_message(chance: random.Random, url: str) -> Message:
    reported = [api.VoiceAssistantEventData(name="url", value=url)] if chance.random() < 0.5 else []
    kind = api.VoiceAssistantEvent.Name(chance.choice(api.VoiceAssistantEvent.values()))
    command = api.MediaPlayerCommand.Name(chance.choice(api.MediaPlayerCommand.values()))
    made: list[Message] = [
        api.VoiceAssistantEventResponse(event_type=kind, data=reported),
        api.VoiceAssistantAnnounceRequest(media_id=url, start_conversation=chance.random() < 0.5),
        api.VoiceAssistantAnnounceRequest(media_id="", start_conversation=chance.random() < 0.5),
        api.SubscribeVoiceAssistantRequest(subscribe=chance.random() < 0.8),
        api.VoiceAssistantSetConfiguration(active_wake_words=chance.choice([[], ["okay_nabu"], ["x"]])),
        api.VoiceAssistantResponse(error=chance.random() < 0.5),
        api.SwitchCommandRequest(key=1, state=chance.random() < 0.5),
        api.LightCommandRequest(key=3, has_brightness=True, brightness=chance.uniform(-1, 2)),
        api.MediaPlayerCommandRequest(key=2, has_command=True, command=command),
        api.MediaPlayerCommandRequest(key=2, has_media_url=True, media_url=url),
        api.VoiceAssistantTimerEventResponse(timer_id=chance.choice("ab"), seconds_left=chance.randrange(9)),
        api.SubscribeStatesRequest(),
        api.ListEntitiesRequest(),
    ]
    return chance.choice(made)


async def test_clients_beyond_the_limit_are_refused(room: EspHomeRoom) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", room.port) for _ in range(20)]
    await wait_until(lambda: len(room.server._clients) == 16)
    async with asyncio.timeout(60):
        for reader, _ in crowd[16:]:
            assert await reader.read(1) == b""
    for _, writer in crowd:
        writer.close()
    await wait_until(lambda: not room.server._clients)


async def test_the_right_key_is_needed(tmp_path: Path, audio: AudioServer) -> None:
    async with EspHomeRoom(tmp_path, audio, KEY).serving() as room:
        async with room.home_assistant() as home:
            assert not (await home.api.device_info()).api_encryption_provisionable
            room.wake()
            await room.until(lambda: home.runs)
        for key, error in (
            (format_key(NEW_KEY), InvalidEncryptionKeyAPIError),
            (ZERO_NOISE_PSK, InvalidEncryptionKeyAPIError),
            (None, RequiresEncryptionAPIError),
        ):
            with pytest.raises(error):
                async with HomeAssistantClient(room.port, key).connected():
                    pass


async def test_home_assistant_sends_a_key_and_must_use_it_from_then_on(tmp_path: Path, audio: AudioServer) -> None:
    async with EspHomeRoom(tmp_path, audio).serving() as room, room.home_assistant() as plain:
        async with HomeAssistantClient(room.port, ZERO_NOISE_PSK).connected(subscribes=False) as provisioner:
            assert await provisioner.api.noise_encryption_set_key(base64.b64encode(KEY))
        await asyncio.wait_for(plain.is_lost.wait(), 60)
        assert room.keys.key == KEY
        assert stat.S_IMODE((tmp_path / ESPHOME_KEY_FILE).stat().st_mode) == 0o600
        with pytest.raises(APIConnectionError):
            await HomeAssistantClient(room.port).api.connect(login=True)
        async with room.home_assistant() as home:
            assert await home.api.noise_encryption_set_key(b"")
            await asyncio.wait_for(home.is_lost.wait(), 60)
        assert not await asyncio.to_thread((tmp_path / ESPHOME_KEY_FILE).exists)


@pytest.mark.parametrize("key", [b"short", bytes(32), b"x" * 44])
async def test_what_is_no_key_is_refused(room: EspHomeRoom, key: bytes) -> None:
    async with room.home_assistant(subscribes=False) as home:
        assert not await home.api.noise_encryption_set_key(key)
        assert room.keys.key is None


async def test_a_client_that_unsubscribes_is_no_conductor_any_more(room: EspHomeRoom) -> None:
    async with HomeAssistantClient(room.port).connected(subscribes=False) as home:
        unsubscribe = home.api.subscribe_voice_assistant(handle_start=home._on_start, handle_stop=home._on_end)
        await room.waits()
        unsubscribe()
        await room.until(lambda: room.phase is SatellitePhase.OFFLINE)


async def test_clients_are_told_when_the_satellite_stops(tmp_path: Path, audio: AudioServer) -> None:
    client = HomeAssistantClient(0)
    async with EspHomeRoom(tmp_path, audio).serving() as room:
        client = HomeAssistantClient(room.port)
        await client.api.connect(on_stop=client._on_stop, login=True)
    await asyncio.wait_for(client.is_lost.wait(), 60)
