"""The scripted server behaves like Ollama, as the official clients see it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import ollama
import openai
import pytest

from tests.ollama_model import ModelSpeed
from tests.ollama_script import Call, Fault, Rule, load_rules
from tests.ollama_server import OllamaServer
from tests.unit.intent.llm.model_server import ModelServer, run_scripted_server, run_server

MESSAGES = [{"role": "user", "content": "What is the capital of France? One word."}]
TOOL = {
    "type": "function",
    "function": {
        "name": "HassTurnOn",
        "description": "Turns a thing on",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
    },
}


@pytest.fixture
async def here() -> AsyncIterator[ModelServer]:
    async with run_server() as one:
        yield one


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with run_scripted_server() as one:
        yield one


async def test_ollama_client_lists_shows_and_loads_models(here: ModelServer) -> None:
    async with ollama.AsyncClient(here.url) as client:
        assert here.model in " ".join(str(model.model) for model in (await client.list()).models)
        assert (await client.show(here.model)).details is not None
        loaded = await client.chat(here.model, messages=[], keep_alive="1m")
        assert loaded.done_reason == "load"
        assert here.model in " ".join(str(model.model) for model in (await client.ps()).models)


async def test_ollama_client_reads_an_answer_as_a_stream(here: ModelServer) -> None:
    async with ollama.AsyncClient(here.url) as client:
        parts = [part async for part in await client.chat(here.model, messages=MESSAGES, stream=True)]
    assert "Paris" in "".join(part.message.content or "" for part in parts)
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert parts[-1].done_reason == "stop"
    assert parts[-1].prompt_eval_count
    assert parts[-1].prompt_eval_duration is not None


async def test_ollama_client_reads_an_answer_at_once(here: ModelServer) -> None:
    async with ollama.AsyncClient(here.url) as client:
        answer = await client.chat(here.model, messages=MESSAGES, stream=False)
        assert "Paris" in (answer.message.content or "")
        assert answer.done
        generated = await client.generate(here.model, prompt="What is the capital of France?", stream=False)
        assert generated.response


async def test_a_limit_on_words_ends_an_answer(here: ModelServer) -> None:
    async with ollama.AsyncClient(here.url) as client:
        answer = await client.chat(here.model, messages=MESSAGES, options={"num_predict": 1})
    assert answer.eval_count == 1
    assert answer.done_reason == "length"


async def test_openai_client_reads_an_answer(here: ModelServer) -> None:
    async with openai.AsyncOpenAI(base_url=here.url + "/v1", api_key="none") as client:
        ask: Any = client.chat.completions.create
        at_once = await ask(model=here.model, messages=MESSAGES)
        assert "Paris" in at_once.choices[0].message.content
        chunks = [chunk async for chunk in await ask(model=here.model, messages=MESSAGES, stream=True)]
    assert "Paris" in "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


async def test_unknown_model_is_not_found(here: ModelServer) -> None:
    async with ollama.AsyncClient(here.url) as client:
        with pytest.raises(ollama.ResponseError) as caught:
            await client.chat("nobody-has-this", messages=MESSAGES)
    assert caught.value.status_code == 404


async def test_tool_calls_come_whole_from_ollama_and_in_parts_from_openai() -> None:
    rule = Rule(say="I will do that now.", calls=(Call("HassTurnOn", {"name": "Lamp"}),), words_before_calls=2)
    async with run_scripted_server(rule) as server:
        async with ollama.AsyncClient(server.url) as client:
            parts = [part async for part in await client.chat("scripted", messages=MESSAGES, tools=[TOOL], stream=True)]
        async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none") as other:
            ask: Any = other.chat.completions.create
            chunks = [chunk async for chunk in await ask(model="scripted", messages=MESSAGES, stream=True)]
    kinds = ["call" if part.message.tool_calls else "text" for part in parts]
    assert kinds[:4] == ["text", "text", "call", "text"]
    arguments = [part for chunk in chunks for part in chunk.choices[0].delta.tool_calls or ()]
    assert "".join(part.function.arguments for part in arguments) == '{"name": "Lamp"}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


async def test_embeddings_are_alike_for_like_texts(server: OllamaServer) -> None:
    async with ollama.AsyncClient(server.url) as client:
        one, same, other = (await client.embed("tiny", ["the lamp", "lamp, the", "a song"])).embeddings
    assert list(one) == pytest.approx(list(same))
    assert sum(a * b for a, b in zip(one, other, strict=True)) < 0.9


async def test_a_known_beginning_is_read_faster_and_counted_in_full() -> None:
    long = {"role": "system", "content": "Many words. " * 400}
    async with (
        run_scripted_server(pace=ModelSpeed(read_rate=6000.0)) as server,
        ollama.AsyncClient(server.url) as client,
    ):
        cold = await client.chat("scripted", messages=[long])
        warm = await client.chat("scripted", messages=[long, *MESSAGES])
        other = await client.chat("scripted", messages=[{"role": "system", "content": "Other. "}, long])
    assert cold.prompt_eval_duration is not None
    assert warm.prompt_eval_duration is not None
    assert other.prompt_eval_duration is not None
    assert warm.prompt_eval_duration < cold.prompt_eval_duration / 4
    assert other.prompt_eval_duration > cold.prompt_eval_duration / 2
    assert (warm.prompt_eval_count or 0) >= (cold.prompt_eval_count or 0)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.BUSY, ollama.ResponseError),
        (Fault.ERROR, ollama.ResponseError),
        (Fault.CUT, httpx.HTTPError),
        (Fault.GARBLED, ValueError),
    ],
)
async def test_faults_reach_the_ollama_client(server: OllamaServer, fault: Fault, kind: type[Exception]) -> None:
    server.faults.append(fault)
    async with ollama.AsyncClient(server.url) as client:
        with pytest.raises(kind):
            [part async for part in await client.chat("scripted", messages=MESSAGES, stream=True)]


async def test_stream_without_done_ends_cleanly(server: OllamaServer) -> None:
    server.faults.append(Fault.NOT_DONE)
    async with ollama.AsyncClient(server.url) as client:
        parts = [part async for part in await client.chat("scripted", messages=MESSAGES, stream=True)]
    assert not parts[-1].done


@pytest.mark.parametrize("fault", [Fault.SLOW, Fault.STALL])
async def test_silent_server_keeps_a_client_waiting(server: OllamaServer, fault: Fault) -> None:
    server.faults.append(fault)
    async with ollama.AsyncClient(server.url, timeout=httpx.Timeout(60, read=0.2)) as client:
        with pytest.raises(httpx.ReadTimeout):
            [part async for part in await client.chat("scripted", messages=MESSAGES, stream=True)]


async def test_rules_can_be_written_in_a_file(tmp_path: Any) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        '[[rules]]\nwhen = "light"\nsay = "Yes."\ncalls = [{name = "HassTurnOn", arguments = {name = "Lamp"}}]\n'
        '[[rules]]\nfault = "stall"\n'
    )
    assert load_rules(path) == (
        Rule("light", "Yes.", (Call("HassTurnOn", {"name": "Lamp"}),)),
        Rule(fault=Fault.STALL),
    )
