"""No filter ever leaks: random memories, rooms, persons, searches and things forgotten."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.intent.memory.embedding_models import SynonymModel
from tests.unit.intent.memory.records import records
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    EVERYTHING,
    HOUSEHOLD,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    SpeakerRole,
    is_forgettable,
    is_readable,
)
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.memory.stores.sqlite.store import SqliteStore

NOW = 4e9
WORDS = ("rubbish", "bin", "sister", "kitchen", "safe", "Müll", "ごみの日は")
scopes = st.builds(
    MemoryScope,
    room=st.none() | st.sampled_from(["kitchen", "office", "hall"]),
    person=st.none() | st.sampled_from(["ada", "eve", HOUSEHOLD]),
    private_rooms=st.frozensets(st.sampled_from(["office", "hall"])),
    conversation=st.none() | st.sampled_from(["c1", "c2"]),
)
filters = st.builds(
    MemoryFilter,
    kinds=st.lists(st.sampled_from(MemoryKind), max_size=2).map(tuple),
    since=st.none() | st.floats(0, 4e9),
    until=st.none() | st.floats(0, 4e9),
    person=st.none() | st.sampled_from(["ada", "eve"]),
    room=st.none() | st.sampled_from(["kitchen", "office"]),
    speaker=st.none() | st.sampled_from(SpeakerRole),
    conversation=st.none() | st.sampled_from(["c1", "c2"]),
    turn=st.none() | st.sampled_from(["t1", "t2"]),
    tag=st.none() | st.sampled_from(["x", "y"]),
    with_replaced=st.booleans(),
)
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
told = st.builds(lambda record, text: replace(record, text=text), records, texts)
few = st.lists(told, max_size=12)


@contextmanager
def opened(kept: Sequence[MemoryRecord]) -> Iterator[SqliteStore]:
    with TemporaryDirectory() as folder, closing(sqlite.load(Path(folder, "memory.db"), SynonymModel())) as store:
        store.add(kept)
        while store.embed_pending():
            pass
        yield store


def found(store: SqliteStore, text: str, scope: MemoryScope, where: MemoryFilter) -> list[tuple[str, float, bool]]:
    results = store.search(text, scope, NOW, where, limit=50)
    return [(result.record.id, result.score, result.is_sure) for result in results]


@settings(max_examples=20)
@given(few, scopes, filters)
def test_exactly_what_the_scope_allows_is_found(
    kept: list[MemoryRecord], scope: MemoryScope, where: MemoryFilter
) -> None:
    with opened(kept) as store:
        allowed = [record for record in store.export() if is_readable(record, scope) and where.matches(record)]
        assert set(store.find(scope, where)) == set(allowed)


@settings(max_examples=20)
@given(few, scopes, filters, texts)
def test_a_search_finds_only_what_the_scope_allows(
    kept: list[MemoryRecord], scope: MemoryScope, where: MemoryFilter, text: str
) -> None:
    with opened(kept) as store:
        for result in store.search(text, scope, NOW, where, limit=50):
            assert is_readable(result.record, scope)
            assert where.matches(result.record)


@settings(max_examples=20)
@given(few, scopes, filters, texts)
def test_what_may_not_be_found_changes_no_result(
    kept: list[MemoryRecord], scope: MemoryScope, where: MemoryFilter, text: str
) -> None:
    kept = [replace(record, topic=None) for record in kept]
    visible = [record for record in kept if is_readable(record, scope) and where.matches(record)]
    with opened(kept) as everything, opened(visible) as only:
        assert found(everything, text, scope, where) == found(only, text, scope, where)


@settings(max_examples=20)
@given(few, scopes, filters)
def test_only_what_may_be_forgotten_and_its_turn_is_forgotten(
    kept: list[MemoryRecord], scope: MemoryScope, where: MemoryFilter
) -> None:
    with opened(kept) as store:
        before = list(store.export())
        expected = erased_with([r for r in before if is_forgettable(r, scope) and where.matches(r)], before, scope)
        assert store.forget(scope, where) == len(expected)
        assert {record.id for record in store.export()} == {record.id for record in before} - expected


def erased_with(meant: list[MemoryRecord], kept: list[MemoryRecord], scope: MemoryScope) -> set[str]:
    """Return the ids of the records that are erased with those that are meant."""
    erased = {record.id: record for record in meant}
    while True:
        turns = {record.turn for record in erased.values()} - {None}
        replaced = {record.replaces for record in erased.values()}
        more = [
            record
            for record in kept
            if record.turn in turns or (record.id in replaced and is_forgettable(record, scope))
        ]
        if erased.keys() >= {record.id for record in more}:
            return set(erased)
        erased |= {record.id: record for record in more}


@settings(max_examples=15)
@given(few, st.lists(st.tuples(scopes, filters, texts), min_size=1, max_size=5))
def test_what_was_forgotten_is_never_found_again(
    kept: list[MemoryRecord], steps: list[tuple[MemoryScope, MemoryFilter, str]]
) -> None:
    with opened(kept) as store:
        for scope, where, text in steps:
            gone = {record.id for record in store.find(ADMIN, EVERYTHING)}
            store.forget(scope, where)
            gone -= {record.id for record in store.export()}
            assert gone.isdisjoint(record.id for record in store.find(ADMIN, EVERYTHING))
            assert gone.isdisjoint(row_id for row_id, *_ in found(store, text, ADMIN, EVERYTHING))


@settings(max_examples=20)
@given(few, scopes, filters)
def test_links_between_facts_lead_to_facts_that_are_there(
    kept: list[MemoryRecord], scope: MemoryScope, where: MemoryFilter
) -> None:
    with opened(kept) as store:
        store.forget(scope, where)
        left = {record.id: record for record in store.export()}
        for record in left.values():
            assert {record.replaces, record.replaced_by} <= {None, *left}
