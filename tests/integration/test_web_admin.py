"""What the page of the house asks of the hub: events, keys, voices, wake words, log, plugins, settings of all programs."""

import asyncio
import io
import json
import tomllib
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from wyoming.event import Event
from wyoming.info import Attribution, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker

from tests.daemons import Daemon
from tests.fakes import SPEECH_DATA, FakeSatellite
from tests.integration.test_hub import TONE, HubHarness, intent
from tests.integration.test_web import API, HouseClient, read
from tests.web_client import PASSWORD, bearer, create_credentials, page_of
from wyoming_rosie.audio.levels import SILENCE_DBFS
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.trust.scopes import Scope
from wyoming_rosie_hub.web.events import MAX_READERS
from wyoming_rosie_hub.web.stream_messages import CloseCode

pytestmark = pytest.mark.asyncio(loop_scope="module")
CREDIT = Attribution("tests", "https://example.org")
PLUGIN = {
    "name": "garden",
    "kind": "intent",
    "version": "2",
    "problem": "the pump is away",
    "sentences": ["water [the] lawn"],
}


def voice(name: str, *speakers: str, installed: bool = True) -> TtsVoice:
    return TtsVoice(
        name,
        CREDIT,
        installed,
        f"voice {name}",
        "1",
        ["en"],
        [TtsVoiceSpeaker(speaker) for speaker in speakers] or None,
    )


VOICES = Info(
    tts=[
        TtsProgram("voices", CREDIT, True, "", "1", [voice("far", installed=False), voice("amy"), voice("duo", "left")])
    ]
)


async def intent_with_questions(event: Event, send: Send) -> None:
    """Answer what the hub asks about plugins and rooms; "tea in five" is a timer."""
    match event.data:
        case {"name": "plugins"}:
            await send(Event("user-event", {"name": "plugins", "data": {"plugins": [PLUGIN]}}))
        case {"name": "room", "data": {"area": area}}:
            await send(Event("user-event", {"name": "room", "data": {"is_private": area == "Bedroom"}}))
        case {"text": "tea in five"}:
            await send(Event("intent", {"name": "HassStartTimer", "entities": [{"name": "minutes", "value": 5}]}))
        case _:
            await intent(event, send)


class EventSource:
    """The server-sent events of a house, as a browser reads them."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.read: list[tuple[str, Any]] = []

    async def wait_for(self, name: str, **fields: Any) -> Any:
        """Return the data of the next event of this name with these fields."""
        async with asyncio.timeout(60):
            while True:
                found, data = await self._next()
                if found == name and (not fields or fields.items() <= data.items()):
                    return data

    async def wait_for_end(self) -> None:
        async with asyncio.timeout(60):
            while not self._answer.content.at_eof():
                await self._answer.content.readline()

    async def _next(self) -> tuple[str, Any]:
        name = ""
        while line := (await self._answer.content.readline()).decode():
            if line.startswith("event: "):
                name = line.removeprefix("event: ").strip()
            if line.startswith("data: "):
                self.read.append((name, json.loads(line.removeprefix("data: "))))
                return self.read[-1]
        raise AssertionError("the events ended")


@asynccontextmanager
async def open_events(house: HouseClient, key: str | None = None) -> AsyncIterator[EventSource]:
    """Read the events of a house during the block."""
    async with house.client.get(f"{API}/events", headers=bearer(key) if key else {}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "text/event-stream"
        await answer.content.readline()
        yield EventSource(answer)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs that the hub may run, none at first: this machine's journal is none of the test's."""
    return tmp_path_factory.mktemp("bin")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, programs: Path) -> AsyncIterator[HouseClient]:
    folder = tmp_path_factory.mktemp("house")
    file = folder / "rosie.toml"
    file.write_text("# my house\n[hub]\n\n[asr]\npeers = 100  # enough\n")
    credentials = create_credentials(folder / "state")
    async with AsyncExitStack() as stack:
        harness = HubHarness(partial(Daemon.start, env={"PATH": str(programs)}), stack, folder / "state")
        harness.stages["tts"].info = VOICES
        harness.stages["intent"].answer = intent_with_questions
        hub = await harness.begin("--web", "--web.port", "0", "--config", str(file))
        password = aiohttp.encode_basic_auth("", PASSWORD)  # a key has its own limit of requests
        session = aiohttp.ClientSession(
            await page_of(hub), timeout=aiohttp.ClientTimeout(60), headers={"Authorization": password}
        )
        opened = HouseClient(harness, hub, await stack.enter_async_context(session), credentials)
        yield opened
        async with open_events(opened) as events:
            assert await hub.stop() == 0
            await events.wait_for_end()
        assert not [line for line in hub.log if "Traceback" in str(line)], "readers end in order"


async def test_readers_see_the_phases_of_a_satellite_and_the_end_of_its_turn(house: HouseClient) -> None:
    async with open_events(house) as events:
        turn = asyncio.create_task(house.harness.turn())
        ended = await events.wait_for("turn", outcome="done")
        await turn
    phases = [data["phase"] for name, data in events.read if name == "satellite"]
    assert phases[0] == "listening"
    assert "answering" in phases
    assert {"speech-end", "transcript", "intent", "done"} <= {step["step"] for step in ended["steps"]}
    assert ended["heard"] is None, "nobody has allowed to keep words"
    satellite = (await house.get("/status"))["satellites"][0]
    assert satellite["last_turn"] == ended["turn_id"]
    assert satellite["software"] == "a fake 1"


async def test_readers_see_timers_and_administrators_see_the_log(house: HouseClient) -> None:
    async with open_events(house) as events:
        await house.post("/timers", {"seconds": 600, "name": "tea"}, 201)
        (timer,) = await events.wait_for("timers")
        line = await events.wait_for("log", event="audit")
        assert (timer["name"], line["details"]["path"]) == ("tea", f"{API}/timers")
        async with house.client.delete(f"{API}/timers/{timer['id']}"):
            assert await events.wait_for("timers") == []


async def test_a_key_of_a_room_reads_its_own_turns_and_no_log(house: HouseClient) -> None:
    async with open_events(house, house.credentials.tablet) as events:
        async with open_events(house) as all_events:
            await house.post("/prompt", {"text": "secret of the office", "room": "Office"})
            await house.post("/timers", {"seconds": 0}, 422)
            await all_events.wait_for("log", event="audit")
        await house.post("/prompt", {"text": "turn on the light", "room": "Kitchen"})
        turn = await events.wait_for("turn")
    assert turn["area"] == "Kitchen"
    assert {name for name, _ in events.read} <= {"turn", "satellite", "timers", "daemon"}


async def test_events_have_a_bounded_number_of_readers(house: HouseClient) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MAX_READERS):
            await stack.enter_async_context(open_events(house))
        assert (await house.get("/events", 503))["code"] == "busy"
    async with asyncio.timeout(60):
        while (await house.client.get(f"{API}/events")).status != 200:
            await asyncio.sleep(0.1)


async def test_a_key_is_made_used_and_revoked(house: HouseClient) -> None:
    secret = (await house.post("/keys", {"name": "wall", "scopes": ["talk", "read"], "room": "Kitchen"}, 201))["secret"]
    listed = {key["name"]: key for key in await house.get("/keys")}
    assert listed["wall"]["scopes"] == ["act", "audio", "read", "text"]
    assert listed["wall"]["created_at"] > 0
    assert listed["wall"]["last_used_at"] is None
    assert secret not in json.dumps(listed)
    async with open_events(house, secret) as events:
        assert next(key["last_used_at"] for key in await house.get("/keys") if key["name"] == "wall")
        async with house.client.delete(f"{API}/keys/wall") as answer:
            assert answer.status == 204
        await house.post("/prompt", {"text": "turn on the light", "room": "Kitchen"})
        await events.wait_for_end()
    assert not events.read, "nothing is told to a key that is revoked"
    async with house.client.get(f"{API}/status", headers=bearer(secret)) as answer:
        assert answer.status == 401
    audit = await house.hub.wait_for_line("audit", action="key revoked")
    assert (audit["caller"], audit["key"]) == ("admin", "wall")


async def test_a_rotated_key_counts_for_its_grace(house: HouseClient) -> None:
    first = (await house.post("/keys", {"name": "radio", "scopes": ["read"]}, 201))["secret"]
    second = (await house.post("/keys/radio/rotate", {"grace_seconds": 600}))["secret"]
    third = (await house.post("/keys/radio/rotate", {}))["secret"]
    for secret, status in ((first, 401), (second, 401), (third, 200)):
        async with house.client.get(f"{API}/status", headers=bearer(secret)) as answer:
            assert answer.status == status
    async with house.client.delete(f"{API}/keys/radio") as answer:
        assert answer.status == 204


async def test_who_is_no_member_is_not_found(house: HouseClient) -> None:
    assert (await house.post("/members/nobody/rotate", {}, 404))["code"] == "member"
    assert (await house.post("/keys/nobody/rotate", {}, 404))["code"] == "key"
    await house.post("/keys/monitor/rotate", {"grace_seconds": -1}, 422)
    async with house.client.delete(f"{API}/members/nobody") as answer:
        assert answer.status == 404
    assert {one["kind"] for one in await house.get("/keys")} == {"key"}


async def test_a_wrong_key_request_is_refused_with_a_sentence(house: HouseClient) -> None:
    await house.post("/keys", {"name": "x", "scopes": []}, 422)
    await house.post("/keys", {"name": "x", "scopes": ["root"]}, 422)
    taken = await house.post("/keys", {"name": "monitor", "scopes": ["read"]}, 422)
    assert "already" in taken["error"]
    async with house.client.delete(f"{API}/keys/nobody") as answer:
        assert answer.status == 404
    assert (await house.post("/password", {"old": "wrong", "new": "a new password"}, 403))["code"] == "password"


async def test_voices_are_listed_and_tried(house: HouseClient) -> None:
    voices = {voice["name"]: voice for voice in await house.get("/voices")}
    assert [(name, one["installed"], one["is_default"]) for name, one in voices.items()] == [
        ("far", False, False), ("amy", True, True), ("duo", True, False),
    ]  # fmt: skip
    assert voices["duo"]["speakers"] == ["left"]
    trial = {"voice": "duo", "speaker": "left", "text": "Good morning."}
    async with house.client.post(f"{API}/voices/try", json=trial) as answer:
        assert answer.content_type == "audio/wav"
        with wave.open(io.BytesIO(await answer.read())) as sound:
            assert sound.getframerate() == SPEECH_DATA["rate"]
            assert sound.readframes(sound.getnframes()) == 3 * TONE
    asked = house.harness.stages["tts"].of_type("synthesize")[-1].data
    assert asked["voice"] == {"name": "duo", "speaker": "left"}
    assert (await house.post("/voices/try", {"voice": "far", "text": "Hello"}, 404))["code"] == "voice"
    await house.post("/voices/try", {"voice": "amy", "text": "a" * 301}, 422)


async def test_wake_words_have_the_history_of_their_scores(house: HouseClient) -> None:
    await house.harness.satellite.send(Event("detection", {"name": "hey_jarvis", "context": {"score": 0.87}}))
    async with asyncio.timeout(60):
        while "hey_jarvis" not in (words := {word["name"]: word for word in await house.get("/wake-words")}):
            await asyncio.sleep(0.05)
    (heard,) = words["hey_jarvis"]["history"]
    assert (heard["satellite"], heard["score"], heard["detected"]) == ("kitchen satellite", 0.87, True)


async def test_the_log_has_levels_and_no_words_of_people(house: HouseClient) -> None:
    await house.post("/prompt", {"text": "a very private sentence"})
    log = await house.get("/log?limit=500")
    assert log["source"] == "hub"
    assert any(line["event"] == "satellite connected" and line["program"] == "hub" for line in log["lines"])
    assert "private sentence" not in json.dumps(log)
    assert {line["level"] for line in (await house.get("/log?level=warning"))["lines"]} <= {
        "warning",
        "error",
        "critical",
    }
    assert len((await house.get("/log?limit=1"))["lines"]) == 1
    assert (await house.get("/log?program=asr"))["lines"] == []


JOURNAL = """#!/bin/sh
case "$*" in
  *--unit=wyoming-rosie-asr.service*) echo '{"MESSAGE": "killed", "UNIT": "wyoming-rosie-asr.service", "PRIORITY": "4"}' ;;
esac
"""


async def test_the_log_is_the_journals_where_it_can_be_read(house: HouseClient, programs: Path) -> None:
    program = programs / "journalctl"
    await asyncio.to_thread(program.write_text, JOURNAL)
    await asyncio.to_thread(program.chmod, 0o755)
    log = await house.get("/log?program=asr")
    assert log["source"] == "journal"
    assert [(line["level"], line["program"], line["event"]) for line in log["lines"]] == [("warning", "asr", "killed")]
    assert (await house.get("/log"))["source"] == "hub", "the journal has nothing of the hub"
    await asyncio.to_thread(program.unlink)


async def test_plugins_are_those_of_the_intent_daemon(house: HouseClient) -> None:
    (plugin,) = await house.get("/plugins")
    assert plugin == {**PLUGIN, "next_step": plugin["next_step"]}
    assert "log" in plugin["next_step"]


async def test_settings_of_other_programs_are_read_and_changed(house: HouseClient) -> None:
    document = await house.get("/config/asr")
    settings = {setting["key"]: setting for setting in document["settings"]}
    assert settings["peers"]["value"] == 100
    assert "pocketsphinx" in settings["engine"]["choices"]
    assert settings["peers"]["needs_restart"]
    change = await house.post("/config/asr", {"peers": 50, "debug": True})
    assert change == {"applied": [], "needs_restart": ["peers", "debug"], "overridden": []}
    written = await asyncio.to_thread(read, Path(document["file"]))
    assert tomllib.loads(written)["asr"] == {"peers": 50, "debug": True}
    assert "# enough" in written
    assert (await house.post("/config/asr", {"engine": "telepathy"}, 422))["key"] == "engine"
    await house.get("/config/toaster", 404)
    for program, key in (("satellite", "mic_command"), ("intent", "plugin_folder"), ("hub", "data_dir")):
        assert (await house.post(f"/config/{program}", {key: "/tmp/evil"}, 422))["key"] == key
    assert {"hub", "asr", "satellite"} <= set((await house.get("/config"))["programs"])


async def test_each_program_tells_its_settings(house: HouseClient) -> None:
    for program in (await house.get("/config"))["programs"]:
        settings = (await house.get(f"/config/{program}"))["settings"]
        assert {setting["key"] for setting in settings} >= {"debug"}, program


ROUTES = (
    ("GET", "/events", Scope.READ), ("GET", "/voices", Scope.READ), ("GET", "/wake-words", Scope.READ),
    ("GET", "/plugins", Scope.READ), ("POST", "/voices/try", Scope.AUDIO), ("GET", "/log", Scope.ADMIN),
    ("GET", "/keys", Scope.ADMIN), ("POST", "/keys", Scope.ADMIN), ("DELETE", "/keys/monitor", Scope.ADMIN),
    ("POST", "/password", Scope.ADMIN), ("GET", "/config", Scope.ADMIN), ("GET", "/config/asr", Scope.ADMIN),
    ("POST", "/config/asr", Scope.ADMIN),
)  # fmt: skip


async def test_each_route_needs_its_scope(house: HouseClient) -> None:
    talker = await house.post("/keys", {"name": "talker", "scopes": ["talk"]}, 201)
    keys = {Scope.READ: house.credentials.monitor, Scope.AUDIO: talker["secret"]}
    refused = {
        (method, path, scope): await is_refused(house, method, path, key)
        for method, path, _ in ROUTES
        for scope, key in keys.items()
    }
    assert refused == {(method, path, scope): scope is not needed for method, path, needed in ROUTES for scope in keys}


async def is_refused(house: HouseClient, method: str, path: str, key: str) -> bool:
    """Return whether a key lacks the scope for a route."""
    async with house.client.request(method, API + path, headers=bearer(key), json={}) as answer:
        return answer.status == 403 and (await answer.json())["code"] == "scope"


async def test_a_satellite_that_leaves_is_told(house: HouseClient) -> None:
    guest = FakeSatellite("guest", "Office")
    async with open_events(house) as events:
        async with house.client.ws_connect(f"{API}/stream") as page:
            await page.send_json({"type": "info", "data": {"satellite": {"name": guest.info.satellite.name}}})  # type: ignore[union-attr]
            assert (await events.wait_for("satellite", id="guest"))["is_connected"]
        assert not (await events.wait_for("satellite", id="guest", is_connected=False))["is_connected"]


async def test_readers_see_the_levels_that_a_satellite_reports_and_those_of_its_audio(house: HouseClient) -> None:
    satellite = house.harness.satellite
    near_misses = await satellite.wait_for("user-event", name="watch")
    assert near_misses.data == {"name": "watch", "seconds": 0}
    heard = len(satellite.heard)
    async with open_events(house) as events:
        asked = await satellite.wait_for("user-event", after=heard, name="watch")
        assert asked.data["seconds"] > 0
        report = {"level_dbfs": -31.5, "noise_dbfs": -60.0, "wake_scores": {"okay_nabu": 0.4}}
        report["wake_thresholds"] = {"okay_nabu": 0.85}
        await satellite.send(Event("user-event", {"name": "near-miss", "word": "okay_nabu", "score": 0.4}))
        await satellite.send(Event("user-event", {"name": "levels", **report}))
        assert await events.wait_for("levels") == {"satellite": "kitchen satellite", **report}
        words = {word["name"]: word for word in await house.get("/wake-words")}
        assert words["okay_nabu"]["threshold"] == 0.85
        async with house.client.ws_connect(f"{API}/stream") as page:
            await page.send_json({"type": "info", "data": {"satellite": {"name": "tablet"}}})
            await page.send_json({"type": "run-pipeline", "data": {"start_stage": "asr"}})
            await page.send_bytes(bytes(16_000))
            assert (await events.wait_for("levels", satellite="tablet"))["level_dbfs"] == SILENCE_DBFS


async def test_near_misses_are_in_the_history_of_a_wake_word(house: HouseClient) -> None:
    near = {"name": "near-miss", "word": "alexa", "score": 0.4}
    await house.harness.satellite.send(Event("user-event", near))
    async with asyncio.timeout(60):
        while "alexa" not in (words := {word["name"]: word for word in await house.get("/wake-words")}):
            await asyncio.sleep(0.05)
    (heard,) = words["alexa"]["history"]
    assert (heard["score"], heard["detected"]) == (0.4, False)


async def test_daemons_say_their_load_and_what_to_do_next(house: HouseClient) -> None:
    status = await house.get("/status")
    daemons = {daemon["role"]: daemon for daemon in status["daemons"]}
    load = daemons["intent"]["load"]
    assert load["streams"] >= 1
    assert load["memory_mb"] > 1
    assert {"cpu_percent", "queued", "uptime_seconds"} <= set(load)
    assert daemons["intent"]["next_step"] is None
    assert daemons["wake"]["load"] is None
    assert "wyoming-rosie-wake" in daemons["wake"]["next_step"]
    assert 0 <= status["machine"]["memory_percent"] <= 100
    assert status["machine"]["disk_free_mb"] > 0


async def test_a_language_model_that_is_away_is_a_problem_of_the_part_llm(house: HouseClient) -> None:
    assert (await house.get("/health/llm"))["status"] == "ok"
    async with open_events(house) as events:
        await house.get("/status")
        house.harness.stages["intent"].problem = "no language model answers: local (tiny)"
        told = await events.wait_for("daemon", role="intent")
    assert told["problems"] == {"language-models": "no language model answers: local (tiny)"}
    assert "local (tiny)" in (await house.get("/health/llm", 503))["reason"]
    house.harness.stages["intent"].problem = None


async def test_a_key_without_a_room_may_name_one_that_is_not_private(house: HouseClient) -> None:
    talker = (await house.post("/keys", {"name": "guest tablet", "scopes": ["talk"]}, 201))["secret"]
    await house.post("/prompt", {"text": "hello", "room": "Office"}, 200, talker)
    context = house.harness.stages["intent"].of_type("transcript")[-1].data["context"]
    assert context["area"] == "Office"
    refused = await house.post("/prompt", {"text": "hello", "room": "Bedroom"}, 403, talker)
    assert "private" in refused["error"]
    await house.post("/prompt", {"text": "hello", "room": "Bedroom"})
    assert await close_code(house, talker, "Bedroom") == CloseCode.PRIVATE
    assert await close_code(house, talker, "Office") is None
    assert await close_code(house, house.credentials.admin, "Bedroom") is None


async def close_code(house: HouseClient, key: str, area: str) -> int | None:
    """Return the code with which a page of a room is refused; None if it is connected."""
    async with house.client.ws_connect(f"{API}/stream", headers=bearer(key)) as page:
        await page.send_json({"type": "info", "data": {"satellite": {"name": "browser", "area": area}}})
        message = await page.receive(60)
        return page.close_code if message.type is aiohttp.WSMsgType.CLOSE else None


async def test_a_sentence_starts_no_timer_that_would_ring_nowhere(house: HouseClient) -> None:
    refused = await house.post("/prompt", {"text": "tea in five"}, 409)
    assert refused["code"] == "timer"
    assert "satellite" in refused["error"]
    assert await house.get("/timers") == []
    await house.post("/prompt", {"text": "tea in five", "room": "Kitchen"})
    (timer,) = await house.get("/timers")
    assert timer["satellite"] == "kitchen satellite"
    async with house.client.delete(f"{API}/timers/{timer['id']}") as answer:
        assert answer.status == 204
