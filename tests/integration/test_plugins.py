"""The example plugin of the docs with its own tests, and Home Assistant as a plugin."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.daemons import command
from tests.home_assistant_server import TOKEN, HomeAssistantServer
from wyoming_rosie_intent.plugins.contract import CHECKS
from wyoming_rosie_intent.plugins.home_assistant import HomeAssistantPlugin

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "plugins"


async def test_the_example_of_the_docs_passes_its_own_tests() -> None:
    arguments = (
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "-o",
        "asyncio_mode=auto",
        str(EXAMPLES),
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()


@pytest.mark.parametrize(("plugin", "status"), [("notes", 0), ("bins", 1)])
async def test_the_command_checks_a_plugin_by_its_contract(plugin: str, status: int) -> None:
    process = await asyncio.create_subprocess_exec(
        command("wyoming-rosie"), "plugin", "check", str(EXAMPLES / plugin), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == status, err.decode()
    assert out.decode().count(" ok\n") == (len(CHECKS) if status == 0 else 0)
    if status:
        assert "there is no" in err.decode()


async def test_home_assistant_acts_as_a_plugin_but_opens_no_door(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    plugin = HomeAssistantPlugin()
    async with HomeAssistantServer().serving() as server:
        await plugin.initialize({"url": server.url, "token_file": str(tmp_path / "token")})
        try:
            assert (await plugin.get_status())["healthy"] is True
            lit = await plugin.handle_command("HassTurnOn", {"name": "Kitchen Light"})
            assert lit == {"success": True, "message": "Turned on the Kitchen Light."}
            opened = await plugin.handle_command("HassTurnOff", {"name": "Front Door", "area": "Kitchen"})
            assert opened["success"] is False
            asked = await plugin.handle_command("HassTurnOff", {"name": "Front Door"})
            assert asked["success"] is False
            assert [call["service"] for call in server.calls] == ["turn_on"]
        finally:
            await plugin.close()


@pytest.mark.parametrize("intent", ["HassTurnOn", "HassMadeUp"])
async def test_a_thing_that_is_not_there_is_an_answer(tmp_path: Path, intent: str) -> None:
    (tmp_path / "token").write_text(TOKEN)
    plugin = HomeAssistantPlugin()
    async with HomeAssistantServer().serving() as server:
        await plugin.initialize({"url": server.url, "token_file": str(tmp_path / "token")})
        try:
            assert (await plugin.handle_command(intent, {"name": "Moon"}))["success"] is False
            assert server.calls == []
        finally:
            await plugin.close()
