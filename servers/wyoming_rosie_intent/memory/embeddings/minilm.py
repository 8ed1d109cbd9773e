"""Embedding `minilm`: all-MiniLM-L6-v2 with 8-bit weights, by ONNX Runtime. English."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wyoming_rosie.models.embeddings import FILES, MINILM
from wyoming_rosie_intent.memory.embedding import find_model, load_tokenizer, missing_package

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from wyoming_rosie_intent.memory.vectors import Vectors

MAX_TOKENS = 256


class MiniLmModel:
    """Means of the token vectors of the last layer."""

    name = f"{MINILM}-int8"
    floor = 0.4
    sure_floor = 0.5
    languages = frozenset({"en"})

    def __init__(self, session: "InferenceSession", tokenizer: "Tokenizer") -> None:
        self._session = session
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> "Vectors":
        import numpy as np

        from wyoming_rosie_intent.memory.vectors import normalize

        return normalize(np.stack([self._embed_one(text) for text in texts]))  # padding would change the vectors

    def close(self) -> None:
        return

    def _embed_one(self, text: str) -> "Vectors":
        import numpy as np

        tokens = np.array([self._tokenizer.encode(text).ids], np.int64)
        inputs = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        (hidden,) = self._session.run(["last_hidden_state"], inputs)
        return np.asarray(hidden[0].mean(axis=0), np.float32)


def load(data: Path) -> MiniLmModel:
    """Load the model. Raises ConfigError."""
    folder = find_model(MINILM, data)
    tokenizer = load_tokenizer(folder, MAX_TOKENS)
    try:
        import numpy as np  # noqa: F401 - otherwise the first search imports it
        from onnxruntime import InferenceSession, SessionOptions
    except ImportError as err:
        raise missing_package(err) from err
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = InferenceSession(folder / FILES[MINILM].weights, options, providers=["CPUExecutionProvider"])
    return MiniLmModel(session, tokenizer)
