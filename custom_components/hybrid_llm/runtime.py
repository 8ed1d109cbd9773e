"""What an entry has while it is loaded."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from homeassistant.components.conversation import ConversationResult
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .client import OllamaClient
from .filler import FillerSpeaker
from .turn import Turn

_LOG = logging.getLogger(__name__)


class Thinker(Protocol):
    """Answers what Home Assistant's own sentences do not."""

    def prepare(self, device_id: str | None, language: str | None) -> None:
        """Get ready for a sentence that a device is about to hear; returns at once."""

    def load(self, language: str | None) -> None:
        """Have the model read what all sentences have in common; returns at once."""

    def remember(self, turn: Turn) -> None:
        """Note a finished turn, whoever has answered it."""

    async def answer(self, turn: Turn) -> ConversationResult:
        """Answer a sentence; every failure is spoken."""
        ...

    async def close(self) -> None:
        """End what runs in the background."""


class AvailabilityLog:
    """Logs the first failure of a server and its recovery, and nothing in between."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_away = False

    def record(self, failure: str | None) -> None:
        """Note a failure, or a success with None."""
        if failure is not None and not self._is_away:
            _LOG.warning("%s cannot answer: %s", self._name, failure)
        if failure is None and self._is_away:
            _LOG.info("%s answers again", self._name)
        self._is_away = failure is not None


@dataclass
class Runtime:
    """The parts of a loaded entry."""

    thinker: Thinker
    filler: FillerSpeaker | None
    client: OllamaClient | None
    turns: int = 0
    last_turn: Turn | None = None
    listeners: list[Callable[[Turn], None]] = field(default_factory=list)

    @callback
    def record(self, turn: Turn) -> None:
        """Tell the thinker and the sensors of a finished turn."""
        self.thinker.remember(turn)
        self.turns += 1
        self.last_turn = turn
        for listener in self.listeners:
            listener(turn)


HybridConfigEntry = ConfigEntry[Runtime]


@callback
def change_entry(hass: HomeAssistant, entry: ConfigEntry, data: Mapping[str, Any], **fields: Any) -> None:
    """Store new data of an entry and load it anew; a loaded entry reloads itself whenever it changes."""
    was_loaded = entry.state is ConfigEntryState.LOADED
    is_changed = hass.config_entries.async_update_entry(entry, data=dict(data), **fields)
    if not (was_loaded and is_changed):
        hass.config_entries.async_schedule_reload(entry.entry_id)
