"""A Home Assistant in this process with the component, and the scripted Ollama on the loopback interface."""

from collections.abc import AsyncIterator

import pytest
from homeassistant.core import HomeAssistant

import custom_components.hybrid_llm  # noqa: F401  # before the harness offers components of its own
from tests.component.agent import Agent, set_up_home
from tests.ollama_server import OllamaServer


@pytest.fixture(autouse=True)
def _sockets_and_component(socket_enabled: None, enable_custom_integrations: None) -> None:
    """Let the tests talk to 127.0.0.1, and Home Assistant load the component."""


@pytest.fixture
async def ollama() -> AsyncIterator[OllamaServer]:
    async with OllamaServer().run() as server:
        yield server


@pytest.fixture
async def home(hass: HomeAssistant) -> HomeAssistant:
    await set_up_home(hass)
    return hass


@pytest.fixture
async def agent(home: HomeAssistant, ollama: OllamaServer) -> Agent:
    return await Agent.add(home, ollama.url)
