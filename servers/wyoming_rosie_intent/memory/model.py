"""Memories as values, and the interface of a store."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from wyoming_rosie.errors import RosieError
from wyoming_rosie.home.model import Home

MAX_TEXT_CHARACTERS = 100_000
HOUSEHOLD = "household"
"""Person of a scope in a home that does not tell its speakers apart: reads all that belongs to nobody in particular."""
EXTRACTED = "extracted"
"""Tag of facts that a language model found in talk; nobody asked to remember them."""
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class MemoryStoreError(RosieError):
    """The store cannot read or write now; the sentence says why."""

    code = "memory"


class CorruptMemoryError(MemoryStoreError):
    """The store's file is damaged; the next one that opens it keeps it aside and begins a new one."""


class ReplacedMemoryError(MemoryStoreError):
    """Another file has taken the place of the store's; the next one that opens it goes on with that."""


class InvalidMemoryError(RosieError):
    """A record cannot be stored as it is."""

    code = "invalid-memory"


class MemoryKind(StrEnum):
    CONVERSATION = "conversation"
    DOCUMENT = "document"
    FACT = "fact"


class SpeakerRole(StrEnum):
    PERSON = "person"
    ASSISTANT = "assistant"


def create_id() -> str:
    """Return a new record's ID."""
    return uuid4().hex


@dataclass(frozen=True)
class MemoryRecord:
    """One message, part of a document, or fact. Raises InvalidMemoryError for what no store could keep."""

    kind: MemoryKind
    text: str = field(repr=False)
    at: float  # seconds since the epoch
    id: str = field(default_factory=create_id)
    person: str | None = None  # whom it belongs to; None: nobody in particular
    room: str | None = None  # an area's id
    is_private: bool = False  # the room was private when it was said
    speaker: SpeakerRole = SpeakerRole.PERSON
    conversation: str | None = None
    turn: str | None = None
    intent: str | None = None
    tools: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    source: str | None = None  # of a document: its file
    language: str | None = None
    topic: str | None = field(default=None, repr=False)  # of a fact: a newer one about it replaces this one
    replaces: str | None = None  # an older fact's id
    replaced_by: str | None = None

    def __post_init__(self) -> None:
        if len(self.text) > MAX_TEXT_CHARACTERS:
            raise InvalidMemoryError(
                f"a memory has {len(self.text)} characters; the most are {MAX_TEXT_CHARACTERS}: split it"
            )
        texts = (self.text, self.id, self.person, self.room, self.conversation, self.turn, self.intent, self.source)
        if any(_UNSTORABLE.search(text) for text in (*texts, self.topic, *self.tools, *self.tags) if text):
            raise InvalidMemoryError("a memory has NUL or half a character in it; normalize_text removes them")
        if not self.id or not math.isfinite(self.at):
            raise InvalidMemoryError("a memory needs an id and a finite time")


def normalize_text(text: str) -> str:
    """Return a text without what no store could keep: NUL, halves of characters."""
    return _UNSTORABLE.sub("", text).strip()


@dataclass(frozen=True)
class MemoryScope:
    """Who reads, and where: the rooms and persons whose memories are found.

    What was said in a private room is found only there. A person reads what is theirs or nobody's; a guest, whose `person` is
    None, the facts that are nobody's and the present conversation.
    """

    room: str | None  # an area's id
    person: str | None
    private_rooms: frozenset[str]
    conversation: str | None = None
    is_admin: bool = False  # reads everything: the commands of whoever owns the file


ADMIN = MemoryScope(None, None, frozenset(), is_admin=True)


def create_scope(home: Home, area: str | None, person: str | None, conversation: str | None = None) -> MemoryScope:
    """Return the scope of a turn in an area (id or name); an unknown area has the least rights."""
    here = home.get_area(area) if area else None
    private = frozenset(room for room, policy in home.rooms.items() if policy.private)
    return MemoryScope(here.id if here else None, person, private, conversation)


def is_readable(record: MemoryRecord, scope: MemoryScope) -> bool:
    """Return whether a record may be found in a scope. Each store's query applies this rule itself."""
    if scope.is_admin:
        return True
    is_here = record.room is not None and record.room == scope.room
    if not is_here and (record.is_private or record.room in scope.private_rooms):
        return False
    if record.person is not None:
        return record.person == scope.person
    return scope.person is not None or record.kind is MemoryKind.FACT or _is_same_conversation(record, scope)


def is_forgettable(record: MemoryRecord, scope: MemoryScope) -> bool:
    """Return whether a record may be changed or forgotten in a scope: a guest leaves the household's facts alone."""
    if not is_readable(record, scope):
        return False
    return scope.is_admin or scope.person is not None or _is_same_conversation(record, scope)


def _is_same_conversation(record: MemoryRecord, scope: MemoryScope) -> bool:
    return scope.conversation is not None and record.conversation == scope.conversation


EQUAL_FIELDS = ("person", "room", "speaker", "conversation", "turn", "source", "topic")
"""Fields of a filter that must be those of the record."""


@dataclass(frozen=True)
class MemoryFilter:
    """Conditions beside the scope, all of which must hold; an empty one holds for all."""

    ids: tuple[str, ...] = ()
    kinds: tuple[MemoryKind, ...] = ()
    since: float | None = None
    until: float | None = None  # exclusive
    person: str | None = None
    room: str | None = None
    speaker: SpeakerRole | None = None
    conversation: str | None = None
    turn: str | None = None
    tag: str | None = None
    source: str | None = None
    topic: str | None = None
    with_replaced: bool = False  # also facts that a newer one replaced

    def matches(self, record: MemoryRecord) -> bool:
        """Return whether a record meets all conditions. Each store's query applies this rule itself."""
        wanted = {name: getattr(self, name) for name in EQUAL_FIELDS}
        return (
            (not self.ids or record.id in self.ids)
            and (not self.kinds or record.kind in self.kinds)
            and (self.since is None or record.at >= self.since)
            and (self.until is None or record.at < self.until)
            and (self.tag is None or self.tag in record.tags)
            and (self.with_replaced or record.replaced_by is None)
            and all(value is None or getattr(record, name) == value for name, value in wanted.items())
        )


EVERYTHING = MemoryFilter(with_replaced=True)
CURRENT = MemoryFilter()


@dataclass(frozen=True)
class FoundMemory:
    """A record that a search found; the score orders the results of this search only.

    One that is not sure may be about something else: a model may read it, but it is not to be spoken as an answer.
    """

    record: MemoryRecord
    score: float
    is_sure: bool


@dataclass(frozen=True)
class MemoryStats:
    """Counts of records by kind, bytes of the file, and how many records have a vector of the present model."""

    counts: dict[MemoryKind, int]
    size: int
    vectors: int = 0
    pending_vectors: int = 0
    model: str = ""


class MemoryStore(Protocol):
    """Keeps records. Calls block and may come from any thread; each may raise MemoryStoreError."""

    @property
    def notice(self) -> str | None:
        """What the owner should know about the opening: that records may be lost; None if all went well."""
        ...

    def add(self, records: Sequence[MemoryRecord]) -> None:
        """Store all records or none; those whose ID is there already stay as they are.

        A fact with a topic replaces the current one of the same topic, person and room of the same privacy.
        """
        ...

    def find(
        self, scope: MemoryScope, where: MemoryFilter = CURRENT, limit: int = 100, before: str | None = None
    ) -> list[MemoryRecord]:
        """Return records, newest first; `before` is the ID of the last one of the page before."""
        ...

    def search(
        self,
        text: str,
        scope: MemoryScope,
        now: float,
        where: MemoryFilter = CURRENT,
        limit: int = 5,
        language: str | None = None,
    ) -> list[FoundMemory]:
        """Return what is near enough to a text, best first; nothing rather than something wrong."""
        ...

    def embed_pending(self) -> bool:
        """Prepare some of the records that a search cannot find by meaning yet; return whether there are more.

        Raises EmbeddingError while the model does not work: the words of all records are found nevertheless.
        """
        ...

    def tag(self, scope: MemoryScope, where: MemoryFilter, add: Sequence[str], remove: Sequence[str] = ()) -> int:
        """Add and remove tags; return how many records were meant."""
        ...

    def forget(self, scope: MemoryScope, where: MemoryFilter) -> int:
        """Erase records, what their turns left, and the older facts that they replaced; return how many.

        Nothing of them stays in the store's files.
        """
        ...

    def expire(self, before: float) -> int:
        """Erase the conversations before a time, but no facts or documents; return how many records."""
        ...

    def export(self) -> Iterator[MemoryRecord]:
        """Yield all records, oldest first."""
        ...

    def backup(self, path: Path) -> None:
        """Write a consistent copy to a new file that only the owner may read."""
        ...

    def stats(self) -> MemoryStats: ...

    def close(self) -> None: ...
