"""The page in a real browser: what a person says, sees, hears and does."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import aiohttp
import cv2
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect
from wyoming.event import Event

from tests.brokers import free_port
from tests.browser import (
    ANSWER_PCM,
    AXE,
    SHOWN,
    ScriptedHouse,
    WakeWord,
    answered,
    closing_pages,
    driving,
    find_violations,
    open_page,
    played_pcm,
    running_chromium,
    say,
    skip_without_chromium,
    state_is,
    write_microphone,
)
from tests.conftest import StartDaemon, starting_daemons
from tests.web_client import create_credentials
from wyoming_rosie.audio.formats import SPEECH, read_wav
from wyoming_rosie.commands.demo import COMMAND
from wyoming_rosie.protocol.server import Send
from wyoming_rosie_hub import web

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG_PCM = ANSWER_PCM * 20
INSECURE_NAME = "rosie.test"
_KEEP_STREAM = """
    if (navigator.mediaDevices) {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = (wanted) => open(wanted).then((stream) => (window.stream = stream));
    }
"""
TEXTS = sorted(Path(web.__file__).with_name("page").glob("texts/*.json"))
EVIL = "<img src=x onerror='window.attacked = 1'>"
_COUNT_SOCKETS = """
    window.sockets = 0;
    window.onAnswered = () => {};
    const Socket = WebSocket;
    window.WebSocket = class extends Socket {
        constructor(address) {
            super(address);
            sockets += 1;
            this.addEventListener("message", () => onAnswered());
        }
    };
"""
ECHO_SHOW = ViewportSize(width=960, height=480)


@pytest_asyncio.fixture(loop_scope="module")
async def daemon() -> AsyncIterator[StartDaemon]:
    async with starting_daemons() as start:
        yield start


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ScriptedHouse]:
    skip_without_chromium()
    async with starting_daemons() as start, ScriptedHouse(start, tmp_path_factory.mktemp("hub")).serving() as house:
        yield house


@pytest.fixture
def house(shared_house: ScriptedHouse) -> ScriptedHouse:
    """The house of tests that leave nothing behind."""
    shared_house.forget()
    return shared_house


@pytest.fixture
def own_house(daemon: StartDaemon, tmp_path: Path) -> ScriptedHouse:
    """A house that a test starts with its own flags, or changes."""
    skip_without_chromium()
    return ScriptedHouse(daemon, tmp_path / "hub")


@pytest.fixture(scope="module")
def chromium_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A browser that hears "turn on the kitchen lights"."""
    folder = tmp_path_factory.mktemp("chromium")
    microphone = write_microphone(folder / "microphone.wav", read_wav(COMMAND)[1])
    with running_chromium(
        microphone, folder / "profile", f"--host-resolver-rules=MAP {INSECURE_NAME} 127.0.0.1"
    ) as uri:
        yield uri


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_chromium(chromium_uri: str) -> AsyncIterator[Browser]:
    async with driving(chromium_uri) as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def chromium(shared_chromium: Browser) -> AsyncIterator[Browser]:
    async with closing_pages(shared_chromium) as browser:
        yield browser


@pytest.fixture
def tablet_key(own_house: ScriptedHouse) -> str:
    """A key of the kitchen, in a house that others can reach."""
    return create_credentials(own_house.data_dir).tablet


@pytest.fixture
def axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci --prefix tests/axe")
    return AXE.read_text("utf-8")


async def talk(page: Page) -> None:
    """Tap the button."""
    await page.get_by_role("button", name="Talk", exact=True).click()


async def write(page: Page, text: str) -> None:
    await page.get_by_label("Write instead of speaking").fill(text)
    await page.keyboard.press("Enter")


async def long_answer(event: Event, send: Send) -> None:
    if event.type == "synthesize":
        await say(send, LONG_PCM)


async def ask_back(event: Event, send: Send) -> None:
    if event.type == "transcript":
        await send(Event("handled", {"text": "Which light?", "context": {"expects_reply": True}}))


async def test_a_spoken_command_is_shown_answered_and_heard(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, house.url)
    await state_is(page, "idle")
    await talk(page)
    await expect(page.locator("#partial")).to_have_text("turn on")
    await answered(page, "You said: turn on the light.")
    await state_is(page, "idle")
    assert await page.evaluate("seen") == ["idle", "listening", "thinking", "speaking", "idle"]
    assert await page.locator(".said").all_inner_texts() == ["You:\nturn on the light"]
    assert await played_pcm(page) == ANSWER_PCM
    assert len(house.heard_audio("asr")) > SPEECH.bytes_in(0.3)


async def test_the_real_daemons_understand_what_the_browser_hears(
    own_house: ScriptedHouse, daemon: StartDaemon, chromium: Browser
) -> None:
    roles = ("vad", "asr", "intent", "tts")
    started = await asyncio.gather(*map(daemon, roles))
    await started[1].wait_for_line("grammar loaded")
    await own_house.start_hub({role: one.uri for role, one in zip(roles, started, strict=True)})
    page = await open_page(chromium, own_house.url)
    await state_is(page, "idle")
    await talk(page)
    await answered(page, "Turned on the Kitchen Light.")
    assert await page.locator(".said").all_inner_texts() == ["You:\nturn on the kitchen lights"]
    await state_is(page, "speaking")
    assert any(await played_pcm(page))


async def test_a_tap_interrupts_the_answer_and_listens(house: ScriptedHouse, chromium: Browser) -> None:
    house.answers["tts"] = long_answer
    page = await open_page(chromium, house.url)
    await state_is(page, "idle")
    await write(page, "tell me a story")
    await state_is(page, "speaking")
    await page.get_by_role("button", name="Interrupt and talk").click()
    await page.locator(".said", has_text="turn on the light").wait_for()
    assert await page.evaluate("silencedBefore.listening") > 0
    assert (await page.evaluate("seen"))[:5] == ["idle", "thinking", "speaking", "listening", "thinking"]


async def test_escape_ends_a_turn_without_an_answer(house: ScriptedHouse, chromium: Browser) -> None:
    house.answers["tts"] = long_answer
    page = await open_page(chromium, house.url)
    await state_is(page, "idle")
    await write(page, "tell me a story")
    await state_is(page, "speaking")
    await page.keyboard.press("Escape")
    await state_is(page, "idle")
    assert await page.evaluate("silenced") > 0


async def test_the_wake_word_starts_a_turn_and_interrupts_its_answer(house: ScriptedHouse, chromium: Browser) -> None:
    house.answers |= {"wake": WakeWord(after_seconds=0.6).answer, "tts": long_answer}
    page = await open_page(chromium, house.url)
    await state_is(page, "idle")
    await page.get_by_role("button", name="Hands-free").click()
    await page.locator(".said").nth(1).wait_for()
    seen = await page.evaluate("seen")
    assert seen[:4] == ["idle", "waiting", "listening", "thinking"]
    assert seen.count("listening") >= 2
    assert await page.evaluate("silencedBefore.listening") > 0
    assert seen.count("idle") == 1


async def test_a_question_is_answered_without_a_wake_word(house: ScriptedHouse, chromium: Browser) -> None:
    house.answers["intent"] = ask_back
    page = await open_page(chromium, house.url)
    await state_is(page, "idle")
    await talk(page)
    await page.locator(".said").nth(1).wait_for()
    assert (await page.evaluate("seen"))[:5] == ["idle", "listening", "thinking", "speaking", "listening"]


async def test_a_question_to_somebody_who_types_opens_no_microphone(house: ScriptedHouse, chromium: Browser) -> None:
    house.answers["intent"] = ask_back
    page = await open_page(chromium, house.url, _KEEP_STREAM)
    await state_is(page, "idle")
    await write(page, "turn on a light")
    await state_is(page, "speaking")
    await state_is(page, "idle")
    assert await page.evaluate("typeof stream") == "undefined"


async def test_the_page_comes_back_after_the_hub_was_killed(
    own_house: ScriptedHouse, chromium: Browser, daemon: StartDaemon
) -> None:
    port = str(free_port())
    async with own_house.serving("--web.port", port):
        page = await open_page(chromium, own_house.url)
        await state_is(page, "idle")
        assert own_house.hub is not None
        await own_house.hub.kill()
        await expect(page.locator("#connection")).to_have_text("Reconnecting…")
        await expect(page.locator("#state")).to_have_text("Not connected")
        await own_house.restart_hub("--web.port", port)
        await state_is(page, "idle")
        await write(page, "hello")
        await answered(page, "You said: hello.")


@pytest.mark.long
async def test_a_page_over_plain_http_is_let_in_by_its_key_and_says_how_to_get_a_microphone(
    own_house: ScriptedHouse, chromium: Browser, tablet_key: str
) -> None:
    async with own_house.serving("--web.names", INSECURE_NAME, "--web.no-tls"):
        page = await open_page(chromium, own_house.url.replace("127.0.0.1", INSECURE_NAME))
        await page.get_by_label("Key or password").fill(tablet_key)
        await page.keyboard.press("Enter")
        await state_is(page, "idle")
        await expect(page.get_by_role("button", name="Kitchen")).to_be_disabled()
        await expect(page.locator("#notice")).to_contain_text(f"Open https://{INSECURE_NAME}")
        await write(page, "hello")
        await answered(page, "You said: hello.")


@pytest.mark.long
async def test_a_page_over_https_has_a_microphone(own_house: ScriptedHouse, chromium: Browser, tablet_key: str) -> None:
    async with own_house.serving("--web.names", INSECURE_NAME, "--web.tls"):
        page = await open_page(chromium, own_house.url.replace("127.0.0.1", INSECURE_NAME), ignore_https_errors=True)
        await page.get_by_label("Key or password").fill(tablet_key)
        await page.keyboard.press("Enter")
        await state_is(page, "idle")
        await talk(page)
        await answered(page, "You said: turn on the light.")


async def test_a_camera_reads_from_the_page_where_the_certificate_is(
    own_house: ScriptedHouse, chromium: Browser, tablet_key: str
) -> None:
    async with own_house.serving("--web.names", INSECURE_NAME, "--web.tls"):
        url = f"{own_house.url.replace('127.0.0.1', INSECURE_NAME).replace('https:', 'http:')}/ca"
        page = await open_page(chromium, url)
        picture = await page.locator("svg").screenshot()
        pixels = cv2.imdecode(np.frombuffer(picture, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
        assert pixels is not None
        assert cv2.QRCodeDetector().detectAndDecode(pixels)[0] == url


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("delete window.AudioWorkletNode;", "This browser cannot record sound"),
        (
            "navigator.mediaDevices.getUserMedia = () => Promise.reject({name: 'NotAllowedError'});",
            "Allow it at the lock",
        ),
        (
            "navigator.mediaDevices.getUserMedia = () => Promise.reject({name: 'NotFoundError'});",
            "There is no microphone",
        ),
    ],
    ids=["no-worklet", "denied", "missing"],
)
async def test_a_page_without_a_microphone_says_why(
    house: ScriptedHouse, chromium: Browser, script: str, sentence: str
) -> None:
    page = await open_page(chromium, house.url, script)
    await state_is(page, "idle")
    await talk(page)
    await expect(page.get_by_role("alert")).to_contain_text(sentence)
    await state_is(page, "idle")


async def test_a_microphone_that_is_taken_away_ends_the_turn(house: ScriptedHouse, chromium: Browser) -> None:
    async def hear_nothing(event: Event, send: Send) -> None: ...

    house.answers["vad"] = hear_nothing
    page = await open_page(chromium, house.url, _KEEP_STREAM)
    await state_is(page, "idle")
    await talk(page)
    await state_is(page, "listening")
    await page.evaluate("stream.getTracks()[0].dispatchEvent(new Event('ended'))")
    await expect(page.get_by_role("alert")).to_contain_text("The microphone was taken away")
    await state_is(page, "idle")


async def test_the_newest_tab_of_a_browser_is_the_satellite(house: ScriptedHouse, chromium: Browser) -> None:
    first = await open_page(chromium, house.url)
    await state_is(first, "idle")
    second = await first.context.new_page()
    await second.goto(house.url)
    await state_is(second, "idle")
    await expect(first.get_by_role("alert")).to_contain_text("another tab")
    await first.get_by_role("button", name="Use it here").click()
    await state_is(first, "idle")
    await state_is(second, "offline")


async def test_a_tablet_on_the_wall_listens_at_once_and_never_scrolls(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, f"{house.url}/?kiosk=1&area=Kitchen&name=wall", viewport=ECHO_SHOW)
    await state_is(page, "waiting")
    await expect(page.get_by_role("button", name="Kitchen")).to_be_visible()
    size = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == list(ECHO_SHOW.values())
    assert house.hub is not None
    attached = await house.hub.wait_for_line("satellite attached", satellite="wall")
    assert attached["area"] == "Kitchen"


async def test_a_tablet_on_the_wall_dims_and_wakes_by_a_touch(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, "about:blank", viewport=ECHO_SHOW)
    await page.clock.install()
    await page.goto(f"{house.url}/?kiosk=1")
    await state_is(page, "waiting")
    await page.clock.fast_forward(46_000)
    await expect(page.locator("#clock")).to_be_visible()
    await page.mouse.click(10, 10)
    await expect(page.locator("#clock")).to_be_hidden()


async def test_a_phone_that_slept_listens_again(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, house.url, _KEEP_STREAM)
    await state_is(page, "idle")
    await page.get_by_role("button", name="Hands-free").click()
    await state_is(page, "waiting")
    await page.evaluate(
        """Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
        stream.getTracks()[0].dispatchEvent(new Event('ended'));"""
    )
    await state_is(page, "idle")
    await page.evaluate(
        """Object.defineProperty(document, 'visibilityState', { value: 'visible' });
        document.dispatchEvent(new Event('visibilitychange'));"""
    )
    await state_is(page, "waiting")
    await expect(page.get_by_role("alert")).to_contain_text("This page was asleep")


async def test_a_tab_in_the_background_stays_connected(house: ScriptedHouse, chromium: Browser) -> None:
    """A browser lets the timers of such a tab run once a minute."""
    page = await open_page(chromium, "about:blank", _COUNT_SOCKETS)
    await page.clock.install()
    await page.goto(house.url)
    await state_is(page, "idle")
    for _ in range(3):
        await page.evaluate("answered = new Promise((resolve) => { onAnswered = resolve; }); 0")
        await page.clock.fast_forward(60_000)
        await page.evaluate("answered")
    assert await page.evaluate("sockets") == 1


@pytest.mark.parametrize("width", [320, 2560])
async def test_the_page_fits_any_width(house: ScriptedHouse, chromium: Browser, width: int) -> None:
    page = await open_page(chromium, house.url, viewport=ViewportSize(width=width, height=640))
    await state_is(page, "idle")
    await write(page, "a" * 200)
    await answered(page, "aaa")
    assert await page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.long
async def test_everything_can_be_done_by_keyboard(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, house.url)
    await state_is(page, "idle")
    await page.keyboard.press("Space")
    await answered(page, "You said: turn on the light.")
    await state_is(page, "idle")
    reached = []
    for _ in range(10):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert reached == [
        "Go to the text box", "room", "house", "talk", "hands-free", "mute", "volume", "log", "text", "Send",
    ]  # fmt: skip


async def test_the_room_is_chosen_once(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, house.url)
    await state_is(page, "idle")
    await page.get_by_role("button", name="Choose a room").click()
    await page.get_by_role("combobox", name="Room").fill("<img src=x onerror=alert(1)>")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#room")).to_have_text("<img src=x onerror=alert(1)>")
    await page.reload()
    await expect(page.locator("#room")).to_have_text("<img src=x onerror=alert(1)>")


@pytest.mark.long
async def test_a_script_in_the_name_of_a_device_stays_text(own_house: ScriptedHouse, chromium: Browser) -> None:
    async def name_a_timer(event: Event, send: Send) -> None:
        if event.type == "transcript":
            entities = [{"name": "seconds", "value": 60}, {"name": "name", "value": EVIL}]
            await send(Event("intent", {"name": "HassStartTimer", "entities": entities}))

    own_house.answers["intent"] = name_a_timer
    async with own_house.serving():
        evil = quote(EVIL)
        tablet = await open_page(chromium, f"{own_house.url}/?name={evil}&area={evil}", bypass_csp=True)
        await state_is(tablet, "idle")
        await expect(tablet.locator("#room")).to_have_text(EVIL)
        await write(tablet, EVIL)
        await expect(tablet.get_by_role("list", name="Timers")).to_contain_text(EVIL)
        await expect(tablet.locator(".said")).to_contain_text(EVIL)
        other = await open_page(chromium, f"{own_house.url}/?name=other", bypass_csp=True)
        await state_is(other, "idle")
        await expect(other.locator("#rooms option")).to_have_attribute("value", EVIL)
        for page in (tablet, other):
            assert await page.evaluate("[typeof attacked, document.querySelectorAll('img').length]") == ["undefined", 0]


@pytest.mark.long
async def test_a_timer_is_counted_down_and_rings(own_house: ScriptedHouse, chromium: Browser) -> None:
    async def start_timer(event: Event, send: Send) -> None:
        if event.type == "transcript":
            slots = {"seconds": int(event.data["text"]), "name": "tea"}
            entities = [{"name": name, "value": value} for name, value in slots.items()]
            await send(Event("intent", {"name": "HassStartTimer", "entities": entities}))

    own_house.answers["intent"] = start_timer
    async with own_house.serving():
        page = await open_page(chromium, own_house.url, reduced_motion="reduce")
        await state_is(page, "idle")
        await write(page, "2")
        await expect(page.get_by_role("list", name="Timers")).to_contain_text("tea")
        await expect(page.get_by_role("list", name="Timers")).to_contain_text("Time is up")
        await page.get_by_role("listitem").get_by_role("button", name="Stop").click()
        await expect(page.locator("#timers")).to_be_hidden()


@pytest.mark.long
async def test_what_rings_on_the_page_is_snoozed(own_house: ScriptedHouse, chromium: Browser) -> None:
    slots: dict[str, dict[str, object]] = {
        "tea": {"seconds": 1, "name": "tea"},
        "later": {"alarm": "snooze", "minutes": 5},
    }

    async def start_timer(event: Event, send: Send) -> None:
        if event.type == "transcript":
            entities = [{"name": name, "value": value} for name, value in slots[event.data["text"]].items()]
            await send(Event("intent", {"name": "HassStartTimer", "entities": entities}))

    own_house.answers["intent"] = start_timer
    async with own_house.serving():
        page = await open_page(chromium, own_house.url, reduced_motion="reduce")
        timers = page.get_by_role("list", name="Timers")
        await state_is(page, "idle")
        await write(page, "tea")
        await expect(timers).to_contain_text("Time is up")
        await write(page, "later")
        await expect(page.locator("main")).to_contain_text("I will ring again in 5 minutes.")
        await expect(timers).not_to_contain_text("Time is up")
        await expect(timers).to_contain_text("tea")


async def test_volume_and_mute_are_set_from_elsewhere(house: ScriptedHouse, chromium: Browser) -> None:
    async with aiohttp.ClientSession(house.url) as client:
        page = await open_page(chromium, f"{house.url}/?name=wall")
        await state_is(page, "idle")
        async with client.post("/api/v1/satellites/wall/volume", json={"percent": 35}) as answer:
            assert answer.status == 200, await answer.text()
        await expect(page.get_by_label("Volume")).to_have_value("35")
        async with client.post("/api/v1/satellites/wall/mute", json={"muted": True}) as answer:
            assert answer.ok, await answer.text()
        await expect(page.get_by_role("button", name="Muted")).to_have_attribute("aria-pressed", "true")


@pytest.mark.long
async def test_a_house_without_daemons_says_so(own_house: ScriptedHouse, chromium: Browser) -> None:
    await own_house.start_hub(dict.fromkeys(("wake", "vad", "asr", "intent", "tts"), "tcp://127.0.0.1:9"))
    page = await open_page(chromium, own_house.url)
    await state_is(page, "idle")
    await talk(page)
    await page.locator(".answered", has_text="speech").first.wait_for()
    await page.get_by_role("button", name="Hands-free").click()
    await expect(page.get_by_role("alert")).to_contain_text("The wake word cannot be heard")


@pytest.mark.long
async def test_a_page_that_cannot_be_loaded_says_that_the_house_is_away(
    own_house: ScriptedHouse, chromium: Browser
) -> None:
    async with own_house.serving():
        page = await open_page(chromium, own_house.url)
        await state_is(page, "idle")
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        assert own_house.hub is not None
        await own_house.hub.stop()
        await page.reload()
        await expect(page.get_by_role("heading")).to_have_text("The house cannot be reached")


async def test_the_page_speaks_the_language_of_its_browser(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, house.url, locale="de-AT", timezone_id="Europe/Vienna")
    await state_is(page, "idle")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await expect(page.locator("#state")).to_have_text("Bereit")
    await page.get_by_role("textbox", name="Schreiben statt sprechen").fill("hallo")
    await page.keyboard.press("Enter")
    await answered(page, "You said: hallo.")


@pytest.mark.long
async def test_no_language_leaves_english_on_the_page_or_does_not_fit_a_small_phone(
    house: ScriptedHouse, chromium: Browser
) -> None:
    texts = {path.stem: json.loads(path.read_text("utf-8")) for path in TEXTS}
    for language in sorted(texts.keys() - {"en"}):
        url, phone = f"{house.url}/?language={language}", ViewportSize(width=320, height=568)
        page = await open_page(chromium, url, viewport=phone)
        await state_is(page, "idle")
        await page.get_by_role("button", name=texts[language]["room.choose"]).click()
        shown = set(await page.evaluate(SHOWN, ".turns"))
        assert texts[language]["room.title"] in shown
        assert shown & set(texts["en"].values()) <= set(texts[language].values()), language
        assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"], language
        await page.context.close()


async def test_a_language_that_the_page_does_not_know_is_english(house: ScriptedHouse, chromium: Browser) -> None:
    page = await open_page(chromium, f"{house.url}/?language=../../x", locale="fi-FI")
    await state_is(page, "idle")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("#state")).to_have_text("Ready")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_serious_obstacle_keeps_people_from_using_the_page(
    house: ScriptedHouse, chromium: Browser, axe: str, scheme: str
) -> None:
    page = await open_page(chromium, house.url, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    await state_is(page, "idle")
    await write(page, "hello")
    await answered(page, "hello")
    await state_is(page, "idle")
    assert await find_violations(page, axe) == []
    await page.get_by_role("button", name="Choose a room").click()
    assert await find_violations(page, axe) == []
