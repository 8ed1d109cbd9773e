"""Filler: a few words on the speaker of the room while the model thinks, by a way of its own."""

import asyncio
import logging
from contextlib import aclosing

from homeassistant.components import tts
from homeassistant.components.media_player.const import DOMAIN as MEDIA_PLAYER
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from .client import ChatRequest, OllamaClient, OllamaError
from .home import find_pipeline, find_speaker
from .rules.fillers import INSTRUCTIONS, find_phrase, may_fill, parse_filler
from .turn import Turn

_LOG = logging.getLogger(__name__)
BUDGET_SECONDS = 0.25
"""Time for the small model; after it a phrase of our own is spoken."""
DELAY_SECONDS = 0.3
"""Time after the sentence in which an answer makes the filler needless."""
_PLAY_SECONDS = 5.0
_IDLE = frozenset({"idle", "off", "standby", "unknown", "on", "paused"})


class FillerSpeaker:
    """Speaks at most one filler for a turn, which the first sound of the answer stops."""

    budget_seconds = BUDGET_SECONDS

    def __init__(self, hass: HomeAssistant, client: OllamaClient | None, model: str | None, player: str | None) -> None:
        self._hass = hass
        self._client = client
        self._model = model
        self._player = player

    async def run(self, turn: Turn, given: str | None = None) -> None:
        """Speak a filler unless the answer begins first, then see to its end; `given` is one that somebody else wrote."""
        player = find_speaker(self._hass, turn.user_input.device_id, self._player)
        if player is None or not (given or may_fill(turn.user_input.text, turn.user_input.language)):
            return
        try:
            media = await self._prepare(turn, given)
            left = turn.started + DELAY_SECONDS - self._hass.loop.time()
            if media is None or (not given and await _is_set_within(turn.spoke, left)) or turn.spoke.is_set():
                return
            await self._play(turn, player, media)
        except (HomeAssistantError, TimeoutError) as err:
            _LOG.debug("No filler is heard: %s", err)

    async def _prepare(self, turn: Turn, given: str | None) -> str | None:
        """Return the filler as a source of media whose sound is ready."""
        text = given or await self._find_text(turn)
        pipeline = find_pipeline(self._hass, turn.user_input.device_id)
        if text is None or pipeline is None or pipeline.tts_engine is None or turn.spoke.is_set():
            return None
        options = {tts.ATTR_VOICE: pipeline.tts_voice} if pipeline.tts_voice else {}
        media = tts.generate_media_source_id(
            self._hass, text, engine=pipeline.tts_engine, language=pipeline.tts_language, options=options, cache=True
        )
        async with asyncio.timeout(_PLAY_SECONDS):
            await tts.async_get_media_source_audio(self._hass, media)
        turn.filler = text
        return media

    async def _find_text(self, turn: Turn) -> str | None:
        asked = turn.user_input
        phrase = find_phrase(asked.text, asked.language)
        if self._client is None or not self._model:
            return phrase
        messages = ({"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": asked.text})
        text = ""
        try:
            async with asyncio.timeout(self.budget_seconds):
                async with aclosing(self._client.chat(ChatRequest(self._model, messages, (), 2048, 16))) as chunks:
                    async for chunk in chunks:
                        text += chunk.text
        except (OllamaError, TimeoutError):
            return phrase
        return parse_filler(text, asked.language) or phrase

    async def _play(self, turn: Turn, player: str, media: str) -> None:
        """Play the filler; end it with the answer's first sound unless it interrupts music, which goes on afterwards."""
        before = self._hass.states.get(player)
        was_idle = before is not None and before.state in _IDLE
        played = {"entity_id": player, "media_content_id": media, "media_content_type": "music", "announce": True}
        async with asyncio.timeout(_PLAY_SECONDS):
            await self._hass.services.async_call(MEDIA_PLAYER, "play_media", played, blocking=True)
        if not was_idle or self._is_own(turn, player):
            return  # the device's own speaker plays the answer next, in place of the filler
        await turn.spoke.wait()
        state = self._hass.states.get(player)
        if state is not None and state.state == "playing":
            await self._hass.services.async_call(MEDIA_PLAYER, "media_stop", {"entity_id": player})

    def _is_own(self, turn: Turn, player: str) -> bool:
        entry = er.async_get(self._hass).async_get(player)
        return entry is not None and entry.device_id is not None and entry.device_id == turn.user_input.device_id


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await event.wait()
    except TimeoutError:
        return False
    return True
