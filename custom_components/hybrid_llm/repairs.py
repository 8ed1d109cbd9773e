"""Repair of a missing model: another one of the server's is chosen."""

from typing import Any

import voluptuous as vol
from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_API_KEY, CONF_MODEL, CONF_URL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig

from .client import OllamaClient, OllamaError
from .const import CHECK_SECONDS, CONF_FILLER_MODEL
from .runtime import change_entry


class MissingModelFlow(RepairsFlow):
    """Asks for a model that the server has."""

    def __init__(self, entry_id: str, model: str) -> None:
        self._entry_id = entry_id
        self._model = model

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> Any:
        return await self.async_step_choose()

    async def async_step_choose(self, user_input: dict[str, Any] | None = None) -> Any:
        entry = self.hass.config_entries.async_get_entry(self._entry_id)
        if entry is None:
            return self.async_abort(reason="entry_gone")
        if user_input is not None:
            key = CONF_FILLER_MODEL if self._is_filler(entry) else CONF_MODEL
            change_entry(self.hass, entry, {**entry.data, key: user_input[CONF_MODEL]})
            return self.async_create_entry(data={})
        client = OllamaClient(async_get_clientsession(self.hass), entry.data[CONF_URL], entry.data.get(CONF_API_KEY))
        try:
            models = await client.find_models(CHECK_SECONDS)
        except OllamaError as err:
            return self.async_abort(reason=err.cause.value)
        selector = SelectSelector(SelectSelectorConfig(options=models))
        placeholders = {"model": self._model, "title": entry.title}
        return self.async_show_form(
            step_id="choose",
            data_schema=vol.Schema({vol.Required(CONF_MODEL): selector}),
            description_placeholders=placeholders,
        )

    def _is_filler(self, entry: ConfigEntry) -> bool:
        return self._model == entry.data.get(CONF_FILLER_MODEL) and self._model != entry.data[CONF_MODEL]


async def async_create_fix_flow(hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None) -> RepairsFlow:
    """Return the flow of an issue."""
    about = data or {}
    return MissingModelFlow(str(about.get("entry_id")), str(about.get("model")))
