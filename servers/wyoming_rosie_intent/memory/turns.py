"""Turns as the memory sees them: who speaks where and when, and what the last ones were about. Pure."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from wyoming_rosie_intent.memory.model import MemoryFilter, MemoryKind, MemoryRecord, MemoryScope, SpeakerRole

RECENT_SECONDS = 120.0
"""Time after a turn within which "forget that" means it."""
MAX_RECENT = 256
"""Conversations and rooms whose last turn is known; more drop the oldest."""


@dataclass(frozen=True)
class MemoryTurn:
    """One turn: what may be read in it, and to whom and where its records belong."""

    scope: MemoryScope
    person: str | None  # whom its records belong to
    conversation: str
    turn: str
    moment: datetime  # the wall clock, in the time zone of the home
    language: str = "en"
    is_off: bool = False  # nothing is kept of it
    has_model: bool = False  # a language model answers what the memory does not

    @property
    def at(self) -> float:
        """The time in seconds since the epoch."""
        return self.moment.timestamp()

    @property
    def is_private(self) -> bool:
        return self.scope.room is not None and self.scope.room in self.scope.private_rooms

    @property
    def guest_conversation(self) -> str | None:
        """The conversation that a guest's requests are limited to; None for the household."""
        return self.conversation if self.scope.person is None else None

    def create_record(
        self,
        kind: MemoryKind,
        text: str,
        *,
        speaker: SpeakerRole = SpeakerRole.PERSON,
        intent: str | None = None,
        tools: tuple[str, ...] = (),
        topic: str | None = None,
    ) -> MemoryRecord:
        """Return a record of this turn. Raises InvalidMemoryError."""
        return MemoryRecord(
            kind,
            text,
            self.at,
            person=self.person,
            room=self.scope.room,
            is_private=self.is_private,
            speaker=speaker,
            conversation=self.conversation,
            turn=self.turn,
            intent=intent,
            tools=tools,
            language=self.language,
            topic=topic,
        )


@dataclass(frozen=True)
class RecentTurn:
    """What "that" means: the records of a turn, or those that it was answered from."""

    where: MemoryFilter
    at: float


class RecentTurns:
    """The last turn of each conversation and room, and the conversations of which nothing is kept."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, RecentTurn] = OrderedDict()
        self._kept_out: OrderedDict[str, None] = OrderedDict()

    def note(self, turn: MemoryTurn, ids: tuple[str, ...] = ()) -> None:
        """Note the turn as the last one; `ids` are the records that it told or made, if not all of its own."""
        where = MemoryFilter(ids=ids, with_replaced=True) if ids else MemoryFilter(turn=turn.turn, with_replaced=True)
        for key in _keys(turn):
            self._turns.pop(key, None)
            self._turns[key] = RecentTurn(where, turn.at)
        while len(self._turns) > MAX_RECENT:
            self._turns.popitem(last=False)

    def get(self, turn: MemoryTurn) -> MemoryFilter | None:
        """Return what the last turn of the conversation, else of the room, was about; None if it was too long ago."""
        found = (self._turns.get(key) for key in _keys(turn))
        return next(
            (recent.where for recent in found if recent is not None and turn.at - recent.at <= RECENT_SECONDS), None
        )

    def drop(self, turn: MemoryTurn) -> None:
        """Drop what "that" means here, since it is forgotten."""
        for key in _keys(turn):
            self._turns.pop(key, None)

    def keep_out(self, conversation: str) -> None:
        """Keep nothing more of a conversation."""
        self._kept_out[conversation] = None
        while len(self._kept_out) > MAX_RECENT:
            self._kept_out.popitem(last=False)

    def is_kept_out(self, conversation: str) -> bool:
        return conversation in self._kept_out


def _keys(turn: MemoryTurn) -> Iterator[str]:
    yield f"conversation {turn.conversation}"
    if turn.scope.room is not None:
        yield f"room {turn.scope.room}"
