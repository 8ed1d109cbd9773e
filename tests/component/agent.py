"""The component's agent in a Home Assistant of the harness, and a home with two lamps."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from homeassistant.components import conversation
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry

DOMAIN = "hybrid_llm"
MODEL = "scripted:latest"
LAMP = "light.reading_lamp"
LONGEST_WAIT_SECONDS = 60.0


async def set_up_home(hass: HomeAssistant) -> None:
    """Set up what the agent needs, and a lamp that is an input boolean behind a template."""
    for component in ("homeassistant", "conversation", "input_boolean", "intent", "repairs"):
        await async_setup_component(hass, component, {"input_boolean": {"bulb": {"name": "Bulb"}}})
    lamp = {
        "name": "Reading lamp",
        "unique_id": "reading_lamp",
        "state": "{{ is_state('input_boolean.bulb', 'on') }}",
        "turn_on": [{"action": "input_boolean.turn_on", "target": {"entity_id": "input_boolean.bulb"}}],
        "turn_off": [{"action": "input_boolean.turn_off", "target": {"entity_id": "input_boolean.bulb"}}],
    }
    assert await async_setup_component(hass, "template", {"template": [{"light": [lamp]}]})
    await hass.async_block_till_done()
    area = ar.async_get(hass).async_get_or_create("Study")
    er.async_get(hass).async_update_entity(LAMP, area_id=area.id)
    async_expose_entity(hass, conversation.DOMAIN, LAMP, True)
    await hass.async_block_till_done()


@dataclass
class Agent:
    hass: HomeAssistant
    entry: ConfigEntry
    entity_id: str = ""

    @classmethod
    async def add(cls, hass: HomeAssistant, url: str, options: dict[str, Any] | None = None, **data: Any) -> "Agent":
        """Add an entry for the server at a URL and set it up."""
        data = {"kind": "ollama", "url": url, "model": MODEL, **data}
        options = {"tools": ["assist"], "filler": True, "native": "strict", **(options or {})}
        entry = MockConfigEntry(domain=DOMAIN, title="Test", data=data, options=options)
        entry.add_to_hass(hass)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        agent = cls(hass, entry)
        agent.entity_id = er.async_get(hass).async_get_entity_id("conversation", DOMAIN, entry.entry_id) or ""
        return agent

    async def ask(
        self, text: str, conversation_id: str | None = None, language: str = "en"
    ) -> conversation.ConversationResult:
        return await conversation.async_converse(
            self.hass, text, conversation_id, Context(), language=language, agent_id=self.entity_id
        )

    async def say(self, text: str, conversation_id: str | None = None, language: str = "en") -> str:
        """Return the spoken answer to a sentence."""
        return speech_of(await self.ask(text, conversation_id, language))

    def point_to(self, url: str) -> None:
        """Have the loaded agent ask another server, as if its own had changed."""
        self.entry.runtime_data.thinker._client._url = url

    @property
    def is_lamp_on(self) -> bool:
        return self.hass.states.is_state(LAMP, "on")


def speech_of(result: conversation.ConversationResult) -> str:
    return str(result.response.speech["plain"]["speech"])


async def until(condition: Any) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(LONGEST_WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serve_lines(lines: Sequence[bytes], status: int = 200, *, breaks_off: bool = True) -> AsyncIterator[str]:
    """Serve answers of these lines, which may break off after the last; yield the URL."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for line in lines:
            await response.write(line)
        await asyncio.sleep(0.1)
        if breaks_off:
            request.transport.abort()
        return response

    application = web.Application()
    application.add_routes([web.post("/api/chat", answer), web.get("/api/tags", answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
