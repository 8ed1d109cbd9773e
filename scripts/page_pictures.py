"""Pictures of the hub's page, taken in Debian's Chromium: each state, from a phone to a large screen, light and dark."""

import argparse
import asyncio
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from tests.daemons import Daemon
from tests.web_client import page_of
from wyoming_rosie.audio.formats import SPEECH, read_wav, write_wav
from wyoming_rosie.commands.demo import COMMAND

ROLES = ("wake", "vad", "asr", "intent", "tts")
WAIT_MS = 60_000
MICROPHONE = "microphone.wav"
IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
IN_DOCS = {"page": "conversation-light"}
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


async def take_all(url: str, microphone: Path, folder: Path) -> None:
    """Take all pictures in both themes."""
    capture = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    flags = [*capture, f"--use-file-for-fake-audio-capture={microphone}%noloop", *sandbox]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
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
        hub = await start("hub", "--web", "--web.port", "0", "--data-dir", str(data_dir), *stages)
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
        asyncio.run(run(folder, Path(data_dir)))
    for name, taken in IN_DOCS.items() if options.docs else ():
        shutil.copyfile(folder / f"{taken}.png", IMAGES / f"{name}.png")
    print(f"{2 * len(PICTURES)} pictures in {folder}")


if __name__ == "__main__":
    main()
