"""The page that runs the house, in a real browser, with a hub, its daemons and satellites of the house."""

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect
from wyoming.event import Event

from tests.brokers import free_port
from tests.browser import (
    AXE,
    SHOWN,
    WAIT_MS,
    driving,
    find_violations,
    running_chromium,
    skip_without_chromium,
    write_microphone,
)
from tests.daemons import Daemon
from tests.fakes import FakeSatellite
from tests.web_client import PASSWORD, Credentials, bearer, create_credentials, page_of
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.demo import COMMAND
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie.trust.issuing import issue_local
from wyoming_rosie.trust.members import load_registry
from wyoming_rosie_hub import web

pytestmark = pytest.mark.asyncio(loop_scope="module")
API = "/api/v1"
ROLES = ("wake", "vad", "asr", "intent", "tts")
SCRIPT = "<script>document.title = 'attacked'</script>"
SPOKEN = read_wav(COMMAND)[1]
KITCHEN = "kitchen satellite"
VIEWS = (
    "House", "Daemons", "Turns", "Wake words", "Voices", "Timers", "Settings", "Log", "Plugins", "Keys", "Backup", "Memory",
)  # fmt: skip
VIEWS_OF_READERS = tuple(view for view in VIEWS if view not in ("Settings", "Log", "Keys", "Backup"))
ANNOUNCED = "Dinner is ready."
OF_THE_HOUSE = ".turn-body, .turn-title, .last, .setting, .group-title, .log-lines"
"""Elements with the words of people, of settings and of the log."""
TEXTS = sorted((Path(web.__file__).with_name("page") / "admin" / "texts").glob("*.json"))
expect.set_options(timeout=WAIT_MS)


@dataclass(frozen=True)
class AdminHouse:
    """A house with two satellites, one of which has a script for a name, and an administrator's client."""

    hub: Daemon
    url: str
    client: aiohttp.ClientSession
    credentials: Credentials
    file: Path
    kitchen: FakeSatellite

    async def get(self, path: str) -> Any:
        async with self.client.get(API + path) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: object) -> Any:
        async with self.client.post(API + path, json=body) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AdminHouse]:
    skip_without_chromium()
    folder = tmp_path_factory.mktemp("house")
    file = folder / "rosie.toml"
    file.write_text("# my house\n[hub]\nfiller = true  # they like it\n\n[hub.web]\nlog_text = true\n")
    credentials = create_credentials(folder / "state")
    async with AsyncExitStack() as stack:
        own_state = {"XDG_STATE_HOME": str(folder / "daemons")}
        given = ("--no-zeroconf", "--config", str(file))
        daemons = await asyncio.gather(*(Daemon.start(role, *given, env=own_state) for role in ROLES))
        for daemon in daemons:
            stack.push_async_callback(daemon.stop)
        kitchen, odd = FakeSatellite(KITCHEN), FakeSatellite(SCRIPT, "Office")
        for satellite in (kitchen, odd):
            await stack.enter_async_context(satellite.serving(info=satellite.info))
        stages = [part for role, daemon in zip(ROLES, daemons, strict=True) for part in (f"--{role}-uri", daemon.uri)]
        satellites = [part for satellite in (kitchen, odd) for part in ("--satellite", satellite.uri)]
        own = ("--no-zeroconf", "--config", str(file), "--data-dir", str(folder / "state"), "--trust-uri", "off")
        hub = await Daemon.start("hub", "--web", "--web.port", "0", *own, *satellites, *stages)
        stack.push_async_callback(hub.stop)
        for satellite in (kitchen, odd):
            await satellite.wait_for("run-satellite")
        await daemons[ROLES.index("asr")].wait_for_line("grammar loaded")
        url = await page_of(hub)
        session = aiohttp.ClientSession(url, headers=bearer(credentials.admin), timeout=aiohttp.ClientTimeout(60))
        client = await stack.enter_async_context(session)
        yield AdminHouse(hub, url, client, credentials, file, kitchen)


@pytest.fixture(scope="module")
def chromium_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    skip_without_chromium()
    folder = tmp_path_factory.mktemp("chromium")
    microphone = write_microphone(folder / "microphone.wav", SPOKEN)
    with running_chromium(microphone, folder / "profile") as uri:
        yield uri


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium(chromium_uri: str) -> AsyncIterator[Browser]:
    async with driving(chromium_uri) as browser:
        yield browser


@pytest.fixture
def axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/axe")
    return AXE.read_text("utf-8")


@asynccontextmanager
async def open_admin(
    house: AdminHouse, chromium: Browser, secret: str | None = PASSWORD, query: str = "", **context: object
) -> AsyncIterator[Page]:
    """Open the page as somebody who logs in with a secret, or does not; no script of the page may fail meanwhile."""
    browser = await chromium.new_context(**context)  # type: ignore[arg-type]
    page = await browser.new_page()
    page.set_default_timeout(WAIT_MS)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    if secret is not None:
        body = {"secret": secret}
        answer = await browser.request.post(f"{house.url}{API}/session", data=body, headers={"Origin": house.url})
        assert answer.ok, await answer.text()
    await page.goto(f"{house.url}/admin/{query}")
    yield page
    await browser.close()
    assert failures == []


async def open_view(page: Page, name: str) -> None:
    await page.get_by_role("navigation", name="Sections").get_by_role("link", name=re.compile(f"^{name}")).click()
    await expect(page.locator("#title")).to_have_text(name)


def card(page: Page, name: str) -> Locator:
    """Return the card with this heading."""
    return page.locator(".card").filter(has=page.get_by_role("heading", name=name, exact=True))


def setting(page: Page, key: str) -> Locator:
    return page.locator(".setting").filter(has=page.locator(".key").get_by_text(key, exact=True))


async def test_somebody_who_is_not_logged_in_sees_only_the_log_in(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium, None) as page:
        await expect(page.get_by_label("Password or key")).to_be_focused()
        await expect(page.get_by_role("navigation")).to_be_hidden()
        await page.keyboard.type("a wrong password")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("this is neither the password nor a key")
        await page.get_by_label("Password or key").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name=KITCHEN)).to_be_visible()
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_label("Password or key")).to_be_visible()
        await expect(page.get_by_role("heading", name=KITCHEN)).to_be_hidden()


async def test_a_key_that_may_read_sees_only_what_it_may(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium, house.credentials.monitor) as page:
        await expect(page.get_by_role("heading", name=KITCHEN)).to_be_visible()
        links = await page.get_by_role("navigation", name="Sections").get_by_role("listitem").all_inner_texts()
        assert tuple(link.partition("\n")[0] for link in links) == VIEWS_OF_READERS
        await expect(page.get_by_role("button", name="Announce")).to_have_count(0)
        await expect(page.get_by_role("button", name="Mute")).to_have_count(0)
        await page.goto(f"{house.url}/admin/#keys")
        await expect(page.locator("#view")).to_have_text("This key may not see this.")


async def test_a_key_that_may_only_talk_is_told_so(house: AdminHouse, chromium: Browser) -> None:
    made = await house.post("/keys", {"name": "talker", "scopes": ["talk"], "room": None})
    async with open_admin(house, chromium, made["secret"]) as page:
        await expect(page.get_by_role("alert")).to_contain_text("This key may talk, but not look at the house")


@pytest.mark.long
async def test_the_page_to_talk_to_the_house_leads_there_whoever_may_run_it(
    house: AdminHouse, chromium: Browser
) -> None:
    async with open_admin(house, chromium) as page:
        await page.goto(house.url)
        await page.get_by_role("link", name="House").click()
        await expect(page.get_by_role("heading", name=KITCHEN)).to_be_visible()
    async with open_admin(house, chromium, house.credentials.tablet) as page:
        await page.goto(house.url)
        await expect(page.locator("#connection")).to_have_text("Connected")
        await expect(page.get_by_role("link", name="House")).to_be_hidden()


async def test_a_script_in_a_satellites_name_is_shown_as_text(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await expect(page.get_by_role("heading", name=SCRIPT)).to_be_visible()
        await expect(page).to_have_title(re.compile("^House"))


async def test_the_house_shows_its_rooms_and_what_their_satellites_do(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        kitchen = card(page, KITCHEN)
        assert (
            await page.locator(".room").filter(has=kitchen).get_by_role("heading", level=3).inner_text()
            == "Kitchen 1 satellite"
        )
        await expect(kitchen.locator(".phase")).to_have_text("Ready")
        await house.kitchen.wake("turn-phases")
        await expect(kitchen.locator(".phase")).to_have_text("Listening")
        await house.kitchen.send(Event("user-event", {"name": "cancel"}))
        await expect(kitchen.locator(".phase")).to_have_text("Ready")


async def test_an_announcement_is_spoken_by_a_satellite(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        heard = len(house.kitchen.heard)
        await page.get_by_label("Say").fill(ANNOUNCED)
        await page.get_by_label("Where").select_option(KITCHEN)
        await page.get_by_role("button", name="Announce").click()
        await expect(page.locator("#said")).to_contain_text("spoken")
        event = await house.kitchen.wait_for("synthesize", after=heard)
        assert event.data["text"] == ANNOUNCED
        await house.kitchen.wait_for("audio-stop", after=heard)
        await house.kitchen.send(Event("played"))


async def test_volume_and_mute_reach_the_satellite(house: AdminHouse, chromium: Browser) -> None:
    await house.kitchen.send(Event("user-event", {"name": "volume", "percent": 40}))
    await house.kitchen.send(Event("user-event", {"name": "muted", "muted": False}))
    async with open_admin(house, chromium) as page:
        heard = len(house.kitchen.heard)
        await expect(card(page, KITCHEN).get_by_label("Volume")).to_have_value("40")
        await card(page, KITCHEN).get_by_role("button", name="Mute").click()
        asked = await house.kitchen.wait_for("user-event", after=heard, name="mute")
        assert asked.data == {"name": "mute", "muted": True}
        await house.kitchen.send(Event("user-event", {"name": "muted", "muted": True}))
        await expect(card(page, KITCHEN).get_by_role("button", name="Unmute")).to_have_attribute("aria-pressed", "true")
    await house.kitchen.send(Event("user-event", {"name": "muted", "muted": False}))


async def test_daemons_show_what_the_status_says(house: AdminHouse, chromium: Browser) -> None:
    status = await house.get("/status")
    async with open_admin(house, chromium) as page:
        await open_view(page, "Daemons")
        for daemon in status["daemons"]:
            shown = page.locator(f".card[data-key={daemon['role']}]")
            await expect(shown.locator(".phase")).to_have_text("Away" if daemon["problem"] else "Well")
            await expect(shown).to_contain_text(daemon["uri"])
            for name in daemon["engines"]:
                await expect(shown).to_contain_text(name)


async def test_a_turns_bars_are_the_steps_of_the_api(house: AdminHouse, chromium: Browser) -> None:
    pcm = SPOKEN
    heard = len(house.kitchen.heard)
    await house.kitchen.wake("turn-spoken")
    for start in range(0, len(pcm), 640):
        await house.kitchen.speak(0.02, pcm[start : start + 640].ljust(640, b"\0"))
    speaking = asyncio.create_task(house.kitchen.speak(10))
    await house.kitchen.wait_for("audio-stop", after=heard)
    speaking.cancel()
    await house.kitchen.send(Event("played"))
    async with open_admin(house, chromium) as page:
        await open_view(page, "Turns")
        shown = page.locator(".turn-card").filter(has_text="turn-spoken")
        await expect(shown.locator(".phase")).to_have_text("Done")
        turn = await house.get("/turns/turn-spoken")
        await shown.locator("summary").click()
        await expect(shown).to_contain_text(turn["heard"])
        await expect(shown).to_contain_text(turn["answer"])
        bars = await shown.locator(".stage").evaluate_all(
            "bars => bars.map(bar => [bar.dataset.step, Number(bar.dataset.from), Number(bar.dataset.until)])"
        )
        steps = sorted(((step["ms"], step["step"]) for step in turn["steps"]), key=lambda step: step[0])  # ties stay
        assert [(until, step) for step, _, until in bars] == [one for one in steps if one[1] != "wake"]
        assert [begin for _, begin, _ in bars] == [ms for ms, _ in steps[:-1]]
        widths = await shown.locator(".stage-bar").evaluate_all("bars => bars.map(bar => parseFloat(bar.style.width))")
        whole = bars[-1][2]
        assert widths == pytest.approx([100 * (until - begin) / whole for _, begin, until in bars], abs=0.01)


async def test_a_failed_turn_says_where_it_failed(house: AdminHouse, chromium: Browser) -> None:
    await house.post("/prompt", {"text": "xyzzy plugh"})
    turn = (await house.get("/turns"))[0]
    async with open_admin(house, chromium) as page:
        await page.goto(f"{house.url}/admin/#turns/{turn['turn_id']}")
        await expect(page.locator("details[open]")).to_contain_text("xyzzy plugh")


async def test_wake_words_show_their_scores(house: AdminHouse, chromium: Browser) -> None:
    detected = {"name": "hey_jarvis", "context": {"score": 0.87}}
    async with open_admin(house, chromium) as page:
        await open_view(page, "Wake words")
        await house.kitchen.send(Event("detection", detected))
        await house.kitchen.wake("turn-scores")
        await house.kitchen.send(Event("user-event", {"name": "cancel"}))
        word = card(page, "hey jarvis")
        await expect(word.locator(".point.detected")).to_have_count(1)
        await word.get_by_text("As a table").click()
        await expect(word.get_by_role("row").last).to_contain_text("0.87")
        await expect(word.get_by_role("row").last).to_contain_text(KITCHEN)


async def test_a_wake_word_is_tested_by_saying_it(house: AdminHouse, chromium: Browser) -> None:
    await house.kitchen.send(Event("detection", {"name": "hey_jarvis", "context": {"score": 0.6}}))
    async with open_admin(house, chromium) as page:
        await open_view(page, "Wake words")
        word = card(page, "hey jarvis")
        await word.get_by_role("button", name="say it now").click()
        await expect(word.get_by_role("status")).to_contain_text("Say “hey jarvis” now")
        async with levels(house.kitchen, wake_scores={"hey_jarvis": 0.31}):
            await expect(word.get_by_role("meter", name=KITCHEN)).to_have_attribute("aria-valuenow", "0.31")
        await house.kitchen.send(Event("detection", {"name": "hey_jarvis", "context": {"score": 0.93}}))
        await house.kitchen.wake("turn-tested")
        await house.kitchen.send(Event("user-event", {"name": "cancel"}))
        await expect(word.get_by_role("status")).to_have_text(f"Heard at {KITCHEN} with 0.93.")


async def test_the_level_of_a_microphone_is_shown_as_it_changes(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        meter = card(page, KITCHEN).get_by_role("meter")
        for level in (-20, -45):
            async with levels(house.kitchen, level_dbfs=level):
                await expect(meter).to_have_attribute("aria-valuenow", str(level))


@asynccontextmanager
async def levels(satellite: FakeSatellite, **data: object) -> AsyncIterator[None]:
    """Have a satellite report levels during the block, as often as satellites do."""

    async def report() -> None:
        while True:
            known = {"level_dbfs": -30, "noise_dbfs": -55, "wake_scores": {}}
            await satellite.send(Event("user-event", {"name": "levels", **known, **data}))
            await asyncio.sleep(0.25)

    async with run_beside(report()):
        yield


async def test_a_voice_is_tried(house: AdminHouse, chromium: Browser) -> None:
    names = [voice["name"] for voice in await house.get("/voices")]
    async with open_admin(house, chromium) as page:
        await open_view(page, "Voices")
        await page.get_by_label("Text to speak").fill("Good morning.")
        async with page.expect_response(f"**{API}/voices/try") as tried:
            await card(page, names[0]).get_by_role("button", name="Listen").click()
        answer = await tried.value
        assert answer.headers["content-type"] == "audio/wav"
        assert json.loads(answer.request.post_data or "")["text"] == "Good morning."
        await expect(card(page, names[0]).get_by_role("status")).to_contain_text("Spoken after")


async def test_a_timer_is_started_counted_down_and_cancelled(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Timers")
        await page.get_by_label("Name").fill("tea")
        await page.get_by_label("Rings at").select_option(KITCHEN)
        await page.get_by_role("button", name="Start").click()
        await expect(card(page, "tea").locator(".big")).to_contain_text("4:")
        assert [timer["name"] for timer in await house.get("/timers")] == ["tea"]
        await page.get_by_role("button", name="Cancel tea").click()
        await expect(page.get_by_text("No timer runs.")).to_be_visible()
        assert await house.get("/timers") == []


async def test_a_setting_is_changed_in_the_file(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Settings")
        await setting(page, "filler").get_by_role("switch").click()
        await expect(page.get_by_text("1 change not saved")).to_be_visible()
        await page.get_by_role("button", name="Save").click()
        await expect(setting(page, "filler").get_by_role("status")).to_have_text("Holds now.")
        await expect(setting(page, "filler").get_by_text("changed")).to_be_visible()
        written = await asyncio.to_thread(house.file.read_text)
        assert "filler = false  # they like it" in written
        await setting(page, "filler").get_by_role("button", name="default").click()
        await page.get_by_role("button", name="Save").click()
        await expect(setting(page, "filler").get_by_role("status")).to_have_text("Holds now.")
        await expect(setting(page, "filler").get_by_text("changed")).to_be_hidden()
        written = await asyncio.to_thread(house.file.read_text)
        assert "filler" not in tomllib.loads(written)["hub"]


async def test_changes_are_not_lost_without_a_question(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Settings")
        await setting(page, "language").get_by_role("textbox").fill("de")
        timers = page.get_by_role("navigation", name="Sections").get_by_role("link", name="Timers")
        await timers.click()
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        await expect(page.get_by_text("1 change not saved")).to_be_visible()
        await timers.click()
        await page.get_by_role("dialog").get_by_role("button", name="Leave").click()
        await expect(page.locator("#title")).to_have_text("Timers")
        language = next(one for one in (await house.get("/config"))["settings"] if one["key"] == "language")
        assert language["value"] == "en"


async def test_a_wrong_setting_marks_its_field_and_changes_nothing(house: AdminHouse, chromium: Browser) -> None:
    before = await asyncio.to_thread(house.file.read_text)
    async with open_admin(house, chromium) as page:
        await open_view(page, "Settings")
        await page.get_by_label("Search settings").fill("complete_ms")
        field = setting(page, "end_of_speech.complete_ms").get_by_role("textbox")
        await field.fill("soon")
        await page.get_by_role("button", name="Save").click()
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(field).to_be_focused()
        await expect(setting(page, "end_of_speech.complete_ms").get_by_role("alert")).to_contain_text("complete")
        await expect(setting(page, "filler")).to_be_hidden()
    assert await asyncio.to_thread(house.file.read_text) == before


async def test_a_number_beyond_its_limit_is_marked_while_it_is_written(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Settings")
        await page.get_by_label("Search settings").fill("complete_ms")
        row = setting(page, "end_of_speech.complete_ms")
        await row.get_by_role("textbox").fill("600001")
        await expect(row.get_by_role("alert")).to_have_text("at most 600000")
        await expect(row.get_by_role("textbox")).to_have_attribute("aria-invalid", "true")
        await row.get_by_role("textbox").fill("600")
        await expect(row.get_by_role("textbox")).not_to_have_attribute("aria-invalid", "true")
        await expect(row.get_by_role("alert")).to_be_hidden()
        await expect(row).to_contain_text("0 to 600000")


async def test_settings_of_another_program_say_that_it_must_be_restarted(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Settings")
        await page.get_by_role("link", name="Speech to text").click()
        await setting(page, "peers").get_by_role("textbox").fill("50")
        await page.get_by_role("button", name="Save").click()
        await expect(setting(page, "peers").get_by_role("status")).to_have_text("Holds after a restart of asr.")
    written = await asyncio.to_thread(house.file.read_text)
    assert tomllib.loads(written)["asr"] == {"peers": 50}


async def test_lists_tables_and_choices_are_changed(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await page.goto(f"{house.url}/admin/#settings/wake")
        await setting(page, "word_threshold").get_by_role("textbox").fill("okay_nabu = 0.7")
        await setting(page, "engine").get_by_role("combobox").select_option("openwakeword")
        await setting(page, "model").get_by_role("textbox").fill("okay_nabu\n\nhey_jarvis\n")
        await expect(page.get_by_text("3 changes not saved")).to_be_visible()
        await page.get_by_role("button", name="Save").click()
        await expect(setting(page, "model").get_by_role("status")).to_have_text("Holds after a restart of wake.")
    written = await asyncio.to_thread(house.file.read_text)
    assert tomllib.loads(written)["wake"] == {
        "word_threshold": {"okay_nabu": 0.7},
        "engine": "openwakeword",
        "model": ["okay_nabu", "hey_jarvis"],
    }


async def test_the_log_is_filtered_paused_and_goes_on(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Log")
        lines = page.get_by_role("log").get_by_role("listitem")
        await expect(lines.filter(has_text="satellite connected").first).to_be_visible()
        await page.get_by_label("Search in the log").fill("keep.the.log")
        await expect(page.get_by_text("No line matches.")).to_be_visible()
        await page.get_by_role("button", name="Pause").click()
        await house.post("/config", {"language": "keep.the.log"})
        await house.post("/config", {"language": None})
        await expect(page.get_by_role("button", name="Continue")).to_contain_text("more")
        await page.get_by_label("Search in the log").fill("audit")
        await page.get_by_role("button", name="Continue").click()
        await expect(lines.filter(has_text="settings changed").first).to_be_visible()


async def test_a_key_is_shown_once_works_and_is_cut_off(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Keys")
        await page.get_by_label("Name").fill("wall")
        await page.get_by_label("Room").fill("Kitchen")
        await page.get_by_role("button", name="Add the key").click()
        secret = await page.locator(".secret").inner_text()
        await page.get_by_role("button", name="Done").click()
        await expect(card(page, "wall")).to_contain_text("Kitchen")
        await expect(page.locator(".secret")).to_have_count(0)
        assert secret not in await page.content()
        async with open_admin(house, chromium, secret) as other:
            await expect(other.get_by_role("heading", name=KITCHEN)).to_be_visible()
            await page.get_by_role("button", name="Revoke wall").click()
            await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
            await expect(card(page, "wall")).to_have_count(0)
            await expect(other.get_by_label("Password or key")).to_be_visible()


async def test_members_are_listed_and_revoked(house: AdminHouse, chromium: Browser, tmp_path: Path) -> None:
    authority = house.credentials.folder / "tls"
    member = await asyncio.to_thread(issue_local, authority, "satellite", "Küche.Süd", tmp_path, room="Kitchen")
    async with open_admin(house, chromium) as page:
        await open_view(page, "Keys")
        await expect(card(page, "Küche.Süd")).to_contain_text("Kitchen · Satellite · not connected yet")
        await expect(card(page, "Küche.Süd")).to_contain_text("audio")
        await page.get_by_role("button", name="Revoke Küche.Süd").click()
        await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(page.locator("#said")).to_contain_text("Küche.Süd is revoked")
        await expect(card(page, "Küche.Süd")).to_have_count(0)
        await expect(page.get_by_role("heading", name="Members of the house")).to_be_hidden()
    registry = await asyncio.to_thread(load_registry, authority / "members.json")
    assert member.id in registry.revoked


@pytest.mark.long
async def test_a_new_password_keeps_its_page_and_ends_the_others(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page, open_admin(house, chromium) as other:
        await expect(other.get_by_role("heading", name=KITCHEN)).to_be_visible()
        await open_view(page, "Keys")
        await change_password(page, PASSWORD, "three good words")
        await expect(other.get_by_label("Password or key")).to_be_visible()
        await change_password(page, "three good words", PASSWORD)
        await expect(page.locator("#said")).to_contain_text("The password is changed")


async def test_a_backup_is_downloaded_and_restored(house: AdminHouse, chromium: Browser, tmp_path: Path) -> None:
    async with open_admin(house, chromium) as page:
        await open_view(page, "Backup")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Download a backup").click()
        file = tmp_path / (await download.value).suggested_filename
        await (await download.value).save_as(file)
        await house.post("/config", {"own_filler_seconds": 3})
        await page.get_by_label("Backup file").set_input_files(file)
        await page.get_by_role("button", name="Restore").click()
        await page.get_by_role("dialog").get_by_role("button", name="Restore").click()
        await expect(page.get_by_role("dialog")).to_contain_text("rosie.toml")
        await page.get_by_role("dialog").get_by_role("button", name="Done").click()
        await expect(page.get_by_label("Password or key")).to_be_visible()
    assert "own_filler_seconds" not in await asyncio.to_thread(house.file.read_text)


async def test_a_file_that_is_no_backup_is_refused_with_a_sentence(
    house: AdminHouse, chromium: Browser, tmp_path: Path
) -> None:
    (tmp_path / "song.gz").write_bytes(b"la la la")
    before = await asyncio.to_thread(house.file.read_text)
    async with open_admin(house, chromium) as page:
        await open_view(page, "Backup")
        await page.get_by_label("Backup file").set_input_files(tmp_path / "song.gz")
        await page.get_by_role("button", name="Restore").click()
        await page.get_by_role("dialog").get_by_role("button", name="Restore").click()
        await expect(page.locator("#trouble")).to_contain_text("backup")
    assert await asyncio.to_thread(house.file.read_text) == before


@pytest.mark.long
async def test_a_house_without_anything_says_the_next_step_and_one_that_is_away_comes_back(
    chromium: Browser, tmp_path: Path
) -> None:
    port = str(free_port())
    nowhere = [part for role in ROLES for part in (f"--{role}-uri", "tcp://127.0.0.1:9")]
    flags = ("--web", "--web.port", port, "--no-zeroconf", "--data-dir", str(tmp_path), *nowhere)
    hub = await Daemon.start("hub", *flags)
    async with await chromium.new_context() as browser:
        page = await browser.new_page()
        await page.goto(f"{await page_of(hub)}/admin/")
        await expect(page.get_by_text("No satellite is connected yet.")).to_be_visible()
        await expect(page.get_by_role("list", name="Needs attention").get_by_role("listitem")).to_have_count(len(ROLES))
        assert await hub.stop() == 0
        await expect(page.get_by_text("The hub cannot be reached.")).to_be_visible()
        hub = await Daemon.start("hub", *flags)
        await expect(page.get_by_text("The hub cannot be reached.")).to_be_hidden()
        await open_view(page, "Keys")
        await expect(page.get_by_text("neither a password nor a key")).to_be_visible()
        await expect(page.get_by_role("form", name="New key")).to_have_count(0)
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_role("button", name="Set the password").click()
        await expect(page.get_by_role("form", name="New key")).to_be_visible()
    assert await hub.stop() == 0


async def change_password(page: Page, old: str, new: str) -> None:
    """Change the password, and wait until the page has logged in with it."""
    await page.get_by_label("Present password").fill(old)
    await page.get_by_label("New password").fill(new)
    async with page.expect_response(f"**{API}/session") as logged_in:
        await page.get_by_role("button", name="Change the password").click()
    assert (await logged_in.value).ok


async def test_the_memory_is_searched_and_forgets(house: AdminHouse, chromium: Browser) -> None:
    await house.post("/memory", {"text": "my bin day is Tuesday", "tags": ["garden"]})
    await house.post("/memory", {"text": f"the key is under the mat {SCRIPT}"})
    async with open_admin(house, chromium) as page:
        await open_view(page, "Memory")
        memories = page.get_by_role("list", name="Memories").get_by_role("listitem")
        await expect(memories.filter(has_text=SCRIPT)).to_be_visible()
        await page.get_by_label("Words or a question").fill("bin day")
        await page.get_by_role("button", name="Search", exact=True).click()
        await expect(memories).to_have_count(1)
        await expect(memories).to_contain_text("my bin day is Tuesday")
        await page.get_by_role("button", name="Forget: my bin day is Tuesday").click()
        await page.get_by_role("dialog").get_by_role("button", name="Forget").click()
        await expect(page.get_by_text("It is forgotten, without a trace.")).to_be_visible()
        await expect(memories).to_have_count(0)
        assert "Tuesday" not in str(await house.get("/memory"))
        await page.get_by_label("Words or a question").fill("")
        await page.get_by_label("Kind").select_option("Facts")
        await expect(memories).to_have_count(1)
        await expect(page).not_to_have_title("attacked")


async def test_a_reader_forgets_nothing(house: AdminHouse, chromium: Browser) -> None:
    await house.post("/memory", {"text": "the oven is self-cleaning"})
    async with open_admin(house, chromium, house.credentials.monitor) as page:
        await open_view(page, "Memory")
        await expect(page.get_by_text("the oven is self-cleaning")).to_be_visible()
        await expect(page.get_by_role("button", name="Forget")).to_have_count(0)
        await expect(page.get_by_label("Words or a question")).to_have_count(0)


async def test_everything_can_be_reached_by_keyboard(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium) as page:
        await expect(page.get_by_role("heading", name=KITCHEN)).to_be_visible()
        reached = []
        for _ in range(len(VIEWS) + 1):
            await page.keyboard.press("Tab")
            reached.append((await page.evaluate("document.activeElement.innerText")).partition("\n")[0])
        assert reached == ["Go to the content", *VIEWS]
        for _ in range(VIEWS[::-1].index("Timers")):
            await page.keyboard.press("Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#title")).to_have_text("Timers")
        await expect(page.locator("#title")).to_be_focused()
        await expect(page.get_by_role("form", name="New timer")).to_be_visible()
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("Minutes")).to_be_focused()


@pytest.mark.long
@pytest.mark.parametrize("width", [320, 2560])
async def test_the_page_fits_any_width(house: AdminHouse, chromium: Browser, width: int) -> None:
    async with open_admin(house, chromium, viewport=ViewportSize(width=width, height=480)) as page:
        await expect(page.get_by_role("heading", name=KITCHEN)).to_be_visible()
        for name in VIEWS:
            await page.goto(f"{house.url}/admin/#{name.lower().replace(' ', '-')}")
            await expect(page.locator("#title")).to_have_text(name)
            await expect(page.locator("#view > :not([hidden])").first).to_be_attached()
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name


async def test_a_narrow_page_has_a_menu(house: AdminHouse, chromium: Browser) -> None:
    async with open_admin(house, chromium, viewport=ViewportSize(width=390, height=844)) as page:
        menu = page.get_by_role("button", name="Menu")
        await expect(page.get_by_role("link", name="Timers")).to_be_hidden()
        await menu.click()
        await expect(menu).to_have_attribute("aria-expanded", "true")
        await page.get_by_role("link", name="Timers").click()
        await expect(page.locator("#title")).to_have_text("Timers")
        await expect(page.get_by_role("link", name="Timers")).to_be_hidden()


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_serious_obstacle_keeps_people_from_using_any_view(
    house: AdminHouse, chromium: Browser, axe: str, scheme: str
) -> None:
    found = {}
    async with open_admin(house, chromium, None, color_scheme=scheme, bypass_csp=True) as page:
        await expect(page.get_by_label("Password or key")).to_be_visible()
        found["Log in"] = await find_violations(page, axe)
    async with open_admin(house, chromium, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True) as page:
        for name in VIEWS:
            await open_view(page, name)
            found[name] = await find_violations(page, axe)
    assert {name: violations for name, violations in found.items() if violations} == {}


@pytest.mark.long
async def test_no_language_leaves_english_in_a_view_or_is_too_wide_for_a_phone(
    house: AdminHouse, chromium: Browser
) -> None:
    texts = {path.stem: json.loads(path.read_text("utf-8")) for path in TEXTS}
    for language in sorted(texts.keys() - {"en"}):
        phone = ViewportSize(width=390, height=844)
        async with open_admin(house, chromium, query=f"?language={language}", viewport=phone) as page:
            await expect(page.locator("html")).to_have_attribute("lang", language)
            for name in VIEWS:
                await page.goto(f"{house.url}/admin/?language={language}#{name.lower().replace(' ', '-')}")
                await expect(page.locator("#title")).to_have_text(texts[language][name])
                await expect(page.locator("#view > :not([hidden])").first).to_be_attached()
                left = set(await page.evaluate(SHOWN, OF_THE_HOUSE)) & set(texts["en"].values())
                assert left <= set(texts[language].values()), (language, name)
                assert await page.evaluate("document.documentElement.scrollWidth") <= phone["width"], (language, name)
