"""The Home Assistant actor over loopback, against a simulation that tests/interop compares with the real core."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from tests.home_assistant_server import TOKEN, HomeAssistantServer, ServiceFault, entity
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.home.home_assistant.client import Settings, Timeouts, read_token
from wyoming_rosie.home.model import Area, Floor, Home, Location, RoomPolicy
from wyoming_rosie.http.server import serve_http
from wyoming_rosie_intent.actors.home_assistant import HomeAssistantActor
from wyoming_rosie_intent.engine import Answer, Command, Match, SlotValue
from wyoming_rosie_intent.llm.prompts.entities import describe_state
from wyoming_rosie_intent.responses import responses

UNREACHABLE, REFUSED = "Home Assistant cannot be reached.", "Home Assistant refuses the token."
NO_TOKEN = "There is no token for Home Assistant."
NOW = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)


PATIENT = Timeouts(result=60.0, state_change=60.0, first_pause=0.05, token_poll=0.05, settle=0.02, starting=0.05)
QUICK = replace(PATIENT, result=0.4, state_change=0.4)
"""For what never comes."""


@pytest.fixture(autouse=True, scope="module")
def _phrases_are_read() -> None:
    responses.prepare("en")


@pytest.fixture
async def server() -> AsyncIterator[HomeAssistantServer]:
    async with HomeAssistantServer().serving() as running:
        yield running


class Living:
    """A running actor and the homes that it has reported."""

    def __init__(self, url: str, token_file: Path, own: Home | None = None) -> None:
        self.homes: list[Home] = []
        settings = Settings(url, token_file)
        self.actor = HomeAssistantActor(settings, own or Home(), self.homes.append, PATIENT)

    @property
    def home(self) -> Home:
        return self.homes[-1]

    def gives_up_soon(self) -> None:
        self.actor._client.timeouts = QUICK

    async def act(self, intent: str, names: Sequence[str], **slots: SlotValue) -> Answer:
        targets = tuple(one for name in names if (one := self.home.get_entity(name)) is not None)
        assert len(targets) == len(names)
        match = Match(intent, {"name": names[0], **slots}, question=str(slots.get("question", "")))
        return await self.actor.act(Command(match, targets), NOW)


async def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def living(url: str, token_file: Path, own: Home | None = None) -> AsyncIterator[Living]:
    made = Living(url, token_file, own)
    running = asyncio.create_task(made.actor.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return tmp_path / "token"


@pytest.fixture
async def alive(server: HomeAssistantServer, token_file: Path) -> AsyncIterator[Living]:
    async with living(server.url, token_file) as made:
        await until(lambda: made.actor.problem is None)
        yield made


async def test_the_home_is_what_home_assistant_exposes_with_its_names_and_places(alive: Living) -> None:
    home = alive.home
    assert {one.id for one in home.entities} == {
        "light.kitchen", "light.hall", "light.attic", "lock.front", "cover.garage", "climate.heating",
        "media_player.radio", "todo.shopping", "weather.home", "strange.thing",
    }  # fmt: skip
    kitchen = home.get_entity("big light")
    assert kitchen is not None
    assert (kitchen.id, kitchen.area, kitchen.features) == (
        "light.kitchen",
        "kitchen",
        frozenset({"brightness", "color"}),
    )
    radio, garage = home.get_entity("radio"), home.get_entity("garage door")
    assert radio is not None
    assert garage is not None
    assert (radio.area, garage.device_class) == ("kitchen", "garage")
    assert home.areas == (Area("kitchen", "Kitchen", ("galley",), "ground"),)
    assert home.floors == (Floor("ground", "Ground Floor"),)
    assert home.location == Location("Casa", 52.5, 13.4)


async def test_rules_for_rooms_of_the_home_file_are_kept(server: HomeAssistantServer, token_file: Path) -> None:
    own = Home(rooms={"kitchen": RoomPolicy(("light.*",))}, location=Location("Mine", 1.0, 2.0))
    async with living(server.url, token_file, own) as made:
        await until(lambda: bool(made.homes))
        assert (made.home.rooms, made.home.location) == (own.rooms, own.location)


ACTS: list[tuple[str, str, dict[str, SlotValue], str, str]] = [
    ("HassTurnOn", "Kitchen Light", {}, "Turned on the Kitchen Light.", "light.turn_on {}"),
    ("HassTurnOff", "Kitchen Light", {}, "Turned off the Kitchen Light.", "light.turn_off {}"),
    ("HassLightSet", "Kitchen Light", {"brightness": 40}, "Set the Kitchen Light to 40 percent.", "light.turn_on {'brightness_pct': 40}"),
    ("HassLightSet", "Kitchen Light", {"color": "light blue"}, "Set the Kitchen Light to light blue.", "light.turn_on {'color_name': 'lightblue'}"),
    ("HassTurnOff", "Front Door", {}, "Unlocked the Front Door.", "lock.unlock {}"),
    ("HassTurnOn", "Garage Door", {}, "Opened the Garage Door.", "cover.open_cover {}"),
    ("HassClimateSetTemperature", "Heating", {"temperature": 19.5}, "Set the Heating to 19.5 degrees.", "climate.set_temperature {'temperature': 19.5}"),
    ("HassMediaUnpause", "Radio", {}, "Playing on the Radio.", "media_player.media_play {}"),
    ("HassSetVolume", "Radio", {"volume_level": 55}, "Set the volume of the Radio to 55 percent.", "media_player.volume_set {'volume_level': 0.55}"),
    ("HassSetVolumeRelative", "Radio", {"volume_step": "up"}, "Set the volume of the Radio to 40 percent.", "media_player.volume_set {'volume_level': 0.4}"),
    ("HassLightSet", "Kitchen Light", {"brightness_step": 30}, "Set the Kitchen Light to 30 percent.", "light.turn_on {'brightness_pct': 30}"),
    ("HassClimateSetTemperature", "Heating", {"temperature_step": "down"}, "Set the Heating to 20 degrees.", "climate.set_temperature {'temperature': 20.0}"),
    ("HassTurnOn", "Heating", {"hvac_mode": "cool"}, "Set the Heating to cool.", "climate.set_hvac_mode {'hvac_mode': 'cool'}"),
    ("HassListAddItem", "Shopping List", {"item": "salt"}, "Added salt to the Shopping List.", "todo.add_item {'item': 'salt'}"),
]  # fmt: skip


@pytest.mark.parametrize(("intent", "name", "slots", "answer", "called"), ACTS)
async def test_an_intent_becomes_one_service_call(
    server: HomeAssistantServer,
    alive: Living,
    intent: str,
    name: str,
    slots: dict[str, SlotValue],
    answer: str,
    called: str,
) -> None:
    assert await alive.act(intent, [name], **slots) == Answer(answer)
    (call,) = [call for call in server.calls if call["service"] != "get_items"]
    assert f"{call['domain']}.{call['service']} {call['service_data']}" == called


async def test_an_item_is_removed_by_the_name_that_it_has_on_the_list(
    server: HomeAssistantServer, alive: Living
) -> None:
    server.items.append("a dozen eggs")
    answer = await alive.act("HassListRemoveItem", ["Shopping List"], item="eggs")
    assert answer == Answer("Took a dozen eggs off the Shopping List.")
    assert server.calls[-1]["service_data"] == {"item": ["a dozen eggs"]}


async def test_an_item_that_is_on_a_list_is_not_added_again(server: HomeAssistantServer, alive: Living) -> None:
    item = server.items[0]
    assert await alive.act("HassListAddItem", ["Shopping List"], item=item.upper()) == Answer(
        f"The Shopping List already has {item.upper()}."
    )
    assert [call["service"] for call in server.calls] == ["get_items"]


async def test_a_light_that_is_off_does_not_become_darker(server: HomeAssistantServer, alive: Living) -> None:
    answer = await alive.act("HassLightSet", ["Kitchen Light"], brightness_step="down")
    assert (answer.text, server.calls) == ("The Kitchen Light is off.", [])


async def test_several_lights_are_one_call(server: HomeAssistantServer, alive: Living) -> None:
    await alive.act("HassTurnOn", ["Kitchen Light", "Hall Light"])
    assert [call["target"] for call in server.calls] == [{"entity_id": ["light.kitchen", "light.hall"]}]


ASKS: list[tuple[str, str, dict[str, SlotValue], str]] = [
    ("HassGetState", "Kitchen Light", {"state": "on", "question": "one_yesno"}, "No, the Kitchen Light is off."),
    ("HassGetState", "Front Door", {"state": "locked", "question": "one_yesno"}, "Yes, the Front Door is locked."),
    ("HassGetState", "Attic Light", {}, "The Attic Light is not to be reached."),
    ("HassClimateGetTemperature", "Heating", {}, "It is 20.5 degrees, and the Heating is set to 21."),
    ("HassGetState", "Shopping List", {}, "The Shopping List has milk and bread."),
    (
        "HassGetWeather",
        "Forecast",
        {},
        "It is partly cloudy in Forecast, with 12 degrees. Today: rainy, 8 to 14 degrees, 60 percent chance of rain.",
    ),
    ("HassGetState", "Strange Thing", {}, "The Strange Thing is odd."),
]


@pytest.mark.parametrize(("intent", "name", "slots", "answer"), ASKS)
async def test_a_question_is_answered_from_what_was_reported(
    server: HomeAssistantServer, alive: Living, intent: str, name: str, slots: dict[str, SlotValue], answer: str
) -> None:
    assert (await alive.act(intent, [name], **slots)).text == answer
    assert not [call for call in server.calls if not call["service"].startswith("get_")]


async def test_what_changes_is_known_at_once(server: HomeAssistantServer, alive: Living) -> None:
    await server.change("light.kitchen", "on", brightness=255, hs_color=[240, 100])
    await until(lambda: alive.actor.states()["light.kitchen"]["state"] == "on")
    assert (await alive.act("HassGetState", ["Kitchen Light"])).text == "The Kitchen Light is on, blue, at 100 percent."


FAULTS = [
    (ServiceFault.DEAF, "Sorry, the Kitchen Light did not answer.", 1),
    (ServiceFault.HUNG, "Sorry, the Kitchen Light did not answer.", 0),
    (ServiceFault.REFUSED, "Sorry, the Kitchen Light did not accept that.", 0),
    (ServiceFault.UNKNOWN, "Sorry, the Kitchen Light cannot do that.", 0),
    (
        ServiceFault.CUT,
        "I lost the connection to Home Assistant, and do not know whether the Kitchen Light heard it.",
        1,
    ),
]


@pytest.mark.parametrize(("fault", "said", "times"), FAULTS)
async def test_what_goes_wrong_is_said_and_nothing_is_done_twice(
    server: HomeAssistantServer, alive: Living, fault: ServiceFault, said: str, times: int
) -> None:
    server.fault = fault
    if fault in (ServiceFault.DEAF, ServiceFault.HUNG):
        alive.gives_up_soon()
    assert await alive.act("HassTurnOn", ["Kitchen Light"]) == Answer(said, done=False)
    await until(lambda: alive.actor.problem is None)
    await asyncio.sleep(0.2)
    assert len(server.calls) == times


async def test_a_light_that_nobody_saw_because_the_connection_ended_is_not_said_to_be_on(
    server: HomeAssistantServer, alive: Living
) -> None:
    server.fault = ServiceFault.DEAF
    alive.gives_up_soon()
    acting = asyncio.create_task(alive.act("HassTurnOn", ["Kitchen Light"]))
    await until(lambda: bool(server.calls))
    del server.states["light.kitchen"]
    await server.cut()
    assert not (await acting).done


async def test_secrets_and_places_of_people_are_not_told(server: HomeAssistantServer, alive: Living) -> None:
    await server.change("light.kitchen", "on", brightness=9, access_token="key", latitude=1.5)
    await server.change("sensor.power", "7")
    await until(lambda: alive.actor.states()["light.kitchen"]["state"] == "on")
    assert alive.actor.states()["light.kitchen"].keys() == {"state", "brightness"}
    assert "sensor.power" not in alive.actor.states()  # nobody exposed it


async def test_brightness_and_volume_are_told_in_percent(server: HomeAssistantServer, alive: Living) -> None:
    await server.change("light.kitchen", "on", brightness=128)
    await until(lambda: alive.actor.states()["light.kitchen"]["state"] == "on")
    assert describe_state(alive.actor.states()["light.kitchen"]) == "on, brightness 50"
    await server.change("media_player.radio", "playing", volume_level=0.35)
    await until(lambda: alive.actor.states()["media_player.radio"]["state"] == "playing")
    assert alive.actor.states()["media_player.radio"]["volume_level"] == 35


async def test_a_late_result_does_not_matter_where_the_light_is_seen_to_be_on(
    server: HomeAssistantServer, alive: Living
) -> None:
    server.fault = ServiceFault.SILENT
    alive.gives_up_soon()
    assert await alive.act("HassTurnOn", ["Kitchen Light"]) == Answer("Turned on the Kitchen Light.")


async def test_of_two_lights_the_one_that_is_gone_is_named(server: HomeAssistantServer, alive: Living) -> None:
    answer = await alive.act("HassTurnOn", ["Hall Light", "Attic Light"])
    assert answer == Answer("Turned on the Hall Light. Sorry, the Attic Light did not answer.")
    assert [call["target"]["entity_id"] for call in server.calls] == [["light.hall"]]


async def test_many_lights_that_do_not_answer_are_counted(server: HomeAssistantServer, token_file: Path) -> None:
    lamps = {f"light.lamp_{number}": entity(f"Lamp {number}") for number in range(200)}
    server.states.update(lamps)
    async with living(server.url, token_file) as made:
        await until(lambda: made.actor.problem is None)
        server.fault = ServiceFault.DEAF
        made.gives_up_soon()
        answer = await made.act("HassTurnOn", list(lamps))
        assert answer == Answer("Sorry, 200 lights did not answer.", done=False)


async def test_without_home_assistant_that_is_said_and_the_time_still_told(alive: Living, server: HomeAssistantServer) -> None:  # fmt: skip
    server.token = "another"
    await server.cut()
    await until(lambda: alive.actor.problem is not None)
    assert await alive.act("HassGetState", ["Hall Light"]) == Answer(alive.actor.problem or "", done=False)
    clock = await alive.actor.act(Command(Match("HassGetCurrentTime")), NOW)
    assert clock == Answer("It is three oh five PM.")


async def test_it_comes_back_by_itself_after_a_restart(server: HomeAssistantServer, alive: Living) -> None:
    await server.cut()
    await until(lambda: server.connections > 1 and alive.actor.problem is None)
    assert (await alive.act("HassTurnOn", ["Hall Light"])).done


async def test_a_home_assistant_that_is_still_starting_takes_no_rooms_away(
    server: HomeAssistantServer, alive: Living
) -> None:
    whole = dict(server.states)
    server.core_state, server.states = "STARTING", {"light.hall": whole["light.hall"]}
    await server.cut()
    await until(lambda: server.connections > 1 and alive.actor.problem is None)
    assert len(alive.homes) == 1
    server.core_state, server.states = "RUNNING", {**whole, "light.new": entity("New Light")}
    await server._tell("subscribe_entities", {"a": server.states})
    await until(lambda: len(alive.homes) == 2)
    assert alive.home.get_entity("New Light") is not None


async def test_a_token_that_is_refused_is_told_and_not_tried_again_soon(
    server: HomeAssistantServer, token_file: Path
) -> None:
    await asyncio.to_thread(token_file.write_text, "wrong")
    async with living(server.url, token_file) as made:
        await until(lambda: made.actor.problem == REFUSED)
        await asyncio.sleep(0.3)
    assert server.refused == 1


async def test_a_token_that_was_mended_is_tried_at_once(server: HomeAssistantServer, token_file: Path) -> None:
    await asyncio.to_thread(token_file.write_text, "wrong")
    async with living(server.url, token_file) as made:
        await until(lambda: made.actor.problem == REFUSED)
        await asyncio.to_thread(token_file.write_text, TOKEN)
        await until(lambda: made.actor.problem is None)
    assert server.refused == 1


@pytest.mark.parametrize("before", [None, "", "\n"], ids=["no file", "an empty file", "an empty line"])
async def test_a_token_that_appears_later_is_used(
    server: HomeAssistantServer, token_file: Path, before: str | None
) -> None:
    await asyncio.to_thread(token_file.unlink)
    if before is not None:
        await asyncio.to_thread(token_file.write_text, before)
    async with living(server.url, token_file) as made:
        await until(lambda: made.actor.problem == NO_TOKEN)
        await asyncio.to_thread(token_file.write_text, TOKEN)
        await until(lambda: made.actor.problem is None)
    assert server.refused == 0


async def test_a_change_of_the_registry_changes_the_home(server: HomeAssistantServer, alive: Living) -> None:
    server.entities[0]["aliases"] = ["sun"]
    await server.registry_changed()
    await until(lambda: alive.home.get_entity("sun") is not None)
    await server.registry_changed("area_registry_updated")
    await asyncio.sleep(0.2)
    assert len(alive.homes) == 2


async def test_without_an_administrators_token_only_what_the_registry_exposes_is_known(
    server: HomeAssistantServer, token_file: Path
) -> None:
    server.is_admin = False
    server.entities[0]["options"] = {"conversation": {"should_expose": True}}
    async with living(server.url, token_file) as made:
        await until(lambda: bool(made.homes))
        assert {one.id for one in made.home.entities} == {"light.kitchen"}


async def test_nothing_at_the_address_is_a_clear_problem(token_file: Path) -> None:
    async with living("http://127.0.0.1:1", token_file) as made:
        await until(lambda: made.actor.problem == UNREACHABLE)


@pytest.mark.parametrize("said", ["[]", "nonsense", '{"type": "hello"}', "5", ""])
async def test_what_is_no_home_assistant_is_a_clear_problem(token_file: Path, said: str) -> None:
    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(said)
        await socket.receive()
        return socket

    application = web.Application()
    application.router.add_get("/api/websocket", talk)
    async with (
        serve_http(application, "127.0.0.1", 0, "port") as where,
        living(f"http://127.0.0.1:{where.port}", token_file) as made,
    ):
        await until(lambda: made.actor.problem == UNREACHABLE)


@pytest.mark.parametrize("said", ["[]", "5", "nonsense", "[5]", '{"type": "event"}', '{"type": "result", "id": "x"}'])
async def test_nonsense_on_the_way_costs_at_most_the_connection(
    server: HomeAssistantServer, alive: Living, said: str
) -> None:
    (socket,) = server._open
    await socket.send_str(said)
    await server.change("light.kitchen", "on")  # comes after it, or with the states of the next connection
    await until(lambda: alive.actor.problem is None and alive.actor.states()["light.kitchen"]["state"] == "on")
    assert (await alive.act("HassTurnOn", ["Hall Light"])).done


def test_the_token_comes_from_a_file_or_the_environment(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_token(Settings(token_file=token_file)) == TOKEN
    monkeypatch.setenv("HOME_ASSISTANT_TOKEN", "other")
    assert read_token(Settings()) == "other"
    monkeypatch.delenv("HOME_ASSISTANT_TOKEN")
    with pytest.raises(ConfigError, match="needs a token"):
        read_token(Settings())
    with pytest.raises(ConfigError, match="token-file: cannot read"):
        read_token(Settings(token_file=token_file.with_name("none")))


async def test_an_idle_satellite_is_known_and_speaks(server: HomeAssistantServer, token_file: Path) -> None:
    server.states["assist_satellite.kitchen"] = entity("Kitchen", "idle")
    server.states["assist_satellite.attic"] = entity("Attic", "unavailable")
    async with living(server.url, token_file) as alive:
        await until(lambda: alive.actor.problem is None)
        assert alive.actor.satellites() == {"assist_satellite.kitchen": True}
        await server.change("assist_satellite.kitchen", "responding")
        await until(lambda: alive.actor.satellites() == {"assist_satellite.kitchen": False})
        await alive.actor.announce("assist_satellite.kitchen", "Dinner is ready.")
        server.fault = ServiceFault.REFUSED
        await alive.actor.announce("assist_satellite.kitchen", "Nobody hears this.")
    (call,) = server.calls
    assert (call["domain"], call["service"]) == ("assist_satellite", "announce")
    assert call["service_data"] == {"message": "Dinner is ready."}
    assert alive.actor.satellites() == {}
