"""The real Home Assistant core with our intent daemon as its conversation agent, and with our actor."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from tests.conftest import OpenPeer, StartDaemon
from tests.home_assistant_server import HomeAssistantServer
from tests.integration.test_asr_daemon import transcript
from tests.integration.test_intent_daemon import ask
from tests.interop.home_assistant import HomeAssistant, port_of
from tests.interop.peers import free_port
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.home.home_assistant.client import Settings
from wyoming_rosie.home.home_assistant.connection import WebSocketConnection, open_connection
from wyoming_rosie.home.model import Entity, Home
from wyoming_rosie.protocol.client import Client
from wyoming_rosie_intent.actors.home_assistant import HomeAssistantActor, services
from wyoming_rosie_intent.context.undo import create_undo
from wyoming_rosie_intent.engine import Answer, Command, Match, SlotValue
from wyoming_rosie_intent.responses import responses
from wyoming_rosie_intent.rules.templates import load_custom_sentences

pytestmark = [pytest.mark.interop]
UNREACHABLE, REFUSED = "Home Assistant cannot be reached.", "Home Assistant refuses the token."
ARRIVALS = {"arrivals": True}
NOW = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def _phrases_are_read() -> None:
    responses.render("cannot")
    load_custom_sentences("en")  # as the recognizer has done when there is a command


@pytest.fixture(scope="module")
def bed_light(shared_data: Path) -> bytes:
    """A command about an entity of the core that the demo home does not have."""
    return read_wav(shared_data / "commands-en-tts" / "turn_bed_light_on.wav")[1]


class ConnectedActor:
    """An actor on the core, with the homes that it has reported."""

    def __init__(self, core: HomeAssistant, token_file: Path) -> None:
        self.homes: list[Home] = []
        self.actor = HomeAssistantActor(Settings(core.url, token_file), Home(), self.homes.append)

    async def act(self, intent: str, names: Sequence[str], **slots: SlotValue) -> Answer:
        targets = tuple(one for name in names if (one := self.homes[-1].get_entity(name)) is not None)
        assert len(targets) == len(names), self.homes[-1]
        return await self.actor.act(Command(Match(intent, {"name": names[0], **slots}), targets), NOW)

    async def until(self, problem: str | None) -> None:
        async with asyncio.timeout(60):
            while self.actor.problem != problem:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def living(core: HomeAssistant, token: str, folder: Path) -> AsyncIterator[ConnectedActor]:
    await asyncio.to_thread((folder / "token").write_text, token)
    made = ConnectedActor(core, folder / "token")
    acting = asyncio.create_task(made.actor.run())
    try:
        yield made
    finally:
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)


async def test_the_actor_acts_and_hears_what_changes(core: HomeAssistant, tmp_path: Path) -> None:
    async with living(core, core.token, tmp_path) as made:
        await made.until(None)
        assert await made.act("HassTurnOn", ["Reading lamp"]) == Answer("Turned on the Reading lamp.")
        assert await core.state("input_boolean.bulb") == "on"
        await core.ask("call_service", domain="input_boolean", service="turn_off", target={"entity_id": "input_boolean.bulb"})  # fmt: skip
        async with asyncio.timeout(60):
            while made.actor.states()["light.reading_lamp"]["state"] != "off":
                await asyncio.sleep(0.01)
        assert await made.act("HassTurnOn", ["Dead lamp"]) == Answer("Sorry, the Dead lamp did not answer.", done=False)


async def test_the_asr_daemon_recognizes_the_names_of_the_core(
    core: HomeAssistant, daemon: StartDaemon, peer: OpenPeer, tmp_path: Path, bed_light: bytes
) -> None:
    token_file = tmp_path / "token"
    await asyncio.to_thread(token_file.write_text, core.token)
    source = ("--home-source", "home-assistant", "--home-assistant.url", core.url)
    asr = await daemon("asr", *source, "--home-assistant.token-file", str(token_file))
    await asr.wait_for_line("home assistant connected")
    ears = await peer(asr.uri)
    async with asyncio.timeout(60):
        while (await transcript(ears, bed_light)).data["text"] != "turn bed light on":
            await asyncio.sleep(0.5)


DEMO: list[tuple[str, str, dict[str, SlotValue], str, dict[str, Any]]] = [
    ("HassLightSet", "Bed Light", {"brightness": 40}, "light.bed_light", {"state": "on", "brightness": 102}),
    ("HassLightSet", "Bed Light", {"color": "red"}, "light.bed_light", {"hs_color": [0.0, 100.0]}),
    ("HassTurnOff", "Ceiling Lights", {}, "light.ceiling_lights", {"state": "off"}),
    ("HassSetPosition", "Living Room Window", {"position": 70}, "cover.living_room_window", {"current_position": 70}),
    ("HassTurnOn", "Garage Door", {}, "cover.garage_door", {"state": "open"}),
    ("HassFanSetSpeed", "Ceiling Fan", {"percentage": 33}, "fan.ceiling_fan", {"percentage": 33, "state": "on"}),
    ("HassClimateSetTemperature", "HeatPump", {"temperature": 23}, "climate.heatpump", {"temperature": 23.0}),
    ("HassMediaPause", "Walkman", {}, "media_player.walkman", {"state": "paused"}),
    ("HassSetVolume", "Walkman", {"volume_level": 30}, "media_player.walkman", {"volume_level": 0.3}),
    ("HassMediaPlayerMute", "Walkman", {}, "media_player.walkman", {"is_volume_muted": True}),
    ("HassTurnOff", "Decorative Lights", {}, "switch.decorative_lights", {"state": "off"}),
    ("HassTurnOn", "Hvac", {"hvac_mode": "heat"}, "climate.hvac", {"state": "heat"}),
    ("HassClimateSetFanMode", "Hvac", {"fan_mode": "auto_low"}, "climate.hvac", {"fan_mode": "auto_low"}),
    ("HassTurnOn", "Ecobee", {"preset_mode": "eco"}, "climate.ecobee", {"preset_mode": "eco"}),
    ("HassTurnOff", "Ecobee", {}, "climate.ecobee", {"state": "off"}),
    ("HassTurnOn", "Living Room Fan", {"preset_mode": "sleep"}, "fan.living_room_fan", {"preset_mode": "sleep"}),
    ("HassHumidifierSetpoint", "Hygrostat", {"humidity": 60}, "humidifier.hygrostat", {"humidity": 60}),
    ("HassHumidifierMode", "Hygrostat", {"mode": "eco"}, "humidifier.hygrostat", {"mode": "eco"}),
    ("HassTurnOff", "Hygrostat", {}, "humidifier.hygrostat", {"state": "off"}),
    ("HassSetPosition", "Hall Window", {"position": 80}, "cover.hall_window", {"current_position": 80}),
    ("HassStopMoving", "Hall Window", {}, "cover.hall_window", {"state": "open"}),
    ("HassTurnOff", "Front Garden", {}, "valve.front_garden", {"state": "closed"}),
    ("HassTurnOn", "Front Garden", {}, "valve.front_garden", {"state": "open"}),
    ("HassMediaUnpause", "Walkman", {}, "media_player.walkman", {"state": "playing"}),
    ("HassMediaNext", "Walkman", {}, "media_player.walkman", {"media_track": 2}),
    ("HassMediaPrevious", "Walkman", {}, "media_player.walkman", {"media_track": 1}),
    ("HassMediaPlayerUnmute", "Walkman", {}, "media_player.walkman", {"is_volume_muted": False}),
    ("HassMediaSearchAndPlay", "Living Room", {"search_query": "jazz"}, "media_player.living_room", {"media_content_id": "jazz"}),
    ("HassTurnOff", "Walkman", {}, "media_player.walkman", {"state": "off"}),
    ("HassTurnOff", "Siren", {}, "siren.siren", {"state": "off"}),
    ("HassTurnOn", "Siren", {}, "siren.siren", {"state": "on"}),
    ("HassTurnOn", "House", {"arm_mode": "away"}, "alarm_control_panel.house", {"state": "armed_away"}),
    ("HassTurnOn", "House", {"arm_mode": "home"}, "alarm_control_panel.house", {"state": "armed_home"}),
    ("HassTurnOn", "House", {"arm_mode": "night"}, "alarm_control_panel.house", {"state": "armed_night"}),
    ("HassTurnOn", "House", {"arm_mode": "vacation"}, "alarm_control_panel.house", {"state": "armed_vacation"}),
    ("HassTurnOff", "House", {}, "alarm_control_panel.house", {"state": "disarmed"}),
    ("HassVacuumStart", "{vacuum}", {}, "{vacuum}", {"state": "cleaning"}),
    ("HassStopMoving", "{vacuum}", {}, "{vacuum}", {"state": "paused"}),
    ("HassVacuumReturnToBase", "{vacuum}", {}, "{vacuum}", {"state": "returning"}),
    ("HassListAddItem", "Shopping List", {"item": "milk"}, "todo.shopping_list", {"state": "1"}),
    ("HassListCompleteItem", "Shopping List", {"item": "milk"}, "todo.shopping_list", {"state": "0"}),
    ("HassListAddItem", "Shopping List", {"item": "bread"}, "todo.shopping_list", {"state": "1"}),
    ("HassListRemoveItem", "Shopping List", {"item": "bread"}, "todo.shopping_list", {"state": "0"}),
]  # fmt: skip


SINCE_2026: list[tuple[str, str, dict[str, SlotValue], str, dict[str, Any]]] = [
    ("HassLawnMowerStartMowing", "My Lawn Mower", {}, "lawn_mower.my_lawn_mower", {"state": "mowing"}),
    ("HassStopMoving", "My Lawn Mower", {}, "lawn_mower.my_lawn_mower", {"state": "paused"}),
    ("HassLawnMowerDock", "My Lawn Mower", {}, "lawn_mower.my_lawn_mower", {"state": "docked"}),
    ("HassSetPosition", "Back Garden", {"position": 40}, "valve.back_garden", {"current_position": 40}),
    ("HassStopMoving", "Back Garden", {}, "valve.back_garden", {"current_position": 40}),
]
"""Things that the demo house of the old version does not have."""


async def test_every_kind_of_thing_of_the_demo_house_does_what_it_is_told(core: HomeAssistant, tmp_path: Path) -> None:
    await core.add_integration("shopping_list")
    vacuum = "vacuum.demo_vacuum_0_ground_floor" if core.is_newest else "vacuum.0_ground_floor"
    steps = [(intent, name.format(vacuum=vacuum), slots, entity.format(vacuum=vacuum), after)
             for intent, name, slots, entity, after in (*DEMO, *(SINCE_2026 if core.is_newest else ()))]  # fmt: skip
    await expose(core, *{entity for _, _, _, entity, _ in steps})
    async with living(core, core.token, tmp_path) as made:
        await made.until(None)
        for intent, name, slots, entity, after in steps:
            answer = await made.act(intent, [name], **slots)
            assert answer.done, (intent, name, answer)
            await becomes(core, entity, after)
        hot = await made.act("HassClimateSetTemperature", ["HeatPump"], temperature=99)
        assert hot == Answer("Sorry, the HeatPump did not accept that.", done=False)


UNDONE: list[tuple[str, str, dict[str, SlotValue], tuple[str, ...]]] = [
    ("HassTurnOn", "climate.hvac", {"hvac_mode": "heat"}, ("state",)),
    ("HassTurnOff", "climate.hvac", {}, ("state",)),
    ("HassClimateSetFanMode", "climate.hvac", {"fan_mode": "auto_low"}, ("fan_mode",)),
    ("HassTurnOn", "climate.ecobee", {"preset_mode": "eco"}, ("preset_mode",)),
    ("HassHumidifierSetpoint", "humidifier.hygrostat", {"humidity": 60}, ("state", "humidity")),
    ("HassHumidifierMode", "humidifier.hygrostat", {"mode": "eco"}, ("state", "mode")),
    ("HassTurnOn", "fan.living_room_fan", {"preset_mode": "sleep"}, ("state",)),
    ("HassTurnOn", "alarm_control_panel.house", {"arm_mode": "night"}, ("state",)),
    ("HassMediaPlayerMute", "media_player.walkman", {}, ("is_volume_muted",)),
]


async def test_what_is_undone_is_as_it_was(core: HomeAssistant, tmp_path: Path) -> None:
    await expose(core, "alarm_control_panel.house")
    async with living(core, core.token, tmp_path) as made:
        await made.until(None)
        for intent, entity, slots, kept in UNDONE:
            before = await core.attributes(entity)
            target = made.homes[-1].get_entity(entity)
            assert target is not None
            command = Command(Match(intent, slots), (target,))
            undone = create_undo(command, {entity: dict(made.actor.states()[entity])})
            assert undone, intent
            for one in (command, *undone):
                assert (await made.actor.act(one, NOW)).done, one
            await becomes(core, entity, {key: before[key] for key in kept})


async def test_an_alarm_panel_that_wants_a_code_refuses_to_be_armed(core: HomeAssistant, tmp_path: Path) -> None:
    await expose(core, "alarm_control_panel.security")
    async with living(core, core.token, tmp_path) as made:
        await made.until(None)
        refused = await made.act("HassTurnOn", ["Security"], arm_mode="away")
        assert refused == Answer("Sorry, the Security did not accept that.", done=False)
        assert await core.state("alarm_control_panel.security") == "disarmed"


async def test_every_service_that_is_called_exists_with_its_fields(core: HomeAssistant) -> None:
    await core.add_integration("shopping_list")
    known = await core.ask("get_services")
    values: dict[str, SlotValue] = dict.fromkeys(
        ("temperature", "humidity", "percentage", "position", "volume_level"), 20
    )
    values |= {"item": "milk", "mode": "eco", "fan_mode": "low", "search_query": "jazz", "brightness": 20}
    modes: list[dict[str, SlotValue]] = [{}, {"hvac_mode": "heat"}, {"preset_mode": "eco"}, {"arm_mode": "night"}]
    for intent, domain in services._BY_DOMAIN:
        for mode in modes:
            for call in services.create_calls(Match(intent, {**values, **mode}), [Entity(f"{domain}.x", "X", domain)]):
                if domain in known and (call.service != "clean_area" or core.is_newest):
                    assert call.data.keys() <= _fields_of(known[domain][call.service]), call


def _fields_of(service: dict[str, Any]) -> set[str]:
    """Return the names of a service's fields, those in sections as well, and what stands for a field with both."""
    fields = service["fields"].items()
    names = {name for name, field in fields if "fields" not in field}
    names |= {name for _, section in fields for name in section.get("fields", ())}
    return names | ({"media_content_id", "media_content_type"} if "media" in names else set())


async def expose(core: HomeAssistant, *entities: str) -> None:
    await core.ask(
        "homeassistant/expose_entity", assistants=["conversation"], entity_ids=list(entities), should_expose=True
    )


async def becomes(core: HomeAssistant, entity: str, after: dict[str, Any]) -> None:
    """Wait until an entity has this state and these attributes."""
    known: dict[str, Any] = {}
    try:
        async with asyncio.timeout(60):
            while not after.items() <= known.items():
                known = await core.attributes(entity)
    except TimeoutError:
        raise AssertionError(f"{entity} is {known} instead of {after}") from None


async def test_names_rooms_and_what_is_exposed_come_from_its_registries(core: HomeAssistant, tmp_path: Path) -> None:
    locks = {"assistants": ["conversation"], "entity_ids": ["lock.front_door"], "should_expose": True}
    lamp = {"entity_id": "light.reading_lamp", "aliases": ["bright thing"], "area_id": "kitchen"}
    async with living(core, core.token, tmp_path) as made:
        await made.until(None)
        assert made.homes[-1].get_entity("lock.front_door") is None  # as Home Assistant wants it
        await core.ask("homeassistant/expose_entity", **locks)
        floor = await core.ask("config/floor_registry/create", name="Ground")
        await core.ask("config/area_registry/update", area_id="kitchen", floor_id=floor["floor_id"], aliases=["galley"])
        await core.ask("config/entity_registry/update", **lamp)
        async with asyncio.timeout(60):
            while (found := made.homes[-1].get_entity("bright thing")) is None or found.area != "kitchen":
                await asyncio.sleep(0.05)
        assert [area.names for area in made.homes[-1].get_areas_on_floor("ground")] == [("Kitchen", "galley")]
        assert await made.act("HassTurnOff", ["lock.front_door"]) == Answer("Unlocked the Front Door.")


async def test_a_restart_in_the_middle_is_said_and_survived(core: HomeAssistant, tmp_path: Path) -> None:
    async with living(core, core.token, tmp_path) as made:
        await made.until(None)
        first = asyncio.create_task(made.act("HassTurnOn", ["Dead lamp"]))
        await asyncio.sleep(0.1)
        await core.stop()
        async with asyncio.timeout(60):
            assert not (await first).done
        await made.until(UNREACHABLE)
        assert await made.act("HassTurnOn", ["Reading lamp"]) == Answer(UNREACHABLE, done=False)
        known = made.homes[-1]
        await core.start()
        await made.until(None)
        assert {one.id for one in known.entities} <= {one.id for one in made.homes[-1].entities}
        assert await core.state("input_boolean.bulb") == "off"
        assert (await made.act("HassTurnOn", ["Reading lamp"])).done


async def test_a_wrong_token_is_refused_clearly(core: HomeAssistant, tmp_path: Path) -> None:
    async with living(core, "wrong", tmp_path) as made:
        await made.until(REFUSED)


async def test_a_token_that_was_mended_is_tried_at_once(core: HomeAssistant, tmp_path: Path) -> None:
    async with living(core, "wrong", tmp_path) as made:
        await made.until(REFUSED)
        await asyncio.to_thread((tmp_path / "token").write_text, core.token)
        await made.until(None)


async def test_the_stand_in_answers_in_the_shapes_of_the_real_one(core: HomeAssistant) -> None:
    for kind in ("config/area_registry/list", "config/entity_registry/list", "get_config"):
        async with HomeAssistantServer().serving() as server, open_connection(server.url, server.token) as ours:
            assert _keys(await _ask_daemon(ours, kind)) <= _keys(await core.ask(kind)), kind
    exposed = await core.ask("homeassistant/expose_entity/list")
    assert exposed["exposed_entities"]["light.bed_light"] == {"conversation": True}


async def _ask_daemon(connection: WebSocketConnection, kind: str) -> Any:
    listening = asyncio.create_task(connection.listen())
    try:
        return await connection.send_command(kind)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def _keys(answer: Any) -> set[str]:
    return set(answer[0] if isinstance(answer, list) else answer)


async def _get_speech(core: HomeAssistant, agent: str, text: str, language: str = "en") -> dict[str, Any]:
    answer: dict[str, Any] = (await core.post("conversation/process", text=text, agent_id=agent, language=language))[
        "response"
    ]
    return answer


HOME = """
[[areas]]
id = "kitchen"
name = "Kitchen"
[[entities]]
id = "light.reading_lamp"
name = "Reading lamp"
domain = "light"
"""


async def test_home_assistant_executes_the_intent_of_our_daemon(
    core: HomeAssistant, daemon: StartDaemon, tmp_path: Path
) -> None:
    await asyncio.to_thread((tmp_path / "home.toml").write_text, HOME)
    ours = await daemon("intent", "--actor", "none", "--home", str(tmp_path / "home.toml"))
    agent = await core.add_wyoming(port_of(ours.uri))
    answer = await _get_speech(core, agent, "turn on the reading lamp")
    assert answer["response_type"] == "action_done"
    assert answer["speech"]["plain"]["speech"] == "Turned on the Reading lamp."
    assert await core.state("input_boolean.bulb") == "on"
    assert (await _get_speech(core, agent, "colourless green ideas"))["response_type"] == "error"


async def test_home_assistant_speaks_what_our_daemon_has_handled(core: HomeAssistant, daemon: StartDaemon) -> None:
    agent = await core.add_wyoming(port_of((await daemon("intent")).uri))
    answer = await _get_speech(core, agent, "turn on the kitchen light")
    assert answer["speech"]["plain"]["speech"] == "Turned on the Kitchen Light."


async def test_what_is_added_is_titled_by_its_role_and_place(core: HomeAssistant, daemon: StartDaemon) -> None:
    port = free_port()
    programs = [
        await daemon("intent", "--name", "Attic"),
        await daemon("intent", "--uri", f"tcp://127.0.0.1:{port}"),
        await daemon("tts"),
    ]
    for one, domain in zip(programs, ("conversation", "conversation", "tts"), strict=True):
        await core.add_wyoming(port_of(one.uri), domain)
    machine = socket.gethostname().partition(".")[0]
    entries = await core.ask("config_entries/get", domain="wyoming")
    assert {entry["title"] for entry in entries} == {
        "Rosie conversation (Attic)", f"Rosie conversation ({machine}:{port})", f"Rosie text to speech ({machine})"
    }  # fmt: skip


async def test_where_people_are_is_known_from_its_persons(
    core: HomeAssistant, daemon: StartDaemon, peer: OpenPeer, tmp_path: Path
) -> None:
    await core.ask("person/create", name="Ada", device_trackers=["device_tracker.demo_paulus"])
    await expose(core, "person.ada")
    await asyncio.to_thread((tmp_path / "token").write_text, core.token)
    where = ("--home-assistant.url", core.url, "--home-assistant.token-file", str(tmp_path / "token"))
    client = await peer((await daemon("intent", "--actor", "home-assistant", *where)).uri)
    async with asyncio.timeout(60):
        while (answer := await ask(client, "remind me to eat when Ada comes home", context=ARRIVALS)).type != "intent":
            await asyncio.sleep(0.5)
    slots = {entity["name"]: entity["value"] for entity in answer.data["entities"]}
    assert (slots["person"], slots["event"], slots["at_home"]) == ("person.ada", "arrive", 0)
    await core.call("device_tracker", "see", dev_id="demo_paulus", location_name="home")
    async with asyncio.timeout(60):
        while await _get_place(client) != "home":
            await asyncio.sleep(0.1)


async def _get_place(client: Client) -> str:
    await client.send(Event("user-event", {"name": "home-state", "data": {"entities": ["person.ada"]}}))
    answer = await client.wait_for("user-event", seconds=60)
    return str(answer.data["data"]["entities"]["person.ada"]["state"])
