"""House watcher: publishes what changes in the house while somebody reads its events."""

import asyncio
import time
from dataclasses import asdict, replace
from typing import Any

from wyoming_rosie.logging import RecentLines
from wyoming_rosie.programs import DAEMONS
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie.timers.model import HubTimer
from wyoming_rosie_hub.satellites.levels import LevelMonitor, SatelliteLevels
from wyoming_rosie_hub.timeline import TurnRecord
from wyoming_rosie_hub.web.events import EventFeed, HouseEvent
from wyoming_rosie_hub.web.house import DaemonStatus, House, HouseSatellite, describe_timer

PAUSE_SECONDS = 0.5
WATCH_SECONDS = 10.0
"""Time for which a satellite reports its levels after each request."""
DAEMON_PAUSE_SECONDS = 5.0
LOG_EVENT = "log"
"""Name of the events that only administrators get."""


class HouseWatcher:
    """Compares the house with what it was; `on_phase` and `on_turn_end` are called as soon as that happens."""

    def __init__(self, house: House, feed: EventFeed, lines: RecentLines, levels: LevelMonitor) -> None:
        self._house = house
        self._levels = levels
        levels.on_levels = self._on_levels
        self._feed = feed
        self._lines = lines
        self._satellites: dict[str, HouseSatellite] = {}
        self._timers: tuple[HubTimer, ...] = ()
        self._daemons: dict[str, DaemonStatus] = {}
        self._line_count = 0

    async def run(self) -> None:
        """Publish changes until cancelled; then the readers are let go."""
        try:
            while True:
                await self._feed.wait_for_reader()
                await self._run_while_read()
        finally:
            self._feed.end()

    async def _run_while_read(self) -> None:
        self._begin()
        self._levels.set_watched(is_watched=True)
        async with run_beside(self._watch_daemons()), run_beside(self._watch_levels()):
            while self._feed.has_readers:
                self._check()
                await asyncio.sleep(PAUSE_SECONDS)
        self._levels.set_watched(is_watched=False)

    def on_phase(self, satellite_id: str) -> None:
        """Publish a satellite that has changed."""
        if self._feed.has_readers and (satellite := self._house.find_satellite(satellite_id)) is not None:
            self._satellites[satellite_id] = satellite
            self._publish("satellite", asdict(satellite))

    def on_turn_end(self, turn: TurnRecord) -> None:
        """Publish a turn that has ended."""
        self._feed.publish(HouseEvent("turn", asdict(turn), turn.area))

    def _begin(self) -> None:
        """Take the state that the first reader asks for by itself."""
        self._satellites = {one.id: one for one in self._house.satellites()}
        self._timers = tuple(self._house.timers())
        self._line_count = self._lines.count

    def _check(self) -> None:
        self._check_satellites()
        if (timers := tuple(self._house.timers())) != self._timers:
            self._timers = timers
            self._publish("timers", [describe_timer(timer, time.time()) for timer in timers])
        lines, self._line_count = self._lines.after(self._line_count), self._lines.count
        for line in lines:
            self._publish(LOG_EVENT, asdict(line))

    def _check_satellites(self) -> None:
        before, self._satellites = self._satellites, {one.id: one for one in self._house.satellites()}
        for satellite_id, satellite in self._satellites.items():
            if before.get(satellite_id) != satellite:
                self._publish("satellite", asdict(satellite))
        for satellite_id in before.keys() - self._satellites.keys():
            self._publish("satellite", asdict(replace(before[satellite_id], is_connected=False)))

    async def _watch_daemons(self) -> None:
        while True:
            for status in await asyncio.gather(*(self._house.describe_daemon(one.role) for one in DAEMONS)):
                before = self._daemons.get(status.role)
                self._daemons[status.role] = status
                if before is not None and _without_measures(before) != _without_measures(status):
                    self._publish("daemon", asdict(status))
            await asyncio.sleep(DAEMON_PAUSE_SECONDS)

    async def _watch_levels(self) -> None:
        while True:
            self._house.watch_satellites(WATCH_SECONDS)
            await asyncio.sleep(WATCH_SECONDS / 2)

    def _on_levels(self, levels: SatelliteLevels) -> None:
        self._house.set_thresholds(levels.wake_thresholds)
        self._feed.publish(HouseEvent("levels", asdict(levels), is_momentary=True))

    def _publish(self, name: str, data: Any) -> None:
        self._feed.publish(HouseEvent(name, data))


def _without_measures(status: DaemonStatus) -> DaemonStatus:
    """Return a status without what differs each time."""
    return replace(status, latency_ms=None, load=None)
