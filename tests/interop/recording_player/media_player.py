"""The speaker: its attributes have the system's monotonic time of each sound and of each stop."""

# mypy: ignore-errors

import asyncio
import time

from homeassistant.components import media_source
from homeassistant.components.media_player import (
    MediaPlayerEntity,
    MediaPlayerEntityFeature,
    MediaPlayerState,
    async_process_play_media_url,
)
from homeassistant.helpers.aiohttp_client import async_get_clientsession

SOUND_SECONDS = 1.5


class RecordingPlayer(MediaPlayerEntity):
    _attr_name = "Recording player"
    _attr_unique_id = "recording_player"
    _attr_should_poll = False
    _attr_state = MediaPlayerState.IDLE
    _attr_supported_features = (
        MediaPlayerEntityFeature.PLAY_MEDIA | MediaPlayerEntityFeature.STOP | MediaPlayerEntityFeature.MEDIA_ANNOUNCE
    )

    def __init__(self):
        self._attr_extra_state_attributes = {"heard": [], "announced": [], "stopped": []}
        self._playing = None

    async def async_play_media(self, media_type, media_id, announce=None, **fields):
        found = await media_source.async_resolve_media(self.hass, media_id, self.entity_id)
        url = async_process_play_media_url(self.hass, found.url)
        async with async_get_clientsession(self.hass).get(url) as response:
            await response.content.readany()
            self._note("heard", time.monotonic())
            self._note("announced", bool(announce))
            await response.read()
        self._attr_state = MediaPlayerState.PLAYING
        self.async_write_ha_state()
        self._playing = self.hass.async_create_background_task(self._end(), "recording player")

    async def async_media_stop(self):
        if self._playing is not None:
            self._playing.cancel()
        self._note("stopped", time.monotonic())
        self._attr_state = MediaPlayerState.IDLE
        self.async_write_ha_state()

    async def _end(self):
        await asyncio.sleep(SOUND_SECONDS)
        self._attr_state = MediaPlayerState.IDLE
        self.async_write_ha_state()

    def _note(self, name, value):
        known = self._attr_extra_state_attributes
        self._attr_extra_state_attributes = {**known, name: [*known[name], value]}


async def async_setup_platform(hass, config, async_add_entities, discovery_info=None):
    async_add_entities([RecordingPlayer()])
