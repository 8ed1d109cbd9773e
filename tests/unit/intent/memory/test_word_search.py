"""Search by words beside a calculation over all memories."""

import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie_intent.memory.model import ADMIN, MemoryKind, MemoryRecord
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.memory.stores.sqlite.store import SqliteStore
from wyoming_rosie_intent.memory.stores.sqlite.word_search import CANDIDATES, COMMON_ROWS, MIN_COVERAGE

NOW = 1_800_000_000.0
WORDS = [f"w{number}" for number in range(24)]
SHARES = [1 / (1 + number) for number in range(len(WORDS))]
"""Of the words: the first are common, the last are rare."""


def make_texts() -> list[str]:
    draw = random.Random(1)
    return [" ".join(draw.choices(WORDS, SHARES, k=4)) + f" n{number}" for number in range(600)]


TEXTS = make_texts()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    opened = sqlite.load(tmp_path_factory.mktemp("memory") / "memory.db")
    opened.add([MemoryRecord(MemoryKind.FACT, text, NOW, language="en") for text in TEXTS])
    yield opened
    opened.close()


def search(store: SqliteStore, words: Sequence[str]) -> list[str]:
    found = store.search(" ".join(words), ADMIN, NOW, limit=CANDIDATES, language="en")
    return [result.record.text for result in found]


def rank_all(words: Sequence[str]) -> list[str]:
    """Return what has enough of the words, of all memories with a rare one, the most first, then the newest."""
    having = {word: [number for number, text in enumerate(TEXTS) if word in text.split()] for word in words}
    counts = {word: min(len(numbers), COMMON_ROWS + 1) for word, numbers in having.items()}
    weights = {word: math.log(1 + 10_000 / (count + 0.5)) for word, count in counts.items()}
    rare = {number for word in words if counts[word] <= COMMON_ROWS for number in having[word]}
    shares = {
        number: sum(weights[word] for word in words if number in having[word]) / sum(weights.values())
        for number in rare
    }
    enough = [number for number, share in shares.items() if share >= MIN_COVERAGE["porter"]]
    enough.sort(key=lambda number: (shares[number], number), reverse=True)
    return [TEXTS[number] for number in enough[:CANDIDATES]]


@given(st.lists(st.sampled_from([*WORDS, "unknown"]), min_size=1, max_size=5, unique=True))
def test_a_rare_word_decides_among_all_memories_that_have_it(store: SqliteStore, words: list[str]) -> None:
    if expected := rank_all(words):
        assert search(store, words) == expected


def test_some_words_are_common_and_others_rare() -> None:
    counts = [sum(word in text.split() for text in TEXTS) for word in WORDS]
    assert counts[0] > COMMON_ROWS > CANDIDATES > counts[-1]


def test_common_words_choose_an_old_memory_among_many_with_the_rare_one(tmp_path: Path) -> None:
    texts = ["kettle valve", *(f"valve {number}" for number in range(60)), *(f"kettle {n}" for n in range(250))]
    store = sqlite.load(tmp_path / "memory.db")
    store.add([MemoryRecord(MemoryKind.FACT, text, NOW, language="en") for text in texts])
    assert search(store, ["kettle", "valve"])[0] == "kettle valve"
    store.close()


def test_words_that_are_all_common_find_the_newest_memories_with_all_of_them(tmp_path: Path) -> None:
    store = sqlite.load(tmp_path / "memory.db")
    store.add([MemoryRecord(MemoryKind.FACT, f"kettle valve {n}", NOW, language="en") for n in range(300)])
    assert search(store, ["kettle", "valve"]) == [f"kettle valve {n}" for n in reversed(range(250, 300))]
    store.close()
