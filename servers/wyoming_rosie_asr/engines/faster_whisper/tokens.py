"""Whisper's tokens: the prompt that says what to do, and the text of an answer."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

MAX_TOKENS = 448
_PROMPT_TOKENS = MAX_TOKENS // 2 - 1
_END = "<|endoftext|>"
_TASKS = ("<|transcribe|>", "<|translate|>", "<|startoftranscript|>", "<|startofprev|>", "<|startoflm|>")
_NO_SPEECH = ("<|nospeech|>", "<|nocaptions|>")
"""The token for silence has an older name in some models."""
_DEFAULT_SUPPRESSED = -1
"""Stands for the symbols in the model's configuration, such as musical notes."""


class WhisperTokens:
    """The vocabulary of one model."""

    def __init__(self, file: Path, is_multilingual: bool) -> None:
        self._tokenizer = Tokenizer.from_file(str(file))
        self._is_multilingual = is_multilingual
        self._end = self._id(_END)
        special = (self._tokenizer.token_to_id(name) for name in (*_TASKS, *_NO_SPEECH))
        self.suppressed = [_DEFAULT_SUPPRESSED, *(token for token in special if token is not None)]

    def build_prompt(self, language: str, text: str) -> list[int]:
        """Return the tokens before a transcript without timestamps; `text` gives words and their spelling."""
        before = self._encode(f" {text}") if text else []
        names = [f"<|{language}|>", "<|transcribe|>"] if self._is_multilingual else []
        return [
            *([self._id("<|startofprev|>"), *before[-_PROMPT_TOKENS:]] if before else []),
            *map(self._id, ("<|startoftranscript|>", *names, "<|notimestamps|>")),
        ]

    def join_names(self, names: Sequence[str], max_tokens: int) -> str:
        """Return the names as a sentence; the first of them that have at most so many tokens, commas included."""
        joined = ""
        for name in names:
            longer = f"{joined}, {name}" if joined else name
            if len(self._encode(f" {longer}.")) > max_tokens:
                break
            joined = longer
        return joined and f"{joined}."

    def decode(self, tokens: list[int]) -> str:
        """Return the text, without special tokens."""
        return str(self._tokenizer.decode([token for token in tokens if token < self._end])).strip()

    def _encode(self, text: str) -> list[int]:
        """Return the tokens of a text; a name such as <|endoftext|> becomes none, it would control the model."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [token for token in ids if token < self._end]

    def _id(self, name: str) -> int:
        token = self._tokenizer.token_to_id(name)
        if token is None:
            raise ValueError(f"the model's tokenizer.json has no {name}")
        return int(token)
