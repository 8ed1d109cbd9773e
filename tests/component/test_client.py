"""The client of Ollama's API: what is asked for, and the causes of failures."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, web

from custom_components.hybrid_llm.client import Cause, ChatRequest, OllamaClient, OllamaError
from tests.component.agent import MODEL, serve_lines
from tests.ollama_script import Call, Fault, Rule
from tests.ollama_server import OllamaServer

REQUEST = ChatRequest(MODEL, ({"role": "user", "content": "hello"},))
PATIENCE_SECONDS = 0.5


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as one:
        yield one


async def ask(client: OllamaClient, seconds: float = 20.0, request: ChatRequest = REQUEST) -> str:
    return "".join([chunk.text async for chunk in client.chat(request, seconds)])


async def fail(client: OllamaClient, seconds: float = 20.0) -> Cause:
    with pytest.raises(OllamaError) as failed:
        await ask(client, seconds)
    return failed.value.cause


@asynccontextmanager
async def serve_thoughts() -> AsyncIterator[str]:
    """Serve an answer that thinks for ever."""

    async def think(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for number in itertools.count():
            line = {"message": {"content": "", "thinking": f"What about {number}? "}, "done": False}
            await response.write(json.dumps(line).encode() + b"\n")
            await asyncio.sleep(0.01)
        return response

    application = web.Application()
    application.add_routes([web.post("/api/chat", think)])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_model_that_says_nothing_takes_too_long(session: ClientSession, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(fault=Fault.SLOW)]
    assert await fail(OllamaClient(session, ollama.url), PATIENCE_SECONDS) is Cause.TOO_LONG


async def test_a_model_that_thinks_for_ever_takes_too_long(session: ClientSession) -> None:
    async with serve_thoughts() as url:
        assert await fail(OllamaClient(session, url), PATIENCE_SECONDS) is Cause.TOO_LONG


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ([b"hello\n"], Cause.NOT_OLLAMA),
        ([b"[]\n"], Cause.NOT_OLLAMA),
        ([b'{"message": 5}\n'], Cause.NOT_OLLAMA),
        ([b'{"message": {"tool_calls": [{}]}}\n'], Cause.NOT_OLLAMA),
        ([b'{"error": "out of memory"}\n'], Cause.UNREACHABLE),
        ([b'{"message": {"content": "Par'], Cause.UNREACHABLE),
        ([b"x" * 300_000], Cause.NOT_OLLAMA),
    ],
)
async def test_what_is_no_answer_has_a_cause(session: ClientSession, lines: list[bytes], cause: Cause) -> None:
    async with serve_lines(lines) as url:
        assert await fail(OllamaClient(session, url)) in {cause, Cause.UNREACHABLE}


@pytest.mark.parametrize(("status", "cause"), [(401, Cause.REFUSED), (403, Cause.REFUSED), (404, Cause.NOT_OLLAMA), (302, Cause.NOT_OLLAMA), (500, Cause.UNREACHABLE)])  # fmt: skip
async def test_a_status_has_a_cause(session: ClientSession, status: int, cause: Cause) -> None:
    async with serve_lines([], status=status, breaks_off=False) as url:
        assert await fail(OllamaClient(session, url)) is cause


async def test_a_missing_model_has_a_cause(session: ClientSession, ollama: OllamaServer) -> None:
    with pytest.raises(OllamaError) as failed:
        await ask(OllamaClient(session, ollama.url), request=ChatRequest("gone", REQUEST.messages))
    assert failed.value.cause is Cause.NO_MODEL


async def test_the_text_of_an_error_names_nothing_that_was_said(session: ClientSession, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(fault=Fault.ERROR)]
    with pytest.raises(OllamaError) as failed:
        await ask(OllamaClient(session, ollama.url))
    assert "hello" not in str(failed.value)
    assert failed.value.__cause__ is None


async def test_a_warm_up_is_the_same_request_for_one_token(session: ClientSession, ollama: OllamaServer) -> None:
    client = OllamaClient(session, f"{ollama.url}/", "secret")
    await client.warm(REQUEST)
    await ask(client)
    warm_up, sentence = ollama.requests_to("/api/chat")
    assert warm_up.data["options"].pop("num_predict") == 1
    sentence.data["options"].pop("num_predict")
    assert warm_up.headers["Authorization"] == "Bearer secret"
    assert {**warm_up.data, "options": 0} == {**sentence.data, "options": 0}
    assert ollama.characters_read[1] == 0


async def test_tool_calls_come_as_the_server_sends_them(session: ClientSession, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(calls=(Call("HassTurnOn", {"name": "Lamp"}),))]
    calls = [call async for chunk in OllamaClient(session, ollama.url).chat(REQUEST) for call in chunk.calls]
    assert calls == [("HassTurnOn", {"name": "Lamp"})]


async def test_a_person_who_leaves_stops_the_server(session: ClientSession, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(say="word " * 100, fault=None, wait_seconds=30)]
    asking = asyncio.create_task(ask(OllamaClient(session, ollama.url)))
    async with asyncio.timeout(60):
        while not ollama.requests_to("/api/chat"):
            await asyncio.sleep(0.01)
        asking.cancel()
        while not ollama.left:
            await asyncio.sleep(0.01)
