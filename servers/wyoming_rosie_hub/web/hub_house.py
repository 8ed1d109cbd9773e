"""The hub as the house of the web server."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

from wyoming.event import Event
from wyoming.info import Info

from wyoming_rosie.backup.parts import BackupPlaces
from wyoming_rosie.errors import RosieError
from wyoming_rosie.http.health import Health
from wyoming_rosie.logging import recent_lines
from wyoming_rosie.protocol import turn
from wyoming_rosie.runtime.load import MachineLoad, MachineMeter
from wyoming_rosie.timers.model import HubTimer, matches_name
from wyoming_rosie.timers.requests import IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.messages import Announcement
from wyoming_rosie_hub.satellites.levels import create_watch_event
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.satellites.registry import ConnectedSatellite, SatelliteRegistry
from wyoming_rosie_hub.timeline import TurnHistory
from wyoming_rosie_hub.turn_runner import DEFAULT_LANGUAGE, HubContext
from wyoming_rosie_hub.web.daemons import DaemonMonitor, IntentMonitor, list_wake_words
from wyoming_rosie_hub.web.events import EventFeed
from wyoming_rosie_hub.web.house import (
    ConfigChange,
    ConfigDocument,
    DaemonStatus,
    HousePlugin,
    HouseSatellite,
    HouseVoice,
    HouseWakeWord,
    LogExcerpt,
    Sentence,
    SentenceReply,
    UnknownSatelliteError,
    VoiceTrial,
)
from wyoming_rosie_hub.web.house_watcher import HouseWatcher
from wyoming_rosie_hub.web.log_reader import read_log
from wyoming_rosie_hub.web.model_answers import ModelAnswers
from wyoming_rosie_hub.web.program_settings import ProgramSettings, installed_programs
from wyoming_rosie_hub.web.sentences import SentenceService
from wyoming_rosie_hub.web.voices import UnknownVoiceError, VoiceSampler, list_voices


class HubHouse:
    """Answers from the hub's services."""

    def __init__(
        self,
        context: HubContext,
        registry: SatelliteRegistry,
        health: Health,
        config: ProgramSettings,
        backup_places: BackupPlaces,
        model_answers: ModelAnswers,
    ) -> None:
        self._context = context
        self._registry = registry
        self._health = health
        self._config = config
        self.backup_places = backup_places
        self.model_answers = model_answers
        self._daemons = DaemonMonitor(context.directory.find_uri)
        self._sentences = SentenceService(context, lambda satellite_id: satellite_id in registry.areas())
        self._sampler = VoiceSampler(lambda: context.directory.find_uri("tts"))
        self._intent = IntentMonitor(lambda: context.directory.find_uri("intent"))
        self._machine = MachineMeter(backup_places.state["hub"])
        self.events = EventFeed()
        self._watcher = HouseWatcher(self, self.events, recent_lines, context.levels)
        context.on_phase = self._watcher.on_phase
        context.history.on_end = self._watcher.on_turn_end

    @property
    def history(self) -> TurnHistory:
        return self._context.history

    def restoring(self) -> AbstractAsyncContextManager[None]:
        return self._context.timers.replacing_file()

    async def watch(self) -> None:
        await self._watcher.run()

    def watch_satellites(self, seconds: float) -> None:
        for satellite in self._registry.connected:
            satellite.send(create_watch_event(seconds))

    def run_checks(self) -> Mapping[str, str | None]:
        return self._health.run_checks()

    async def describe_daemon(self, role: str) -> DaemonStatus:
        return await self._daemons.describe(role)

    def satellites(self) -> Sequence[HouseSatellite]:
        return [self._describe(satellite) for satellite in self._registry.all]

    def find_satellite(self, satellite_id: str) -> HouseSatellite | None:
        return next(map(self._describe, self._registry.with_id(satellite_id)), None)

    async def measure_machine(self) -> MachineLoad:
        return await asyncio.to_thread(self._machine.measure)

    def queues(self) -> Mapping[str, int]:
        return {"announcements": self._context.announcements.waiting}

    async def answer(self, sentence: Sentence) -> AsyncGenerator[SentenceReply, None]:
        satellite = self._find_speaker(sentence)
        async with aclosing(self._sentences.answer(sentence, satellite)) as replies:
            async for reply in replies:
                yield reply

    async def is_private(self, room: str) -> bool:
        return await self._intent.is_private(room)

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

    def programs(self) -> Sequence[str]:
        return installed_programs()

    async def read_config(self, program: str) -> ConfigDocument:
        return await self._config.describe(program)

    async def change_config(self, program: str, changes: Mapping[str, Any]) -> ConfigChange:
        return await self._config.change(program, changes)

    async def list_voices(self) -> Sequence[HouseVoice]:
        return list_voices(await self._daemons.fetch_info("tts"), self._context.language or DEFAULT_LANGUAGE)

    async def try_voice(self, request: VoiceTrial) -> bytes:
        known = [voice.name for voice in await self.list_voices() if voice.installed]
        if request.voice not in known:
            raise UnknownVoiceError(f"no voice '{request.voice}' is installed; there are: {', '.join(known) or 'none'}")
        return await self._sampler.speak(request)

    async def list_wake_words(self) -> Sequence[HouseWakeWord]:
        info = await self._find_info("wake")
        return list_wake_words(info, self._registry.connected, self._context.wake_words)

    def set_thresholds(self, thresholds: Mapping[str, float]) -> None:
        self._context.wake_words.set_thresholds(thresholds)

    async def list_plugins(self) -> Sequence[HousePlugin]:
        return await self._intent.list_plugins()

    async def ask_memory(self, action: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._intent.ask_memory(action, data)

    async def read_log(self, limit: int, program: str | None) -> LogExcerpt:
        return await read_log(recent_lines, limit, program)

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        return self._registry.attach(self._context, satellite, send)

    def _find(self, satellite_id: str) -> ConnectedSatellite:
        if (satellite := next(self._registry.with_id(satellite_id), None)) is not None:
            return satellite
        there_are = ", ".join(sorted(self._registry.areas())) or "none"
        raise UnknownSatelliteError(f"no satellite '{satellite_id}' is connected; there are: {there_are}")

    async def _find_info(self, role: str) -> Info | None:
        try:
            return await self._daemons.fetch_info(role)
        except RosieError:
            return None

    def _describe(self, satellite: ConnectedSatellite) -> HouseSatellite:
        satellite_id = satellite.satellite_id or satellite.uri
        return HouseSatellite(
            satellite_id,
            satellite.area,
            satellite.uri,
            satellite.satellite_id is not None,
            satellite.phase,
            satellite.volume_percent,
            satellite.is_muted,
            self._context.history.last_of(satellite_id),
            satellite.software,
        )

    def _find_speaker(self, sentence: Sentence) -> SatelliteIdentity:
        """Return the room's satellite, where timers then ring; without one, the client itself."""
        language = sentence.language or self._context.language or DEFAULT_LANGUAGE
        for satellite in self._registry.connected if sentence.room else ():
            if satellite.satellite_id and matches_name(satellite.area, sentence.room or ""):
                return SatelliteIdentity(satellite.satellite_id, satellite.area, language)
        return SatelliteIdentity(f"client:{sentence.client}", sentence.room, language)
