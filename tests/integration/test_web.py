"""The hub's HTTP API as programs use it over loopback, with a scripted satellite and scripted daemons."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.daemons import Daemon
from tests.fakes import FakeSatellite
from tests.integration.test_hub import HubHarness, storyteller
from tests.web_client import Credentials, bearer, create_credentials, open_web, page_of
from wyoming_rosie.protocol.server import Send

API = "/api/v1"
SATELLITE = f"{API}/satellites/kitchen satellite"


@dataclass(frozen=True)
class HouseClient:
    """A hub with a satellite in the kitchen, and a client with all scopes."""

    harness: HubHarness
    hub: Daemon
    client: aiohttp.ClientSession
    credentials: Credentials

    async def get(self, path: str, status: int = 200) -> Any:
        async with self.client.get(API + path) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: object, status: int = 200, key: str | None = None) -> Any:
        headers = bearer(key) if key else {}
        async with self.client.post(API + path, json=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def history(self, outcome: str) -> dict[str, Any]:
        """Return the last turn once it has ended so."""
        async with asyncio.timeout(60):
            while not (turns := await self.get("/turns")) or turns[0]["outcome"] != outcome:
                await asyncio.sleep(0.05)
        turn: dict[str, Any] = turns[0]
        return turn


def read(path: Path) -> str:
    """Return the text of a file, an empty one if there is none."""
    return path.read_text() if path.exists() else ""


async def volume_knob(satellite: FakeSatellite) -> None:
    """Report each volume that is set."""
    event = await satellite.wait_for("user-event", name="volume")
    await satellite.send(Event("user-event", {"name": "volume", "percent": event.data["percent"]}))


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return create_credentials(tmp_path / "state")


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    file = tmp_path / "rosie.toml"
    file.write_text("# my house\n[hub]\nfiller = true  # they like it\n\n[asr]\n# not the hub's\n")
    return file


@pytest.fixture
async def house(
    daemon: StartDaemon, tmp_path: Path, credentials: Credentials, config_file: Path
) -> AsyncIterator[HouseClient]:
    async with AsyncExitStack() as stack:
        harness = HubHarness(daemon, stack, tmp_path / "state")
        hub = await harness.begin("--web", "--web.port", "0", "--config", str(config_file))
        session = aiohttp.ClientSession(
            await page_of(hub), timeout=aiohttp.ClientTimeout(60), headers=bearer(credentials.admin)
        )
        yield HouseClient(harness, hub, await stack.enter_async_context(session), credentials)


async def test_a_monitor_gets_the_state_of_the_hub(daemon: StartDaemon) -> None:
    async with open_web(daemon) as client, client.get("/health") as answer:
        assert answer.status == 200
        assert (await answer.json())["parts"] == {"satellites": "ok", "certificate": "ok", "trust": "ok"}


async def test_a_satellite_that_is_not_connected_is_named_to_monitors(daemon: StartDaemon) -> None:
    async with open_web(daemon, "--satellite", "tcp://127.0.0.1:9") as client, client.get("/health") as answer:
        assert answer.status == 503
        assert "tcp://127.0.0.1:9" in (await answer.json())["parts"]["satellites"]


async def test_each_part_has_its_health(house: HouseClient) -> None:
    wake = await house.get("/health/wake", status=503)
    assert wake["reason"]
    memory = await house.get("/health/memory", status=503)
    assert "memory" in memory["reason"]
    assert (await house.get("/health/stt"))["status"] == "ok"


async def test_a_sentence_is_answered(house: HouseClient) -> None:
    answer = await house.post("/prompt", {"text": "turn on the light", "room": "Kitchen"})
    assert answer["text"] == "Turned on the light."
    assert answer["succeeded"]
    sent = house.harness.stages["intent"].of_type("transcript")[-1]
    assert sent.data["text"] == "turn on the light"
    assert sent.data["context"]["area"] == "Kitchen"
    assert sent.data["context"]["turn_id"] == answer["turn_id"]
    assert "allow_tools" not in sent.data["context"]


async def test_a_sentence_that_may_not_act_says_so_to_the_intent_daemon(house: HouseClient) -> None:
    await house.post("/prompt", {"text": "turn on the light", "may_act": False})
    assert house.harness.stages["intent"].of_type("transcript")[-1].data["context"]["allow_tools"] is False


async def test_a_keys_room_is_that_of_its_sentences(house: HouseClient) -> None:
    await house.post("/prompt", {"text": "turn on the light"}, key=house.credentials.tablet)
    context = house.harness.stages["intent"].of_type("transcript")[-1].data["context"]
    assert context["area"] == "Kitchen"
    assert context["satellite_id"] == "kitchen satellite", "a timer would ring there"
    claimed = {"text": "unlock the door", "room": "Office"}
    assert (await house.post("/prompt", claimed, 403, house.credentials.tablet))["code"] == "room"


async def test_scopes_are_kept(house: HouseClient) -> None:
    monitor, tablet = house.credentials.monitor, house.credentials.tablet
    assert (await house.post("/prompt", {"text": "hello"}, 403, monitor))["code"] == "scope"
    assert (await house.post("/config", {"filler": False}, 403, tablet))["code"] == "scope"


async def test_an_answer_streams_as_server_sent_events(house: HouseClient) -> None:
    house.harness.stages["intent"].answer = storyteller
    request = house.client.post(
        f"{API}/prompt", json={"text": "tell me a story"}, headers={"Accept": "text/event-stream"}
    )
    async with request as answer:
        assert answer.content_type == "text/event-stream"
        events = [part.split("\ndata: ") for part in (await answer.text()).strip().split("\n\n")]
    assert [name for name, _ in events] == ["event: delta"] * 3 + ["event: final"]
    assert "".join(json.loads(data)["text"] for _, data in events[:3]) == "Once upon a time. The end?"
    final = json.loads(events[-1][1])
    assert final["text"] == "Once upon a time. The end?"
    assert final["expects_reply"]


async def test_a_sentence_without_an_intent_daemon_gets_a_reason(house: HouseClient) -> None:
    async def refuse(event: Event, send: Send) -> None:
        await send(Event("error", {"text": "the model is away", "code": "engine"}))

    house.harness.stages["intent"].answer = refuse
    answer = await house.post("/prompt", {"text": "hello"}, status=503)
    assert answer["error"] == "the model is away"


WRONG_VALUES: tuple[tuple[str, dict[str, object], str], ...] = (
    ("/prompt", {"text": ""}, "text"),
    ("/prompt", {"text": "a" * 2001}, "text"),
    ("/prompt", {"text": "hi", "language": "<script>"}, "language"),
    ("/timers", {"seconds": 0}, "seconds"),
    ("/satellites/x/volume", {"percent": 101}, "percent"),
    ("/config", {"end_of_speech.complete_ms": "soon"}, "end_of_speech.complete_ms"),
    ("/config", {"end_of_speech.complete_ms": -5}, "end_of_speech.complete_ms"),
    ("/config", {"no_such_key": 1}, "no_such_key"),
    ("/config", {"config": "/etc/passwd"}, "config"),
)


async def test_a_wrong_value_is_refused_by_its_key(house: HouseClient) -> None:
    answers = [await house.post(path, body, status=422) for path, body, _ in WRONG_VALUES]
    assert [answer["key"] for answer in answers] == [key for _, _, key in WRONG_VALUES]


async def test_a_turn_has_its_timeline_and_no_words(house: HouseClient) -> None:
    await house.harness.turn()
    turn = await house.history("done")
    assert next(step["step"] for step in turn["steps"]) == "wake"
    assert {"speech-end", "transcript", "intent", "first-audio", "done"} <= {step["step"] for step in turn["steps"]}
    assert turn["heard"] is None
    assert turn["answer"] is None
    assert (await house.get(f"/turns/{turn['turn_id']}"))["satellite"] == "kitchen satellite"
    await house.get("/turns/none", status=404)


async def test_words_are_kept_when_that_is_switched_on(house: HouseClient) -> None:
    change = await house.post("/config", {"web.log_text": True})
    assert change == {"applied": ["web.log_text"], "needs_restart": [], "overridden": []}
    await house.harness.turn()
    turn = await house.history("done")
    assert (turn["heard"], turn["answer"]) == ("turn on the light", "Turned on the light.")


async def test_settings_are_changed_in_the_file_and_its_comments_stay(house: HouseClient, config_file: Path) -> None:
    old = read(config_file)
    change = await house.post("/config", {"filler": False, "end_of_speech.complete_ms": 450, "adopt_all": True})
    assert sorted(change["applied"]) == ["end_of_speech.complete_ms", "filler"]
    assert change["needs_restart"] == ["adopt_all"]
    written = read(config_file)
    assert "# my house" in written
    assert "filler = false  # they like it" in written
    assert "# not the hub's" in written
    assert read(config_file.with_suffix(".toml.old")) == old
    settings = {setting["key"]: setting for setting in (await house.get("/config"))["settings"]}
    assert settings["end_of_speech.complete_ms"]["value"] == 450
    assert settings["end_of_speech.complete_ms"]["default"] == 500
    assert settings["web.port"]["needs_restart"]
    line = await house.hub.wait_for_line("audit", action="settings changed")
    assert line["caller"] == "script"


async def test_a_setting_that_a_flag_overrides_says_so(house: HouseClient) -> None:
    change = await house.post("/config", {"web.port": 8001})
    assert change["overridden"] == ["web.port"]


async def test_a_wrong_setting_leaves_the_file_as_it_was(house: HouseClient, config_file: Path) -> None:
    old = read(config_file)
    await house.post("/config", {"filler": "perhaps", "adopt_all": True}, status=422)
    assert read(config_file) == old
    assert not read(config_file.with_suffix(".toml.new"))


async def test_an_announcement_is_spoken(house: HouseClient) -> None:
    await house.post("/satellites/kitchen satellite/announce", {"text": "Dinner is ready."}, status=202)
    event = await house.harness.satellite.wait_for("synthesize")
    assert event.data["text"] == "Dinner is ready."
    answer = await house.post("/satellites/attic/announce", {"text": "Hello"}, status=404)
    assert "kitchen satellite" in answer["error"]


async def test_a_key_reaches_the_satellites_of_its_room_only(house: HouseClient) -> None:
    tablet = house.credentials.tablet
    await house.post("/satellites/kitchen satellite/announce", {"text": "Dinner."}, 202, tablet)
    assert (await house.post("/satellites/office/announce", {"text": "Boo"}, 403, tablet))["code"] == "room"


async def test_volume_and_mute_reach_the_satellite(house: HouseClient) -> None:
    report = asyncio.create_task(volume_knob(house.harness.satellite))
    assert await house.post("/satellites/kitchen satellite/volume", {"percent": 30}) == {"percent": 30}
    await report
    await house.post("/satellites/kitchen satellite/mute", {"muted": True}, status=202)
    async with asyncio.timeout(60):
        while {"name": "mute", "muted": True} not in [event.data for event in house.harness.satellite.heard]:
            await asyncio.sleep(0.02)
    await house.harness.satellite.send(Event("user-event", {"name": "muted", "muted": True}))
    async with asyncio.timeout(60):
        while (await house.get("/satellites"))[0]["is_muted"] is not True:
            await asyncio.sleep(0.02)
    assert (await house.get("/satellites"))[0]["volume_percent"] == 30


async def test_a_timer_starts_counts_down_and_is_cancelled(house: HouseClient) -> None:
    await house.post("/timers", {"seconds": 600, "name": "tea"}, 201, house.credentials.tablet)
    started = await house.harness.satellite.wait_for("timer-started")
    (timer,) = await house.get("/timers")
    assert (timer["name"], timer["satellite"], timer["kind"]) == ("tea", "kitchen satellite", "timer")
    assert 0 < timer["seconds_left"] <= 600
    assert started.data["id"] == timer["id"]
    async with house.client.delete(f"{API}/timers/{timer['id']}") as answer:
        assert answer.status == 204
    assert (await house.harness.satellite.wait_for("timer-cancelled")).data["id"] == timer["id"]
    assert await house.get("/timers") == []


async def test_the_status_has_satellites_daemons_and_load(house: HouseClient) -> None:
    await house.post("/prompt", {"text": "turn on the light"})
    status = await house.get("/status")
    assert status["satellites"][0]["id"] == "kitchen satellite"
    assert status["rooms"] == ["Kitchen"]
    assert {daemon["role"]: bool(daemon["problem"]) for daemon in status["daemons"]}["wake"]
    assert status["turns"] == {"done": 1}
    assert status["load"]["hub_memory_mb"] > 1


async def test_a_house_without_a_memory_says_so(house: HouseClient) -> None:
    assert (await house.post("/memory/query", {"text": "what"}, status=503))["code"] == "memory"


async def test_a_script_in_a_satellites_name_stays_text(daemon: StartDaemon, tmp_path: Path) -> None:
    satellite = FakeSatellite()
    satellite.info.satellite.name = "<script>alert(1)</script>"  # type: ignore[union-attr]
    async with (
        satellite.serving(info=satellite.info),
        open_web(daemon, "--satellite", satellite.uri, "--data-dir", str(tmp_path)) as client,
    ):
        async with asyncio.timeout(60):
            while not await is_connected(client):
                await asyncio.sleep(0.05)
        async with client.get(f"{API}/status") as answer:
            assert answer.content_type == "application/json"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def is_connected(client: aiohttp.ClientSession) -> bool:
    """Return whether the first satellite is connected."""
    async with client.get(f"{API}/satellites") as answer:
        return any(satellite["is_connected"] for satellite in await answer.json())
