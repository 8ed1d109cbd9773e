"""Wake words: the moments at which Home Assistant lets an agent know that somebody is about to speak."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util

from .home import find_pipeline

SATELLITE_SECONDS = 0.05
"""Time in which a satellite reports its state, so that a pipeline without one is told apart."""
_JUST_NOW = timedelta(seconds=2)
_SATELLITES, _LISTENING = "assist_satellite", "listening"
Prepare = Callable[[str | None, str | None], None]
"""Called with the device that listens and the language of its pipeline."""


@callback
def listen_for_wake_words(hass: HomeAssistant, agent: Callable[[], str], prepare: Prepare) -> Callable[[], None]:
    """Prepare whenever a satellite begins to listen whose pipeline has this agent; return the end of that."""

    @callback
    def on_state(event: Event[EventStateChangedData]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        if new is None or not _is_listening(new) or (old is not None and _is_listening(old)):
            return
        entry = er.async_get(hass).async_get(new.entity_id)
        device_id = entry.device_id if entry else None
        pipeline = find_pipeline(hass, device_id)
        if pipeline is not None and pipeline.conversation_engine == agent():
            prepare(device_id, pipeline.conversation_language)

    return hass.bus.async_listen(EVENT_STATE_CHANGED, on_state)


async def prepare_pipeline(hass: HomeAssistant, language: str | None, prepare: Prepare) -> None:
    """Prepare for a pipeline that names no device: for the satellites that have just begun to listen, else for none.

    Such a satellite has mostly prepared for itself, unless another wake word than its first one chose the pipeline.
    """
    await asyncio.sleep(SATELLITE_SECONDS)
    since = dt_util.utcnow() - _JUST_NOW
    listening = [state for state in hass.states.async_all(_SATELLITES) if _is_listening(state)]
    entries = [er.async_get(hass).async_get(state.entity_id) for state in listening if state.last_changed >= since]
    for device_id in {entry.device_id if entry else None for entry in entries} or {None}:
        prepare(device_id, language)


def _is_listening(state: State) -> bool:
    return state.domain == _SATELLITES and state.state == _LISTENING
