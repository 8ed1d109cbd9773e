"""Diagnostics of an entry, without secrets and without anything that was said."""

from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_API_KEY, CONF_HOST, CONF_URL
from homeassistant.core import HomeAssistant
from yarl import URL

from .client import OllamaError
from .const import CONF_FILLER_PLAYER, CONF_PROMPT
from .runtime import HybridConfigEntry

_SECRETS = {CONF_API_KEY, CONF_HOST, CONF_PROMPT, CONF_FILLER_PLAYER}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: HybridConfigEntry) -> dict[str, Any]:
    """Return the settings, the server's models and the figures of the last turn."""
    runtime = entry.runtime_data
    turn = runtime.last_turn
    last = None
    if turn is not None:
        latency = turn.first_words_seconds
        milliseconds = None if latency is None else round(latency * 1000)
        last = {
            "tier": turn.tier.value,
            "is_warm": turn.is_warm,
            "first_words_ms": milliseconds,
            "had_filler": bool(turn.filler),
        }
    return {
        "data": async_redact_data({**entry.data, **_public_url(entry)}, _SECRETS),
        "options": async_redact_data(dict(entry.options), _SECRETS),
        "models": await _find_models(runtime.client),
        "turns": runtime.turns,
        "last_turn": last,
    }


def _public_url(entry: HybridConfigEntry) -> dict[str, str]:
    """Return the URL without a name and password, and without the host."""
    url = entry.data.get(CONF_URL)
    return {CONF_URL: str(URL(url).with_user(None).with_host("redacted"))} if url else {}


async def _find_models(client: Any) -> list[str] | str | None:
    if client is None:
        return None
    try:
        models: list[str] = await client.find_models()
    except OllamaError as err:
        return err.cause.value
    return models
