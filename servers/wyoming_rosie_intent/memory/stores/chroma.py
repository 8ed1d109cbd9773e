"""Store `chroma`: ChromaDB, by its server or in this process; one collection for each kind of memory.

It finds by meaning only, so that it needs an embedding model. What is forgotten may stay in its files until it compacts them.
"""

import json
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar
from urllib.parse import urlsplit

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_intent.memory.embedding import EmbeddingError, EmbeddingModel
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    CURRENT,
    EQUAL_FIELDS,
    EVERYTHING,
    FoundMemory,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    MemoryStats,
    MemoryStoreError,
    SpeakerRole,
    is_forgettable,
    is_readable,
)
from wyoming_rosie_intent.memory.ranking import fuse, weigh_age

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

P = ParamSpec("P")
T = TypeVar("T")
Where: TypeAlias = dict[str, Any]
COLLECTIONS = {
    MemoryKind.CONVERSATION: "conversations",
    MemoryKind.DOCUMENT: "documents",
    MemoryKind.FACT: "facts",
}
CANDIDATES = 50
BATCH_ROWS = 1_000
DEFAULT_PORT = 8000
_NOBODY = ""
"""Value of a field without one: the filters know no null."""


@dataclass(frozen=True)
class Settings:
    url: str = option(
        "", "address of a ChromaDB server of this home, such as http://127.0.0.1:8000; without one, files of its own"
    )


class ChromaStore:
    """Memories in three collections. Changes are not atomic; they are written in an order that loses nothing."""

    def __init__(self, client: "ClientAPI", embedding: EmbeddingModel) -> None:
        self._embedding = embedding
        self._lock = threading.Lock()
        metadata = {"hnsw:space": "cosine", "model": embedding.name}
        self._collections: dict[MemoryKind, Collection] = {
            kind: client.get_or_create_collection(name, metadata=metadata, embedding_function=None)
            for kind, name in COLLECTIONS.items()
        }

    @property
    def notice(self) -> str | None:
        return None

    def add(self, records: Sequence[MemoryRecord]) -> None:
        with self._lock, _translated_errors():
            known = {record.id for record in self._get({}, [record.id for record in records])} if records else set()
            new = {record.id: record for record in reversed(records) if record.id not in known}
            for changes_older, group in groupby(reversed(new.values()), _may_replace):
                for batch in _batched(group, 1 if changes_older else BATCH_ROWS):
                    self._insert(batch)

    def find(
        self, scope: MemoryScope, where: MemoryFilter = CURRENT, limit: int = 100, before: str | None = None
    ) -> list[MemoryRecord]:
        with _translated_errors():
            found = self._find(scope, where)
        if before is not None:
            position = next((at for at, record in enumerate(found) if record.id == before), len(found))
            found = found[position + 1 :]
        return found[:limit]

    def search(
        self,
        text: str,
        scope: MemoryScope,
        now: float,
        where: MemoryFilter = CURRENT,
        limit: int = 5,
        language: str | None = None,
    ) -> list[FoundMemory]:
        try:
            (query,) = self._embedding.embed([text], is_query=True)
        except EmbeddingError as err:
            raise MemoryStoreError(str(err)) from err
        with _translated_errors():
            near = [pair for kind in _kinds(where) for pair in self._query(kind, query.tolist(), scope, where)]
        near.sort(key=lambda pair: pair[1], reverse=True)
        scores = fuse([dict.fromkeys(range(len(near)), True)])
        found = [
            FoundMemory(
                record, scores[number] * weigh_age(record.kind, record.at, now), cosine >= self._embedding.sure_floor
            )
            for number, (record, cosine) in enumerate(near)
        ]
        return sorted(found, key=lambda memory: memory.score, reverse=True)[:limit]

    def embed_pending(self) -> bool:
        return False  # each record is embedded when it is added

    def tag(self, scope: MemoryScope, where: MemoryFilter, add: Sequence[str], remove: Sequence[str] = ()) -> int:
        with self._lock, _translated_errors():
            meant = [record for record in self._find(scope, where) if is_forgettable(record, scope)]
            for record in meant:
                tags = tuple(tag for tag in dict.fromkeys((*record.tags, *add)) if tag not in remove)
                self._update(replace(record, tags=tags), {_tag_key(tag): False for tag in remove})
        return len(meant)

    def forget(self, scope: MemoryScope, where: MemoryFilter) -> int:
        with self._lock, _translated_errors():
            meant = [record for record in self._find(scope, where) if is_forgettable(record, scope)]
            erased = self._with_related(meant, scope)
            self._delete(erased)
            for record in self._find_linked(list(erased)):
                self._update(_without_links(record, erased))
        return len(erased)

    def expire(self, before: float) -> int:
        with self._lock, _translated_errors():
            old = self._find(ADMIN, MemoryFilter(kinds=(MemoryKind.CONVERSATION,), until=before, with_replaced=True))
            self._delete({record.id: record for record in old})
        return len(old)

    def export(self) -> Iterator[MemoryRecord]:
        with _translated_errors():
            records = self._find(ADMIN, EVERYTHING, oldest_first=True)
        yield from records

    def backup(self, path: Path) -> None:
        raise MemoryStoreError("ChromaDB has backups of its own; to keep the memories in a file, export them")

    def stats(self) -> MemoryStats:
        with _translated_errors():
            counts = {kind: collection.count() for kind, collection in self._collections.items()}
        return MemoryStats(
            {kind: count for kind, count in counts.items() if count}, 0, sum(counts.values()), 0, self._embedding.name
        )

    def close(self) -> None:
        self._collections = {}

    def _insert(self, records: Sequence[MemoryRecord]) -> None:
        old = self._find_replaced(records[0])
        if old is not None:
            records = [replace(records[0], replaces=old.id)]
        vectors = self._embedding.embed([record.text for record in records])
        now = time.time_ns()
        for kind, collection in self._collections.items():
            rows = [(number, record) for number, record in enumerate(records) if record.kind is kind]
            if rows:
                collection.add(
                    ids=[record.id for _, record in rows],
                    documents=[record.text for _, record in rows],
                    embeddings=vectors[[number for number, _ in rows]],
                    metadatas=[{**_to_metadata(record), "sequence": now + number} for number, record in rows],
                )
        if old is not None:
            self._update(replace(old, replaced_by=records[0].id))

    def _find_replaced(self, new: MemoryRecord) -> MemoryRecord | None:
        """Return the current fact about a fact's topic, for the same readers."""
        if not _may_replace(new):
            return None
        about = MemoryFilter(kinds=(MemoryKind.FACT,), topic=new.topic, room=new.room if new.is_private else None)
        same = (
            record
            for record in self._find(ADMIN, about)
            if (record.person, record.is_private) == (new.person, new.is_private) and record.id != new.id
        )
        return next(same, None)

    def _find(self, scope: MemoryScope, where: MemoryFilter, *, oldest_first: bool = False) -> list[MemoryRecord]:
        """Return the records that a scope and a filter allow, newest first."""
        wanted = _join("$and", [*_scope_conditions(scope), *_filter_conditions(where)])
        found = [
            pair for kind in _kinds(where) for pair in self._get_numbered(self._collections[kind], wanted, where.ids)
        ]
        key: Callable[[tuple[int, MemoryRecord]], tuple[float, int]] = (
            (lambda pair: (0.0, pair[0])) if oldest_first else (lambda pair: (-pair[1].at, -pair[0]))
        )
        records = [record for _, record in sorted(found, key=key)]
        return [record for record in records if is_readable(record, scope) and where.matches(record)]

    def _get(self, where: Where, ids: Sequence[str]) -> list[MemoryRecord]:
        return [
            record
            for collection in self._collections.values()
            for _, record in self._get_numbered(collection, where, ids)
        ]

    def _get_numbered(
        self, collection: "Collection", where: Where, ids: Sequence[str]
    ) -> list[tuple[int, MemoryRecord]]:
        found: list[tuple[int, MemoryRecord]] = []
        given: dict[str, Any] = {
            "where": where or None,
            "ids": list(ids) or None,
            "include": ["metadatas", "documents"],
        }
        while True:
            rows: Any = collection.get(limit=BATCH_ROWS, offset=len(found), **given)
            found += [
                (metadata["sequence"], _to_record(row_id, text, metadata))
                for row_id, text, metadata in zip(rows["ids"], rows["documents"], rows["metadatas"], strict=True)
            ]
            if len(rows["ids"]) < BATCH_ROWS:
                return found

    def _query(
        self, kind: MemoryKind, query: Sequence[float], scope: MemoryScope, where: MemoryFilter
    ) -> Iterator[tuple[MemoryRecord, float]]:
        wanted = _join("$and", [*_scope_conditions(scope), *_filter_conditions(where)])
        results: Any = self._collections[kind].query(
            query_embeddings=[list(query)],
            n_results=CANDIDATES,
            where=wanted or None,
            ids=list(where.ids) or None,
            include=["metadatas", "documents", "distances"],
        )
        columns = (results[name][0] for name in ("ids", "documents", "metadatas", "distances"))
        for row_id, text, metadata, distance in zip(*columns, strict=True):
            record = _to_record(row_id, text, metadata)
            if 1 - distance >= self._embedding.floor and is_readable(record, scope) and where.matches(record):
                yield record, 1 - distance

    def _find_linked(self, ids: Sequence[str]) -> list[MemoryRecord]:
        """Return the records that replace any of these, or are replaced by them."""
        linked: dict[str, MemoryRecord] = {}
        for start in range(0, len(ids), BATCH_ROWS):
            among = {"$in": list(ids[start : start + BATCH_ROWS])}
            found = self._get({"$or": [{"replaces": among}, {"replaced_by": among}]}, ())
            linked |= {record.id: record for record in found}
        return list(linked.values())

    def _with_related(self, meant: Sequence[MemoryRecord], scope: MemoryScope) -> dict[str, MemoryRecord]:
        """Return records by id, with those of their turns and the facts that they replaced."""
        erased: dict[str, MemoryRecord] = {}
        waiting = list(meant)
        while waiting:
            record = waiting.pop()
            if record.id in erased:
                continue
            erased[record.id] = record
            if record.turn is not None:
                waiting += self._find(ADMIN, MemoryFilter(turn=record.turn, with_replaced=True))
            if record.replaces is not None:
                older = self._find(ADMIN, MemoryFilter(ids=(record.replaces,), with_replaced=True))
                waiting += [found for found in older if is_forgettable(found, scope)]
        return erased

    def _update(self, record: MemoryRecord, changed: Mapping[str, bool] | None = None) -> None:
        metadata = {**(changed or {}), **_to_metadata(record)}
        self._collections[record.kind].update(ids=[record.id], metadatas=[metadata])

    def _delete(self, records: Mapping[str, MemoryRecord]) -> None:
        for kind, collection in self._collections.items():
            ids = [record.id for record in records.values() if record.kind is kind]
            for start in range(0, len(ids), BATCH_ROWS):
                collection.delete(ids=ids[start : start + BATCH_ROWS])


class _TranslatedErrors:
    """Raises MemoryStoreError for whatever ChromaDB or the connection to its server raises."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, MemoryStoreError):
            raise MemoryStoreError(f"ChromaDB failed: {type(error).__name__}") from error


_translated_errors = _TranslatedErrors


def load(
    settings: Settings, path: Path, embedding: EmbeddingModel | None = None, key: str | None = None
) -> ChromaStore:
    """Open the store. Raises ConfigError, MemoryStoreError."""
    if key is not None:
        raise ConfigError("the store chroma does not encrypt: leave out the key, or choose the store sqlite")
    if embedding is None:
        raise ConfigError("the store chroma finds by meaning only: choose an embedding, or the store sqlite")
    try:
        import chromadb
        from chromadb.config import Settings as ChromaSettings
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['chroma'])}") from err
    quiet = ChromaSettings(anonymized_telemetry=False)
    with _translated_errors():
        if not settings.url:
            folder = path.with_suffix(".chroma")
            folder.mkdir(0o700, parents=True, exist_ok=True)
            return ChromaStore(chromadb.PersistentClient(str(folder), settings=quiet), embedding)
        parts = urlsplit(settings.url)
        client = chromadb.HttpClient(
            parts.hostname or "", parts.port or DEFAULT_PORT, ssl=parts.scheme == "https", settings=quiet
        )
        return ChromaStore(client, embedding)


def _batched(records: Iterable[MemoryRecord], size: int) -> Iterator[list[MemoryRecord]]:
    """Yield records in lists of at most `size`."""
    remaining = iter(records)
    while batch := list(islice(remaining, size)):
        yield batch


def _may_replace(record: MemoryRecord) -> bool:
    return record.kind is MemoryKind.FACT and record.topic is not None and record.replaced_by is None


def _without_links(record: MemoryRecord, erased: Container[str | None]) -> MemoryRecord:
    return replace(
        record,
        replaces=None if record.replaces in erased else record.replaces,
        replaced_by=None if record.replaced_by in erased else record.replaced_by,
    )


def _kinds(where: MemoryFilter) -> tuple[MemoryKind, ...]:
    return where.kinds or tuple(MemoryKind)


def _scope_conditions(scope: MemoryScope) -> Iterator[Where]:
    """Yield the conditions of `is_readable`."""
    if scope.is_admin:
        return
    others: list[Where] = [{"is_private": False}, *({"room": {"$ne": room}} for room in sorted(scope.private_rooms))]
    here: list[Where] = [{"room": scope.room}] if scope.room is not None else []
    yield _join("$or", [*here, _join("$and", others)])
    if scope.person is not None:
        yield {"person": {"$in": [_NOBODY, scope.person]}}
        return
    said: list[Where] = [{"conversation": scope.conversation}] if scope.conversation is not None else []
    yield {"person": _NOBODY}
    yield _join("$or", [{"kind": MemoryKind.FACT.value}, *said])


def _filter_conditions(where: MemoryFilter) -> Iterator[Where]:
    if where.since is not None:
        yield {"at": {"$gte": where.since}}
    if where.until is not None:
        yield {"at": {"$lt": where.until}}
    for name in EQUAL_FIELDS:
        if (value := getattr(where, name)) is not None:
            yield {name: str(value)}
    if where.tag is not None:
        yield {_tag_key(where.tag): True}
    if not where.with_replaced:
        yield {"replaced_by": _NOBODY}


def _join(operator: str, conditions: Iterable[Where]) -> Where:
    """Return joined conditions; an operator needs two of them."""
    conditions = list(conditions)
    return {operator: conditions} if len(conditions) > 1 else (conditions[0] if conditions else {})


def _to_metadata(record: MemoryRecord) -> dict[str, Any]:
    values = {name: _NOBODY if value is None else value for name, value in asdict(record).items()}
    del values["id"], values["text"]
    values |= {name: json.dumps(values[name], ensure_ascii=False) for name in ("tools", "tags")}
    values |= {"kind": record.kind.value, "speaker": record.speaker.value, "at": float(record.at)}
    return values | {_tag_key(tag): True for tag in record.tags}


def _to_record(row_id: str, text: str, metadata: Mapping[str, Any]) -> MemoryRecord:
    values = {
        name: metadata[name] or None
        for name in ("person", "room", "conversation", "turn", "intent", "source", "language", "topic", "replaces", "replaced_by")
    }  # fmt: skip
    return MemoryRecord(
        MemoryKind(metadata["kind"]),
        text,
        float(metadata["at"]),
        row_id,
        is_private=bool(metadata["is_private"]),
        speaker=SpeakerRole(metadata["speaker"]),
        tools=tuple(json.loads(metadata["tools"])),
        tags=tuple(json.loads(metadata["tags"])),
        **values,
    )


def _tag_key(tag: str) -> str:
    return f"tag {tag}"
