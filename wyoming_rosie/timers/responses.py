"""Timer responses: sentences about timers in the user's language."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming_rosie.text import durations
from wyoming_rosie.text.sentences import format_sentence, get_entry, has_entry
from wyoming_rosie.timers.model import HubTimer

MAX_LISTED = 5


@dataclass(frozen=True)
class TimerResponses:
    """Sentences in one language at one time; `now` is seconds since the epoch."""

    language: str
    now: float

    def label(self, timer: HubTimer) -> str:
        """Return the timer's label: "pizza timer", "5 minute timer", or the command that it delays."""
        if timer.command is not None:
            return timer.command.label
        if timer.name:
            return format_sentence("timers.named", self.language, name=timer.name)
        length = durations.format_duration(timer.total_seconds, self.language)
        adjective = durations.format_modifier(timer.total_seconds, self.language)
        return format_sentence("timers.by_length", self.language, length=length, adjective=adjective)

    def format_response(self, key: str, timer: HubTimer) -> str:
        """Return the sentence with a key about a timer, or about a delayed command."""
        table = "later" if timer.command is not None and has_entry(f"later.{key}") else "timers"
        length, remaining = durations.format_duration(timer.total_seconds, self.language), self.format_remaining(timer)
        label = self.label(timer)
        return _capitalize(format_sentence(f"{table}.{key}", self.language, label=label, length=length, left=remaining))

    def format_remaining(self, timer: HubTimer) -> str:
        return durations.format_duration(timer.seconds_left(self.now), self.language)

    def describe(self, timers: Sequence[HubTimer]) -> str:
        """Return a sentence about the time left on each timer."""
        lines = [self.format_response("left" if timer.is_active else "paused_left", timer) for timer in timers]
        return " ".join(lines) or format_sentence("timers.none", self.language)

    def ask_which(self, candidates: Sequence[HubTimer]) -> str:
        """Return the question which timer is meant; options differ in label, area or time left."""
        options = [self._format_option(timer, candidates) for timer in candidates[:MAX_LISTED]]
        listed = durations.join_list(options, get_entry("timers.or", self.language))
        return format_sentence("timers.which", self.language, options=listed)

    def are_duplicates(self, candidates: Sequence[HubTimer]) -> bool:
        """Return whether the timers are the same in every respect."""
        keys = {(self._unique_label(timer, candidates), timer.satellite_id, timer.is_active) for timer in candidates}
        return len(keys) == 1

    def _format_option(self, timer: HubTimer, candidates: Sequence[HubTimer]) -> str:
        label = self._unique_label(timer, candidates)
        return label if timer.command else format_sentence("timers.option", self.language, label=label)

    def _unique_label(self, timer: HubTimer, candidates: Sequence[HubTimer]) -> str:
        label = self.label(timer)
        similar = [candidate for candidate in candidates if self.label(candidate) == label]
        if len(similar) == 1:
            return label
        if timer.area is not None and len({candidate.area for candidate in similar}) > 1:
            label = format_sentence("timers.in_area", self.language, label=label, area=timer.area)
            similar = [candidate for candidate in similar if candidate.area == timer.area]
        if len(similar) == 1:
            return label
        return format_sentence("timers.with_left", self.language, label=label, left=self.format_remaining(timer))


def _capitalize(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
