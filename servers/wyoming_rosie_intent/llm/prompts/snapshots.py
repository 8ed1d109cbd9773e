"""Prompt snapshots: prompts rendered at the wake word and kept for the sentence. Pure; the time is an argument."""

from collections import OrderedDict
from dataclasses import dataclass

from wyoming_rosie_intent.llm.model import ChatMessage, Prompt

SNAPSHOT_SECONDS = 30.0
MAX_SNAPSHOTS = 64
"""With more, the oldest is dropped."""


@dataclass(frozen=True)
class PromptSnapshot:
    """A prompt, the area of its turn, and the time of its expiry."""

    prompt: Prompt
    area: str | None
    until: float


class PromptSnapshots:
    """The snapshots by the ids of their turns."""

    def __init__(self) -> None:
        self._snapshots: OrderedDict[str, PromptSnapshot] = OrderedDict()

    def __len__(self) -> int:
        return len(self._snapshots)

    def add(self, turn_id: str, area: str | None, prompt: Prompt, now: float) -> None:
        """Keep the prompt until `now` + SNAPSHOT_SECONDS, in place of the turn's earlier one."""
        self._remove_expired(now)
        self._snapshots.pop(turn_id, None)
        self._snapshots[turn_id] = PromptSnapshot(prompt, area, now + SNAPSHOT_SECONDS)
        if len(self._snapshots) > MAX_SNAPSHOTS:
            self._snapshots.popitem(last=False)

    def clear(self) -> None:
        """Drop all prompts."""
        self._snapshots.clear()

    def pop(self, turn_id: str | None, area: str | None, now: float) -> Prompt | None:
        """Remove and return the prompt of the turn, or else the latest of the area.

        With neither a turn nor an area, as from Home Assistant, it is the only one there is: with a single wake word
        the sentence belongs to it.
        """
        self._remove_expired(now)
        found = turn_id if turn_id in self._snapshots else self._find_by_area(area)
        if found is None and turn_id is None and area is None and len(self._snapshots) == 1:
            found = next(iter(self._snapshots))
        return self._snapshots.pop(found).prompt if found is not None else None

    def _find_by_area(self, area: str | None) -> str | None:
        return next((turn_id for turn_id, snapshot in reversed(self._snapshots.items()) if snapshot.area == area), None)

    def _remove_expired(self, now: float) -> None:
        for turn_id in [turn_id for turn_id, snapshot in self._snapshots.items() if now > snapshot.until]:
            del self._snapshots[turn_id]


def get_history(prompt: Prompt) -> tuple[ChatMessage, ...]:
    """Return the history in a prompt: the messages between the system message and the present states."""
    return prompt.messages[1:-1]


def get_stable_prefix(prompt: Prompt) -> Prompt:
    """Return the beginning that does not change with the time and the states."""
    return Prompt(prompt.messages[:-1], prompt.tools)
