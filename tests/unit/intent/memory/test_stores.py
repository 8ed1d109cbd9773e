"""What every store of memories does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.intent.memory.embedding_models import SynonymModel
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    CURRENT,
    EVERYTHING,
    HOUSEHOLD,
    InvalidMemoryError,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    MemoryStore,
    SpeakerRole,
)
from wyoming_rosie_intent.memory.stores import chroma
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite

NOW = 1_800_000_000.0
ADA = MemoryScope("kitchen", "ada", frozenset())
GUEST = MemoryScope("kitchen", None, frozenset(), conversation="now")


def fact(text: str, at: float = NOW, **values: object) -> MemoryRecord:
    return MemoryRecord(MemoryKind.FACT, text, at, language="en", **values)  # type: ignore[arg-type]


def said(text: str, at: float = NOW, **values: object) -> MemoryRecord:
    return MemoryRecord(MemoryKind.CONVERSATION, text, at, language="en", **values)  # type: ignore[arg-type]


def open_chroma(path: Path) -> MemoryStore:
    pytest.importorskip("chromadb", reason="needs chromadb, which scripts/chroma-tests installs apart")
    return chroma.load(chroma.Settings(), path, SynonymModel())


@pytest.fixture(params=["sqlite", "chroma"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MemoryStore]:
    opened = sqlite.load(tmp_path / "memory.db") if request.param == "sqlite" else open_chroma(tmp_path / "memory.db")
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[MemoryStore]:
    opened = sqlite.load(tmp_path / "memory.db")
    yield opened
    opened.close()


def texts(records: list[MemoryRecord]) -> list[str]:
    return [record.text for record in records]


def found(store: MemoryStore, text: str, scope: MemoryScope = ADA) -> list[str]:
    return [result.record.text for result in store.search(text, scope, NOW)]


def test_a_record_comes_back_as_it_was(store: MemoryStore) -> None:
    record = said(
        "ask 'Ada'; --; \U0001f600 日本語",
        person="ada",
        room="kitchen",
        speaker=SpeakerRole.ASSISTANT,
        conversation="c",
        turn="t",
        intent="HassTurnOn",
        tools=("a", "ü"),
        tags=("x",),
    )
    store.add([record])
    assert store.find(ADMIN) == [record]


def test_the_newest_records_come_first_and_pages_follow(store: MemoryStore) -> None:
    store.add([said(str(number), NOW + number // 2, id=str(number)) for number in range(5)])
    first = store.find(ADMIN, limit=2)
    assert texts(first) == ["4", "3"]
    assert texts(store.find(ADMIN, limit=9, before=first[-1].id)) == ["2", "1", "0"]


def test_a_record_is_stored_once(store: MemoryStore) -> None:
    store.add([fact("one", id="1")])
    store.add([fact("other", id="1")])
    assert texts(store.find(ADMIN)) == ["one"]


def test_a_question_finds_a_fact_by_its_words(store: MemoryStore) -> None:
    store.add([fact("my bin day is Tuesday"), fact("my sister is Ada")])
    assert found(store, "when is my bin day?")[0] == "my bin day is Tuesday"


@pytest.mark.parametrize(
    "text", ['"', "-", ":*", "NEAR(a b)", "a AND", "'; DROP TABLE memory", "", "()", "row:x", "^a"]
)
def test_query_syntax_is_only_words(store: MemoryStore, text: str) -> None:
    store.add([fact("unrelated")])
    assert found(store, text) == []


def test_a_text_without_spaces_is_found(sqlite_store: MemoryStore) -> None:
    sqlite_store.add([fact("ごみの日は火曜日です"), fact("妹の名前は愛です")])
    assert found(sqlite_store, "ごみの日はいつですか") == ["ごみの日は火曜日です"]


def test_a_new_fact_replaces_the_one_about_its_topic_and_both_stay_in_the_history(store: MemoryStore) -> None:
    store.add([fact("bins go out on Tuesday", topic="bin day", person="ada", id="old")])
    store.add([fact("bins go out on Friday", NOW + 1, topic="bin day", person="ada", id="new")])
    assert found(store, "when do the bins go out") == ["bins go out on Friday"]
    new, old = store.find(ADA, EVERYTHING)
    assert (new.replaces, old.replaced_by) == ("old", "new")


def test_a_fact_replaces_none_of_another_person_or_of_a_private_room(store: MemoryStore) -> None:
    store.add([fact("mine", topic="t", person="ada")])
    store.add([fact("hers", topic="t", person="eve")])
    store.add([fact("private", topic="t", person="ada", room="office", is_private=True)])
    store.add([fact("nobody's", topic="t")])
    assert all(record.replaced_by is None for record in store.find(ADMIN, EVERYTHING))


def test_what_was_said_in_a_private_room_is_found_only_there(store: MemoryStore) -> None:
    store.add([fact("the safe is behind the books", room="office", is_private=True)])
    assert found(store, "where is the safe") == []
    assert found(store, "where is the safe", MemoryScope("office", None, frozenset())) != []
    assert found(store, "where is the safe", MemoryScope(None, "ada", frozenset())) == []


def test_a_room_that_became_private_keeps_what_was_said_before(store: MemoryStore) -> None:
    store.add([fact("the safe is behind the books", room="office")])
    assert found(store, "where is the safe", MemoryScope("kitchen", "ada", frozenset({"office"}))) == []


def test_a_person_finds_what_is_theirs_and_what_is_nobodys(store: MemoryStore) -> None:
    store.add([said("mine", person="ada"), said("hers", person="eve"), said("anyone's")])
    assert set(texts(store.find(ADA))) == {"mine", "anyone's"}
    assert texts(store.find(MemoryScope("kitchen", HOUSEHOLD, frozenset()))) == ["anyone's"]


def test_a_guest_finds_shared_facts_and_the_present_conversation(store: MemoryStore) -> None:
    store.add([fact("shared"), fact("private", person="ada"), said("earlier", conversation="before")])
    store.add([said("now", NOW + 1, conversation="now"), said("ada's", NOW + 1, conversation="now", person="ada")])
    assert set(texts(store.find(GUEST))) == {"shared", "now"}


def test_a_guest_forgets_nothing_of_the_household(store: MemoryStore) -> None:
    store.add([fact("shared"), said("now", conversation="now")])
    assert store.forget(GUEST, EVERYTHING) == 1
    assert texts(store.find(ADMIN)) == ["shared"]


def test_forgetting_a_fact_forgets_its_history_and_its_turn(store: MemoryStore) -> None:
    store.add([fact("Tuesday", topic="t", turn="1"), said("remember Tuesday", turn="1"), said("else", turn="9")])
    store.add([fact("Friday", topic="t", turn="2", id="new"), said("remember Friday", turn="2")])
    assert store.forget(ADMIN, MemoryFilter(ids=("new",))) == 4
    assert texts(store.find(ADMIN, EVERYTHING)) == ["else"]


def test_forgetting_an_old_fact_leaves_the_one_that_replaced_it(store: MemoryStore) -> None:
    store.add([fact("Tuesday", topic="t", id="old"), fact("Friday", topic="t", id="new")])
    store.forget(ADMIN, MemoryFilter(ids=("old",), with_replaced=True))
    (left,) = store.find(ADMIN, EVERYTHING)
    assert (left.id, left.replaces) == ("new", None)


@pytest.mark.parametrize(
    "where",
    [
        MemoryFilter(kinds=(MemoryKind.CONVERSATION,)),
        MemoryFilter(since=NOW),
        MemoryFilter(person="ada"),
        MemoryFilter(room="kitchen"),
        MemoryFilter(speaker=SpeakerRole.ASSISTANT),
        MemoryFilter(conversation="c"),
        MemoryFilter(turn="t"),
        MemoryFilter(tag="x"),
        MemoryFilter(source="s"),
        MemoryFilter(topic="p"),
        MemoryFilter(ids=("1",)),
    ],
    ids=str,
)
def test_a_filter_finds_only_what_it_means(store: MemoryStore, where: MemoryFilter) -> None:
    wanted = said("wanted word", NOW, id="1", person="ada", room="kitchen", speaker=SpeakerRole.ASSISTANT, conversation="c",
                  turn="t", tags=("x",), source="s", topic="p")  # fmt: skip
    store.add([wanted, fact("other word", NOW - 1, room="hall")])
    assert store.find(ADMIN, where) == [wanted]
    assert [result.record for result in store.search("word", ADMIN, NOW, where)] == [wanted]


def test_tags_are_added_and_removed(store: MemoryStore) -> None:
    store.add([fact("a", tags=("old",), person="ada"), fact("b", person="eve")])
    assert store.tag(ADA, CURRENT, ("new", "new"), ("old",)) == 1
    assert {record.text: record.tags for record in store.find(ADMIN)} == {"a": ("new",), "b": ()}


def test_an_export_into_another_store_is_the_same(store: MemoryStore, tmp_path: Path) -> None:
    store.add([fact("a", topic="t"), fact("b", topic="t"), said("c", tags=("ü",))])
    copy = sqlite.load(tmp_path / "copy.db")
    copy.add(list(store.export()))
    assert list(copy.export()) == list(store.export())
    copy.close()


def test_a_backup_is_a_whole_store_for_the_owner_only(sqlite_store: MemoryStore, tmp_path: Path) -> None:
    sqlite_store.add([fact("kept")])
    sqlite_store.backup(tmp_path / "backup.db")
    assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600
    copy = sqlite.load(tmp_path / "backup.db")
    assert texts(copy.find(ADMIN)) == ["kept"]
    copy.close()


def test_statistics_count_each_kind(store: MemoryStore) -> None:
    store.add([fact("a"), fact("b"), said("c")])
    assert store.stats().counts == {MemoryKind.FACT: 2, MemoryKind.CONVERSATION: 1}


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 100_001], ids=["nul", "surrogate", "long"])
def test_what_no_store_could_keep_is_refused(text: str) -> None:
    with pytest.raises(InvalidMemoryError):
        fact(text)
