"""Replies of the real Home Assistant to intents of our daemon that it has executed."""

import re
from pathlib import Path

import pytest

from tests.conftest import StartDaemon
from tests.interop.home_assistant import HomeAssistant, port_of

pytestmark = [pytest.mark.interop]


class AssistClient:
    """Sends sentences to a conversation agent, as from a device of Home Assistant."""

    def __init__(self, core: HomeAssistant, agent: str, device: str | None) -> None:
        self._core = core
        self._asked = {"agent_id": agent} | ({} if device is None else {"device_id": device})

    async def ask(self, text: str, language: str = "en") -> str:
        """Return the reply to a sentence."""
        answer = await self._core.post("conversation/process", text=text, language=language, **self._asked)
        return str(answer["response"]["speech"].get("plain", {}).get("speech", ""))


HOME = """
[[areas]]
id = "kitchen"
name = "Kitchen"
[[entities]]
id = "light.reading_lamp"
name = "Reading lamp"
domain = "light"
[[entities]]
id = "light.dead_lamp"
name = "Lost lamp"
domain = "light"
"""


@pytest.fixture(params=["none", "home-assistant"])
async def speaker(
    core: HomeAssistant, daemon: StartDaemon, tmp_path: Path, request: pytest.FixtureRequest
) -> AssistClient:
    if not core.is_newest:
        pytest.skip("this version tells no agent which device asks, and so sets no timers for one")
    (tmp_path / "home.toml").write_text(HOME)
    (tmp_path / "token").write_text(core.token)
    actor = ("--home-assistant.url", core.url, "--home-assistant.token-file", str(tmp_path / "token"))
    intent = await daemon(
        *("intent", "--actor", request.param, "--home", str(tmp_path / "home.toml")),
        *("--hassil.languages", "en", "--hassil.languages", "de", *(actor if request.param != "none" else ())),
    )
    satellite = await daemon("satellite", "--mic", "stdin", "--snd", f"wav:{tmp_path / 'reply.wav'}")
    device = await core.device_of(await core.add_wyoming(port_of(satellite.uri), "assist_satellite"))
    return AssistClient(core, await core.add_wyoming(port_of(intent.uri)), device)


async def test_timers_are_set_asked_about_and_cancelled_aloud(speaker: AssistClient) -> None:
    assert await speaker.ask("set a timer for 5 minutes") == "Timer set for 5 minutes"
    left = await speaker.ask("how much time is left on the timer")
    assert re.fullmatch(r"(5 minutes|4 minutes and \d+ seconds) left\.", left)
    assert "Minuten" in await speaker.ask("wie lange läuft der timer noch", "de")
    assert await speaker.ask("cancel the timer") == "Timer cancelled"
    assert await speaker.ask("how much time is left on the timer") == "No timers."
    assert "not found" in await speaker.ask("cancel the timer")
    assert await speaker.ask("cancel all timers") == "No timers were canceled."


@pytest.mark.parametrize("speaker", ["none"], indirect=True)
async def test_what_was_done_is_confirmed_and_what_is_asked_is_answered(speaker: AssistClient) -> None:
    assert await speaker.ask("is the reading lamp on") == "No, off"
    assert await speaker.ask("turn on the reading lamp") == "Turned on the Reading lamp."
    assert await speaker.ask("is the reading lamp on") == "Yes"
    assert await speaker.ask("schalte die reading lamp aus", "de") == "Reading lamp ausgeschaltet."
    assert await speaker.ask("never mind") == ""
    assert re.fullmatch(r"\d+:\d\d [AP]M", await speaker.ask("what time is it"))
    assert "Turned on" not in await speaker.ask("turn on the lost lamp")  # which Home Assistant does not know
