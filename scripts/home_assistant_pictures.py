"""Pictures of Home Assistant's pages with our programs, docs/images/home-assistant-NAME.png, taken by a headless browser."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, async_playwright

from tests.daemons import Daemon
from tests.interop.home_assistant import NEWEST, HomeAssistant, port_of, run_home_assistant
from tests.interop.peers import free_port
from tests.ollama_server import OllamaServer
from tests.waiting import wait_until

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
WIDTH, HEIGHT = 760, 1150  # narrow, so that the pages have no menu beside them
STEP_MS = 30_000.0
SETTLE_MS = 1_500.0
"""Time for animations to end."""
MODELS = ("qwen3:4b-instruct", "qwen3:0.6b")
DAEMONS = {"asr": "stt", "intent": "conversation", "tts": "tts"}


@dataclass(frozen=True)
class Browser:
    """A browser before a Home Assistant in which our daemons have been added."""

    core: HomeAssistant
    page: Page
    ollama: OllamaServer

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.core.url}{path}")

    async def add_integration(self, domain: str) -> None:
        """Begin the form that adds an integration."""
        await self.open(f"/config/integrations/dashboard/add?domain={domain}")
        await self.page.get_by_role("button", name="OK").click()

    async def click(self, text: str) -> None:
        await self.page.get_by_text(text, exact=True).last.click()

    async def take(self, name: str, part: str = "") -> None:
        """Write a picture of the page, or of its part with this CSS selector."""
        await self.page.wait_for_timeout(SETTLE_MS)
        place = self.page.locator(part).last if part else self.page
        await place.screenshot(path=IMAGES / f"home-assistant-{name}.png")


DIALOG = "dialog.open"


async def take_wyoming(browser: Browser) -> None:
    """Take the form for a daemon's address."""
    await browser.add_integration("wyoming")
    await browser.page.locator("input[name=host], input#host").last.fill("192.168.1.20")
    await browser.take("wyoming", DIALOG)


async def take_assistant(browser: Browser) -> None:
    """Take an assistant made of our daemons."""
    await browser.open("/config/voice-assistants/assistants")
    await browser.click("Rosie")
    await browser.take("assistant", DIALOG)


async def take_hybrid_llm(browser: Browser) -> None:
    """Take two steps of the form that adds our component."""
    await browser.add_integration("hybrid_llm")
    await browser.take("hybrid-llm", DIALOG)
    await browser.click("A model at an Ollama server")
    await browser.page.locator("input[name=url], input#url").last.fill(browser.ollama.url)
    await browser.click("Submit")
    await browser.page.get_by_text("Main model").last.wait_for()
    await browser.take("hybrid-llm-models", DIALOG)


async def take_options(browser: Browser) -> None:
    """Take the options of our component."""
    await browser.core.add_hybrid_llm(browser.ollama.url, MODELS[0])
    await browser.open("/config/integrations/integration/hybrid_llm")
    await browser.page.get_by_role("button", name="Configure").last.click()
    await browser.take("hybrid-llm-options", DIALOG)


async def take_satellite(browser: Browser) -> None:
    """Take the page of a satellite that speaks ESPHome's API."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        satellite = await Daemon.start(
            "satellite", "--esphome", "--esphome-uri", f"tcp://127.0.0.1:{port}", "--name", "Kitchen",
            "--mic-command", "cat /dev/zero", "--snd", f"wav:{folder}/played.wav", "--data-dir", folder,
        )  # fmt: skip
        try:
            begun = await browser.core.post("config/config_entries/flow", handler="esphome")
            path = f"config/config_entries/flow/{begun['flow_id']}"
            made = await browser.core.post(path, host="127.0.0.1", port=port)
            await satellite.wait_for_line("phase", phase="waiting")
            entities = await browser.core.ask("config/entity_registry/list")
            own = [one for one in entities if one["config_entry_id"] == made["result"]["entry_id"]]
            device = own[0]["device_id"]
            # Home Assistant leaves once, to come again with the key that it has given.
            await wait_until(lambda: sum(line["event"] == "conductor joined" for line in satellite.log) == 2)
            await browser.open(f"/config/devices/device/{device}")
            await browser.take("satellite")
        finally:
            await satellite.stop()


PICTURES: Mapping[str, Callable[[Browser], Awaitable[None]]] = {
    "wyoming": take_wyoming,
    "assistant": take_assistant,
    "hybrid-llm": take_hybrid_llm,
    "hybrid-llm-options": take_options,
    "satellite": take_satellite,
}


@asynccontextmanager
async def run_browser(folder: Path) -> AsyncIterator[Browser]:
    """Run Home Assistant, our daemons, a scripted Ollama and a browser during the block."""
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(run_home_assistant(folder, NEWEST, more="frontend:\n"))
        engines = {}
        for role, domain in DAEMONS.items():
            daemon = await Daemon.start(role, "--name", "Attic")
            stack.push_async_callback(daemon.stop)
            engines[domain] = await core.add_wyoming(port_of(daemon.uri), domain)
        await core.use_pipeline(name="Rosie", **engines)
        ollama = await stack.enter_async_context(OllamaServer(models=MODELS).run())
        playwright = await stack.enter_async_context(async_playwright())
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        stack.push_async_callback(chromium.close)
        page = await chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(STEP_MS)
        await page.add_init_script(f"localStorage.setItem('hassTokens', {json.dumps(_session(core))})")
        yield Browser(core, page, ollama)


def _session(core: HomeAssistant) -> str:
    """Return what the web page keeps of a person who has logged in."""
    kept = {
        "access_token": core.token,
        "token_type": "Bearer",
        "refresh_token": "",
        "expires_in": 10**9,
        "expires": 10**13,
        "hassUrl": core.url,
        "clientId": f"{core.url}/",
    }
    return json.dumps(kept)


async def main(names: list[str]) -> None:
    """Take the pictures with these names, or all."""
    with tempfile.TemporaryDirectory() as folder:
        async with run_browser(Path(folder) / "core") as browser:
            for name in names or PICTURES:
                await PICTURES[name](browser)
                sys.stdout.write(f"docs/images/home-assistant-{name}.png\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
