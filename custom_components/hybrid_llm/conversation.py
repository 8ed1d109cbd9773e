"""Conversation agent: native intents first, then the model or the daemon, with a filler beside it."""

import logging
from typing import Literal

from homeassistant.components import conversation
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import (
    CONF_FILLER,
    CONF_KIND,
    CONF_LANGUAGES,
    CONF_NATIVE,
    CONF_TOOLS,
    DOMAIN,
    KIND_DAEMON,
    NATIVE_STRICT,
)
from .native import answer_natively
from .rules.languages import Failure
from .runtime import HybridConfigEntry
from .turn import Tier, Turn
from .wake import listen_for_wake_words, prepare_pipeline

_LOG = logging.getLogger(__name__)
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant, entry: HybridConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the entry's agent."""
    async_add_entities([HybridConversationEntity(entry)])


def create_device(entry: HybridConfigEntry) -> DeviceInfo:
    """Return the service that has the entities of an entry."""
    return DeviceInfo(
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        manufacturer="wyoming-rosie",
        model=entry.data.get("model") or "wyoming-rosie-intent",
        entry_type=DeviceEntryType.SERVICE,
    )


class HybridConversationEntity(conversation.ConversationEntity):
    """The agent of an entry."""

    _attr_has_entity_name = True
    _attr_name = None
    _attr_supports_streaming = True

    def __init__(self, entry: HybridConfigEntry) -> None:
        self._entry = entry
        self._attr_unique_id = entry.entry_id
        self._attr_device_info = create_device(entry)
        if entry.options.get(CONF_TOOLS) or entry.data.get(CONF_KIND) == KIND_DAEMON:
            self._attr_supported_features = conversation.ConversationEntityFeature.CONTROL

    @property
    def supported_languages(self) -> list[str] | Literal["*"]:
        return MATCH_ALL

    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        prepare = self._entry.runtime_data.thinker.prepare
        self.async_on_remove(listen_for_wake_words(self.hass, lambda: self.entity_id, prepare))

    async def async_prepare(self, language: str | None = None) -> None:
        """Get ready for a sentence; called by a pipeline whose agent this is, as soon as it listens."""
        await prepare_pipeline(self.hass, language, self._entry.runtime_data.thinker.prepare)

    async def _async_handle_message(
        self, user_input: conversation.ConversationInput, chat_log: conversation.ChatLog
    ) -> conversation.ConversationResult:
        turn = Turn(self.hass, user_input, chat_log, self.entity_id)
        runtime, options = self._entry.runtime_data, self._entry.options
        try:
            result = await answer_natively(
                turn, options.get(CONF_NATIVE, NATIVE_STRICT), options.get(CONF_LANGUAGES, ())
            )
            if result is not None:
                turn.tier = Tier.NATIVE
                turn.mark_words()
                return result
            if runtime.filler is not None and options.get(CONF_FILLER) and self._entry.data[CONF_KIND] != KIND_DAEMON:
                self._entry.async_create_background_task(self.hass, runtime.filler.run(turn), "hybrid_llm filler")
            return await runtime.thinker.answer(turn)
        except Exception:  # noqa: BLE001 - a person waits for an answer, whatever the error
            _LOG.exception("The sentence could not be answered")
            return await turn.failed(Failure.NO_ANSWER)
        finally:
            turn.spoke.set()
            runtime.record(turn)
