"""An installed daemon whose token changes on disk goes on with the new one, without a restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import OpenPeer
from tests.daemons import Daemon
from tests.home_assistant_server import HomeAssistantServer
from tests.integration.test_intent_daemon import ask
from tests.waiting import wait_until
from wyoming_rosie.protocol.client import Client

FORMER, PRESENT = "the-former-token", "the-present-token"
COMMAND, DONE = "turn on the hall light", "Turned on the Hall Light."


async def ask_until(client: Client, is_wanted: Callable[[str], bool]) -> str:
    """Repeat the command until its answer is as wanted; return that."""
    async with asyncio.timeout(60):
        while not is_wanted(answer := (await ask(client, COMMAND)).data["text"]):
            await asyncio.sleep(0.05)
    return str(answer)


@pytest.mark.long
@pytest.mark.parametrize("place", ["a file", "a folder of credentials"])
async def test_a_token_of_home_assistant_that_changes_on_disk_is_used_without_a_restart(
    place: str, peer: OpenPeer, tmp_path: Path
) -> None:
    file = tmp_path / "home-assistant-token"  # also the name of the credential
    await asyncio.to_thread(file.write_text, FORMER)
    server = HomeAssistantServer()
    server.token = FORMER
    async with server.serving():
        flags = ("--actor", "home-assistant", "--home-assistant.url", server.url)
        if place == "a file":
            intent = await Daemon.start("intent", *flags, "--home-assistant.token-file", str(file))
        else:
            intent = await Daemon.start("intent", *flags, env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
        try:
            client = await peer(intent.uri)
            await ask_until(client, lambda answer: answer == DONE)
            server.token = PRESENT
            await server.cut()
            await wait_until(lambda: server.refused > 0)
            refused = await ask_until(client, lambda answer: answer != DONE)
            await asyncio.to_thread(file.write_text, PRESENT)
            await ask_until(client, lambda answer: answer == DONE)
        finally:
            assert await intent.stop() == 0
    assert "Home Assistant" in refused
    assert not any(token in str(intent.log) for token in (FORMER, PRESENT))
