"""Both providers with the scripted server or a real one."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.ollama_model import ModelSpeed
from tests.ollama_script import Call, Fault, Rule
from tests.ollama_server import ReceivedRequest
from tests.unit.intent.llm.model_server import (
    ASKED,
    CAPITAL,
    SYSTEM,
    TURN_ON,
    collect,
    create_prompt,
    is_complete,
    join_text,
    load_model,
    run_scripted_server,
    run_server,
    select_calls,
)
from tests.unresponsive_host import run_unresponsive_host
from wyoming_rosie_intent.llm.endpoint import Endpoint, create_status_error
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    FinishReason,
    ModelError,
    ModelEvent,
    ModelOutputError,
    Prompt,
    StreamEnd,
    Tool,
    ToolCall,
    ToolsUnsupportedError,
)
from wyoming_rosie_intent.llm.tier_config import PROVIDERS

both = pytest.mark.parametrize("provider", PROVIDERS.names)
PATIENT: dict[str, Any] = {"first_token_seconds": 120.0, "stall_seconds": 60.0, "total_seconds": 180.0}
HASTY: dict[str, Any] = {"first_token_seconds": 2.0, "stall_seconds": 2.0, "total_seconds": 60.0}
"""For what never comes; what follows it must come in this time."""
SECRET = "the blue elephant"


@both
async def test_answer_comes_piece_by_piece_and_ends_with_done(provider: str) -> None:
    async with run_server() as here, load_model(provider, here.url, here.model, **PATIENT) as one:
        pieces = await collect(one.answer(ASKED))
    assert "Paris" in join_text(pieces)
    assert is_complete(pieces)


@both
async def test_tool_call_comes_with_its_arguments(provider: str) -> None:
    async with run_server() as here, load_model(provider, here.url, here.model, **PATIENT) as one:
        pieces = await collect(one.answer(create_prompt("Turn on the kitchen light.")))
    (call,) = select_calls(pieces)
    assert call.name == "HassTurnOn"
    assert "kitchen light" in str((call.arguments or {})["name"]).casefold()
    assert call.id


@both
async def test_what_a_tool_said_goes_back_to_the_model(provider: str) -> None:
    call = ToolCall("call_1", "HassTurnOn", {"name": "Kitchen Light"})
    prompt = create_prompt("Turn on the kitchen light.").append(
        ChatMessage(ChatRole.ASSISTANT, calls=(call,)), ChatMessage(ChatRole.TOOL, "done", tool_call=call)
    )
    async with run_server() as here, load_model(provider, here.url, here.model, **PATIENT) as one:
        pieces = await collect(one.answer(prompt))
    assert join_text(pieces)
    assert is_complete(pieces)
    if here.scripted:
        *_, asked, answered = here.scripted.received[0].data["messages"]
        assert asked["tool_calls"][0]["function"]["name"] == "HassTurnOn"
        assert answered["role"] == "tool"
        assert answered["content"] == "done"


NO_TOOLS = {
    "ollama": (400, "registry.ollama.ai/library/gemma:2b does not support tools"),
    "llama.cpp": (500, "tools param requires --jinja flag"),
    "vllm": (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    "openrouter": (404, "No endpoints found that support tool use. Try disabling the tool"),
    "gemini": (400, "Function calling is not enabled for models/gemma-3-27b-it"),
    "groq": (400, "`tool calling` is not supported with this model"),
    "mistral": (400, "Function calling is not enabled for this model"),
}
UNPARSED = {
    "ollama": (500, 'error parsing tool call: raw=\'{"name": "La\', err=unexpected end of JSON input'),
    "llama.cpp": (500, "Failed to parse input at pos 12: <tool_call>"),
    "groq": (400, "Failed to call a function. Please adjust your prompt. tool_use_failed"),
    "ollama xml": (500, "XML syntax error on line 3: failed to parse tool call"),
}
OTHER = {
    "busy": (503, "server busy, please try again. maximum pending requests exceeded"),
    "no such model": (404, "model 'x' not found"),
    "broken": (500, "llama runner process has terminated: signal: killed"),
    "too long": (400, "the request exceeds the available context size, try increasing it"),
}


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        *[(*one, ToolsUnsupportedError) for one in NO_TOOLS.values()],
        *[(*one, ModelOutputError) for one in UNPARSED.values()],
        *[(*one, ModelError) for one in OTHER.values()],
    ],
    ids=[*NO_TOOLS, *UNPARSED, *OTHER],
)
def test_a_refusal_tells_the_model_from_its_output_and_its_server(
    status: int, said: str, kind: type[ModelError]
) -> None:
    assert type(create_status_error(Endpoint("m", "", "x"), status, said, has_tools=True)) is kind
    if kind is ToolsUnsupportedError:
        assert type(create_status_error(Endpoint("m", "", "x"), status, said, has_tools=False)) is ModelError


@both
async def test_a_model_without_tools_says_so(provider: str) -> None:
    async with run_scripted_server(takes_tools=False) as server, load_model(provider, server.url) as one:
        with pytest.raises(
            ToolsUnsupportedError, match=r"local \(scripted\): the model supports no tools \(status 400\)"
        ):
            await collect(one.answer(ASKED))
        assert "Paris" in join_text(await collect(one.answer(Prompt(ASKED.messages))))


@both
async def test_an_answer_has_a_bound(provider: str) -> None:
    endless = Rule(say=" ".join(f"word{number}" for number in range(5000)))
    async with run_scripted_server(endless) as server, load_model(provider, server.url, answer_tokens=100) as one:
        pieces = await collect(one.answer(ASKED))
        (asked,) = (request.data for request in server.received)
    assert len(join_text(pieces).split()) == 100
    assert isinstance(pieces[-1], StreamEnd)
    assert pieces[-1].finish_reason is FinishReason.LENGTH
    assert 100 in (asked.get("max_tokens"), asked.get("options", {}).get("num_predict"))


async def test_a_server_that_knows_the_bound_by_its_other_name_is_asked_by_that_from_then_on() -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        asked.append(await request.json())
        if "max_tokens" in asked[-1]:
            text = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            return web.json_response({"error": {"message": text, "type": "invalid_request_error"}}, status=400)
        chunk = {
            "id": "1",
            "object": "x",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}],
        }
        return web.Response(body=b"data: " + json.dumps(chunk).encode() + b"\n\n", content_type="text/event-stream")

    asked: list[dict[str, Any]] = []
    application = web.Application()
    application.router.add_post("/v1/chat/completions", refuse)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with load_model("openai", f"http://127.0.0.1:{runner.addresses[0][1]}", "m") as one:
        for _ in range(2):
            assert join_text(await collect(one.answer(ASKED))) == "hi"
    await runner.cleanup()
    assert [sorted({"max_tokens", "max_completion_tokens"} & body.keys()) for body in asked] == [
        ["max_tokens"],
        ["max_completion_tokens"],
        ["max_completion_tokens"],
    ]


@both
async def test_calls_with_unreadable_arguments_have_none(provider: str) -> None:
    calls = (Call("HassTurnOn", '{"name": "La'), Call("HassTurnOn", {"name": "Lamp"}), Call("Nothing", ""))
    async with run_scripted_server(Rule(calls=calls)) as server, load_model(provider, server.url) as one:
        if provider == "ollama":  # which sends objects only, so that its client knows nothing else
            with pytest.raises(ModelOutputError, match="cannot be read"):
                await collect(one.answer(ASKED))
            return
        made = select_calls(await collect(one.answer(ASKED)))
    assert [call.arguments for call in made] == [None, {"name": "Lamp"}, {}]
    assert len({call.id for call in made}) == 3


@both
@pytest.mark.parametrize("fault", list(Fault))
async def test_every_fault_is_a_model_error_within_its_deadline(provider: str, fault: Fault) -> None:
    limits = HASTY if fault in (Fault.SLOW, Fault.STALL) else PATIENT
    async with run_scripted_server() as server, load_model(provider, server.url, **limits) as one:
        server.faults.append(fault)
        async with asyncio.timeout(60):
            with pytest.raises(ModelError):
                await collect(one.answer(ASKED))
        assert is_complete(await collect(one.answer(ASKED))), "the next answer works"


@both
async def test_server_that_is_not_there_is_a_model_error(provider: str) -> None:
    async with run_scripted_server() as server:
        url = server.url
    async with load_model(provider, url) as one:
        with pytest.raises(ModelError, match="connection failed"):
            await collect(one.answer(ASKED))
        with pytest.raises(ModelError, match="connection failed"):
            await one.warm_up(ASKED)


@both
async def test_host_that_is_switched_off_is_given_up_before_the_first_word_is_due(provider: str) -> None:
    with run_unresponsive_host() as url:
        async with load_model(provider, url, **PATIENT) as one:
            with pytest.raises(ModelError):
                async with asyncio.timeout(60):
                    await collect(one.answer(ASKED))


@both
async def test_unknown_model_is_named(provider: str) -> None:
    async with run_server() as here, load_model(provider, here.url, "nobody-has-this") as one:
        with pytest.raises(ModelError, match="there is no model 'nobody-has-this'"):
            await collect(one.answer(ASKED))


@both
async def test_answer_has_a_deadline_as_a_whole(provider: str) -> None:
    rule = Rule(say=" ".join(map(str, range(1000))))
    async with (
        run_scripted_server(rule, pace=ModelSpeed(write_rate=50)) as server,
        load_model(provider, server.url, **{**PATIENT, "total_seconds": 3.0}) as one,
    ):
        heard: list[ModelEvent] = []
        with pytest.raises(ModelError, match="in time"):
            async for piece in one.answer(ASKED):
                heard.append(piece)
    assert heard


@both
@pytest.mark.parametrize("while_reading", [True, False], ids=["before the first word", "while it speaks"])
async def test_server_learns_during_its_answer_that_nobody_listens(provider: str, while_reading: bool) -> None:
    rule = Rule(say="word " * 1000, wait_seconds=600.0 if while_reading else 0.0)
    async with (
        run_scripted_server(rule, pace=ModelSpeed(write_rate=1)) as server,
        load_model(provider, server.url, **PATIENT) as one,
    ):
        if while_reading:
            task = asyncio.ensure_future(collect(one.answer(ASKED)))
            while not server.received:
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            answer = one.answer(ASKED)
            await anext(answer)
            await answer.aclose()
        async with asyncio.timeout(60):
            while not server.left:
                await asyncio.sleep(0.005)


@both
@pytest.mark.parametrize("history", [1, 3], ids=["a fresh conversation", "with history"])
async def test_warm_up_and_answer_begin_alike_byte_for_byte(provider: str, history: int) -> None:
    frozen = Prompt((SYSTEM, *[CAPITAL, ChatMessage(ChatRole.ASSISTANT, "Paris.")] * history), (TURN_ON,))
    asked = frozen.append(ChatMessage(ChatRole.USER, "And of Spain?"))
    async with run_scripted_server() as server, load_model(provider, server.url, temperature=0.5) as one:
        await one.warm_up(frozen)
        await collect(one.answer(asked))
    warm, answer = server.received
    assert warm.path == answer.path
    assert _messages(answer).startswith(_messages(warm)[:-1] + b",")
    assert _others(warm) == _others(answer)


async def test_templates_that_want_roles_in_turn_are_given_them_and_the_beginning_stays() -> None:
    """The templates of Gemma and Mistral refuse two messages of one role in a row."""
    exchange = (CAPITAL, ChatMessage(ChatRole.ASSISTANT, "Paris."))
    frozen = Prompt((SYSTEM, *exchange, ChatMessage(ChatRole.USER, "It is noon.")))
    async with run_scripted_server() as server, load_model("openai", server.url) as one:
        await one.warm_up(frozen)
        await collect(one.answer(frozen.append(ChatMessage(ChatRole.USER, "And of Spain?"))))
    warm, answer = server.received
    assert [message["role"] for message in answer.data["messages"]] == ["system", "user", "assistant", "user"]
    assert answer.data["messages"][-1]["content"] == "It is noon.\n\nAnd of Spain?"
    assert _messages(answer).startswith(_messages(warm).removesuffix(b'"}]'))


@both
async def test_warm_up_produces_one_word_at_most(provider: str) -> None:
    async with run_server() as here, load_model(provider, here.url, here.model, **PATIENT) as one:
        await one.warm_up(ASKED)
    if here.scripted:
        data = here.scripted.received[0].data
        assert data.get("max_tokens", data.get("options", {}).get("num_predict")) == 1


@both
async def test_of_a_warm_prompt_only_what_is_new_is_read(provider: str) -> None:
    long = Prompt((ChatMessage(ChatRole.SYSTEM, "Many words of a home. " * 300),))
    cold, warm = long, long.append(CAPITAL)
    async with run_scripted_server(pace=ModelSpeed(read_rate=4000)) as server, load_model(provider, server.url) as one:
        await one.warm_up(cold)
        pieces = await collect(one.answer(warm))
    before, new = server.characters_read
    assert new < before / 4
    if provider == "ollama":
        assert isinstance(pieces[-1], StreamEnd)
        assert pieces[-1].prompt_milliseconds is not None
        assert pieces[-1].prompt_milliseconds < 100


async def test_ollama_is_told_how_to_keep_and_run_its_model() -> None:
    async with (
        run_scripted_server() as server,
        load_model("ollama", server.url, keep_alive="-1", context_tokens=4096) as one,
    ):
        await one.warm_up(ASKED)
        await collect(one.answer(ASKED))
    for received in server.received:
        assert received.data["keep_alive"] == -1
        assert received.data["options"]["num_ctx"] == 4096
        assert received.data["think"] is False


async def test_ollama_hears_the_type_of_what_may_be_left_out() -> None:
    choice = {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "in percent"}
    tool = Tool("set", "Sets", {"type": "object", "properties": {"level": choice}})
    async with run_scripted_server() as server, load_model("ollama", server.url) as one:
        await collect(one.answer(Prompt((CAPITAL,), (tool,))))
    (sent,) = server.received[0].data["tools"]
    assert sent["function"]["parameters"]["properties"]["level"] == {"type": "integer", "description": "in percent"}


@both
async def test_nothing_that_was_said_is_in_logs_or_errors(provider: str) -> None:
    async with (
        run_scripted_server(Rule(say=f"About {SECRET}: nothing.")) as server,
        load_model(provider, server.url, **HASTY) as one,
    ):
        with capture_logs() as logs:
            await one.warm_up(create_prompt(SECRET))
            await collect(one.answer(create_prompt(SECRET)))
            for fault in Fault:
                server.faults.append(fault)
                with pytest.raises(ModelError) as caught:
                    await collect(one.answer(create_prompt(SECRET)))
                assert SECRET not in repr(caught.value)
    assert [line["event"] for line in logs] == ["prompt warmed up", "model answered"]
    assert "elephant" not in str(logs)


REPEATED = json.dumps({"error": {"message": SECRET}, "message": {"tool_calls": SECRET}, "choices": SECRET}).encode()


@both
@pytest.mark.parametrize("status", [200, 302, 400, 500])
async def test_servers_that_repeat_what_was_said_are_not_quoted(provider: str, status: int) -> None:
    body = (b"data: " if provider == "openai" else b"") + REPEATED + b"\n\n"
    async with (
        _web_server(lambda _: web.Response(status=status, body=body)) as url,
        load_model(provider, url) as one,
    ):
        with capture_logs() as logs, pytest.raises(ModelError) as caught:
            await collect(one.answer(create_prompt(SECRET)))
    assert "elephant" not in f"{logs} {caught.value!r} {caught.value.__cause__!r}"


@both
async def test_key_goes_to_the_server_and_nowhere_else(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key"
    path.write_text("sk-sesame\n")
    monkeypatch.setenv("SOME_KEY", "sk-variable")
    async with run_scripted_server() as server:
        async with load_model(provider, server.url, key_file=path) as one:
            with capture_logs() as logs:
                await collect(one.answer(ASKED))
                server.faults.append(Fault.BUSY)
                with pytest.raises(ModelError) as caught:
                    await collect(one.answer(ASKED))
            assert "sesame" not in f"{logs} {caught.value!r} {one!r} {vars(one)}"
        async with load_model(provider, server.url, key_variable="SOME_KEY") as one:
            await collect(one.answer(ASKED))
    sent = [received.headers["Authorization"] for received in server.received]
    assert sent == ["Bearer sk-sesame", "Bearer sk-sesame", "Bearer sk-variable"]


@both
async def test_a_changed_key_is_sent_with_the_next_question(provider: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    await asyncio.to_thread(path.write_text, "sk-former\n")
    async with run_scripted_server() as server, load_model(provider, server.url, key_file=path) as one:
        for content in ("sk-former", "", "sk-present"):
            await asyncio.to_thread(path.write_text, content)
            await collect(one.answer(ASKED))
    sent = [received.headers["Authorization"] for received in server.received]
    assert sent == ["Bearer sk-former", "Bearer sk-former", "Bearer sk-present"]


@both
async def test_keys_of_the_environment_go_nowhere_unasked(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OLLAMA_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, "sk-precious")
    async with run_scripted_server() as server, load_model(provider, server.url) as one:
        await collect(one.answer(ASKED))
    assert "precious" not in str(server.received[0].headers)


@both
async def test_server_that_sends_elsewhere_is_not_followed(provider: str) -> None:
    async with (
        run_scripted_server() as server,
        _web_server(lambda _: web.Response(status=307, headers={"Location": server.url + "/api/chat"})) as url,
        load_model(provider, url) as one,
    ):
        with pytest.raises(ModelError, match="status 307"):
            await collect(one.answer(ASKED))
    assert not server.received


BROKEN_LINES = [
    b"[]", b"3", b'"text"', b"null", b"{", b"{}", b'{"message":3}', b'{"message":{"content":[]}}', b'{"error":{"a":1}}', b"\xff\xfe",
    b'{"message":{"role":"assistant","content":"x"},"done":"perhaps"}', b'{"choices":3}', b'{"choices":[3]}', b'{"choices":[{}]}',
    b'{"choices":[{"delta":{"tool_calls":[{}]},"finish_reason":"stop"}]}', b'{"choices":[{"delta":{"tool_calls":7}}]}',
    b'{"choices":[{"delta":{"content":7},"finish_reason":"stop"}]}', b"data:" * 1000, b"\x00" * 100, b"[" * 100_000,
    b'{"choices":[{"delta":{"tool_calls":[{"id":7,"function":{"name":{},"arguments":3}}]},"finish_reason":"stop"}]}',
]  # fmt: skip


@both
@pytest.mark.parametrize("line", BROKEN_LINES, ids=lambda line: repr(line[:40]))
async def test_strange_lines_are_a_model_error(provider: str, line: bytes) -> None:
    await _answered_by(provider, (b"data: " if provider == "openai" else b"") + line + b"\n\n")


@both
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(lambda x: json.dumps(x).encode())
)
async def test_any_bytes_are_an_answer_or_a_model_error(provider: str, body: bytes) -> None:
    await _answered_by(provider, body)


async def _answered_by(provider: str, body: bytes) -> None:
    async with _web_server(lambda _: web.Response(body=body)) as url, load_model(provider, url) as one:
        try:
            pieces = await collect(one.answer(ASKED))
        except ModelError:
            return
    assert is_complete(pieces)


@asynccontextmanager
async def _web_server(answer: Callable[[web.Request], web.StreamResponse]) -> AsyncIterator[str]:
    """Run a server with one response to every request; yield the address."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return answer(request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _messages(received: ReceivedRequest) -> bytes:
    """Return the messages of a request."""
    start = received.body.index(b'"messages":') + len(b'"messages":')
    end = json.JSONDecoder().raw_decode(received.body[start:].decode().lstrip())[1]
    return received.body[start:].lstrip()[:end]


def _others(received: ReceivedRequest) -> dict[str, Any]:
    """Return the parameters of a request without messages and token limit."""
    data = dict(received.data)
    data.pop("messages")
    data.pop("max_tokens", None)
    data.get("options", {}).pop("num_predict", None)
    return data
