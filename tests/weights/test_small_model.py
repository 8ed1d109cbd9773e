"""The intent daemon with a real small model; what it says is of no use, what its server counts is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from wyoming.event import Event

from tests import large_homes
from tests.conftest import OpenPeer, StartDaemon
from tests.weights.conftest import CONTEXT, LlamaServer
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm import tier_config
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole, FinishReason, Prompt, StreamEnd
from wyoming_rosie_intent.llm.output.textual_commands import remove_tools
from wyoming_rosie_intent.llm.prompts import prompt
from wyoming_rosie_intent.llm.prompts.context_window import ContextWindow
from wyoming_rosie_intent.llm.prompts.prompt import PromptContext
from wyoming_rosie_intent.llm.tier_config import TierSettings

pytestmark = [pytest.mark.weights, pytest.mark.timeout(900)]
PATIENT = ("--local.first-token-seconds", "600", "--local.stall-seconds", "120", "--local.total-seconds", "800")
HERE = {"area": "room3", "conversation_id": "c1"}
QUESTION = "what is the capital of France"
WAIT_SECONDS = 600


def tier_of(llama: LlamaServer, home: Path, *more: str, answer_tokens: int = 16) -> tuple[str, ...]:
    where = ("--local.model", "gemma", "--local.provider", "openai", "--local.url", f"{llama.url}/v1")
    bounds = ("--local.context-tokens", str(CONTEXT), "--local.answer-tokens", str(answer_tokens), "--no-fillers")
    return (*where, *bounds, *PATIENT, "--home", str(home), *more)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    file = tmp_path / "home.toml"
    file.write_text(large_homes.home_file(large_homes.create_home("en")), "utf-8")
    return file


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await is_so():
            await asyncio.sleep(0.05)


async def ask(peer: Client, turn: str) -> None:
    """Wait for the whole answer, whatever it is."""
    context = {**HERE, "turn_id": turn}
    await peer.send(Event("transcript", {"text": QUESTION, "context": context}))
    while (await peer.receive(WAIT_SECONDS)).type not in {"handled-stop", "not-handled"}:
        pass


async def test_what_was_read_at_the_wake_word_is_not_read_again(
    llama: LlamaServer, home: Path, daemon: StartDaemon, peer: OpenPeer, capsys: pytest.CaptureFixture[str]
) -> None:
    started = await daemon("intent", *tier_of(llama, home))
    client = await peer(started.uri)

    async def is_idle() -> bool:
        return await llama.counted("prompt_tokens_total") > 0 and not await llama.is_busy()

    await until(is_idle)  # the warm-up of the start
    await asyncio.sleep(0.5)
    await until(is_idle)
    await client.send(Event("detection", {"name": "okay_nabu", "context": {**HERE, "turn_id": "t1"}}))
    before = await llama.counted("prompt_tokens_total")

    async def has_read() -> bool:
        return await llama.counted("prompt_tokens_total") > before and not await llama.is_busy()

    await until(has_read)
    read, seconds = await llama.counted("prompt_tokens_total"), await llama.counted("prompt_seconds_total")
    cold = (read - before, 1000 * seconds / read)
    cached = await llama.counted("prompt_tokens_cached_total")
    await ask(client, "t1")
    asked = await llama.counted("prompt_tokens_total") - read
    known = await llama.counted("prompt_tokens_cached_total") - cached
    took = await llama.counted("prompt_seconds_total") - seconds
    with capsys.disabled():
        print(
            f"\nread at the wake word: {cold[0]:.0f} tokens, {cold[1]:.1f} ms each; with the sentence: {asked:.0f} new, {known:.0f} known, {1000 * took:.0f} ms"
        )
    assert known > 500
    assert asked < known / 10
    assert known + asked + 16 <= CONTEXT
    assert not [line for line in started.log if line["event"] == "model failed"]


async def test_a_peer_that_leaves_stops_the_server(llama: LlamaServer, home: Path, daemon: StartDaemon) -> None:
    uri = (await daemon("intent", *tier_of(llama, home, "--no-warm-up", answer_tokens=400))).uri
    async with connect(uri) as client:
        await client.send(Event("transcript", {"text": QUESTION, "context": HERE}))
        await until(llama.is_busy)

    async def is_idle() -> bool:
        return not await llama.is_busy()

    await until(is_idle)
    assert await llama.counted("tokens_predicted_total") < 100


async def test_an_answer_ends_at_its_bound(llama: LlamaServer) -> None:
    settings = TierSettings(
        "gemma",
        "openai",
        f"{llama.url}/v1",
        answer_tokens=24,
        first_token_seconds=300.0,
        stall_seconds=120.0,
        total_seconds=600.0,
    )
    model = await asyncio.to_thread(tier_config.load, "local", settings)
    assert model is not None
    counting = Prompt((ChatMessage(ChatRole.USER, "one two three four five six seven eight nine ten eleven twelve"),))
    pieces = [piece async for piece in model.answer(counting)]
    await model.close()
    end = pieces[-1]
    assert isinstance(end, StreamEnd)
    assert end.finish_reason is FinishReason.LENGTH
    assert await llama.counted("tokens_predicted_total") <= 24


async def test_homes_of_500_things_fit_as_the_server_counts(llama: LlamaServer) -> None:
    for language in large_homes.LANGUAGES:
        home = large_homes.create_home(language)
        tools = tuple(HomeTools(ActionExecutor(home, DemoActor(home))).list_tools())
        here = PromptContext(home.areas[3], datetime(2026, 11, 21, 15, 5, tzinfo=UTC), large_homes.create_states(home))
        for context in (4096, 8192):
            room = ContextWindow(context, context // 8)
            prompts = await asyncio.to_thread(prompt.load, None, room)
            for _ in range(4):  # by the bound, and as the server has counted
                written = prompts.render(home, here, (), tools)
                true = await count(llama, written)
                print(language, context, "true", true, "counted", room.counter.count_prompt(written), "of", room.prompt)
                assert true <= room.counter.count_prompt(written) <= room.prompt
                room.counter.calibrate(written, true)


async def count(llama: LlamaServer, written: Prompt) -> int:
    """Return the tokens of a prompt with its tools, by the model's own tokenizer and template."""
    messages = [{"role": message.role.value, "content": message.text} for message in remove_tools(written).messages]
    rendered = (await llama.post("/apply-template", {"messages": messages}))["prompt"]
    tools = "\n".join(str(tool.parameters) + tool.name + tool.description for tool in written.tools)
    return len((await llama.post("/tokenize", {"content": rendered + tools}))["tokens"])
