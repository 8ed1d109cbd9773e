"""Prompts that were written when the wake word was heard, until somebody's sentence takes them: pure, time is an argument."""

from collections import OrderedDict
from dataclasses import dataclass

from wyoming_rosie_intent.llm.model import ChatMessage, Prompt

FROZEN_SECONDS = 30.0
MAX_FROZEN = 64
"""The oldest is dropped when there are more."""


@dataclass(frozen=True)
class PromptSnapshot:
    """A prompt as it was, for whom, and until when."""

    prompt: Prompt
    area: str | None
    until: float


class PromptSnapshots:
    """What was frozen, by the turn's id."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[str, PromptSnapshot] = OrderedDict()

    def __len__(self) -> int:
        return len(self._snapshots)

    def add(self, turn_id: str, area: str | None, prompt: Prompt, now: float) -> None:
        """Keep the prompt until `now` + FROZEN_SECONDS; what the turn had before is dropped."""
        self._remove_expired(now)
        self._snapshots.pop(turn_id, None)
        self._snapshots[turn_id] = PromptSnapshot(prompt, area, now + FROZEN_SECONDS)
        if len(self._snapshots) > MAX_FROZEN:
            self._snapshots.popitem(last=False)

    def pop(self, turn_id: str | None, area: str | None, now: float) -> Prompt | None:
        """Return the turn's prompt, else the area's last one; it is given out once.

        Where neither the turn nor an area is known, as with Home Assistant, it is the only one there is: one wake word
        was heard, so it was this person's.
        """
        self._remove_expired(now)
        found = turn_id if turn_id in self._snapshots else self._find_by_area(area)
        if found is None and turn_id is None and area is None and len(self._snapshots) == 1:
            found = next(iter(self._snapshots))
        return self._snapshots.pop(found).prompt if found is not None else None

    def _find_by_area(self, area: str | None) -> str | None:
        return next((turn_id for turn_id, frozen in reversed(self._snapshots.items()) if frozen.area == area), None)

    def _remove_expired(self, now: float) -> None:
        for turn_id in [turn_id for turn_id, frozen in self._snapshots.items() if now > frozen.until]:
            del self._snapshots[turn_id]


def get_history(prompt: Prompt) -> tuple[ChatMessage, ...]:
    """Return what a prompt tells of the conversation: all between the system text and how things are now."""
    return prompt.messages[1:-1]


def get_stable_prefix(prompt: Prompt) -> Prompt:
    """Return the beginning that stays the same while only the time and the states change."""
    return Prompt(prompt.messages[:-1], prompt.tools)
