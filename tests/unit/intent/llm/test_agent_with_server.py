"""The agent with the scripted server: the requests that it sends, and when."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from tests.ollama_model import ModelSpeed
from tests.ollama_script import Call, Rule
from tests.ollama_server import OllamaServer
from tests.unit.intent.llm.model_server import run_scripted_server
from tests.unit.intent.llm.scripted_models import wait_until
from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import AnswerEvent, ConversationInput, Handled
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm import router
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.llm.home_tools import HomeTools
from wyoming_rosie_intent.llm.prompts import prompt
from wyoming_rosie_intent.llm.tier_config import CloudSettings, NetworkSettings, TierSettings
from wyoming_rosie_intent.responses import responses

pytest.importorskip("ollama", reason="the intent extra is not installed")

MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)
READS_SLOWLY = ModelSpeed(read_rate=10_000.0, write_rate=1_000.0)
TALK = Rule(say="Paris is the capital of France. It lies on the Seine.")


class ServedAgent:
    """An agent with a server."""

    def __init__(self, home: Home, agent: LlmAgent, server: OllamaServer, actor: DemoActor) -> None:
        self.household = ActionExecutor(home, actor)
        self.agent = agent
        self.server = server

    async def say(self, text: str, turn: str | None = None) -> list[AnswerEvent]:
        now = asyncio.get_running_loop().time()
        return [
            part async for part in self.agent.answer(ConversationInput(text, "one", "en", "kitchen", turn), MOMENT, now)
        ]

    async def read_for(self, text: str, turn: str) -> int:
        """Return the number of characters that the model read for an answer."""
        await self.say(text, turn)
        return self.server.characters_read[-1]

    def wake(self, turn: str) -> None:
        self.agent.prepare_turn(turn, "kitchen", None, MOMENT, asyncio.get_running_loop().time())


@asynccontextmanager
async def served(home: Home, *rules: Rule, pace: ModelSpeed = READS_SLOWLY) -> AsyncIterator[ServedAgent]:
    async with run_scripted_server(*rules, pace=pace) as server:
        local = TierSettings("scripted", url=server.url)
        models = await asyncio.to_thread(router.load, local, NetworkSettings(), CloudSettings())
        assert models is not None
        await asyncio.to_thread(responses.render, "cannot")
        actor = DemoActor(home)
        household = ActionExecutor(home, actor)
        agent = LlmAgent(models, household, await asyncio.to_thread(prompt.load), [HomeTools(household)])
        try:
            yield ServedAgent(home, agent, server, actor)
        finally:
            await agent.close()
            await models.close()


def without_length(body: dict[str, object]) -> dict[str, object]:
    options = body["options"]
    assert isinstance(options, dict)
    return {**body, "options": {key: value for key, value in options.items() if key != "num_predict"}, "messages": None}


async def test_the_warm_up_is_the_beginning_of_the_command_byte_for_byte(home: Home) -> None:
    async with served(home, TALK) as room:
        room.wake("t")
        lit = room.household.plan([Match("HassTurnOn", {"name": "Kitchen Light"})], None).commands
        await room.household.execute(lit, MOMENT)
        await wait_until(lambda: len(room.server.requests_to("/api/chat")) == 1)
        await room.say("what is the capital of France", "t")
        warmed, given = (json.loads(one.body) for one in room.server.requests_to("/api/chat"))
        assert warmed["options"]["num_predict"] == 1
        count = len(warmed["messages"])
        assert json.dumps(given["messages"][:count]) == json.dumps(warmed["messages"])
        assert [message["content"] for message in given["messages"][count:]] == ["what is the capital of France"]
        assert without_length(given) == without_length(warmed)


async def test_a_warm_model_reads_little_and_an_answer_during_the_warm_up_gains_from_it_too(home: Home) -> None:
    async with served(home, TALK) as room:
        cold = await room.read_for("what is the capital of France", "cold")
    async with served(home, TALK) as room:
        room.wake("warm")
        await wait_until(lambda: bool(room.server.characters_read))
        warm = await room.read_for("what is the capital of France", "warm")
    async with served(home, TALK, pace=ModelSpeed(read_rate=1_000.0)) as room:
        room.wake("early")
        await wait_until(lambda: bool(room.server.requests_to("/api/chat")))
        early = await room.read_for("what is the capital of France", "early")
    assert warm == early < cold / 2


async def test_a_tool_round_goes_back_and_forth(home: Home) -> None:
    rules = (Rule(say="It is on now.", after_tool=True), Rule(calls=(Call("HassTurnOn", {"name": "Kitchen Light"}),)))
    async with served(home, *rules) as room:
        parts = await room.say("it is dark in here")
        assert isinstance(parts[-1], Handled)
        assert parts[-1].text == "It is on now."
        assert room.household.states()["light.kitchen"]["state"] == "on"
        first, second = (json.loads(one.body)["messages"] for one in room.server.requests_to("/api/chat"))
        assert second[: len(first)] == first
        assert [message["role"] for message in second[len(first) :]] == ["assistant", "tool"]


async def test_the_next_turn_of_a_conversation_reads_only_what_is_new(home: Home) -> None:
    async with served(home, TALK) as room:
        await room.say("what is the capital of France")
        await room.say("and where does it lie")
        first, second = (json.loads(one.body)["messages"] for one in room.server.requests_to("/api/chat"))
        assert first[0] == second[0]
        assert [message["role"] for message in second] == ["system", "user", "assistant", "user", "user"]
