"""Answers of the bridge's language models over the hub's HTTP API, from a real NATS."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.brokers import Nats
from tests.conftest import StartDaemon
from tests.web_client import open_web
from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl
from wyoming_rosie.bus.messages import ResponseDelta, ResponseFinal
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.runtime.tasks import run_beside

RESPONSES = "/api/v1/llm/responses"
EVENTS = {"Accept": "text/event-stream"}
SECONDS = 60


@dataclass(frozen=True)
class Answers:
    """Publishes as the bridge does, and asks the hub as a client does."""

    events: NatsEvents
    client: aiohttp.ClientSession

    async def answer(self, session: str, key: str, text: str) -> None:
        final = schema.wrap(ResponseFinal(text, True, "chat.small"), key=key, source="test", now=time.time())
        assert await self.events.publish(names.response_subject(session), final, f"final:{key}")

    async def send_piece(self, session: str, key: str, number: int, text: str) -> None:
        piece = schema.wrap(ResponseDelta(number, text), key=key, source="test", now=time.time())
        await self.events.send(names.delta_subject(session), piece)

    async def get(self, session: str, **query: int) -> dict[str, Any]:
        async with self.client.get(f"{RESPONSES}/{session}", params=query) as response:
            assert response.status == 200, await response.text()
            found: dict[str, Any] = await response.json()
            return found


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    broker = Nats(tmp_path_factory.mktemp("nats"))
    broker.start()
    broker.wait()
    yield broker
    broker.kill()


@pytest.fixture
async def answers(daemon: StartDaemon, nats: Nats, settings: Path) -> AsyncIterator[Answers]:
    flags = ("--config", str(settings), "--data-dir", str(settings.parent))
    events = NatsEvents(BrokerUrl(nats.url), "test")
    async with run_beside(events.run()), open_web(daemon, *flags) as client, asyncio.timeout(SECONDS):
        while events.problem or (await _status(client)) == 503:
            await asyncio.sleep(0.05)
        yield Answers(events, client)


@pytest.fixture
def settings(nats: Nats, tmp_path: Path) -> Path:
    (tmp_path / "rosie.toml").write_text(f'[bridge.broker]\nnats = "{nats.url}"\n')
    return tmp_path / "rosie.toml"


async def _status(client: aiohttp.ClientSession) -> int:
    async with client.get(f"{RESPONSES}/nobody") as response:
        return response.status


async def test_a_client_that_comes_later_gets_the_answers_of_its_session(answers: Answers) -> None:
    await answers.answer("front-door", "a1", "Who is there?")
    await answers.answer("elsewhere", "a2", "Nothing.")
    await answers.answer("front-door", "a3", "Come in.")
    found = await answers.get("front-door")
    assert [(one["key"], one["text"], one["ok"]) for one in found["answers"]] == [
        ("a1", "Who is there?", True),
        ("a3", "Come in.", True),
    ]
    assert found["last"] == found["answers"][-1]["number"]
    later = await answers.get("front-door", after=found["answers"][0]["number"])
    assert [one["key"] for one in later["answers"]] == ["a3"]
    assert await answers.get("front-door", after=found["last"]) == {"answers": [], "last": found["last"]}


async def test_a_client_that_waits_gets_the_answer_when_it_comes(answers: Answers) -> None:
    waiting = asyncio.create_task(answers.get("kitchen", seconds=SECONDS))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await answers.answer("kitchen", "b1", "Done.")
    assert [one["text"] for one in (await waiting)["answers"]] == ["Done."]


async def test_a_client_that_stays_gets_the_pieces_and_then_the_whole(answers: Answers) -> None:
    await answers.answer("hall", "c0", "Before.")
    async with answers.client.get(f"{RESPONSES}/hall", headers=EVENTS) as response:
        assert response.content_type == "text/event-stream"
        received = _events(response)
        number, before = await anext(received)
        assert before["text"] == "Before."
        await answers.send_piece("hall", "c1", 0, "Once ")
        await answers.send_piece("hall", "c1", 1, "upon")
        assert [(await anext(received))[1]["text"] for _ in range(2)] == ["Once ", "upon"]
        await answers.answer("hall", "c1", "Once upon")
        last, final = await anext(received)
        assert (final["key"], final["text"]) == ("c1", "Once upon")
    async with answers.client.get(f"{RESPONSES}/hall", headers={**EVENTS, "Last-Event-ID": number}) as response:
        assert (await anext(_events(response)))[0] == last  # as a browser comes back


async def test_a_name_that_no_session_has_is_refused(answers: Answers) -> None:
    for session in ("*", "%3E", "a.b", "A", "x" * 65):
        async with answers.client.get(f"{RESPONSES}/{session}") as response:
            assert response.status == 422, session


async def test_without_a_bus_the_reason_is_told(daemon: StartDaemon, tmp_path: Path) -> None:
    (tmp_path / "rosie.toml").write_text("")
    async with open_web(daemon, "--config", str(tmp_path / "rosie.toml"), "--data-dir", str(tmp_path)) as client:
        for headers in ({}, EVENTS):
            async with client.get(f"{RESPONSES}/hall", headers=headers) as response:
                assert response.status == 503
                assert "[bridge.broker]" in (await response.json())["error"]


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield the id and the data of each event."""
    number = ""
    async for raw in response.content:
        line = raw.decode().strip()
        if line.startswith("id: "):
            number = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield number, json.loads(line.removeprefix("data: "))
