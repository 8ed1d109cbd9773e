"""The last turn of each conversation and room, as pure values of time."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from wyoming_rosie_intent.engine import Command

LIFETIME_SECONDS = 60.0
"""Time after an answer within which the next sentence may refer to it."""
MAX_TURNS = 256
"""Conversations and rooms whose last turn is kept; more drop the oldest."""


@dataclass(frozen=True)
class LastTurn:
    """What the next sentence may refer to."""

    answer: str = field(default="", repr=False)
    commands: tuple[Command, ...] = ()  # of the newest turn that had any, with their targets
    undo: tuple[Command, ...] = ()  # what puts the newest changes back
    has_acted: bool = False  # whether anything was changed, also what cannot be put back


@dataclass(frozen=True)
class _Entry:
    turn: LastTurn
    deadline: float


class LastTurns:
    """Last turns by conversation and by room: a person who wakes the satellite again has a new conversation there."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def get(self, conversation: str, area: str | None, now: float) -> LastTurn:
        """Return the last turn of the conversation, else of the room; an empty one if there is none."""
        entries = (self._entries.get(key) for key in _keys(conversation, area))
        return next((entry.turn for entry in entries if entry is not None and now <= entry.deadline), LastTurn())

    def record_answer(self, conversation: str, area: str | None, answer: str, now: float) -> None:
        """Record what was said, which ends at `now`; what was done before stays."""
        self._store(conversation, area, replace(self.get(conversation, area, now), answer=answer), now)

    def record_commands(
        self,
        conversation: str,
        area: str | None,
        commands: Sequence[Command],
        undo: Iterable[Command] | None,
        now: float,
    ) -> None:
        """Record what was executed or answered; `undo` is None if nothing was changed."""
        turn = replace(self.get(conversation, area, now), commands=tuple(commands))
        if undo is not None:
            turn = replace(turn, undo=tuple(undo), has_acted=True)
        self._store(conversation, area, turn, now)

    def forget_changes(self, conversation: str, area: str | None, now: float) -> None:
        """Forget the changes that were put back."""
        turn = replace(self.get(conversation, area, now), undo=(), has_acted=False)
        self._store(conversation, area, turn, now)

    def clear(self) -> None:
        """Forget all turns."""
        self._entries.clear()

    def _store(self, conversation: str, area: str | None, turn: LastTurn, now: float) -> None:
        for key in _keys(conversation, area):
            self._entries.pop(key, None)
            self._entries[key] = _Entry(turn, now + LIFETIME_SECONDS)
        while len(self._entries) > MAX_TURNS:
            self._entries.popitem(last=False)


def _keys(conversation: str, area: str | None) -> Iterator[str]:
    yield f"conversation {conversation}"
    if area is not None:
        yield f"area {area.casefold()}"
