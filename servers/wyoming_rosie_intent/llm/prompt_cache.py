"""Prompts that were written when the wake word was heard, until somebody's sentence takes them: pure, time is an argument."""

from collections import OrderedDict
from dataclasses import dataclass

from wyoming_rosie_intent.llm.model import Message, Prompt

FROZEN_SECONDS = 30.0
MOST_FROZEN = 64
"""The oldest is dropped when there are more."""


@dataclass(frozen=True)
class Frozen:
    """A prompt as it was, for whom, and until when."""

    prompt: Prompt
    area: str | None
    until: float


class FrozenPrompts:
    """What was frozen, by the turn's id."""

    def __init__(self) -> None:
        self._frozen: OrderedDict[str, Frozen] = OrderedDict()

    def __len__(self) -> int:
        return len(self._frozen)

    def freeze(self, turn_id: str, area: str | None, prompt: Prompt, now: float) -> None:
        """Keep the prompt until `now` + FROZEN_SECONDS; what the turn had before is dropped."""
        self._end(now)
        self._frozen.pop(turn_id, None)
        self._frozen[turn_id] = Frozen(prompt, area, now + FROZEN_SECONDS)
        if len(self._frozen) > MOST_FROZEN:
            self._frozen.popitem(last=False)

    def take(self, turn_id: str | None, area: str | None, now: float) -> Prompt | None:
        """Return the turn's prompt, else the area's last one; it is given out once.

        Where neither the turn nor an area is known, as with Home Assistant, it is the only one there is: one wake word
        was heard, so it was this person's.
        """
        self._end(now)
        found = turn_id if turn_id in self._frozen else self._of_area(area)
        if found is None and turn_id is None and area is None and len(self._frozen) == 1:
            found = next(iter(self._frozen))
        return self._frozen.pop(found).prompt if found is not None else None

    def _of_area(self, area: str | None) -> str | None:
        return next((turn_id for turn_id, frozen in reversed(self._frozen.items()) if frozen.area == area), None)

    def _end(self, now: float) -> None:
        for turn_id in [turn_id for turn_id, frozen in self._frozen.items() if now > frozen.until]:
            del self._frozen[turn_id]


def history(prompt: Prompt) -> tuple[Message, ...]:
    """Return what a prompt tells of the conversation: all between the system text and how things are now."""
    return prompt.messages[1:-1]


def lasting(prompt: Prompt) -> Prompt:
    """Return the beginning that stays the same while only the time and the states change."""
    return Prompt(prompt.messages[:-1], prompt.tools)
