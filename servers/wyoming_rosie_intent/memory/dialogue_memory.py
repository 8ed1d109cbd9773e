"""Memory of a dialogue: what its turns ask of the memory, leave in it, and get from it for a language model."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

import structlog

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.memory.model import (
    CURRENT,
    HOUSEHOLD,
    InvalidMemoryError,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryStoreError,
    SpeakerRole,
    create_scope,
    normalize_text,
)
from wyoming_rosie_intent.memory.service import MemoryService
from wyoming_rosie_intent.memory.spoken import sentences
from wyoming_rosie_intent.memory.spoken.conversation import SpokenMemory
from wyoming_rosie_intent.memory.spoken.sentences import MemoryIntent, MemoryRequest
from wyoming_rosie_intent.memory.turns import MemoryTurn, RecentTurns

_LOG = structlog.get_logger()
MAX_MESSAGES = 10
"""Messages of earlier talk that a model gets."""
MAX_MEMORIES = 5
TALK_SECONDS = 3600.0
"""Age of talk that a model gets: what is older is found by its meaning only."""


@dataclass(frozen=True)
class MemoryPolicy:
    """What is not kept, and how far it goes."""

    off_rooms: Collection[str] = ()  # ids or names of areas
    off_persons: Collection[str] = ()
    has_guests: bool = False  # a voice that is not recognized is that of a guest, not of the household
    cloud_allowed: bool = False


@dataclass(frozen=True)
class MemoryExchange:
    """A sentence and its answer, as they are kept."""

    said: str = field(repr=False)
    answer: str = field(default="", repr=False)
    intent: str | None = None
    tools: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecalledMemories:
    """What a model gets for a sentence: the last messages, oldest first, and what is near to it, nearest first."""

    messages: Sequence[MemoryRecord] = ()
    memories: Sequence[MemoryRecord] = ()


class DialogueMemory:
    """The memory of all conversations with one home."""

    def __init__(self, service: MemoryService, get_home: Callable[[], Home], policy: MemoryPolicy | None = None) -> None:
        self._service = service
        self._get_home = get_home
        self._policy = policy or MemoryPolicy()
        self._recent = RecentTurns()
        self._spoken = SpokenMemory(service, self._recent)

    @property
    def cloud_allowed(self) -> bool:
        """Whether models outside the home may read memories."""
        return self._policy.cloud_allowed

    def create_turn(
        self,
        moment: datetime,
        conversation: str,
        area: str | None = None,
        speaker: str | None = None,
        turn_id: str | None = None,
        language: str | None = None,
        *,
        has_model: bool = False,
    ) -> MemoryTurn:
        """Return a turn in an area (id or name); `moment` is the wall clock."""
        home = self._get_home()
        reader = speaker or (None if self._policy.has_guests else HOUSEHOLD)
        scope = create_scope(home, area, reader, conversation)
        is_off = self._is_off(home, scope.room, speaker) or self._recent.is_kept_out(conversation)
        return MemoryTurn(
            scope, speaker, conversation, turn_id or uuid4().hex, moment, language or "en", is_off, has_model
        )

    def recognize(self, text: str, language: str | None) -> MemoryRequest | None:
        """Return what a sentence asks of the memory; runs in a worker thread."""
        return sentences.recognize(text, language)

    def means_last_turn(self, request: MemoryRequest | None, turn: MemoryTurn) -> bool:
        """Return whether a request is "forget that" and there is something that it may mean."""
        is_asked = request is not None and request.intent is MemoryIntent.FORGET_THAT
        return is_asked and self._recent.get(turn) is not None

    async def answer(self, request: MemoryRequest, turn: MemoryTurn) -> Answer | None:
        """Answer a request; None for a question that nothing here answers without a doubt."""
        return await self._spoken.answer(request, turn)

    def record(self, turn: MemoryTurn, exchange: MemoryExchange) -> None:
        """Keep a turn that was answered; never blocks, never fails."""
        if turn.is_off or self._recent.is_kept_out(turn.conversation):
            return
        try:
            records = list(_create_records(turn, exchange))
        except InvalidMemoryError as err:
            _LOG.debug("turn not remembered", reason=str(err))
            return
        self._recent.note(turn)
        self._service.remember(*records)

    async def recall(self, text: str, turn: MemoryTurn, *, with_messages: bool = True) -> RecalledMemories:
        """Return what a model gets for a sentence; nothing while the memory does not work."""
        messages = await self._find_messages(turn) if with_messages else ()
        shown = {record.id for record in messages}
        found = await self._service.search(text, turn.scope, turn.at, CURRENT, MAX_MEMORIES * 2, turn.language)
        memories = [
            memory.record
            for memory in found
            if memory.record.id not in shown and not _is_of_conversation(memory.record, turn)
        ]
        return RecalledMemories(messages, memories[:MAX_MEMORIES])

    def take_trouble(self, language: str | None) -> str | None:
        """Return the sentence about a new problem of the memory, once."""
        if self._service.take_new_problem() is None:
            return None
        return sentences.load_texts().render("trouble", language or "en")

    async def _find_messages(self, turn: MemoryTurn) -> Sequence[MemoryRecord]:
        where = MemoryFilter(kinds=(MemoryKind.CONVERSATION,), since=turn.at - TALK_SECONDS, room=turn.scope.room)
        try:
            found = await self._service.find(turn.scope, where, MAX_MESSAGES)
        except MemoryStoreError:
            return ()
        return tuple(reversed(found))

    def _is_off(self, home: Home, room: str | None, speaker: str | None) -> bool:
        rooms = {area.id for name in self._policy.off_rooms if (area := home.get_area(name)) is not None}
        persons = {person.casefold() for person in self._policy.off_persons}
        return room in rooms or (speaker is not None and speaker.casefold() in persons)


def _create_records(turn: MemoryTurn, exchange: MemoryExchange) -> Sequence[MemoryRecord]:
    said = turn.create_record(
        MemoryKind.CONVERSATION, normalize_text(exchange.said), intent=exchange.intent, tools=exchange.tools
    )
    if not exchange.answer.strip():
        return (said,)
    answer = turn.create_record(
        MemoryKind.CONVERSATION, normalize_text(exchange.answer), speaker=SpeakerRole.ASSISTANT
    )
    return (said, answer)


def _is_of_conversation(record: MemoryRecord, turn: MemoryTurn) -> bool:
    """Return whether a model has a record in its history."""
    return record.kind is MemoryKind.CONVERSATION and record.conversation == turn.conversation
