"""The installed wyoming-rosie-intent as a process over loopback."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from wyoming.client import AsyncClient
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import Describe, HandleProgram, Info, IntentProgram
from wyoming.intent import Recognize

from tests.conftest import OpenPeer, StartDaemon
from tests.daemons import Daemon, command, describe
from wyoming_rosie.protocol.client import Client

KITCHEN = {"area": "kitchen"}
ANSWERS = ("handled", "not-handled", "intent", "not-recognized", "error")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_uri() -> AsyncIterator[str]:
    """The address of a daemon without flags, for tests that do not depend on the state of its home."""
    shared = await Daemon.start("intent")
    yield shared.uri
    assert await shared.stop() == 0


async def ask(peer: Client, text: object, **data: Any) -> Event:
    await peer.send(Event("transcript", {"text": text, **data}))
    while (answer := await peer.receive(60)).type not in ANSWERS:
        pass
    return answer


async def light_states(peer: Client) -> dict[str, str]:
    await peer.send(Event("user-event", {"name": "home-state", "data": {}}))
    entities = (await peer.wait_for("user-event", seconds=60)).data["data"]["entities"]
    return {entity: state["state"] for entity, state in entities.items() if entity.startswith("light.")}


async def test_a_light_goes_on_and_a_question_is_answered_from_it(daemon: StartDaemon, peer: OpenPeer) -> None:
    client = await peer((await daemon("intent")).uri)
    assert set((await light_states(client)).values()) == {"off"}
    answer = await ask(client, "turn on the kitchen lights", language="en-US", context={"turn_id": "t1"})
    assert (answer.type, answer.data["text"]) == ("handled", "Turned on the Kitchen Light.")
    assert answer.data["context"]["turn_id"] == "t1"
    assert (answer.data["context"]["intent"], answer.data["context"]["slots"]) == (
        "HassTurnOn",
        {"area": "Kitchen", "domain": "light"},
    )
    assert (await light_states(client))["light.kitchen"] == "on"
    assert (await ask(client, "is the kitchen light on?")).data["text"] == "Yes, the Kitchen Light is on."


HOME = """
areas = [{ id = "office", name = "Office", aliases = ["study"] }, { id = "hall", name = "Hall" }]
entities = [{ id = "light.desk", name = "Desk", domain = "light", area = "office" }]

[rooms.office]
private = true
"""


async def question(peer: Client, name: object, data: object = None) -> Any:
    """Return the data of the answer to a user-event."""
    await peer.send(Event("user-event", {"name": name, "data": data}))
    return (await peer.wait_for("user-event", seconds=60)).data["data"]


async def test_a_conductor_may_ask_about_rooms_plugins_and_load(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path
) -> None:
    home, plugin = tmp_path / "home.toml", tmp_path / "plugins" / "garden"
    await asyncio.to_thread(home.write_text, HOME)
    await asyncio.to_thread(plugin.mkdir, parents=True)
    await asyncio.to_thread((plugin / "plugin.py").write_text, "1 / 0")
    intent = await daemon("intent", "--home", str(home), "--plugin-folder", str(plugin.parent))
    client = await peer(intent.uri)
    rooms = {
        name: await question(client, "room", {"area": name}) for name in ("Office", "STUDY", "office", "Hall", "x")
    }
    assert [name for name, answer in rooms.items() if answer["is_private"]] == ["Office", "STUDY", "office"]
    assert await question(client, "room", "Office") == {"is_private": False}
    actor, garden = (await question(client, "plugins"))["plugins"]
    assert (actor["name"], actor["kind"], actor["problem"]) == ("demo", "actor", None)
    assert (garden["name"], bool(garden["problem"])) == ("garden", True)
    await client.send(Event("user-event", {"name": ["room"]}))
    assert (await question(client, "status"))["streams"] == 1


async def test_the_speakers_room_travels_in_the_context(shared_uri: str, peer: OpenPeer) -> None:
    client = await peer(shared_uri)
    answer = await ask(client, "turn on the light", context={"area": "bedroom"})
    assert answer.data["text"] == "Turned on the Bed Light."


async def test_a_lock_waits_for_a_yes_that_comes_over_another_connection(daemon: StartDaemon, peer: OpenPeer) -> None:
    uri = (await daemon("intent")).uri
    asked = await ask(await peer(uri), "unlock the front door", context=KITCHEN)
    assert asked.data["context"]["expects_reply"] is True
    conversation = {"conversation_id": asked.data["context"]["conversation_id"]}
    assert (await ask(await peer(uri), "is the front door locked")).data["text"] == "Yes, the Front Door is locked."
    assert (await ask(await peer(uri), "yes", context=conversation)).data["text"] == "Unlocked the Front Door."
    assert (await ask(await peer(uri), "is the front door locked")).data["text"] == "No, the Front Door is unlocked."


async def test_only_what_is_dangerous_waits_for_a_yes_where_the_operator_wants_none(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path
) -> None:
    (tmp_path / "rosie.toml").write_text("[intent]\nconfirm = []\n", "utf-8")
    client = await peer((await daemon("intent", "--config", str(tmp_path / "rosie.toml"))).uri)
    curtains = await ask(client, "open the living room curtains")
    assert curtains.data["text"] == "Opened the Living Room Curtains."
    assert (await ask(client, "unlock the front door", context=KITCHEN)).data[
        "text"
    ] == "Shall I unlock the Front Door?"


async def test_what_is_dangerous_is_left_alone_from_no_known_room(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path
) -> None:
    record = tmp_path / "audit"
    client = await peer((await daemon("intent", "--audit-file", str(record))).uri)
    refused = await ask(client, "unlock the front door")
    assert refused.type == "not-handled"
    assert "which room" in refused.data["text"]
    async with asyncio.timeout(60):
        while not (record.exists() and record.read_text("utf-8")):
            await asyncio.sleep(0.01)
    assert '"outcome": "refused"' in record.read_text("utf-8")


async def test_a_home_file_that_changes_is_spoken_about_anew(
    daemon: StartDaemon, peer: OpenPeer, tmp_path: Path
) -> None:
    file = tmp_path / "home.toml"
    file.write_text('[[entities]]\nid = "switch.x"\nname = "Fountain"\ndomain = "switch"\n', "utf-8")
    client = await peer((await daemon("intent", "--home", str(file))).uri)
    assert (await ask(client, "turn on the fountain")).data["text"] == "Turned on the Fountain."
    file.write_text(file.read_text("utf-8").replace("Fountain", "Waterfall") + "aliases = 5\n", "utf-8")
    await asyncio.sleep(1.5)
    assert (await ask(client, "is the fountain on")).data["text"] == "Yes, the Fountain is on."
    file.write_text('[[entities]]\nid = "switch.x"\nname = "Waterfall"\ndomain = "switch"\n', "utf-8")
    async with asyncio.timeout(60):
        while (answer := await ask(client, "is the waterfall on")).type != "handled":
            await asyncio.sleep(0.1)
    assert answer.data["text"] == "Yes, the Waterfall is on."


async def test_without_an_actor_the_conductor_acts(daemon: StartDaemon, peer: OpenPeer) -> None:
    started = await daemon("intent", "--actor", "none")
    answer = await ask(await peer(started.uri), "set the bed light to 50 percent")
    assert (answer.type, answer.data["name"]) == ("intent", "HassLightSet")
    assert {"name": "brightness", "value": 50} in answer.data["entities"]
    info = await describe(started.uri)
    assert info.intent
    assert not info.handle


async def test_timers_are_the_conductors_and_nonsense_is_answered_in_words(shared_uri: str, peer: OpenPeer) -> None:
    client = await peer(shared_uri)
    timer = await ask(client, "set a timer for five minutes")
    assert (timer.type, timer.data["name"]) == ("intent", "HassStartTimer")
    assert timer.data["entities"] == [{"name": "minutes", "value": 5}]
    nonsense = await ask(client, "purple elephants")
    assert nonsense.type == "not-recognized"
    assert nonsense.data["text"]


async def test_a_home_of_ones_own_is_understood(daemon: StartDaemon, peer: OpenPeer, tmp_path: Path) -> None:
    file = tmp_path / "home.toml"
    file.write_text('[[entities]]\nid = "switch.x"\nname = "Fountain"\ndomain = "switch"\n', "utf-8")
    client = await peer((await daemon("intent", "--home", str(file))).uri)
    assert (await ask(client, "turn on the fountain")).data["text"] == "Turned on the Fountain."


async def test_home_assistant_finds_what_it_needs_to_give_it_control(shared_uri: str) -> None:
    info = await describe(shared_uri)
    programs: list[IntentProgram | HandleProgram] = [*info.intent, *info.handle]
    for program in programs:
        assert program.installed
        assert program.attribution.name
        assert program.attribution.url.startswith("https://")
        assert program.version
        assert program.description
        assert program.models[0].installed
        assert {"en", "de", "pt-BR"} <= set(program.models[0].languages)
    assert len(info.intent) == len(info.handle) == 1
    assert info.handle[0].supports_home_control


async def test_the_wyoming_packages_own_client_is_served(shared_uri: str) -> None:
    async with AsyncClient.from_uri(shared_uri) as client:
        await client.write_event(Describe().event())
        described = await asyncio.wait_for(client.read_event(), 60)
        assert described is not None
        assert Info.from_event(described).intent
        await client.write_event(Recognize("what's the weather", context={}).event())
        answer = await asyncio.wait_for(client.read_event(), 60)
        assert answer is not None
        assert Handled.from_event(answer).text == "It is sunny, with 18 degrees."


BAD_REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"text": 7}, "bad-event"),
    ({}, "bad-event"),
    ({"text": "what time is it", "language": "tlh"}, "unknown-language"),
    ({"text": "what time is it", "context": {"area": [1]}}, "bad-event"),
]


async def test_a_bad_request_gets_its_reason_and_the_next_one_its_answer(shared_uri: str, peer: OpenPeer) -> None:
    client = await peer(shared_uri)
    for data, code in BAD_REQUESTS:
        await client.send(Event("transcript", data))
        refused = await client.receive(60)
        assert (refused.type, refused.data["code"]) == ("error", code)
        assert len(refused.data["text"]) < 200
        assert (await ask(client, "what time is it")).type == "handled"


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--home", "nowhere.toml"], "cannot read the home file nowhere.toml: No such file or directory"),
        (
            ["--confirm", "toaster"],
            "--confirm: 'toaster' is neither an id such as switch.pump nor a domain; those are: alarm",
        ),
        (["--mcp-file", "nowhere.toml"], "nowhere.toml"),
        (["--plugin-folder", "nowhere"], "cannot read the plugin folder nowhere"),
        (["--prompt-folder", "nowhere", "--local.model", "small"], "nowhere"),
        (["--phrases", "nowhere"], "there are no phrases in nowhere"),
        (["--actor", "home-assistant"], "set HOME_ASSISTANT_TOKEN or --home-assistant.token-file"),
        (["--local.model", "small", "--local.url", "nonsense"], "--local.url"),
        (["--weather.url", "open-meteo"], "[location] with latitude and longitude"),
    ],
)
async def test_a_wrong_setting_is_one_line_and_status_one(arguments: list[str], reason: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie-intent"), *arguments, stderr=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert reason in stderr.decode()
    assert stderr.decode().count("\n") == 1


async def test_many_speakers_at_once_are_all_answered(shared_uri: str, peer: OpenPeer) -> None:
    peers = [await peer(shared_uri) for _ in range(20)]
    found = await asyncio.gather(*(ask(one, "turn on the bed light") for one in peers))
    assert {answer.data["text"] for answer in found} == {"Turned on the Bed Light."}
