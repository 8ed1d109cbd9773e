"""Level report: the microphone's level, the scores of wake words and near misses, for conductors that watch."""

from collections.abc import Callable, Mapping
from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.audio.levels import LevelMeter, LevelReading
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie_satellite.integrations.observers import USER_EVENT

WATCH = "watch"
"""Name of the user-event with which a conductor watches for some seconds."""
LEVELS = "levels"
NEAR_MISS = "near-miss"
MAX_WATCH_SECONDS = 60.0


class LevelWatcher(Protocol):
    """A conductor that is told the levels."""

    def queue_event(self, event: Event) -> None:
        """Send an event as soon as possible; never waits."""


class LevelReport:
    """Tells the levels to those who watch, and measures nothing while nobody does. `now` is in seconds.

    Near misses are rare: who has watched once is told all of them.
    """

    def __init__(
        self, take_scores: Callable[[], Mapping[str, float]] = dict, thresholds: Mapping[str, float] | None = None
    ) -> None:
        self._take_scores = take_scores  # the highest score of each word since the last call
        self._thresholds = {} if thresholds is None else thresholds  # a detector at a wake daemon learns them later
        self._until: dict[LevelWatcher, float] = {}
        self._watchers: set[LevelWatcher] = set()  # all that have watched once
        self._meter = LevelMeter()

    def watch(self, watcher: LevelWatcher, seconds: float, now: float) -> None:
        """Tell a conductor the levels for some seconds more; none ends it."""
        if not self._until:
            self._meter = LevelMeter()
            self._take_scores()  # those of the time before
        self._watchers.add(watcher)
        self._until[watcher] = now + min(seconds, MAX_WATCH_SECONDS)

    def forget(self, watcher: LevelWatcher) -> None:
        """Tell a conductor that has left nothing more."""
        self._until.pop(watcher, None)
        self._watchers.discard(watcher)

    def report_near_miss(self, word: str, score: float | None) -> None:
        """Tell of a wake word that was nearly heard."""
        event = Event(USER_EVENT, {"name": NEAR_MISS, "word": word, "score": score})
        for watcher in self._watchers:
            watcher.queue_event(event)

    def push_audio(self, pcm: bytes, now: float) -> None:
        """Measure the next audio of the microphone."""
        self._until = {watcher: until for watcher, until in self._until.items() if now < until}
        if self._until and (reading := self._meter.push(pcm)) is not None:
            event = create_levels_event(reading, self._take_scores(), self._thresholds)
            for watcher in self._until:
                watcher.queue_event(event)


def parse_watch(event: Event) -> float | None:
    """Return for how many seconds a conductor watches; None for other events."""
    if event.type != USER_EVENT or event.data.get("name") != WATCH:
        return None
    return parse_number(event.data.get("seconds"))


def create_levels_event(reading: LevelReading, scores: Mapping[str, float], thresholds: Mapping[str, float]) -> Event:
    """Return the event that tells levels in dBFS, and scores and thresholds from 0 to 1 by wake word."""
    levels = {"level_dbfs": reading.level_dbfs, "noise_dbfs": reading.noise_dbfs}
    rounded = {name: round(score, 3) for name, score in scores.items()}
    needed = {name: round(thresholds[name], 3) for name in scores if name in thresholds}
    return Event(USER_EVENT, {"name": LEVELS, **levels, "wake_scores": rounded, "wake_thresholds": needed})
