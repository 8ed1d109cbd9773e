"""The memory over the hub's HTTP API, with a real intent daemon."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import StartDaemon
from tests.web_client import Credentials, bearer, create_credentials, page_of

API = "/api/v1"
HOME = """
areas = [{ id = "kitchen", name = "Kitchen" }, { id = "bedroom", name = "Bedroom" }]

[rooms.bedroom]
private = true
"""


@dataclass(frozen=True)
class MemoryHouse:
    """A hub, the intent daemon with the memory, and who may use it."""

    client: aiohttp.ClientSession
    credentials: Credentials

    async def send(self, method: str, path: str, key: str, body: object = None, status: int = 200) -> Any:
        async with self.client.request(method, API + path, json=body, headers=bearer(key)) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return create_credentials(tmp_path / "state")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    file = tmp_path / "home.toml"
    file.write_text(HOME)
    return file


@pytest.fixture
async def house(
    daemon: StartDaemon, tmp_path: Path, home: Path, credentials: Credentials
) -> AsyncIterator[MemoryHouse]:
    async with AsyncExitStack() as stack:
        intent = await daemon("intent", "--home", str(home))
        own = ("--no-zeroconf", "--data-dir", str(tmp_path / "state"), "--intent-uri", intent.uri)
        hub = await daemon("hub", "--web", "--web.port", "0", *own)
        session = aiohttp.ClientSession(await page_of(hub), timeout=aiohttp.ClientTimeout(60))
        yield MemoryHouse(await stack.enter_async_context(session), credentials)


async def test_the_memory_is_used_within_scope_and_room(house: MemoryHouse) -> None:
    keys = house.credentials
    assert (await house.send("GET", "/health/memory", keys.admin))["status"] == "ok"
    await house.send("POST", "/memory", keys.tablet, {"text": "the kettle is by the sink"})
    await house.send("POST", "/memory", keys.admin, {"text": "the present is by the bed", "room": "Bedroom"})
    assert (await house.send("POST", "/memory", keys.tablet, {"text": "the alarm code is 4711"}))["refused"] == 1
    await house.send("POST", "/memory", keys.tablet, {"text": "x", "room": "Bedroom"}, 403)

    found = await house.send("POST", "/memory/query", keys.tablet, {"text": "where is the kettle"})
    assert [one["record"]["room"] for one in found["found"]] == ["kitchen"]
    assert (await house.send("POST", "/memory/query", keys.tablet, {"text": "the present"}))["found"] == []
    for key in (keys.tablet, keys.monitor):
        assert "present" not in json.dumps(await house.send("GET", "/memory", key))
    everything = await house.send("GET", "/memory?limit=1", keys.admin)
    assert everything["has_more"]
    [present] = everything["records"]
    assert present["is_private"]

    await house.send("POST", "/memory/tag", keys.admin, {"ids": [present["id"]], "add": ["secret"]})
    assert len((await house.send("GET", "/memory?tag=secret", keys.admin))["records"]) == 1
    for path in ("/memory/tag", "/memory/forget", "/memory/import"):
        await house.send("POST", path, keys.tablet, {"ids": [present["id"]], "lines": []}, 403)
    await house.send("POST", "/memory/forget", keys.admin, {}, 422)
    async with house.client.get(f"{API}/memory/export", headers=bearer(keys.admin)) as answer:
        header, *lines = (await answer.text()).splitlines()
    assert json.loads(header)["version"] == 1
    assert (await house.send("POST", "/memory/forget", keys.admin, {"everything": True}))["count"] == 2
    assert (await house.send("GET", "/memory/stats", keys.monitor))["counts"] == {}
    await house.send("POST", "/memory/import", keys.admin, {"lines": lines})
    assert (await house.send("GET", "/memory/stats", keys.monitor))["counts"] == {"fact": 2}
    await house.send("POST", "/memory/import", keys.admin, {"lines": ["nonsense"]}, 422)
    await house.send("GET", "/memory?kind=secret", keys.admin, status=422)
    await house.send("GET", "/memory?colour=red", keys.admin, status=422)
