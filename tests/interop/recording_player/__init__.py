"""A component for the Home Assistant under test: a speaker that fetches what it plays and reports when it did."""

# mypy: ignore-errors

from homeassistant.helpers.discovery import async_load_platform


async def async_setup(hass, config):
    hass.async_create_task(async_load_platform(hass, "media_player", "recording_player", {}, config))
    return True
