"""What is said about timers, in the language of the speaker."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_rosie.text import durations
from wyoming_rosie_hub.sentences import has, say, words
from wyoming_rosie_hub.timers.model import HubTimer

MOST_LISTED = 5


@dataclass(frozen=True)
class TimerWords:
    """One language, at one time in seconds since the epoch."""

    language: str
    now: float

    def label(self, timer: HubTimer) -> str:
        """Return how people call it: "pizza timer", "5 minute timer", or what is done when it has run out."""
        if timer.command is not None:
            return timer.command.label
        if timer.name:
            return say("timers.named", self.language, name=timer.name)
        length = durations.format_duration(timer.total_seconds, self.language)
        adjective = durations.format_modifier(timer.total_seconds, self.language)
        return say("timers.by_length", self.language, length=length, adjective=adjective)

    def about(self, key: str, timer: HubTimer) -> str:
        """Return a sentence about a timer, or the one about a command for later."""
        table = "later" if timer.command is not None and has(f"later.{key}") else "timers"
        length = durations.format_duration(timer.total_seconds, self.language)
        return _sentence(
            say(f"{table}.{key}", self.language, label=self.label(timer), length=length, left=self.left(timer))
        )

    def left(self, timer: HubTimer) -> str:
        return durations.format_duration(timer.seconds_left(self.now), self.language)

    def status(self, timers: Sequence[HubTimer]) -> str:
        """Return sentences about how much time is left on each timer."""
        lines = [self.about("left" if timer.is_active else "paused_left", timer) for timer in timers]
        return " ".join(lines) or say("timers.none", self.language)

    def which(self, among: Sequence[HubTimer]) -> str:
        """Ask which of some timers is meant, each told by what tells it apart."""
        options = [self._option(timer, among) for timer in among[:MOST_LISTED]]
        return say(
            "timers.which", self.language, options=durations.join_list(options, words("timers.or", self.language))
        )

    def are_alike(self, among: Sequence[HubTimer]) -> bool:
        """Tell whether it makes no difference which of some timers is taken."""
        return len({(self._told_apart(timer, among), timer.satellite_id, timer.is_active) for timer in among}) == 1

    def _option(self, timer: HubTimer, among: Sequence[HubTimer]) -> str:
        label = self._told_apart(timer, among)
        return label if timer.command else say("timers.option", self.language, label=label)

    def _told_apart(self, timer: HubTimer, among: Sequence[HubTimer]) -> str:
        label = self.label(timer)
        alike = [one for one in among if self.label(one) == label]
        if len(alike) == 1:
            return label
        if timer.area is not None and len({one.area for one in alike}) > 1:
            label = say("timers.in_area", self.language, label=label, area=timer.area)
            alike = [one for one in alike if one.area == timer.area]
        return say("timers.with_left", self.language, label=label, left=self.left(timer)) if len(alike) > 1 else label


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
