"""System health: whether the servers of the entries can be reached."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_URL
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register the component's part of the page."""
    register.async_register_info(_describe)


async def _describe(hass: HomeAssistant) -> dict[str, Any]:
    entries = hass.config_entries.async_entries(DOMAIN)
    loaded = sum(entry.state is ConfigEntryState.LOADED for entry in entries)
    servers = {
        f"server_{number}": system_health.async_check_can_reach_url(
            hass, f"{entry.data[CONF_URL].rstrip('/')}/api/version"
        )
        for number, entry in enumerate((entry for entry in entries if CONF_URL in entry.data), 1)
    }
    return {"agents": f"{loaded} of {len(entries)}", **servers}
