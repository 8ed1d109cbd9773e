"""Setting up, changing and repairing an agent through the flows of Home Assistant's user interface."""

from typing import Any

import pytest
from aiohttp import ClientResponse
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import get_system_health_info

from tests.component.agent import DOMAIN, MODEL, Agent, serve_lines, until
from tests.ollama_script import Rule
from tests.ollama_server import OllamaServer


async def configure(hass: HomeAssistant, kind: str, *inputs: dict[str, Any]) -> dict[str, Any]:
    """Go through the config flow with these inputs; return its last step."""
    step = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    for given in ({"next_step_id": kind}, *inputs):
        step = await hass.config_entries.flow.async_configure(step["flow_id"], given)
    await hass.async_block_till_done()
    return step


async def test_a_server_is_added_with_its_models(home: HomeAssistant, ollama: OllamaServer) -> None:
    step = await configure(home, "ollama", {"url": f"{ollama.url}/"}, {"model": MODEL, "filler_model": "tiny:latest"})
    assert step["type"] == "create_entry"
    assert step["data"] == {"kind": "ollama", "url": ollama.url, "model": MODEL, "filler_model": "tiny:latest"}
    assert step["result"].state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("url", "errors"),
    [
        ("http://127.0.0.1:9", {"base": "cannot_connect"}),
        ("not an address", {"url": "invalid_url"}),
        ("ftp://127.0.0.1", {"url": "invalid_url"}),
        ("http://127.0.0.1:99999", {"url": "invalid_url"}),
    ],
)
async def test_an_address_that_cannot_be_reached_is_refused(
    home: HomeAssistant, url: str, errors: dict[str, str]
) -> None:
    step = await configure(home, "ollama", {"url": url})
    assert (step["step_id"], step["errors"]) == ("ollama", errors)


async def test_something_that_is_no_ollama_is_refused(home: HomeAssistant) -> None:
    async with serve_lines([b"hello"], breaks_off=False) as url:
        step = await configure(home, "ollama", {"url": url})
    assert step["errors"] == {"base": "not_ollama"}


async def test_a_server_without_models_is_refused(home: HomeAssistant) -> None:
    async with OllamaServer(models=()).run() as server:
        step = await configure(home, "ollama", {"url": server.url})
    assert step["errors"] == {"base": "no_models"}


async def test_the_same_model_is_not_added_twice(home: HomeAssistant, ollama: OllamaServer) -> None:
    await configure(home, "ollama", {"url": ollama.url}, {"model": MODEL})
    step = await configure(home, "ollama", {"url": ollama.url}, {"model": MODEL})
    assert (step["type"], step["reason"]) == ("abort", "already_configured")


async def test_options_show_the_length_of_the_prompt_before_they_are_kept(agent: Agent) -> None:
    options = agent.hass.config_entries.options
    step = await options.async_init(agent.entry.entry_id)
    given = {
        "prompt": "You are a pirate.",
        "tools": ["assist"],
        "history": 2,
        "context_tokens": 16384,
        "native": "strict",
        "cooldown": 5,
        "filler": False,
    }
    step = await options.async_configure(step["flow_id"], given)
    assert (step["type"], step["step_id"]) == ("menu", "preview")
    assert int(step["description_placeholders"]["tokens"]) > 100
    step = await options.async_configure(step["flow_id"], {"next_step_id": "init"})
    step = await options.async_configure(step["flow_id"], {**given, "history": 3})
    step = await options.async_configure(step["flow_id"], {"next_step_id": "save"})
    assert step["type"] == "create_entry"
    await agent.hass.async_block_till_done()
    assert agent.entry.options["history"] == 3
    assert agent.entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"prompt": "{{ 1 / 0 }}"}, {"prompt": "invalid_template"}),
        ({"prompt": "word " * 9000}, {"context_tokens": "context_too_small"}),
    ],
)
async def test_options_that_cannot_work_are_refused(
    agent: Agent, changed: dict[str, Any], errors: dict[str, str]
) -> None:
    options = agent.hass.config_entries.options
    step = await options.async_init(agent.entry.entry_id)
    given = {
        "tools": ["assist"],
        "history": 2,
        "context_tokens": 8192,
        "native": "strict",
        "cooldown": 5,
        "filler": False,
    }
    step = await options.async_configure(step["flow_id"], {**given, **changed})
    assert step["errors"] == errors


async def test_an_agent_can_move_to_another_server(agent: Agent, ollama: OllamaServer) -> None:
    async with OllamaServer((Rule(say="I have moved."),)).run() as other:
        flow = agent.hass.config_entries.flow
        step = await agent.entry.start_reconfigure_flow(agent.hass)
        step = await flow.async_configure(step["flow_id"], {"url": other.url})
        step = await flow.async_configure(step["flow_id"], {"model": "tiny:latest"})
        assert step["reason"] == "reconfigure_successful"
        await agent.hass.async_block_till_done()
        assert await agent.say("who are you") == "I have moved."


async def test_a_server_that_is_away_is_tried_again_later(home: HomeAssistant) -> None:
    agent = await Agent.add(home, "http://127.0.0.1:9")
    assert agent.entry.state is ConfigEntryState.SETUP_RETRY


async def test_a_refused_key_asks_for_another(home: HomeAssistant) -> None:
    async with serve_lines([], status=401, breaks_off=False) as url:
        await Agent.add(home, url, api_key="old")
    [flow] = home.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"


async def test_a_missing_model_is_repaired_by_another(
    home: HomeAssistant, ollama: OllamaServer, hass_client: Any
) -> None:
    agent = await Agent.add(home, ollama.url, model="gone:latest")
    assert await async_setup_component(home, "http", {})
    client = await hass_client()
    issue = ir.async_get(home).async_get_issue(DOMAIN, f"model_missing_{agent.entry.entry_id}")
    assert issue is not None
    step = await _json(
        await client.post("/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue.issue_id})
    )
    assert step["step_id"] == "choose"
    step = await _json(await client.post(f"/api/repairs/issues/fix/{step['flow_id']}", json={"model": MODEL}))
    assert step["type"] == "create_entry"
    await until(lambda: agent.entry.data["model"] == MODEL)
    await home.async_block_till_done()
    assert ir.async_get(home).async_get_issue(DOMAIN, issue.issue_id) is None


async def test_diagnostics_have_no_secrets(home: HomeAssistant, ollama: OllamaServer, hass_client: Any) -> None:
    from custom_components.hybrid_llm.diagnostics import async_get_config_entry_diagnostics

    agent = await Agent.add(home, ollama.url, {"prompt": "My PIN is 1234."}, api_key="hush")
    ollama.rules[:] = [Rule(say="Nobody knows.")]
    await agent.say("where did i hide the treasure")
    shown = await async_get_config_entry_diagnostics(home, agent.entry)
    assert shown["last_turn"]["tier"] == "model"
    assert shown["models"] == ["scripted:latest", "tiny:latest"]
    for secret in ("hush", "1234", "127.0.0.1", "treasure", "Nobody"):
        assert secret not in str(shown)


async def test_sensors_tell_of_the_last_turn(home: HomeAssistant, ollama: OllamaServer) -> None:
    agent = await Agent.add(home, ollama.url)
    registry = er.async_get(home)
    sensors = [
        one for one in er.async_entries_for_config_entry(registry, agent.entry.entry_id) if one.domain == "sensor"
    ]
    assert {one.disabled_by for one in sensors} == {er.RegistryEntryDisabler.INTEGRATION}
    for one in sensors:
        registry.async_update_entity(one.entity_id, disabled_by=None)
    await home.config_entries.async_reload(agent.entry.entry_id)
    await home.async_block_till_done()
    ollama.rules[:] = [Rule(say="Paris.")]
    await agent.say("what is the capital of france")
    assert float(home.states.get("sensor.test_time_to_first_words").state) >= 0
    assert home.states.get("sensor.test_answered_by").state == "model"
    await agent.say("turn on the reading lamp")
    assert home.states.get("sensor.test_answered_by").state == "native"


async def test_system_health_reaches_the_servers(agent: Agent, ollama: OllamaServer) -> None:
    assert await async_setup_component(agent.hass, "system_health", {})
    await agent.hass.async_block_till_done()
    shown = await get_system_health_info(agent.hass, DOMAIN)
    assert shown["agents"] == "1 of 1"
    assert await shown["server_1"] == "ok"


async def test_an_agent_that_is_not_loaded_cannot_be_warmed(agent: Agent) -> None:
    with pytest.raises(ServiceValidationError):
        await agent.hass.services.async_call(DOMAIN, "warm", {"config_entry": "unknown"}, blocking=True)


async def _json(response: ClientResponse) -> dict[str, Any]:
    answer: dict[str, Any] = await response.json()
    return answer
