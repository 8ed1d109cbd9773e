"""What is said about timers, in the language of the speaker."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_rosie.text import durations
from wyoming_rosie_hub.sentences import format_sentence, get_entry, has_entry
from wyoming_rosie_hub.timers.model import HubTimer

MAX_LISTED = 5


@dataclass(frozen=True)
class TimerResponses:
    """One language, at one time in seconds since the epoch."""

    language: str
    now: float

    def label(self, timer: HubTimer) -> str:
        """Return how people call it: "pizza timer", "5 minute timer", or what is done when it has run out."""
        if timer.command is not None:
            return timer.command.label
        if timer.name:
            return format_sentence("timers.named", self.language, name=timer.name)
        length = durations.format_duration(timer.total_seconds, self.language)
        adjective = durations.format_modifier(timer.total_seconds, self.language)
        return format_sentence("timers.by_length", self.language, length=length, adjective=adjective)

    def format_response(self, key: str, timer: HubTimer) -> str:
        """Return a sentence about a timer, or the one about a command for later."""
        table = "later" if timer.command is not None and has_entry(f"later.{key}") else "timers"
        length = durations.format_duration(timer.total_seconds, self.language)
        return _capitalize(
            format_sentence(
                f"{table}.{key}",
                self.language,
                label=self.label(timer),
                length=length,
                left=self.format_remaining(timer),
            )
        )

    def format_remaining(self, timer: HubTimer) -> str:
        return durations.format_duration(timer.seconds_left(self.now), self.language)

    def describe(self, timers: Sequence[HubTimer]) -> str:
        """Return sentences about how much time is left on each timer."""
        lines = [self.format_response("left" if timer.is_active else "paused_left", timer) for timer in timers]
        return " ".join(lines) or format_sentence("timers.none", self.language)

    def ask_which(self, candidates: Sequence[HubTimer]) -> str:
        """Ask which of some timers is meant, each told by what tells it apart."""
        options = [self._format_option(timer, candidates) for timer in candidates[:MAX_LISTED]]
        return format_sentence(
            "timers.which", self.language, options=durations.join_list(options, get_entry("timers.or", self.language))
        )

    def are_duplicates(self, candidates: Sequence[HubTimer]) -> bool:
        """Tell whether it makes no difference which of some timers is taken."""
        return (
            len({(self._unique_label(timer, candidates), timer.satellite_id, timer.is_active) for timer in candidates})
            == 1
        )

    def _format_option(self, timer: HubTimer, candidates: Sequence[HubTimer]) -> str:
        label = self._unique_label(timer, candidates)
        return label if timer.command else format_sentence("timers.option", self.language, label=label)

    def _unique_label(self, timer: HubTimer, candidates: Sequence[HubTimer]) -> str:
        label = self.label(timer)
        alike = [one for one in candidates if self.label(one) == label]
        if len(alike) == 1:
            return label
        if timer.area is not None and len({one.area for one in alike}) > 1:
            label = format_sentence("timers.in_area", self.language, label=label, area=timer.area)
            alike = [one for one in alike if one.area == timer.area]
        return (
            format_sentence("timers.with_left", self.language, label=label, left=self.format_remaining(timer))
            if len(alike) > 1
            else label
        )


def _capitalize(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
