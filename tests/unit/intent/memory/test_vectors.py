"""Search by meaning beside full text."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.memory.embedding_models import SynonymModel
from wyoming_rosie_intent.memory.embedding import EmbeddingError
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    EVERYTHING,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryScope,
    SpeakerRole,
)
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.memory.stores.sqlite.store import SqliteStore
from wyoming_rosie_intent.memory.vectors import (
    GrowingArray,
    compare,
    from_bytes,
    normalize,
    rank_by_signs,
    to_bytes,
    to_signs,
)

NOW = 1_800_000_000.0


def fact(text: str, **values: object) -> MemoryRecord:
    return MemoryRecord(MemoryKind.FACT, text, NOW, **values)  # type: ignore[arg-type]


@pytest.fixture
def model() -> SynonymModel:
    return SynonymModel()


@pytest.fixture
def store(tmp_path: Path, model: SynonymModel) -> Iterator[SqliteStore]:
    opened = sqlite.load(tmp_path / "memory.db", model)
    yield opened
    opened.close()


def embed_all(store: SqliteStore) -> None:
    while store.embed_pending():
        pass


def found(store: SqliteStore, text: str, scope: MemoryScope = ADMIN, language: str | None = None) -> list[str]:
    return [result.record.text for result in store.search(text, scope, NOW, language=language)]


def test_a_question_in_other_words_finds_the_fact(store: SqliteStore) -> None:
    store.add([fact("bin Tuesday"), fact("coffee black")])
    embed_all(store)
    assert found(store, "rubbish day") == ["bin Tuesday"]


def test_a_text_that_is_near_to_nothing_finds_nothing(store: SqliteStore) -> None:
    store.add([fact("bin Tuesday"), fact("coffee black")])
    embed_all(store)
    assert found(store, "opera tickets") == []


def test_a_memory_is_found_by_meaning_after_another_was_forgotten(store: SqliteStore) -> None:
    store.add([fact("bin Tuesday", id="old"), fact("sister Ada")])
    embed_all(store)
    assert found(store, "rubbish") == ["bin Tuesday"]
    store.forget(ADMIN, MemoryFilter(ids=("old",)))
    store.add([fact("bin Friday")])
    embed_all(store)
    assert found(store, "rubbish") == ["bin Friday"]
    assert found(store, "sibling") == ["sister Ada"]


def test_what_another_process_wrote_is_found(store: SqliteStore, tmp_path: Path) -> None:
    assert found(store, "rubbish") == []
    other = sqlite.load(tmp_path / "memory.db", SynonymModel())
    other.add([fact("bin Tuesday")])
    embed_all(other)
    other.close()
    assert found(store, "rubbish") == ["bin Tuesday"]


def test_a_changed_model_embeds_all_anew_and_full_text_goes_on(tmp_path: Path) -> None:
    first = sqlite.load(tmp_path / "memory.db", SynonymModel("first", 64))
    first.add([fact(f"bin number {number}") for number in range(20)])
    embed_all(first)
    first.close()
    second = sqlite.load(tmp_path / "memory.db", SynonymModel("second", 128))
    assert (second.stats().vectors, second.stats().pending_vectors) == (0, 20)
    assert found(second, "number 7") == ["bin number 7"]
    embed_all(second)
    assert (second.stats().vectors, second.stats().pending_vectors) == (20, 0)
    assert found(second, "rubbish number 7")[0] == "bin number 7"
    second.close()


def test_a_model_that_answers_other_dimensions_under_its_name_embeds_all_anew(tmp_path: Path) -> None:
    for dimensions in (64, 128):
        store = sqlite.load(tmp_path / "memory.db", SynonymModel("same", dimensions))
        store.add([fact(f"bin {dimensions}")])
        embed_all(store)
        assert store.stats().pending_vectors == 0
        assert f"bin {dimensions}" in found(store, "rubbish")
        store.close()


def test_full_text_goes_on_while_the_model_is_away(store: SqliteStore, model: SynonymModel) -> None:
    model.is_away = True
    store.add([fact("bin day is Tuesday")])
    with pytest.raises(EmbeddingError):
        store.embed_pending()
    assert found(store, "bin day") == ["bin day is Tuesday"]
    model.is_away = False
    embed_all(store)
    assert found(store, "rubbish day is") == ["bin day is Tuesday"]


def test_a_language_that_the_model_does_not_know_is_left_to_full_text(tmp_path: Path) -> None:
    model = SynonymModel(languages=frozenset({"en"}))
    store = sqlite.load(tmp_path / "memory.db", model)
    store.add([fact("bin Tuesday", language="en-GB"), fact("Müll Dienstag", language="de")])
    embed_all(store)
    assert model.embedded == ["bin Tuesday"]
    assert found(store, "rubbish", language="de") == []
    assert found(store, "Müll Dienstag", language="de") == ["Müll Dienstag"]
    store.close()


def test_vectors_of_a_private_room_are_compared_only_there(store: SqliteStore) -> None:
    private = [fact(f"bin secret {number}", room="office", is_private=True) for number in range(450)]
    store.add([*private, fact("bin Tuesday", room="kitchen")])
    embed_all(store)
    here = MemoryScope("kitchen", "ada", frozenset({"office"}))
    assert found(store, "rubbish secret", here) == ["bin Tuesday"]


@pytest.mark.parametrize(
    ("where", "wanted", "other"),
    [
        (MemoryFilter(tag="wanted"), {"tags": ("wanted",)}, {}),
        (MemoryFilter(kinds=(MemoryKind.FACT,)), {}, {"kind": MemoryKind.DOCUMENT}),
        (MemoryFilter(person="ada"), {"person": "ada"}, {"person": "eve"}),
        (MemoryFilter(room="office"), {"room": "office"}, {"room": "hall"}),
        (MemoryFilter(speaker=SpeakerRole.PERSON), {}, {"speaker": SpeakerRole.ASSISTANT}),
    ],
    ids=["tag", "kind", "person", "room", "speaker"],
)
def test_a_filter_is_part_of_the_search_by_meaning(
    store: SqliteStore, where: MemoryFilter, wanted: dict[str, object], other: dict[str, object]
) -> None:
    others = [replace(fact(f"bin {number}"), **other) for number in range(450)]  # type: ignore[arg-type]
    store.add([*others, fact("bin holiday Tuesday", **wanted)])
    embed_all(store)
    results = store.search("rubbish", ADMIN, NOW, where)
    assert [result.record.text for result in results] == ["bin holiday Tuesday"]


def test_a_replaced_fact_is_not_found_by_meaning(store: SqliteStore) -> None:
    store.add([fact("bin Tuesday", topic="bin")])
    store.add([fact("bin Friday", topic="bin")])
    embed_all(store)
    assert found(store, "rubbish") == ["bin Friday"]
    assert len(store.search("rubbish", ADMIN, NOW, EVERYTHING)) == 2


def test_a_forgotten_memory_is_not_embedded(store: SqliteStore, model: SynonymModel) -> None:
    store.add([fact("bin Tuesday")])
    store.forget(ADMIN, EVERYTHING)
    embed_all(store)
    assert model.embedded == []


def test_only_what_is_near_is_sure(store: SqliteStore) -> None:
    store.add([fact("bin Tuesday morning early")])
    embed_all(store)
    near, far = (store.search(text, ADMIN, NOW)[0] for text in ("rubbish Tuesday morning early", "rubbish morning zoo"))
    assert (near.is_sure, far.is_sure) == (True, False)


@given(st.integers(1, 500), st.integers(0, 2**32 - 1))
def test_a_stored_vector_points_where_it_did(dimensions: int, seed: int) -> None:
    vector = normalize(np.random.default_rng(seed).standard_normal((1, dimensions)).astype(np.float32))
    (cosine,) = compare(*from_bytes([to_bytes(vector[0])]), vector[0])
    assert cosine == pytest.approx(1, abs=0.02)


def test_vectors_without_a_direction_are_kept() -> None:
    zero = np.zeros(3, np.float32)
    assert compare(*from_bytes([to_bytes(zero)]), zero + 1).tolist() == [0]


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=20), st.booleans())))
def test_a_growing_array_has_what_was_added_and_kept(steps: list[tuple[list[int], bool]]) -> None:
    array, expected = GrowingArray(np.int64), list[int]()
    for added, keeps_even in steps:
        array.extend(np.array(added, np.int64))
        expected += added
        if keeps_even:
            array.keep(array.values % 2 == 0)
            expected = [value for value in expected if value % 2 == 0]
        assert array.values.tolist() == expected


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 150))
def test_the_nearest_by_signs_differ_least_and_are_allowed(seed: int, most: int, dimensions: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((60, dimensions)).astype(np.float32)
    query, allowed = random.standard_normal((1, dimensions)).astype(np.float32), random.random(60) < 0.7
    near = rank_by_signs(to_signs(query), list(to_signs(vectors)), allowed, most).tolist()
    differing = ((vectors > 0) != (query > 0)).sum(axis=1)
    expected = sorted(np.flatnonzero(allowed).tolist(), key=lambda position: (differing[position], -position))
    assert sorted(near) == sorted(expected[:most])


def test_the_signs_find_the_nearest_of_many() -> None:
    vectors = normalize(np.random.default_rng(1).standard_normal((5_000, 100)).astype(np.float32))
    query = normalize(vectors[77:78] + 0.05)
    allowed = np.ones(5_000, np.bool_)
    assert 77 in rank_by_signs(to_signs(query), list(to_signs(vectors)), allowed, 10)
    allowed[77] = False
    assert 77 not in rank_by_signs(to_signs(query), list(to_signs(vectors)), allowed, 10)
