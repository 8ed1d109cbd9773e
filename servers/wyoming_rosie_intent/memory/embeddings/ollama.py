"""Embedding `ollama`: a model at Ollama, for any language that it knows."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_rosie.config import option
from wyoming_rosie.runtime.circuit_breaker import CircuitBreaker
from wyoming_rosie_intent.memory.embedding import EmbeddingError, missing_package

if TYPE_CHECKING:
    from ollama import Client

    from wyoming_rosie_intent.memory.vectors import Vectors

QUERY_SECONDS = 0.5
"""Longest wait of a search for the vector of its question; without it, full text searches alone."""
DOCUMENT_SECONDS = 60.0
MAX_CHARACTERS = 8_000
"""Beginning of a text that is sent; the models read no more."""


@dataclass(frozen=True)
class Settings:
    model: str = option("embeddinggemma", "the model's name at its server")
    url: str = option(
        "http://127.0.0.1:11434", "the server's address; what people say is sent there: a machine of this home"
    )
    query_prefix: str = option("", "text before each question, if the model wants one, such as 'search_query: '")
    document_prefix: str = option("", "text before each memory, if the model wants one, such as 'search_document: '")
    floor: float = option(0.5, "cosine below which a memory is not returned for a question")
    sure_floor: float = option(0.65, "cosine from which a memory may be spoken as the answer")


class OllamaEmbeddingModel:
    """Asks the server; after several failures not again for a while."""

    languages: frozenset[str] = frozenset()

    def __init__(self, settings: Settings, query_client: "Client", document_client: "Client") -> None:
        self.name = f"ollama/{settings.model}/{settings.document_prefix}"
        self.floor = settings.floor
        self.sure_floor = settings.sure_floor
        self._settings = settings
        self._query_client = query_client
        self._document_client = document_client
        self._breaker = CircuitBreaker()

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> "Vectors":
        import numpy as np

        from wyoming_rosie_intent.memory.vectors import normalize

        prefix = self._settings.query_prefix if is_query else self._settings.document_prefix
        client = self._query_client if is_query else self._document_client
        vectors = self._ask(client, [prefix + text[:MAX_CHARACTERS] for text in texts])
        if len(vectors) != len(texts) or not all(map(len, vectors)) or len(set(map(len, vectors))) > 1:
            raise EmbeddingError(
                f"{self._settings.url} answers no embeddings; is {self._settings.model} an embedding model?"
            )
        return normalize(np.array(vectors, np.float32))

    def close(self) -> None:
        for client in (self._query_client, self._document_client):
            client.close()  # type: ignore[no-untyped-call]

    def _ask(self, client: "Client", texts: list[str]) -> Sequence[Sequence[float]]:
        """Return the server's embeddings. Raises EmbeddingError."""
        if not self._breaker.allows_attempt(time.monotonic()):
            raise EmbeddingError(f"{self._settings.url} failed several times; it is asked again later")
        is_trial = self._breaker.start_attempt()
        try:
            vectors = client.embed(self._settings.model, texts).embeddings
        except Exception as err:
            self._breaker.record_failure(time.monotonic())
            raise EmbeddingError(
                f"{self._settings.url} gives no embeddings of {self._settings.model}: {_reason(err)}"
            ) from err
        finally:
            self._breaker.end_attempt(is_trial)
        self._breaker.record_success()
        return vectors


def load(settings: Settings, _: Path) -> OllamaEmbeddingModel:
    """Return the model; nothing is sent yet. Raises ConfigError."""
    try:
        import numpy as np  # noqa: F401 - otherwise the first search imports it
        from ollama import Client
    except ImportError as err:
        raise missing_package(err) from err
    clients = (
        Client(settings.url, follow_redirects=False, timeout=seconds) for seconds in (QUERY_SECONDS, DOCUMENT_SECONDS)
    )
    return OllamaEmbeddingModel(settings, *clients)


def _reason(error: Exception) -> str:
    """Return the kind of an error and its status: its text may quote what was sent."""
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__}{f' {status}' if status else ''}"
