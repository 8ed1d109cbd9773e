"""Embedding `wordllama`: static token vectors, averaged. Fast and small; English above all."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.models.embeddings import FILES, WORDLLAMA
from wyoming_rosie_intent.memory.embedding import find_model, load_tokenizer, missing_package

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from wyoming_rosie_intent.memory.vectors import Vectors

MAX_TOKENS = 512
_TENSOR = "embedding.weight"
_HEADER_BYTES = 8


class WordLlamaModel:
    """Means of the vectors of a text's tokens, whatever their order."""

    name = WORDLLAMA
    floor = 0.4
    sure_floor = 0.6
    languages = frozenset({"en"})

    def __init__(self, weights: "NDArray[np.float16]", tokenizer: "Tokenizer") -> None:
        self._weights = weights
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> "Vectors":
        import numpy as np

        from wyoming_rosie_intent.memory.vectors import normalize

        return normalize(np.stack([self._embed_one(text) for text in texts]))

    def close(self) -> None:
        return

    def _embed_one(self, text: str) -> "Vectors":
        import numpy as np

        tokens = self._tokenizer.encode(text, add_special_tokens=False).ids
        if not tokens:
            return np.zeros(self._weights.shape[1], np.float32)
        return np.asarray(self._weights[tokens].mean(axis=0, dtype=np.float32))


def load(data: Path) -> WordLlamaModel:
    """Load the model. Raises ConfigError."""
    folder = find_model(WORDLLAMA, data)
    return WordLlamaModel(_map_weights(folder / FILES[WORDLLAMA].weights), load_tokenizer(folder, MAX_TOKENS))


def _map_weights(path: Path) -> "NDArray[np.float16]":
    """Map the tensor of a safetensors file: the length of a JSON header, the header, the numbers."""
    try:
        import numpy as np
    except ImportError as err:
        raise missing_package(err) from err
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_HEADER_BYTES), "little")
        tensor = json.loads(file.read(length)).get(_TENSOR, {})
    if tensor.get("dtype") != "F16":
        raise ConfigError(f"{path} has no 16-bit {_TENSOR}; fetch the model again")
    begin = _HEADER_BYTES + length + tensor["data_offsets"][0]
    return np.memmap(path, np.float16, "r", begin, tuple(tensor["shape"]))
