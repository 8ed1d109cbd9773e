"""Memory of a dialogue: what its turns ask of the memory, leave in it, and get from it for a language model."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

import structlog

from wyoming_rosie.home.model import Home
from wyoming_rosie_intent.answer import (
    ConversationInput,
    DelegateToConductor,
    Handled,
    NotHandled,
    NotRecognized,
    Outcome,
    PendingQuestion,
)
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
from wyoming_rosie_intent.memory.retention import has_code
from wyoming_rosie_intent.memory.service import MemoryService
from wyoming_rosie_intent.memory.spoken import sentences
from wyoming_rosie_intent.memory.spoken.answers import MemoryQuestion, SpokenMemory
from wyoming_rosie_intent.memory.spoken.sentences import MemoryIntent, MemoryRequest
from wyoming_rosie_intent.memory.turns import MemoryTurn, RecentTurns

_LOG = structlog.get_logger()
MAX_MESSAGES = 10
"""Messages of earlier talk that a model gets."""
MAX_MEMORIES = 5
RECALL_SECONDS = 0.5
"""Longest wait of an answer for its memories; without them it goes on."""
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
class RecalledMemories:
    """What a model gets for a sentence: the last messages, oldest first, and what is near to it, nearest first."""

    messages: Sequence[MemoryRecord] = ()
    memories: Sequence[MemoryRecord] = ()


class DialogueMemory:
    """The memory of all conversations with one home."""

    def __init__(
        self, service: MemoryService, get_home: Callable[[], Home], policy: MemoryPolicy | None = None
    ) -> None:
        self._service = service
        self._get_home = get_home
        self._policy = policy or MemoryPolicy()
        self._recent = RecentTurns()
        self._spoken = SpokenMemory(service, self._recent)

    @property
    def cloud_allowed(self) -> bool:
        """Whether models outside the home may read memories."""
        return self._policy.cloud_allowed

    def create_turn(self, user_input: ConversationInput, moment: datetime, *, has_model: bool = False) -> MemoryTurn:
        """Return the turn of a sentence; `moment` is the wall clock."""
        home, speaker = self._get_home(), user_input.speaker
        reader = speaker or (None if self._policy.has_guests else HOUSEHOLD)
        scope = create_scope(home, user_input.area, reader, user_input.conversation_id)
        return MemoryTurn(
            scope,
            speaker,
            user_input.conversation_id,
            user_input.turn_id or uuid4().hex,
            moment,
            user_input.language or home.preferences.language or "en",
            self._is_off(home, scope.room, speaker) or self._recent.is_kept_out(user_input.conversation_id),
            has_model,
        )

    def recognize(self, text: str, language: str | None) -> MemoryRequest | None:
        """Return what a sentence asks of the memory; runs in a worker thread."""
        return sentences.recognize(text, language)

    def means_last_turn(self, request: MemoryRequest, user_input: ConversationInput, moment: datetime) -> bool:
        """Return whether a request is "forget that" and there is something that it may mean."""
        is_asked = request.intent is MemoryIntent.FORGET_THAT
        return is_asked and self._recent.get(self.create_turn(user_input, moment)) is not None

    async def answer(
        self, request: MemoryRequest, user_input: ConversationInput, moment: datetime, *, has_model: bool
    ) -> Handled | NotHandled | None:
        """Answer a request; None for a question that nothing here answers without a doubt."""
        answer = await self._spoken.answer(request, self.create_turn(user_input, moment, has_model=has_model))
        if answer is None:
            return None
        if not answer.done:
            return NotHandled(answer.text, is_from_memory=True)
        is_private = not self._policy.cloud_allowed
        if isinstance(answer, MemoryQuestion) and answer.confirmed is not None:
            question = PendingQuestion(answer.text, answer.confirmed)
            return Handled(
                answer.text, expects_reply=True, question=question, is_private=is_private, is_from_memory=True
            )
        return Handled(answer.text, is_private=is_private, is_from_memory=True)

    def record(
        self, user_input: ConversationInput, outcome: Outcome, moment: datetime, *, by_model: bool = False
    ) -> None:
        """Keep a turn that was answered; never blocks, never fails. What nobody understood may not be meant for the home.

        What the memory told is not kept again, also not in the words of a model: it would outlive what is forgotten.
        """
        if isinstance(outcome, NotRecognized):
            return
        turn = self.create_turn(user_input, moment)
        is_told = not isinstance(outcome, DelegateToConductor) and outcome.is_from_memory
        if turn.is_off or (is_told and not by_model) or not user_input.text.strip():
            return
        try:
            records = _create_records(turn, user_input.text, outcome, by_model=by_model)
        except InvalidMemoryError as err:
            _LOG.debug("turn not remembered", reason=str(err))
            return
        if records:
            self._recent.note(turn)
            self._service.remember(*records)

    async def recall(
        self, user_input: ConversationInput, moment: datetime, *, with_messages: bool = True
    ) -> RecalledMemories:
        """Return what a model gets for a sentence; nothing while the memory does not work."""
        try:
            async with asyncio.timeout(RECALL_SECONDS):
                return await self._recall(user_input, moment, with_messages=with_messages)
        except TimeoutError:
            _LOG.warning("no memories for a model", reason="the memory is too slow")
            return RecalledMemories()

    async def _recall(
        self, user_input: ConversationInput, moment: datetime, *, with_messages: bool
    ) -> RecalledMemories:
        turn = self.create_turn(user_input, moment)
        limit = MAX_MEMORIES + MAX_MESSAGES
        async with asyncio.TaskGroup() as tasks:  # both wait for the same thread, once
            finding = tasks.create_task(self._find_messages(turn)) if with_messages else None
            searching = tasks.create_task(
                self._service.search(user_input.text, turn.scope, turn.at, CURRENT, limit, turn.language)
            )
        messages = finding.result() if finding is not None else ()
        shown = {record.id for record in messages}
        memories = [
            memory.record
            for memory in searching.result()
            if memory.record.id not in shown and not _is_of_conversation(memory.record, turn)
        ]
        return RecalledMemories(messages, memories[:MAX_MEMORIES])

    def is_kept_out(self, record: MemoryRecord) -> bool:
        """Return whether nothing new may be derived from what was said: by settings of today, a guest, or a request."""
        is_of_guest = self._policy.has_guests and record.person is None
        is_asked = record.conversation is not None and self._recent.is_kept_out(record.conversation)
        return is_of_guest or is_asked or self._is_off(self._get_home(), record.room, record.person)

    async def add_trouble(self, outcome: Outcome, language: str) -> Outcome:
        """Add the sentence about a new problem of the memory to an answer that is no question, once.

        An answer from the memory tells of it itself.
        """
        if not isinstance(outcome, Handled | NotHandled) or not outcome.text:
            return outcome
        if isinstance(outcome, Handled) and outcome.expects_reply:
            return outcome
        if self._service.take_new_problem() is None or outcome.is_from_memory:
            return outcome
        texts = await asyncio.to_thread(sentences.load_texts)
        return replace(outcome, text=f"{outcome.text} {texts.render('trouble', language)}")

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


def _create_records(
    turn: MemoryTurn, said: str, outcome: Handled | NotHandled | DelegateToConductor, *, by_model: bool
) -> Sequence[MemoryRecord]:
    """Return what was said and what was answered. Raises InvalidMemoryError."""
    intents = tuple(match.intent for match in outcome.matches)
    sentence = turn.create_record(
        MemoryKind.CONVERSATION,
        normalize_text(said),
        intent=next(iter(intents), None),
        tools=intents if by_model else (),
    )
    answer = "" if isinstance(outcome, DelegateToConductor) or outcome.is_from_memory else normalize_text(outcome.text)
    if has_code(f"{said} {answer}"):  # a question about a code, and the code alone
        return ()
    if not answer:
        return (sentence,)
    return (sentence, turn.create_record(MemoryKind.CONVERSATION, answer, speaker=SpeakerRole.ASSISTANT))


def _is_of_conversation(record: MemoryRecord, turn: MemoryTurn) -> bool:
    """Return whether a model has a record in its history."""
    return record.kind is MemoryKind.CONVERSATION and record.conversation == turn.conversation
