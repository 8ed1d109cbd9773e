"""The page in a real browser: what a person says, sees and hears."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.browser import (
    ANSWER_PCM,
    ScriptedHouse,
    answered,
    open_page,
    played_pcm,
    running_chromium,
    skip_without_chromium,
    state_is,
    write_microphone,
)
from tests.conftest import StartDaemon
from wyoming_rosie.audio.formats import read_wav
from wyoming_rosie.commands.demo import COMMAND


@pytest.fixture
def house(daemon: StartDaemon, tmp_path: Path) -> ScriptedHouse:
    skip_without_chromium()
    return ScriptedHouse(daemon, tmp_path / "hub")


@pytest.fixture
def microphone(tmp_path: Path) -> Path:
    return write_microphone(tmp_path / "microphone.wav", read_wav(COMMAND)[1])


@pytest.fixture
async def chromium(microphone: Path) -> AsyncIterator[Browser]:
    async with running_chromium(microphone) as browser:
        yield browser


async def talk(page: Page) -> None:
    """Tap the button."""
    await page.get_by_role("button", name="Talk", exact=True).click()


async def test_a_spoken_command_is_shown_answered_and_heard(house: ScriptedHouse, chromium: Browser) -> None:
    async with house.serving():
        page = await open_page(chromium, house.url)
        await state_is(page, "idle")
        await talk(page)
        await answered(page, "You said: turn on the light.")
        await state_is(page, "idle")
        assert await page.evaluate("seen") == ["idle", "listening", "thinking", "speaking", "idle"]
        assert await page.locator(".said").all_inner_texts() == ["You:\nturn on the light"]
        assert await played_pcm(page) == ANSWER_PCM
