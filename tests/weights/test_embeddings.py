"""Real embedding models find the facts of a made household in other words, and nothing for what nobody told."""

from pathlib import Path

import pytest

from benchmarks.memory import Reply, ask_all
from tests.weights.conftest import WEIGHTS
from wyoming_rosie.models import embeddings
from wyoming_rosie_intent.memory import embedding
from wyoming_rosie_intent.memory.settings import MemorySettings

pytestmark = [pytest.mark.weights, pytest.mark.timeout(600)]
MODELS = {"minilm": embeddings.MINILM, "wordllama": embeddings.WORDLLAMA}
LEAST_RIGHT = {"minilm": 0.7, "wordllama": 0.4}
"""Share of the questions whose first memory is the right one; by words alone it is under 0.1."""
MOST_WRONG = 0.15


def ask(engine: str, data: Path) -> list[Reply]:
    if not embeddings.is_installed(MODELS[engine], data):
        pytest.skip(f"run scripts/weights --fetch for {MODELS[engine]}")
    return ask_all(embedding.load(engine, MemorySettings(), data), is_counted=True)


@pytest.mark.parametrize("engine", MODELS)
def test_facts_are_found_in_other_words_and_rarely_a_wrong_one(engine: str) -> None:
    replies = ask(engine, WEIGHTS)
    answerable = [reply for reply in replies if reply.question.answer is not None]
    right = sum(reply.texts[:1] == [reply.question.answer] for reply in answerable)
    wrong = sum(bool(reply.found) for reply in answerable) - right
    assert right >= LEAST_RIGHT[engine] * len(answerable)
    assert wrong <= MOST_WRONG * len(answerable)


@pytest.mark.parametrize("engine", MODELS)
def test_what_is_not_sure_is_not_told_for_questions_without_an_answer(engine: str) -> None:
    empty = [reply for reply in ask(engine, WEIGHTS) if reply.question.answer is None]
    assert sum(bool(reply.found) and reply.found[0].is_sure for reply in empty) <= 1
