"""Facts that a language model finds in talk, in the installed intent daemon at a scripted server."""

import asyncio
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenPeer, StartDaemon
from tests.integration.test_memory import ask, kept, rosie, say
from tests.ollama_script import Fault, Rule
from tests.ollama_server import OllamaServer, ReceivedRequest
from tests.waiting import wait_until

pytestmark = pytest.mark.long


def facts(*texts: str) -> str:
    return json.dumps({"facts": [{"sentence": 1, "text": text} for text in texts]})


INVENTED = "my brother is called Tom"
ADA = Rule('{"sentence": 1, "said": "by the way, my sister is called ada', facts("my sister is called Ada", INVENTED))
MÜLL = Rule(
    '{"sentence": 1, "said": "übrigens, mein mülltag ist dienstag', facts("mein Mülltag ist Dienstag", INVENTED)
)
RULES = (ADA, MÜLL, Rule('{"sentence": 1,', facts()), Rule(say="Good to know."))


def flags(server: OllamaServer, idle_seconds: float = 1.0) -> tuple[str, ...]:
    model = ("--local.model", "scripted", "--local.url", server.url, "--no-warm-up", "--no-fillers")
    return (*model, "--memory.extract-facts", "--memory.extract-idle-seconds", str(idle_seconds))


def extractions(server: OllamaServer) -> list[ReceivedRequest]:
    return [request for request in server.requests_to("/api/chat") if request.data.get("format")]


@pytest.mark.parametrize(
    ("language", "sentence", "fact", "question", "answer"),
    [
        ("en", "by the way, my sister is called Ada", "my sister is called Ada", "who is my sister", "Your sister is called Ada."),
        ("de", "übrigens, mein Mülltag ist Dienstag", "mein Mülltag ist Dienstag", "wann ist mein Mülltag", "Dein Mülltag ist Dienstag."),
    ],
    ids=["en", "de"],
)  # fmt: skip
async def test_a_fact_that_was_said_is_found_told_and_forgotten(
    daemon: StartDaemon,
    peer: OpenPeer,
    language: str,
    sentence: str,
    fact: str,
    question: str,
    answer: str,
) -> None:
    async with OllamaServer(RULES).run() as server:
        uri = (await daemon("intent", *flags(server))).uri
        client = await peer(uri)
        await say(client, sentence, language=language)
        assert await kept(client, 1, kind="fact") == [fact]
        (asked, *_) = extractions(server)
        assert not asked.data.get("tools")
        assert await say(client, question, language=language, conversation_id="other") == answer
        (record,) = (await ask(client, "list", kind="fact"))["records"]
        assert (record["tags"], record["room"]) == (["extracted"], "kitchen")
        assert fact in await rosie("list", "--tag", "extracted", "--uri", uri)
        await ask(client, "forget", ids=[record["id"]])
        assert await kept(client, 0, conversation="c") == []
    database = Path(os.environ["XDG_STATE_HOME"]) / "wyoming-rosie" / "intent" / "memory.db"
    assert (await asyncio.to_thread(_count_facts, database)) == 0


async def test_nothing_is_asked_unless_it_is_switched_on(daemon: StartDaemon, peer: OpenPeer) -> None:
    async with OllamaServer(RULES).run() as server:
        off = [flag for flag in flags(server) if flag != "--memory.extract-facts"]
        client = await peer((await daemon("intent", *off)).uri)
        await say(client, "by the way, my sister is called Ada")
        await asyncio.sleep(2)
        assert extractions(server) == []


async def test_a_turn_ends_a_request_and_is_answered_at_once(daemon: StartDaemon, peer: OpenPeer) -> None:
    async with OllamaServer(
        (Rule('{"sentence": 1,', facts(), fault=Fault.SLOW), Rule(say="Good to know."))
    ).run() as server:
        client = await peer((await daemon("intent", *flags(server))).uri)
        await say(client, "by the way, my sister is called Ada")
        await wait_until(lambda: extractions(server))
        assert await say(client, "I had a nice walk") == "Good to know."
        await wait_until(lambda: server.left)


def _count_facts(database: Path) -> Any:
    with sqlite3.connect(database) as connection:
        return connection.execute("SELECT COUNT(*) FROM memory WHERE kind = 'fact'").fetchone()[0]
