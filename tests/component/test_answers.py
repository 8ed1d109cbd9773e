"""Answers of the agent in Home Assistant: native sentences, a model's text and tools, and what is said on failures."""

from tests.component.agent import Agent
from tests.ollama_script import Rule
from tests.ollama_server import OllamaServer


async def test_a_native_sentence_is_answered_without_the_model(agent: Agent, ollama: OllamaServer) -> None:
    before = len(ollama.requests_to("/api/chat"))
    assert "lamp" in (await agent.say("turn on the reading lamp")).lower() or agent.is_lamp_on
    await agent.hass.async_block_till_done()
    assert agent.is_lamp_on
    assert len(ollama.requests_to("/api/chat")) == before


async def test_anything_else_is_answered_by_the_model(agent: Agent, ollama: OllamaServer) -> None:
    ollama.rules[:] = [Rule(when="capital", say="The capital of France is Paris.")]
    assert await agent.say("what is the capital of france") == "The capital of France is Paris."
