"""The hub as the house of the web server."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any

from wyoming.event import Event

from wyoming_rosie.http.health import Health
from wyoming_rosie.protocol import turn
from wyoming_rosie.timers.model import HubTimer, matches_name
from wyoming_rosie.timers.requests import IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.messages import Announcement
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.satellites.registry import ConnectedSatellite, SatelliteRegistry
from wyoming_rosie_hub.timeline import TurnHistory
from wyoming_rosie_hub.turn_runner import DEFAULT_LANGUAGE, HubContext
from wyoming_rosie_hub.web.config_editor import ConfigEditor
from wyoming_rosie_hub.web.daemons import DaemonMonitor
from wyoming_rosie_hub.web.house import (
    ConfigChange,
    ConfigDocument,
    DaemonStatus,
    HouseSatellite,
    Sentence,
    SentenceReply,
    UnknownSatelliteError,
)
from wyoming_rosie_hub.web.sentences import SentenceService


@dataclass
class LiveConfig:
    """The settings that the hub runs with, and the editor of their file; `apply` takes over what can change."""

    editor: ConfigEditor
    settings: Any
    apply: Callable[[Any], None]
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def describe(self) -> ConfigDocument:
        return self.editor.describe(self.settings)

    async def change(self, changes: Mapping[str, Any]) -> ConfigChange:
        """Write the changes and apply them, one request at a time. Raises ConfigError."""
        async with self._lock:
            change, self.settings = await asyncio.to_thread(self.editor.change, changes, self.settings)
            self.apply(self.settings)
            return change


class HubHouse:
    """Answers from the hub's services."""

    def __init__(self, context: HubContext, registry: SatelliteRegistry, health: Health, config: LiveConfig) -> None:
        self._context = context
        self._registry = registry
        self._health = health
        self._config = config
        self._daemons = DaemonMonitor(context.directory.find_uri)
        self._sentences = SentenceService(context)

    @property
    def history(self) -> TurnHistory:
        return self._context.history

    def run_checks(self) -> Mapping[str, str | None]:
        return self._health.run_checks()

    async def describe_daemon(self, role: str) -> DaemonStatus:
        return await self._daemons.describe(role)

    def satellites(self) -> Sequence[HouseSatellite]:
        return [_describe(satellite) for satellite in self._registry.all]

    def queues(self) -> Mapping[str, int]:
        return {"announcements": self._context.announcements.waiting}

    async def answer(self, sentence: Sentence) -> AsyncGenerator[SentenceReply, None]:
        satellite = self._find_speaker(sentence)
        async with aclosing(self._sentences.answer(sentence, satellite)) as replies:
            async for reply in replies:
                yield reply

    def announce(self, satellite_id: str, text: str, language: str) -> None:
        self._find(satellite_id)
        self._registry.announce(satellite_id, Announcement(turn.new_id(), SpokenAnswer(text), language))

    async def set_volume(self, satellite_id: str, percent: int) -> int | None:
        self._find(satellite_id)
        return await self._context.volume.set_volume(satellite_id, percent)

    def set_muted(self, satellite_id: str, *, is_muted: bool) -> None:
        self._find(satellite_id)
        self._registry.send(satellite_id, Event("user-event", {"name": "mute", "muted": is_muted}))

    def timers(self) -> Sequence[HubTimer]:
        return self._context.timers.all

    async def start_timer(self, satellite_id: str, seconds: int, name: str | None, language: str) -> SpokenAnswer:
        satellite = SatelliteIdentity(satellite_id, self._find(satellite_id).area, language)
        slots: dict[str, object] = {"seconds": seconds} | ({"name": name} if name else {})
        answer = await self._context.timers.execute(IntentRequest("HassStartTimer", slots, satellite))
        assert answer is not None
        return answer

    async def cancel_timer(self, timer_id: str) -> bool:
        return await self._context.timers.cancel(timer_id)

    def read_config(self) -> ConfigDocument:
        return self._config.describe()

    async def change_config(self, changes: Mapping[str, Any]) -> ConfigChange:
        return await self._config.change(changes)

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        return self._registry.attach(self._context, satellite, send)

    def _find(self, satellite_id: str) -> ConnectedSatellite:
        for satellite in self._registry.connected:
            if satellite.satellite_id == satellite_id:
                return satellite
        there_are = ", ".join(sorted(self._registry.areas())) or "none"
        raise UnknownSatelliteError(f"no satellite '{satellite_id}' is connected; there are: {there_are}")

    def _find_speaker(self, sentence: Sentence) -> SatelliteIdentity:
        """Return the room's satellite, where timers then ring; without one, the client itself."""
        language = sentence.language or self._context.language or DEFAULT_LANGUAGE
        for satellite in self._registry.connected if sentence.room else ():
            if satellite.satellite_id and matches_name(satellite.area, sentence.room or ""):
                return SatelliteIdentity(satellite.satellite_id, satellite.area, language)
        return SatelliteIdentity(f"client:{sentence.client}", sentence.room, language)


def _describe(satellite: ConnectedSatellite) -> HouseSatellite:
    is_connected, satellite_id = satellite.satellite_id is not None, satellite.satellite_id or satellite.uri
    return HouseSatellite(
        satellite_id,
        satellite.area,
        satellite.uri,
        is_connected,
        satellite.phase,
        satellite.volume_percent,
        satellite.is_muted,
    )
