"""Reminders about a contact of Monica, through a whole house of installed programs: one at the house, and one in Monica."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from blockbuster import BlockBuster

from tests.conftest import StartDaemon
from tests.integration.test_reminders import Kitchen
from tests.unit.intent.integrations.monica_service import TOKEN, MonicaService
from tests.waiting import wait_until

pytestmark = pytest.mark.long

SETTINGS = """
[intent.plugins.monica]
url = "{url}"
token = "{token}"
"""
REMARK = " It is in Monica, too."


@pytest.fixture(autouse=True)
def _the_service_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


@pytest.fixture
async def monica() -> AsyncIterator[MonicaService]:
    service = MonicaService()
    async with service.serving():
        yield service


def bring_forward(folder: Path) -> None:
    """Let the only timer of a hub that does not run be due in a second."""
    file = folder / "hub" / "timers.json"
    stored = json.loads(file.read_text())
    [timer] = stored["timers"]
    timer["ends_at"] = time.time() + 1
    file.write_text(json.dumps(stored))


async def test_one_reminder_is_spoken_by_the_house_and_is_in_monica(
    daemon: StartDaemon, monica: MonicaService, tmp_path: Path
) -> None:
    (tmp_path / "rosie.toml").write_text(SETTINGS.format(url=monica.url, token=TOKEN))
    tomorrow = (datetime.now().astimezone() + timedelta(days=1)).date().isoformat()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        kitchen = Kitchen(daemon, http, tmp_path)
        await kitchen.begin(stack, "--config", str(tmp_path / "rosie.toml"))
        await kitchen.start_satellite()
        hub = await kitchen.start_hub()
        await wait_until(lambda: bool(monica.requests))

        own = await kitchen.say("remind me tomorrow to call the dentist")
        assert own.endswith(": call the dentist.")
        assert monica.added == []
        await kitchen.say("cancel the reminder to call the dentist")

        answer = await kitchen.say("remind me to call Ada tomorrow")
        assert answer.endswith(f": call Ada.{REMARK}")
        [(kind, body)] = monica.added
        assert (kind, body["contact_id"], body["initial_date"]) == ("reminders", 1, tomorrow)
        assert (await kitchen.say("what are my reminders")).count("call Ada") == 1

        assert await hub.stop() == 0
        bring_forward(tmp_path)
        await kitchen.start_hub()
        await wait_until(lambda: "Reminder: call Ada." in kitchen.heard)
        assert kitchen.heard.count("Reminder: call Ada.") == 1
        assert len(monica.added) == 1
