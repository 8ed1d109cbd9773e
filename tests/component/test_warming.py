"""Warm-ups at the wake word: what is sent then is what the sentence is asked with, byte for byte."""

import asyncio
import json
from typing import Any

import pytest
from homeassistant.components import conversation
from homeassistant.components.assist_pipeline.pipeline import async_get_pipelines, async_update_pipeline
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from tests.component.agent import LAMP, Agent, until
from tests.ollama_script import Rule
from tests.ollama_server import OllamaServer

SATELLITE = "assist_satellite.kitchen"


def requests(ollama: OllamaServer) -> list[dict[str, Any]]:
    return [one.data for one in ollama.requests_to("/api/chat")]


def as_bytes(request: dict[str, Any]) -> bytes:
    """Return what a model reads of a request before the sentence."""
    messages = [message for message in request["messages"] if message["role"] == "system"]
    return json.dumps([request["model"], messages, request["tools"], request["options"]["num_ctx"]]).encode()


@pytest.fixture
async def woken(home: HomeAssistant, ollama: OllamaServer) -> Agent:
    """An agent whose first warm-up, at its start, is over."""
    agent = await Agent.add(home, ollama.url, {"cooldown": 0})
    await until(lambda: len(requests(ollama)) == 1)
    ollama.rules[:] = [Rule(say="Paris.")]
    return agent


async def prepare(agent: Agent) -> None:
    entity = agent.hass.data["conversation"].get_entity(agent.entity_id)
    await entity.async_prepare("en")


async def test_the_model_is_loaded_at_the_start(woken: Agent, ollama: OllamaServer) -> None:
    [first] = requests(ollama)
    assert first["options"]["num_predict"] == 1
    assert [message["role"] for message in first["messages"]] == ["system", "system"]


async def test_what_was_sent_at_the_wake_word_is_used_byte_for_byte(woken: Agent, ollama: OllamaServer) -> None:
    await prepare(woken)
    await until(lambda: len(requests(ollama)) == 2)
    change_lamp(woken.hass)  # the states change while the person speaks
    await woken.say("what is the capital of france")
    _, warm_up, sentence = requests(ollama)
    assert as_bytes(warm_up) == as_bytes(sentence)
    assert sentence["messages"][:2] == warm_up["messages"]
    assert ollama.characters_read[-1] < 100


async def test_a_frozen_prompt_is_used_once(woken: Agent, ollama: OllamaServer) -> None:
    await prepare(woken)
    await until(lambda: len(requests(ollama)) == 2)
    await woken.say("what is the capital of france")
    change_lamp(woken.hass)
    await woken.say("what is the capital of spain")
    *_, first, second = requests(ollama)
    assert first["messages"][1] != second["messages"][1]
    assert first["messages"][0] == second["messages"][0]


async def test_a_burst_of_wake_words_costs_one_warm_up(home: HomeAssistant, ollama: OllamaServer) -> None:
    agent = await Agent.add(home, ollama.url, {"cooldown": 30})
    await until(lambda: len(requests(ollama)) == 1)
    await asyncio.gather(*(prepare(agent) for _ in range(20)))
    await until(lambda: len(requests(ollama)) == 2)
    await prepare(agent)
    await asyncio.sleep(0.2)
    assert len(requests(ollama)) == 2


async def test_a_satellite_that_listens_warms_the_agent_of_its_pipeline_with_its_area(
    home: HomeAssistant, ollama: OllamaServer
) -> None:
    await async_setup_component(home, "assist_pipeline", {})
    agent = await Agent.add(home, ollama.url)
    await until(lambda: len(requests(ollama)) == 1)
    [pipeline] = async_get_pipelines(home)
    await async_update_pipeline(home, pipeline, conversation_engine=agent.entity_id)
    device = create_satellite(home, agent)
    home.states.async_set(SATELLITE, "idle")
    home.states.async_set(SATELLITE, "listening")
    await prepare(agent)
    await until(lambda: len(requests(ollama)) == 2)
    await asyncio.sleep(0.2)
    assert len(requests(ollama)) == 2
    assert 'The person is in "Kitchen"' in requests(ollama)[1]["messages"][1]["content"]
    await ask_from(agent, device, "what is the capital of france")
    assert as_bytes(requests(ollama)[1]) == as_bytes(requests(ollama)[2])


async def test_a_conversation_that_goes_on_is_warm_as_well(home: HomeAssistant, ollama: OllamaServer) -> None:
    await async_setup_component(home, "assist_pipeline", {})
    agent = await Agent.add(home, ollama.url, {"cooldown": 0})
    await until(lambda: len(requests(ollama)) == 1)
    device = create_satellite(home, agent)
    ollama.rules[:] = [Rule(say="Paris.")]
    conversation_id = await ask_from(agent, device, "what is the capital of france")
    agent.entry.runtime_data.thinker.prepare(device, "en")
    await until(lambda: len(requests(ollama)) == 3)
    await ask_from(agent, device, "and of spain", conversation_id)
    warm_up, sentence = requests(ollama)[2:]
    assert [message["role"] for message in warm_up["messages"]] == ["system", "user", "assistant", "system"]
    assert sentence["messages"][:4] == warm_up["messages"]


async def test_a_satellite_whose_second_wake_word_chose_the_agent_is_warmed_by_the_pipeline(
    home: HomeAssistant, ollama: OllamaServer
) -> None:
    await async_setup_component(home, "assist_pipeline", {})
    agent = await Agent.add(home, ollama.url)
    await until(lambda: len(requests(ollama)) == 1)
    create_satellite(home, agent)
    home.states.async_set(SATELLITE, "listening")  # the preferred pipeline has another agent
    await prepare(agent)
    await until(lambda: len(requests(ollama)) == 2)
    assert 'The person is in "Kitchen"' in requests(ollama)[1]["messages"][1]["content"]


async def test_a_satellite_with_another_agent_warms_nothing(woken: Agent, ollama: OllamaServer) -> None:
    await async_setup_component(woken.hass, "assist_pipeline", {})
    create_satellite(woken.hass, woken)
    woken.hass.states.async_set(SATELLITE, "idle")
    woken.hass.states.async_set(SATELLITE, "listening")
    await asyncio.sleep(0.2)
    assert len(requests(ollama)) == 1


async def test_the_service_warms_the_model(woken: Agent, ollama: OllamaServer) -> None:
    await woken.hass.services.async_call("hybrid_llm", "warm", {"config_entry": woken.entry.entry_id}, blocking=True)
    await until(lambda: len(requests(ollama)) == 2)


async def test_a_sentence_without_a_wake_word_is_answered_as_well(woken: Agent, ollama: OllamaServer) -> None:
    assert await woken.say("what is the capital of france") == "Paris."


async def test_a_model_that_was_away_is_warmed_at_the_next_wake_word(home: HomeAssistant, ollama: OllamaServer) -> None:
    agent = await Agent.add(home, ollama.url, {"cooldown": 300})
    await until(lambda: len(requests(ollama)) == 1)
    agent.point_to("http://127.0.0.1:9")
    await prepare(agent)
    assert (await agent.say("what is the capital of france")).startswith("Sorry, I cannot reach")
    agent.point_to(ollama.url)
    await prepare(agent)
    await until(lambda: len(requests(ollama)) == 2)


def change_lamp(hass: HomeAssistant) -> None:
    hass.states.async_set(LAMP, "on", hass.states.get(LAMP).attributes)


def create_satellite(hass: HomeAssistant, agent: Agent) -> str:
    """Register a satellite in the kitchen; return the id of its device."""
    area = ar.async_get(hass).async_get_or_create("Kitchen")
    devices, entities = dr.async_get(hass), er.async_get(hass)
    device = devices.async_get_or_create(config_entry_id=agent.entry.entry_id, identifiers={("test", "satellite")})
    devices.async_update_device(device.id, area_id=area.id)
    entities.async_get_or_create(
        "assist_satellite", "test", "satellite", suggested_object_id="kitchen", device_id=device.id
    )
    return device.id


async def ask_from(agent: Agent, device_id: str, text: str, conversation_id: str | None = None) -> str | None:
    """Ask as a device does; return the id of the conversation."""
    result = await conversation.async_converse(
        agent.hass, text, conversation_id, Context(), "en", agent.entity_id, device_id=device_id
    )
    return result.conversation_id
