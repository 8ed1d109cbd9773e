"""Alarms and reminders for satellites that Home Assistant conducts: kept here, since its own timers ring once."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from wyoming.event import Event

from wyoming_rosie.timers import alarms
from wyoming_rosie.timers.model import DelayedCommand, HubTimer
from wyoming_rosie.timers.requests import IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie.timers.service import TimerCallbacks, TimerService
from wyoming_rosie_intent.engine import Match, SatelliteAnnouncer

RING_SECONDS = 180.0
"""Time for which an alarm that nobody stops is repeated."""
PAUSE_SECONDS = 5.0
"""Pause between two repetitions, in which somebody can say the wake word."""
POLL_SECONDS = 1.0
"""Pause between two looks at the satellites, whose states come without a call."""


class SatelliteAlarms:
    """Keeps alarms in a file and rings them by announcements, until somebody speaks at the satellite."""

    def __init__(
        self,
        path: Path,
        announcer: SatelliteAnnouncer,
        states: Callable[[], Mapping[str, Mapping[str, object]]],
        pause_seconds: float = PAUSE_SECONDS,
        ring_seconds: float = RING_SECONDS,
    ) -> None:
        self._announcer = announcer
        self._states = states
        self._pause_seconds = pause_seconds
        self._ring_seconds = ring_seconds
        self._ringing: dict[str, asyncio.Task[None]] = {}  # by satellite
        callbacks = TimerCallbacks(
            self._send, announcer.satellites, self._run_command, self._announce, self._read_places, self._ring
        )
        self._timers = TimerService(path, callbacks)

    def serves(self, satellite: str | None) -> bool:
        """Return whether a satellite's alarms are kept here."""
        return satellite is not None and satellite in self._announcer.satellites()

    def has_rung(self, satellite: str) -> bool:
        """Return whether an alarm rang at a satellite, so that it can be snoozed."""
        return self._timers.has_rung(satellite)

    def silence(self, satellite: str | None) -> None:
        """Stop the ringing of a satellite at which somebody speaks."""
        task = self._ringing.pop(satellite or "", None)
        if task is not None:
            task.cancel()

    async def execute(self, match: Match, satellite: str, area: str | None) -> SpokenAnswer | None:
        """Carry out an intent about alarms; None for other intents."""
        identity = SatelliteIdentity(satellite, area, match.language)
        return await self._timers.execute(IntentRequest(match.intent, match.slot_values, identity))

    async def answer_question(self, text: str, satellite: str | None, language: str) -> SpokenAnswer | None:
        """Process the answer to the question which alarm is meant; None if there is none, or the text answers nothing."""
        if satellite is None or not self._timers.is_waiting(satellite):
            return None
        return await self._timers.answer_question(text, SatelliteIdentity(satellite, None, language))

    async def run(self) -> None:
        """Ring the alarms at their times, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._timers.run())
                tasks.create_task(self._timers.watch_presence())
                tasks.create_task(self._watch_satellites())
        finally:
            ringing = list(self._ringing.values())
            for task in ringing:
                task.cancel()
            await asyncio.gather(*ringing, return_exceptions=True)

    async def _watch_satellites(self) -> None:
        """Ring what is due at a satellite that can be reached again."""
        known: set[str] = set()
        while True:
            reachable = set(self._announcer.satellites())
            for satellite in reachable - known:
                self._timers.on_connected(satellite)
            known = reachable
            await asyncio.sleep(POLL_SECONDS)

    def _ring(self, timer: HubTimer) -> bool:
        if not self.serves(timer.satellite_id):
            return False
        self.silence(timer.satellite_id)
        text = alarms.ringing_text(timer, time.time())
        task = asyncio.get_running_loop().create_task(self._repeat(timer.satellite_id, text))
        self._ringing[timer.satellite_id] = task
        return True

    async def _repeat(self, satellite: str, text: str) -> None:
        """Repeat a text while the satellite is idle, for its time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._ring_seconds):
                while True:
                    if self._announcer.satellites().get(satellite, False):
                        await self._announcer.announce(satellite, text)
                    await asyncio.sleep(self._pause_seconds)

    async def _read_places(self, persons: Collection[str]) -> Mapping[str, str]:
        states = self._states()
        return {person: str(states[person].get("state", "")) for person in persons if person in states}

    def _send(self, satellite: str, event: Event) -> bool:
        return self.serves(satellite)  # the satellite keeps nothing itself

    def _announce(self, satellite: SatelliteIdentity, answer: SpokenAnswer, conversation: str) -> None:
        """Say nothing: a reminder is what rings."""

    async def _run_command(self, timer: HubTimer, command: DelayedCommand) -> SpokenAnswer:
        """Refuse: delayed commands are Home Assistant's."""
        return SpokenAnswer("", succeeded=False)
