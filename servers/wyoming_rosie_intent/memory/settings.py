"""Settings of the memory, and what they open."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wyoming_rosie.config import option
from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie_intent.memory import embedding
from wyoming_rosie_intent.memory.embedding import EMBEDDINGS, EmbeddingModel
from wyoming_rosie_intent.memory.model import MemoryStore
from wyoming_rosie_intent.memory.service import MemoryService

STORES = EngineRegistry("wyoming_rosie_intent.memory.stores", entry="store")
FILE = "memory.db"
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
    embedding: str = option(
        "auto", "how texts are compared by meaning: auto, the best model that is fetched; none: by words"
    )
    off_rooms: tuple[str, ...] = option((), "areas of which nothing that is said is kept")
    off_persons: tuple[str, ...] = option((), "persons of whom nothing that they say is kept")
    guests: bool = option(False, "treat a voice that is not recognized as a guest's, not as one of the household")
    cloud_allowed: bool = option(False, "give memories to language models in the cloud, too")
    peers: tuple[str, ...] = option(
        LOCAL_NETWORKS, "networks whose programs may read and change the memory, such as the hub's 192.168.1.20/32"
    )


def create_service(settings: MemorySettings, folder: Path, data: Path, clock: Callable[[], float]) -> MemoryService:
    """Create the service, not yet opened; `folder` is that of the state, `data` that of the models."""

    def load_embedding() -> EmbeddingModel | None:
        return embedding.load(settings.embedding, settings, data)

    def open_store(model: EmbeddingModel | None) -> MemoryStore:
        store: MemoryStore = STORES.load(settings.store, settings, folder / FILE, model)
        return store

    return MemoryService(open_store, load_embedding, settings.keep_days, clock)
