"""A room in the Home Assistant of the harness: a voice, a pipeline with the agent, a satellite and a speaker."""

from dataclasses import dataclass, field
from typing import Any

from homeassistant.components import conversation
from homeassistant.components.assist_pipeline.pipeline import async_get_pipelines, async_update_pipeline
from homeassistant.components.tts import TextToSpeechEntity
from homeassistant.components.tts.const import DATA_COMPONENT
from homeassistant.core import Context, HomeAssistant, ServiceCall, callback
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from yarl import URL

from tests.component.agent import Agent, speech_of

SPEAKER = "media_player.kitchen"


class QuickVoice(TextToSpeechEntity):
    """A voice that needs no time."""

    _attr_name = "Quick voice"
    _attr_default_language = "en"

    def __init__(self) -> None:
        self._attr_supported_languages = ["en", "de"]

    async def async_get_tts_audio(self, message: str, language: str, options: dict[str, Any]) -> tuple[str, bytes]:
        return "mp3", b"sound"


@dataclass
class Room:
    agent: Agent
    device_id: str
    played: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    async def build(cls, agent: Agent) -> "Room":
        """Furnish a kitchen with a satellite; the speaker comes by `add_speaker`."""
        hass = agent.hass
        for component in ("assist_pipeline", "tts"):
            assert await async_setup_component(hass, component, {})
        voice = QuickVoice()
        await hass.data[DATA_COMPONENT].async_add_entities([voice])
        [pipeline] = async_get_pipelines(hass)
        await async_update_pipeline(
            hass, pipeline, conversation_engine=agent.entity_id, tts_engine=voice.entity_id, tts_language="en"
        )
        room = cls(agent, create_device(agent, "satellite", "Kitchen"))
        room._register_services()
        return room

    @property
    def fillers(self) -> list[str]:
        """The texts that were played; the voice itself may have been spared by Home Assistant's cache."""
        return [URL(call["media_content_id"]).query["message"] for call in self.played]

    def _register_services(self) -> None:
        hass = self.agent.hass

        @callback
        def play(call: ServiceCall) -> None:
            self.played.append(dict(call.data))
            hass.states.async_set(call.data["entity_id"], "playing")

        @callback
        def stop(call: ServiceCall) -> None:
            self.stopped.append(dict(call.data))

        hass.services.async_register("media_player", "play_media", play)
        hass.services.async_register("media_player", "media_stop", stop)

    def add_speaker(
        self, device_id: str | None = None, area: str = "", name: str = SPEAKER, state: str = "idle"
    ) -> None:
        """Add a media player to a device, to an area, or to nothing."""
        hass = self.agent.hass
        registry = er.async_get(hass)
        entry = registry.async_get_or_create(
            "media_player", "test", name, suggested_object_id=name.partition(".")[2], device_id=device_id
        )
        if area:
            registry.async_update_entity(entry.entity_id, area_id=ar.async_get(hass).async_get_or_create(area).id)
        hass.states.async_set(entry.entity_id, state)

    async def say(self, text: str, language: str = "en") -> str:
        """Say something to the satellite; return the answer."""
        result = await conversation.async_converse(
            self.agent.hass, text, None, Context(), language, self.agent.entity_id, device_id=self.device_id
        )
        return speech_of(result)


def create_device(agent: Agent, name: str, area: str) -> str:
    """Register a device in an area; return its id."""
    devices = dr.async_get(agent.hass)
    device = devices.async_get_or_create(config_entry_id=agent.entry.entry_id, identifiers={("test", name)})
    area_id = ar.async_get(agent.hass).async_get_or_create(area).id
    devices.async_update_device(device.id, area_id=area_id)
    return device.id


def players_of(room: Room) -> list[str]:
    return [call["entity_id"] for call in room.played]


async def settle(hass: HomeAssistant) -> None:
    await hass.async_block_till_done(wait_background_tasks=True)
