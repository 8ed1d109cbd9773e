"""Settings of the memory, and what they open."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.secrets import read_secret_file
from wyoming_rosie_intent.memory import embedding
from wyoming_rosie_intent.memory.embedding import EMBEDDINGS, EmbeddingModel
from wyoming_rosie_intent.memory.model import MemoryStore
from wyoming_rosie_intent.memory.service import MemoryService

STORES = EngineRegistry("wyoming_rosie_intent.memory.stores", entry="store")
FILE = "memory.db"
_KEY = re.compile("[0-9a-fA-F]{64}")
LOCAL_NETWORKS = ("127.0.0.0/8", "::1/128")


@STORES.configures("store")
@EMBEDDINGS.configures("embedding", embedding.AUTO, embedding.NONE)
@dataclass(frozen=True)
class MemorySettings:
    """What is remembered, for how long, and how it is found."""

    enabled: bool = option(True, "remember conversations, facts and documents")
    keep_days: float = option(
        30.0, "how long conversations are kept; 0: never stored. Facts stay until they are forgotten"
    )
    store: str = option("sqlite", "where memories are stored")
    key_file: Path | None = option(None, "file with 64 hexadecimal digits, the key by which the memory is encrypted")
    embedding: str = option(
        "auto", "how texts are compared by meaning: auto, the best model that is fetched; none: by words"
    )
    off_rooms: tuple[str, ...] = option((), "areas of which nothing that is said is kept")
    off_persons: tuple[str, ...] = option((), "persons of whom nothing that they say is kept")
    guests: bool = option(False, "treat a voice that is not recognized as a guest's, not as one of the household")
    cloud_allowed: bool = option(False, "give memories to language models in the cloud, too")
    extract_facts: bool = option(
        False, "have a language model of the home look for facts in what was said, while nobody speaks"
    )
    extract_idle_seconds: float = option(300.0, "how long nobody has spoken before it looks for facts", minimum=1.0)
    peers: tuple[str, ...] = option(
        LOCAL_NETWORKS, "networks whose programs may read and change the memory, such as the hub's 192.168.1.20/32"
    )


def create_service(settings: MemorySettings, folder: Path, data: Path, clock: Callable[[], float]) -> MemoryService:
    """Create the service, not yet opened; `folder` is that of the state, `data` that of the models. Raises ConfigError."""
    key = _read_key(settings.key_file) if settings.key_file is not None else None

    def load_embedding() -> EmbeddingModel | None:
        return embedding.load(settings.embedding, settings, data)

    def open_store(model: EmbeddingModel | None) -> MemoryStore:
        store: MemoryStore = STORES.load(settings.store, settings, folder / FILE, model, key)
        return store

    return MemoryService(open_store, load_embedding, settings.keep_days, clock)


def _read_key(file: Path) -> str:
    key = read_secret_file(file, "--memory.key-file")
    if not _KEY.fullmatch(key):
        raise ConfigError(
            f"--memory.key-file: {file} must have 64 hexadecimal digits; make them by: openssl rand -hex 32"
        )
    return key
