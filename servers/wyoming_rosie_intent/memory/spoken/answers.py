"""Spoken memory: carries out what sentences ask of the memory, and answers from it without a language model."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import assert_never

from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.memory.model import (
    InvalidMemoryError,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryStoreError,
    SpeakerRole,
    is_forgettable,
    normalize_text,
)
from wyoming_rosie_intent.memory.retention import has_code
from wyoming_rosie_intent.memory.service import MemoryService
from wyoming_rosie_intent.memory.spoken.questions import is_answered_by
from wyoming_rosie_intent.memory.spoken.sentences import MemoryIntent, MemoryPeriod, MemoryRequest, load_texts
from wyoming_rosie_intent.memory.spoken.statements import tell, to_sentence
from wyoming_rosie_intent.memory.turns import MemoryTurn, RecentTurns

SAID = (MemoryKind.CONVERSATION, MemoryKind.FACT)
ANSWER_SECONDS = 5.0
"""Longest wait of a person for an answer of the memory."""
MAX_TOLD = 4
"""Memories that are told at once; the others are counted."""
MAX_FOUND = 20
MAX_TALK = 200
MAX_COUNTED = 1000
MAX_EXCERPT_CHARACTERS = 300
MAX_QUOTED_CHARACTERS = 120


@dataclass(frozen=True)
class MemoryQuestion(Answer):
    """A question before something is forgotten, and the request for a yes."""

    confirmed: MemoryRequest | None = field(default=None, repr=False)


class SpokenMemory:
    """Answers requests; `recent` is what the last turns were about."""

    def __init__(self, service: MemoryService, recent: RecentTurns) -> None:
        self._service = service
        self._recent = recent

    async def answer(self, request: MemoryRequest, turn: MemoryTurn) -> Answer | None:
        """Return the answer; None for a question that nothing here answers without a doubt."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._answer(request, turn)
        except (MemoryStoreError, TimeoutError):
            return Answer(_render("trouble", turn), done=False)

    async def _answer(self, request: MemoryRequest, turn: MemoryTurn) -> Answer | None:
        match request.intent:
            case MemoryIntent.REMEMBER:
                return await self._remember(request, turn)
            case MemoryIntent.KEEP_OUT:
                return await self._keep_out(turn)
            case MemoryIntent.FORGET_THAT:
                return await self._forget_that(turn)
            case MemoryIntent.FORGET_ABOUT:
                return await self._forget_about(request, turn)
            case MemoryIntent.FORGET_PERIOD:
                return await self._forget_period(request, turn)
            case MemoryIntent.TOLD | MemoryIntent.KNOW:
                return await self._tell_about(request, turn)
            case MemoryIntent.ABOUT_ME:
                return await self._tell_facts(turn)
            case MemoryIntent.TALKED:
                return await self._tell_talk(request, turn)
            case MemoryIntent.ASK:
                return await self._answer_question(request, turn)
            case _:
                assert_never(request.intent)

    async def _remember(self, request: MemoryRequest, turn: MemoryTurn) -> Answer:
        if turn.is_off:
            return Answer(_render("off", turn), done=False)
        if has_code(request.fact):
            return Answer(_render("code", turn), done=False)
        try:
            record = turn.create_record(MemoryKind.FACT, normalize_text(request.fact), topic=request.topic or None)
        except InvalidMemoryError:
            return Answer(_render("nothing_to_keep", turn), done=False)
        old = await self._find_replaced(record, turn)
        self._service.remember(record)
        self._recent.note(turn, (record.id,))
        if old is not None:
            return Answer(_render("replaced", turn, fact=_tell(record, turn), old=_tell(old, turn)))
        return Answer(_render("remembered_as", turn, fact=_tell(record, turn)))

    async def _find_replaced(self, record: MemoryRecord, turn: MemoryTurn) -> MemoryRecord | None:
        """Return the fact that a new one contradicts, None also while the memory does not work."""
        if record.topic is None:
            return None
        try:
            found = await self._service.find(turn.scope, MemoryFilter(kinds=(MemoryKind.FACT,), topic=record.topic), 1)
        except MemoryStoreError:
            return None
        is_other = bool(found) and found[0].person == record.person and found[0].text != record.text
        return found[0] if is_other else None

    async def _keep_out(self, turn: MemoryTurn) -> Answer:
        self._recent.keep_out(turn.conversation)
        if (last := self._recent.get(turn)) is not None:
            self._recent.drop(turn)
            await self._service.forget(turn.scope, last)
        return Answer(_render("kept_out", turn))

    async def _forget_that(self, turn: MemoryTurn) -> Answer:
        last = self._recent.get(turn)
        if last is None:
            return Answer(_render("nothing_to_forget", turn), done=False)
        return await self._forget(last, turn)

    async def _forget_about(self, request: MemoryRequest, turn: MemoryTurn) -> Answer:
        if request.is_confirmed:
            return await self._forget(MemoryFilter(ids=request.ids, with_replaced=True), turn)
        found = await self._service.search(
            request.topic, turn.scope, turn.at, MemoryFilter(kinds=SAID), MAX_FOUND, turn.language
        )
        sure = [memory for memory in found if memory.is_sure]
        records = [memory.record for memory in sure or found[:MAX_TOLD]]
        meant = [record for record in records if is_forgettable(record, turn.scope)]
        if not meant:
            key = "not_forgettable" if records else "nothing_about"
            return Answer(_render(key, turn, topic=request.topic), done=False)
        if len(meant) == 1 and sure:
            return await self._forget(MemoryFilter(ids=(meant[0].id,), with_replaced=True), turn)
        return self._ask(replace(request, ids=tuple(record.id for record in meant)), meant, turn)

    async def _forget_period(self, request: MemoryRequest, turn: MemoryTurn) -> Answer:
        since, until = find_period(request.period, turn.moment)
        where = MemoryFilter(
            kinds=SAID,
            since=since,
            until=until,
            person=turn.person,
            conversation=turn.guest_conversation,
            with_replaced=True,
        )
        if request.is_confirmed:
            return await self._forget(where, turn)
        said = await self._service.find(turn.scope, where, MAX_COUNTED)
        meant = [record for record in said if is_forgettable(record, turn.scope)]
        if len(meant) <= 1:
            return await self._forget(where, turn) if meant else Answer(_render("nothing_then", turn), done=False)
        text = _render("shall_forget_period", turn, count=len(meant))
        return MemoryQuestion(text, confirmed=replace(request, is_confirmed=True))

    def _ask(self, request: MemoryRequest, meant: Sequence[MemoryRecord], turn: MemoryTurn) -> MemoryQuestion:
        things, more = _quote_some([record.text for record in meant])
        text = _render("shall_forget", turn, count=len(meant), things=things, more=more)
        return MemoryQuestion(text, confirmed=replace(request, is_confirmed=True))

    async def _forget(self, where: MemoryFilter, turn: MemoryTurn) -> Answer:
        count = await self._service.forget(turn.scope, where)
        self._recent.drop(turn)
        if not count:
            return Answer(_render("not_forgettable", turn), done=False)
        return Answer(_render("forgotten" if count == 1 else "forgotten_many", turn, count=count))

    async def _tell_about(self, request: MemoryRequest, turn: MemoryTurn) -> Answer | None:
        """Tell what is known about a topic; None if nothing is, and a language model may know something."""
        kinds = SAID if request.intent is MemoryIntent.TOLD else tuple(MemoryKind)
        where = MemoryFilter(kinds=kinds, speaker=SpeakerRole.PERSON)
        found = await self._service.search(request.topic, turn.scope, turn.at, where, MAX_FOUND, turn.language)
        records = _without_repeats([memory.record for memory in found if memory.is_sure])[:MAX_TOLD]
        if not records:
            return None if turn.has_model else Answer(_render("nothing_about", turn, topic=request.topic), done=False)
        self._recent.note(turn, tuple(record.id for record in records))
        return Answer(" ".join(_tell(record, turn) for record in records))

    async def _tell_facts(self, turn: MemoryTurn) -> Answer:
        where = MemoryFilter(kinds=(MemoryKind.FACT,), person=turn.person, conversation=turn.guest_conversation)
        facts = await self._service.find(turn.scope, where, MAX_COUNTED)
        if not facts:
            return Answer(_render("nothing_about_you", turn))
        told, more = facts[:MAX_TOLD], len(facts[MAX_TOLD:])
        self._recent.note(turn, tuple(fact.id for fact in told))
        return Answer(_render("about_you", turn, things=[_tell(fact, turn) for fact in told], more=more))

    async def _tell_talk(self, request: MemoryRequest, turn: MemoryTurn) -> Answer:
        since, until = find_period(request.period, turn.moment)
        where = MemoryFilter(kinds=SAID, since=since, until=until, person=turn.person, speaker=SpeakerRole.PERSON)
        said = _without_repeats(list(reversed(await self._service.find(turn.scope, where, MAX_TALK))))
        if not said:
            return Answer(_render("nothing_then", turn))
        things, more = _quote_some([record.text for record in said])
        return Answer(_render("talked", turn, things=things, more=more))

    async def _answer_question(self, request: MemoryRequest, turn: MemoryTurn) -> Answer | None:
        where = MemoryFilter(kinds=(MemoryKind.FACT,))
        found = await self._service.search(request.text, turn.scope, turn.at, where, MAX_FOUND, turn.language)
        sure = (memory.record for memory in found if memory.is_sure)
        fitting = (fact for fact in sure if is_answered_by(request.text, fact.text, fact.language))
        fact = next(fitting, None)
        if fact is None:
            return None
        self._recent.note(turn, (fact.id,))
        return Answer(_tell(fact, turn))


def find_period(period: MemoryPeriod, moment: datetime) -> tuple[float | None, float | None]:
    """Return the beginning and the end of a period before `moment`, in seconds since the epoch."""
    today = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    match period:
        case MemoryPeriod.TODAY:
            return today.timestamp(), None
        case MemoryPeriod.YESTERDAY:
            return (today - timedelta(days=1)).timestamp(), today.timestamp()
        case MemoryPeriod.WEEK:
            return monday.timestamp(), None
        case MemoryPeriod.LAST_WEEK:
            return (monday - timedelta(days=7)).timestamp(), monday.timestamp()
        case MemoryPeriod.HOUR:
            return (moment - timedelta(hours=1)).timestamp(), None
        case MemoryPeriod.ALL:
            return None, None
        case _:
            assert_never(period)


def _render(key: str, turn: MemoryTurn, **values: object) -> str:
    return load_texts().render(key, turn.language, **values)


def _tell(record: MemoryRecord, turn: MemoryTurn) -> str:
    """Return a record as it is told to the person of the turn."""
    match record.kind:
        case MemoryKind.DOCUMENT:
            source = PurePath(record.source or "").name
            return _render("document", turn, source=source, text=_shorten(record.text, MAX_EXCERPT_CHARACTERS))
        case MemoryKind.CONVERSATION:
            return _render("said_once", turn, text=to_sentence(record.text))
        case MemoryKind.FACT:
            return _tell_fact(record, turn)
        case _:
            assert_never(record.kind)


def _tell_fact(record: MemoryRecord, turn: MemoryTurn) -> str:
    """Return a fact in the second person if it is that of the person of the turn, else as it was said."""
    told, said = tell(record.text, record.language), to_sentence(record.text)
    if told == said:
        return said
    if record.person != turn.person:
        return _render("somebody_said", turn, text=said)
    return told or _render("said_once", turn, text=said)


def _quote_some(texts: Sequence[str]) -> tuple[list[str], int]:
    """Return the first texts in quotation marks, and how many more there are."""
    return [f'"{_shorten(text, MAX_QUOTED_CHARACTERS)}"' for text in texts[:MAX_TOLD]], len(texts[MAX_TOLD:])


def _shorten(text: str, most: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1].rsplit(' ', 1)[0]}…"


def _without_repeats(records: Sequence[MemoryRecord]) -> list[MemoryRecord]:
    return list({record.text.casefold(): record for record in records}.values())
