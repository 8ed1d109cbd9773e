"""Levels of satellites while somebody watches: as a satellite reports them, else of the audio that it sends."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wyoming.event import Event

from wyoming_rosie.audio.levels import SILENCE_DBFS, LevelMeter
from wyoming_rosie.runtime.fields import Fields, parse_number

LEAST_SECONDS = 0.2
"""Seconds between two readings of a satellite; what comes in between is dropped."""
REPORT_SECONDS = 2.0
"""A satellite that has reported so long ago reports by itself: its audio is not measured."""
MAX_WORDS = 16
MAX_NAME_CHARACTERS = 128


@dataclass(frozen=True)
class SatelliteLevels:
    """Levels in dBFS, and the scores and thresholds of wake words from 0 to 1; none for a satellite that reports none."""

    satellite: str
    level_dbfs: float
    noise_dbfs: float | None = None
    wake_scores: Mapping[str, float] = field(default_factory=dict)
    wake_thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass
class LevelMonitor:
    """Passes on the levels of all satellites while `is_watched`. Clock in seconds."""

    on_levels: Callable[[SatelliteLevels], None] = lambda _: None
    clock: Callable[[], float] = lambda: asyncio.get_running_loop().time()
    is_watched: bool = False
    _meters: dict[str, LevelMeter] = field(default_factory=dict)
    _passed_at: dict[str, float] = field(default_factory=dict)
    _reported_at: dict[str, float] = field(default_factory=dict)

    def set_watched(self, *, is_watched: bool) -> None:
        """Begin or end to watch."""
        self.is_watched = is_watched
        if not is_watched:
            self._meters.clear()
            self._passed_at.clear()
            self._reported_at.clear()

    def report(self, satellite: str, event: Event) -> None:
        """Pass on what a satellite reports, if it is valid."""
        if self.is_watched and (levels := parse_levels(satellite, event)) is not None:
            self._reported_at[satellite] = self.clock()
            self._pass_on(levels)

    def push_audio(self, satellite: str, pcm: bytes) -> None:
        """Measure 16 kHz 16-bit mono of a satellite that reports no levels."""
        if not self.is_watched or self.clock() - self._reported_at.get(satellite, -REPORT_SECONDS) < REPORT_SECONDS:
            return
        reading = self._meters.setdefault(satellite, LevelMeter()).push(pcm)
        if reading is not None:
            self._pass_on(SatelliteLevels(satellite, reading.level_dbfs, reading.noise_dbfs))

    def _pass_on(self, levels: SatelliteLevels) -> None:
        now = self.clock()
        if now - self._passed_at.get(levels.satellite, -LEAST_SECONDS) >= LEAST_SECONDS:
            self._passed_at[levels.satellite] = now
            self.on_levels(levels)


def create_watch_event(seconds: float) -> Event:
    """Return the event that asks a satellite for its levels for some seconds, and for near misses from then on."""
    return Event("user-event", {"name": "watch", "seconds": seconds})


def parse_levels(satellite: str, event: Event) -> SatelliteLevels | None:
    """Return the levels of a user-event; None for an invalid one."""
    fields = Fields(event.data)
    try:
        level = fields.number("level_dbfs", SILENCE_DBFS, 0.0)
        noise = fields.optional_number("noise_dbfs", SILENCE_DBFS, 0.0)
        shares = [_parse_shares(event.data.get(name)) for name in ("wake_scores", "wake_thresholds")]
    except ValueError:
        return None
    return SatelliteLevels(satellite, level, noise, *shares)


def _parse_shares(given: object) -> Mapping[str, float]:
    if not isinstance(given, Mapping):
        return {}
    numbers = {str(name)[:MAX_NAME_CHARACTERS]: parse_number(score) for name, score in list(given.items())[:MAX_WORDS]}
    return {name: score for name, score in numbers.items() if score is not None and 0 <= score <= 1}
