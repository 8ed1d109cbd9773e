"""Embeddings: texts as vectors, whose cosine says how near they are in meaning."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from wyoming_rosie.engines import EngineRegistry
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.models import embeddings
from wyoming_rosie.runtime.extras import install_command

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from wyoming_rosie_intent.memory.vectors import Vectors

EMBEDDINGS = EngineRegistry("wyoming_rosie_intent.memory.embeddings")
AUTO, NONE = "auto", "none"
_PREFERRED = {"minilm": embeddings.MINILM, "wordllama": embeddings.WORDLLAMA}
"""Engines that `auto` takes if their models are installed, best first."""


class EmbeddingError(RosieError):
    """The model cannot embed now; full text goes on."""

    code = "embedding"


class EmbeddingModel(Protocol):
    """A loaded model. Calls block and may come from any thread."""

    @property
    def name(self) -> str:
        """The model's name, which is stored with each vector: vectors of two models cannot be compared."""
        ...

    @property
    def floor(self) -> float:
        """The cosine below which a memory is not returned for a question."""
        ...

    @property
    def sure_floor(self) -> float:
        """The cosine from which a memory hardly ever is about something else."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """The languages that it was trained on; empty: all."""
        ...

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> "Vectors":
        """Return a vector of length 1 for each text. Raises EmbeddingError."""
        ...

    def close(self) -> None:
        """Close the connections, if there are any."""
        ...


def choose_engine(name: str, data: Path) -> str:
    """Return the name of the engine: for `auto`, the best one whose model is in the folder of downloads, else `none`."""
    if name != AUTO:
        return name
    installed = (engine for engine, model in _PREFERRED.items() if embeddings.is_installed(model, data))
    return next(installed, NONE)


def load(name: str, settings: object, data: Path) -> EmbeddingModel | None:
    """Load a model; None for full text alone. Slow: imports libraries. Raises ConfigError."""
    engine = choose_engine(name, data)
    if engine == NONE:
        return None
    _check_numpy()
    model: EmbeddingModel = EMBEDDINGS.load(engine, settings, data)
    return model


def _check_numpy() -> None:
    """Raise ConfigError without a numpy that compares bits."""
    try:
        from numpy import bitwise_count  # noqa: F401 - since numpy 2
    except ImportError as err:
        raise ConfigError(f"numpy 2 is not installed; run: {install_command(['memory'])}") from err


def find_model(name: str, data: Path) -> Path:
    """Return the folder of a fetched model. Raises ConfigError."""
    if not embeddings.is_installed(name, data):
        raise ConfigError(f"the embedding model {name} is not here; run: {embeddings.fetch_command(name)}")
    return embeddings.model_folder(name, data)


def load_tokenizer(folder: Path, max_tokens: int) -> "Tokenizer":
    """Load a model's tokenizer, which cuts texts at `max_tokens`. Raises ConfigError."""
    try:
        from tokenizers import Tokenizer
    except ImportError as err:
        raise missing_package(err) from err
    tokenizer = Tokenizer.from_file(str(folder / embeddings.TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def missing_package(error: ImportError) -> ConfigError:
    """Return the error for a package that is not installed."""
    return ConfigError(f"{error.name} is not installed; run: {install_command(['memory'])}")
