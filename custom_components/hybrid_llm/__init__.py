"""Hybrid LLM: a conversation agent for Home Assistant whose model is ready before the sentence is over."""

from collections.abc import Callable
from typing import Any

import voluptuous as vol
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_API_KEY, CONF_HOST, CONF_MODEL, CONF_PORT, CONF_URL, Platform
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ConfigEntryAuthFailed, ConfigEntryNotReady, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .client import Cause, OllamaClient, OllamaError
from .const import (
    CHECK_SECONDS,
    CONF_CONTEXT,
    CONF_COOLDOWN,
    CONF_FILLER_MODEL,
    CONF_FILLER_PLAYER,
    CONF_HISTORY,
    CONF_KIND,
    CONF_PROMPT,
    CONF_TOOLS,
    DEFAULT_CONTEXT,
    DEFAULT_COOLDOWN,
    DEFAULT_HISTORY,
    DOMAIN,
    KIND_DAEMON,
    SERVICE_WARM,
)
from .daemon import DaemonError, DaemonThinker, IntentDaemon
from .filler import FillerSpeaker
from .home import Settings
from .issues import delete_issues, report_models, update_issues
from .model import ModelSettings, ModelThinker
from .rules.prompt import DEFAULT_INSTRUCTIONS
from .runtime import AvailabilityLog, HybridConfigEntry, Runtime

PLATFORMS = (Platform.CONVERSATION, Platform.SENSOR)
CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)
_ENTRY = "config_entry"
_WARM_SCHEMA = vol.Schema({vol.Optional(_ENTRY): cv.string})


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the service."""

    @callback
    def warm(call: ServiceCall) -> None:
        for entry in _find_entries(hass, call.data.get(_ENTRY)):
            entry.runtime_data.thinker.load(hass.config.language)

    hass.services.async_register(DOMAIN, SERVICE_WARM, warm, _WARM_SCHEMA)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: HybridConfigEntry) -> bool:
    """Check the server and add the agent."""
    is_daemon = entry.data[CONF_KIND] == KIND_DAEMON
    entry.runtime_data = await (_create_for_daemon if is_daemon else _create_for_model)(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    entry.async_on_unload(entry.add_update_listener(_reload))

    @callback
    def load_model(_: HomeAssistant) -> None:
        entry.runtime_data.thinker.load(hass.config.language)

    entry.async_on_unload(async_at_started(hass, load_model))
    return True


async def async_unload_entry(hass: HomeAssistant, entry: HybridConfigEntry) -> bool:
    """Remove the agent; a turn in progress goes on to its end."""
    thinker = entry.runtime_data.thinker
    is_unloaded: bool = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if is_unloaded:
        await thinker.close()
    return is_unloaded


async def async_remove_entry(hass: HomeAssistant, entry: HybridConfigEntry) -> None:
    """Forget what was to be repaired."""
    delete_issues(hass, entry)


async def _create_for_model(hass: HomeAssistant, entry: HybridConfigEntry) -> Runtime:
    client = OllamaClient(async_get_clientsession(hass), entry.data[CONF_URL], entry.data.get(CONF_API_KEY))
    try:
        report_models(hass, entry, await client.find_models(CHECK_SECONDS))
    except OllamaError as err:
        if err.cause is Cause.REFUSED:
            raise ConfigEntryAuthFailed(translation_domain=DOMAIN, translation_key="invalid_auth") from err
        raise _not_ready("cannot_connect", entry.data[CONF_URL]) from err
    speaker = FillerSpeaker(hass, client, entry.data.get(CONF_FILLER_MODEL), entry.options.get(CONF_FILLER_PLAYER))
    cooldown = float(entry.options.get(CONF_COOLDOWN, DEFAULT_COOLDOWN))
    thinker = ModelThinker(hass, client, read_settings(entry), cooldown, _create_report(hass, entry))
    return Runtime(thinker, speaker, client)


async def _create_for_daemon(hass: HomeAssistant, entry: HybridConfigEntry) -> Runtime:
    daemon = IntentDaemon(entry.data[CONF_HOST], entry.data[CONF_PORT])
    try:
        await daemon.describe()
    except (DaemonError, TimeoutError) as err:
        raise _not_ready("cannot_connect", f"{entry.data[CONF_HOST]}:{entry.data[CONF_PORT]}") from err
    speaker = FillerSpeaker(hass, None, None, entry.options.get(CONF_FILLER_PLAYER))
    cooldown = float(entry.options.get(CONF_COOLDOWN, DEFAULT_COOLDOWN))
    return Runtime(DaemonThinker(hass, daemon, speaker.run, AvailabilityLog(entry.title), cooldown), speaker, None)


def read_settings(entry: HybridConfigEntry) -> ModelSettings:
    """Return the options that are about the model."""
    options = entry.options
    instructions = options.get(CONF_PROMPT) or DEFAULT_INSTRUCTIONS
    prompt = Settings(instructions, tuple(options.get(CONF_TOOLS, ())), int(options.get(CONF_CONTEXT, DEFAULT_CONTEXT)))
    return ModelSettings(entry.data[CONF_MODEL], prompt, int(options.get(CONF_HISTORY, DEFAULT_HISTORY)))


def _create_report(hass: HomeAssistant, entry: HybridConfigEntry) -> Callable[[Cause | None], None]:
    log = AvailabilityLog(entry.title)

    @callback
    def report(cause: Cause | None) -> None:
        log.record(cause.value if cause else None)
        if cause is Cause.REFUSED:
            entry.async_start_reauth(hass)
        update_issues(hass, entry, cause)

    return report


def _not_ready(key: str, address: str) -> ConfigEntryNotReady:
    placeholders = {"address": address}
    return ConfigEntryNotReady(translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders)


def _find_entries(hass: HomeAssistant, entry_id: str | None) -> list[HybridConfigEntry]:
    """Return the loaded entries, or the one that a call names. Raises ServiceValidationError."""
    entries: list[Any] = hass.config_entries.async_entries(DOMAIN)
    loaded = [one for one in entries if one.state is ConfigEntryState.LOADED and entry_id in (None, one.entry_id)]
    if entry_id is not None and not loaded:
        raise ServiceValidationError(translation_domain=DOMAIN, translation_key="not_loaded")
    return loaded


async def _reload(hass: HomeAssistant, entry: HybridConfigEntry) -> None:
    await hass.config_entries.async_reload(entry.entry_id)
