"""Pictures of the hub's pages, taken in Debian's Chromium: each state and view, from a phone to a large screen, light and dark."""

import argparse
import asyncio
import itertools
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize, async_playwright
from wyoming.event import Event

from tests.daemons import Daemon
from tests.fakes import FakeSatellite
from tests.web_client import page_of
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie.commands.demo import COMMAND
from wyoming_rosie.runtime.tasks import run_beside

ROLES = ("wake", "vad", "asr", "intent", "tts")
WAIT_MS = 60_000
CHUNK_SECONDS = 0.02
CHUNK_BYTES = SPEECH.bytes_in(CHUNK_SECONDS)
MICROPHONE = "microphone.wav"
CONFIG = "rosie.toml"
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
IN_DOCS = {
    "page": "conversation-light",
    "admin-house": "admin-house-1440-light",
    "admin-turns": "admin-turns-1440-light",
}
"""Pictures of the documentation, and what is taken for each."""


@dataclass(frozen=True)
class Picture:
    """A picture of the page; `said` is typed before, and the page is in `state` when it is taken."""

    name: str
    width: int
    height: int
    query: str = ""
    said: tuple[str, ...] = ()
    state: str = "idle"


CONVERSATION = ("set a pizza timer for 5 minutes", "turn on the kitchen lights")
PICTURES = (
    Picture("ready", 1280, 800),
    Picture("conversation", 1280, 800, said=CONVERSATION),
    Picture("listening", 1280, 800, said=CONVERSATION, state="listening"),
    Picture("speaking", 1280, 800, state="speaking"),
    Picture("phone", 390, 844, "?area=Kitchen", CONVERSATION),
    Picture("small-phone", 320, 568, "?area=Kitchen", CONVERSATION),
    Picture("large", 2560, 1440, "?area=Kitchen", CONVERSATION),
    Picture("kiosk", 960, 480, "?kiosk=1&area=Kitchen", state="waiting"),
    Picture("insecure", 1280, 800, "#insecure"),
)


VIEWS = (
    "house", "daemons", "turns", "wake-words", "voices", "timers", "settings", "log", "plugins", "keys", "backup", "memory",
)  # fmt: skip
"""Views of the page that runs the house."""
VIEW_SIZES = ((320, 640), (960, 480), (1440, 900))
THRESHOLD = 0.5
LEVELS_SECONDS = 0.25
SCORES = (0.91, 0.42, 0.77, 0.95, 0.38, 0.66, 0.84, 0.58, 0.97, 0.71, 0.35, 0.88)


def write_microphone(path: Path) -> None:
    """Write a command after four seconds of silence, the time for a picture of the page that listens."""
    _, pcm = read_wav(COMMAND)
    write_wav(path, SPEECH, bytes(SPEECH.bytes_in(4)) + pcm + bytes(SPEECH.bytes_in(20)))


async def take(browser: Browser, url: str, picture: Picture, scheme: str, folder: Path) -> None:
    """Take one picture."""
    size = ViewportSize(width=picture.width, height=picture.height)
    context = await browser.new_context(viewport=size, color_scheme="dark" if scheme == "dark" else "light")
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    if picture.query == "#insecure":
        await page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false });")
    await page.goto(url + "/" + picture.query)
    await page.wait_for_selector("html:not([data-state=offline])")
    for said in picture.said:
        await write(page, said)
    if picture.state == "listening":
        await page.locator("#talk").click()
    elif picture.state == "speaking":
        await page.locator("#text").fill("what can you do")
        await page.keyboard.press("Enter")
    await page.wait_for_selector(f"html[data-state={picture.state}]")
    await page.wait_for_timeout(600)  # for colours and lines to come to rest
    await page.screenshot(path=folder / f"{picture.name}-{scheme}.png")
    await context.close()


async def write(page: Page, text: str) -> None:
    """Type a sentence and wait for the end of its answer."""
    await page.locator("#text").fill(text)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("html[data-state=speaking]")
    await page.wait_for_selector("html[data-state=idle]")
    await page.locator("#text").blur()


async def take_views(browser: Browser, url: str, scheme: str, size: tuple[int, int], folder: Path) -> None:
    """Take a picture of each view of the page that runs the house."""
    viewport = ViewportSize(width=size[0], height=size[1])
    context = await browser.new_context(viewport=viewport, color_scheme="dark" if scheme == "dark" else "light")
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    for view in VIEWS:
        await page.goto(f"{url}/admin/#{view}")
        await page.wait_for_selector("#view > :not([hidden])", state="attached")
        await page.wait_for_timeout(1_200)  # for what it shows to arrive
        if view == "turns":
            await page.locator("summary", has_text="lights").first.click()
        await page.screenshot(path=folder / f"admin-{view}-{size[0]}-{scheme}.png")
    await context.close()


def heard_wake_word(score: float) -> Event:
    """Return how a satellite reports a detection, or a near miss."""
    if score >= THRESHOLD:
        return Event("detection", {"name": "okay_nabu", "context": {"score": score}})
    return Event("user-event", {"name": "near-miss", "word": "okay_nabu", "score": score})


async def report_levels(satellites: Sequence[FakeSatellite]) -> None:
    """Have the satellites report what their microphones hear until cancelled."""
    for number in itertools.count():
        for index, satellite in enumerate(satellites):
            levels = {"level_dbfs": -38 + 9 * math.sin(number / 2 + index), "noise_dbfs": -52}
            score = {"okay_nabu": 0.1 + 0.1 * math.sin(number / 3 + index)}
            await satellite.send(Event("user-event", {"name": "levels", "wake_scores": score, **levels}))
        await asyncio.sleep(LEVELS_SECONDS)


async def use(satellites: Sequence[FakeSatellite], command: bytes) -> None:
    """Have the satellites hear their wake words and a command, so that the views have something to show."""
    for index, score in enumerate(SCORES):
        satellite = satellites[index % len(satellites)]
        await satellite.send(heard_wake_word(score))
    for satellite in satellites:
        await satellite.send(Event("user-event", {"name": "volume", "percent": 60}))
        await satellite.send(Event("user-event", {"name": "muted", "muted": False}))
        heard = len(satellite.heard)
        await satellite.wake(f"turn-{satellite.info.satellite.name}")  # type: ignore[union-attr]
        silence = bytes(SPEECH.bytes_in(3))
        for start in range(0, len(command + silence), CHUNK_BYTES):
            await satellite.speak(CHUNK_SECONDS, (command + silence)[start : start + CHUNK_BYTES])
        await satellite.wait_for("audio-stop", after=heard)
        await satellite.send(Event("played"))


async def take_all(url: str, microphone: Path, folder: Path) -> None:
    """Take all pictures in both themes."""
    capture = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    flags = [*capture, f"--use-file-for-fake-audio-capture={microphone}%noloop", *sandbox]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for size in VIEW_SIZES:
            for scheme in ("light", "dark"):
                await take_views(browser, url, scheme, size, folder)
        for picture in PICTURES:
            for scheme in ("light", "dark"):
                await take(browser, url, picture, scheme, folder)
        await browser.close()


async def run(folder: Path, data_dir: Path) -> None:
    """Run a house, and take the pictures of its page."""
    async with AsyncExitStack() as stack:

        async def start(role: str, *flags: str) -> Daemon:
            daemon = await Daemon.start(role, "--no-zeroconf", *flags)
            stack.push_async_callback(daemon.stop)
            return daemon

        stages = [part for role in ROLES for part in (f"--{role}-uri", (await start(role)).uri)]
        satellites = [FakeSatellite("kitchen-pi", "Kitchen"), FakeSatellite("bedroom-pi", "Bedroom")]
        for satellite in satellites:
            satellite.info.satellite.description = "Raspberry Pi"  # type: ignore[union-attr]
            await stack.enter_async_context(satellite.serving(info=satellite.info))
            stages += ["--satellite", satellite.uri]
        flags = ("--web.log-text", "--config", str(data_dir / CONFIG), "--data-dir", str(data_dir))
        hub = await start("hub", "--web", "--web.port", "0", *flags, *stages)
        for satellite in satellites:
            await satellite.wait_for("run-satellite")
        await use(satellites, read_wav(COMMAND)[1])
        async with run_beside(report_levels(satellites)):
            await take_all(await page_of(hub), data_dir / MICROPHONE, folder)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("page-pictures"))
    parser.add_argument("--docs", action="store_true", help="also replace those in docs/images")
    options = parser.parse_args()
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data_dir:
        write_microphone(Path(data_dir) / MICROPHONE)
        (Path(data_dir) / CONFIG).touch()
        asyncio.run(run(folder, Path(data_dir)))
    for name, taken in IN_DOCS.items() if options.docs else ():
        shutil.copyfile(folder / f"{taken}.png", IMAGES / f"{name}.png")
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main()
