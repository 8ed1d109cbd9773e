"""Requests to the memory by other programs: the user-event `memory`, whose data has an `action`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.home.model import Home
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie_intent.answer import ConversationInput
from wyoming_rosie_intent.memory import transfer
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    HOUSEHOLD,
    MAX_TEXT_CHARACTERS,
    InvalidMemoryError,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    SpeakerRole,
    create_scope,
    normalize_text,
)
from wyoming_rosie_intent.memory.service import MAX_QUERY_CHARACTERS, MemoryService
from wyoming_rosie_intent.memory.topics import find_topic

MAX_PAGE = 200
MAX_PAGE_BYTES = 500_000
"""Of the texts of a page; an event has a limit."""
MAX_ADDED = 200
MAX_IDS = 1000
MAX_NAME_CHARACTERS = 256


class MemoryRequests:
    """Answers the requests of peers that may read the memory. Each raises BadEventError for a request that is wrong."""

    def __init__(
        self,
        service: MemoryService,
        memory: DialogueMemory,
        get_home: Callable[[], Home],
        clock: Callable[[], datetime],
    ) -> None:
        self._service = service
        self._memory = memory
        self._get_home = get_home
        self._clock = clock
        self._actions = {
            "list": self._list,
            "search": self._search,
            "recall": self._recall,
            "add": self._add,
            "import": self._import,
            "tag": self._tag,
            "forget": self._forget,
            "stats": self._stats,
        }

    async def answer(self, data: object) -> Mapping[str, object]:
        """Return the answer to a request. Raises BadEventError, MemoryStoreError."""
        fields = Fields(data, lambda reason: BadEventError(f"memory: {reason}", "memory-request"))
        name = fields.text("action")
        action = self._actions.get(name)
        if action is None:
            raise BadEventError(
                f"the memory knows no action '{name[:40]}'; there are: {', '.join(self._actions)}", "memory-request"
            )
        try:
            return await action(fields)
        except InvalidMemoryError as err:
            raise BadEventError(str(err), err.code) from err

    async def _list(self, fields: Fields) -> Mapping[str, object]:
        limit = _parse_limit(fields)
        before = fields.optional_text("before", 1, MAX_NAME_CHARACTERS)
        found = await self._service.find(self._parse_scope(fields), _parse_filter(fields), limit + 1, before)
        page = _fit_page(found[:limit])
        return {"records": [asdict(record) for record in page], "has_more": len(page) < len(found)}

    async def _search(self, fields: Fields) -> Mapping[str, object]:
        found = await self._service.search(
            fields.text("text", 1, MAX_QUERY_CHARACTERS),
            self._parse_scope(fields),
            self._clock().timestamp(),
            _parse_filter(fields),
            _parse_limit(fields),
            fields.optional_text("language", 1, MAX_NAME_CHARACTERS),
        )
        page = _fit_page([memory.record for memory in found])
        return {
            "found": [
                {"record": asdict(memory.record), "score": memory.score, "is_sure": memory.is_sure}
                for memory in found[: len(page)]
            ]
        }

    async def _recall(self, fields: Fields) -> Mapping[str, object]:
        """Return what a language model would get for a sentence."""
        user_input = ConversationInput(
            fields.text("text", 1, MAX_QUERY_CHARACTERS),
            fields.optional_text("conversation", 1, MAX_NAME_CHARACTERS) or "",
            fields.optional_text("language", 1, MAX_NAME_CHARACTERS),
            fields.optional_text("room", 1, MAX_NAME_CHARACTERS),
            speaker=fields.optional_text("person", 1, MAX_NAME_CHARACTERS),
        )
        recalled = await self._memory.recall(user_input, self._clock())
        return {
            "messages": [asdict(record) for record in recalled.messages],
            "memories": [asdict(record) for record in recalled.memories],
        }

    async def _add(self, fields: Fields) -> Mapping[str, object]:
        at = self._clock().timestamp()
        records = [self._create_record(one, at) for one in fields.objects("records", MAX_ADDED)]
        stored = await self._service.add(records)
        return {"count": stored, "refused": len(records) - stored, "ids": [record.id for record in records]}

    async def _import(self, fields: Fields) -> Mapping[str, object]:
        try:
            records = [transfer.from_line(line) for line in fields.texts("lines", MAX_ADDED)]
        except ValueError as err:
            raise BadEventError(f"memory: {err}", "memory-request") from err
        stored = await self._service.add(records)
        return {"count": stored, "refused": len(records) - stored}

    async def _tag(self, fields: Fields) -> Mapping[str, object]:
        added, removed = (fields.texts(key, MAX_ADDED, MAX_NAME_CHARACTERS) for key in ("add", "remove"))
        count = await self._service.tag(self._parse_scope(fields), _parse_chosen(fields), added, removed)
        return {"count": count}

    async def _forget(self, fields: Fields) -> Mapping[str, object]:
        return {"count": await self._service.forget(self._parse_scope(fields), _parse_chosen(fields))}

    async def _stats(self, _: Fields) -> Mapping[str, object]:
        stats = asdict(await self._service.stats())
        return {**stats, "problem": self._service.problem, "embedding_problem": self._service.embedding_problem}

    def _create_record(self, fields: Fields, at: float) -> MemoryRecord:
        kind, text = _parse_kind(fields.optional_text("kind") or MemoryKind.FACT), fields.text("text", 1)
        home, room = self._get_home(), fields.optional_text("room", 1, MAX_NAME_CHARACTERS)
        usual = home.preferences.language or "en" if kind is MemoryKind.FACT else None
        language = fields.optional_text("language", 1, MAX_NAME_CHARACTERS) or usual
        scope = create_scope(home, room, None)
        if room is not None and scope.room is None:
            raise BadEventError(f"memory: there is no room '{room}'", "memory-request")
        return MemoryRecord(
            kind,
            normalize_text(text[: MAX_TEXT_CHARACTERS + 1]),
            at,
            person=fields.optional_text("person", 1, MAX_NAME_CHARACTERS),
            room=scope.room,
            is_private=scope.room in scope.private_rooms,
            tags=fields.texts("tags", MAX_ADDED, MAX_NAME_CHARACTERS),
            source=fields.optional_text("source", 1, MAX_QUERY_CHARACTERS),
            language=language,
            topic=find_topic(text, language) if kind is MemoryKind.FACT else None,
        )

    def _parse_scope(self, fields: Fields) -> MemoryScope:
        """Return who asks: everything for the owner of the memory, else what a room and a person may read."""
        scope = fields.optional_object("scope")
        if scope is None:
            return ADMIN
        room = scope.optional_text("room", 1, MAX_NAME_CHARACTERS)
        return create_scope(self._get_home(), room, scope.optional_text("person", 1, MAX_NAME_CHARACTERS) or HOUSEHOLD)


def _parse_filter(fields: Fields) -> MemoryFilter:
    kind, speaker = fields.optional_text("kind"), fields.optional_text("speaker")
    names = {
        key: fields.optional_text(key, 1, MAX_NAME_CHARACTERS)
        for key in ("person", "room", "tag", "turn", "conversation")
    }
    return MemoryFilter(
        ids=fields.texts("ids", MAX_IDS, MAX_NAME_CHARACTERS),
        kinds=() if kind is None else (_parse_kind(kind),),
        since=fields.optional_number("since"),
        until=fields.optional_number("until"),
        speaker=None if speaker is None else _parse_speaker(speaker),
        source=fields.optional_text("source", 1, MAX_QUERY_CHARACTERS),
        with_replaced=fields.optional_text("replaced") == "too",
        **names,
    )


def _parse_chosen(fields: Fields) -> MemoryFilter:
    """Return the filter of a change, which must choose: a request without a condition would mean everything."""
    where = _parse_filter(fields)
    if where == MemoryFilter(with_replaced=where.with_replaced) and fields.optional_text("all") != "yes":
        raise BadEventError('memory: name ids or another condition, or send "all": "yes"', "memory-request")
    return where


def _parse_limit(fields: Fields) -> int:
    return int(fields.optional_number("limit", 1, MAX_PAGE) or 50)


def _parse_kind(value: str) -> MemoryKind:
    try:
        return MemoryKind(value)
    except ValueError:
        kinds = ", ".join(MemoryKind)
        raise BadEventError(f"memory: there is no kind '{value[:40]}'; there are: {kinds}", "memory-request") from None


def _parse_speaker(value: str) -> SpeakerRole:
    try:
        return SpeakerRole(value)
    except ValueError:
        roles = ", ".join(SpeakerRole)
        raise BadEventError(
            f"memory: there is no speaker '{value[:40]}'; there are: {roles}", "memory-request"
        ) from None


def _fit_page(records: Sequence[MemoryRecord]) -> Sequence[MemoryRecord]:
    """Return as many records as an event has room for, at least one."""
    total = 0
    for number, record in enumerate(records):
        total += len(record.text.encode())
        if number and total > MAX_PAGE_BYTES:
            return records[:number]
    return records
