"""What of a model's context is whose: what is always told, the home, what was said before, tools' results, the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming_rosie_intent.llm.prompts.token_counter import TokenCounter

SENTENCE_TOKENS = 150
"""Kept for what a person says; a longer sentence takes of what is kept for tools' results."""
MAX_ENTITY_TOKENS, MAX_STATE_TOKENS, MAX_HISTORY_TOKENS, MAX_RESULT_TOKENS = 2000, 1000, 1500, 2000
"""Tokens, however large the context is: what is long takes long to read."""


@dataclass(frozen=True)
class TokenBudget:
    """Tokens for the parts of a prompt that can be shorter."""

    entities: int = MAX_ENTITY_TOKENS
    states: int = MAX_STATE_TOKENS
    history: int = MAX_HISTORY_TOKENS
    results: int = MAX_RESULT_TOKENS


@dataclass(frozen=True)
class ContextWindow:
    """How many tokens a model keeps in mind, and how many of them are its answer's."""

    context: int = 8192
    answer: int = 1024
    counter: TokenCounter = field(default_factory=TokenCounter)

    def count_tokens(self, text: str) -> int:
        return self.counter.count(text)

    @property
    def prompt(self) -> int:
        """The most tokens that a prompt may have."""
        return self.context - self.answer

    def allocate(self, fixed: int) -> TokenBudget:
        """Share out what is left beside `fixed` tokens."""
        left = max(0, self.prompt - fixed - SENTENCE_TOKENS)
        return TokenBudget(
            min(MAX_ENTITY_TOKENS, left * 50 // 100),
            min(MAX_STATE_TOKENS, left * 15 // 100),
            min(MAX_HISTORY_TOKENS, left * 20 // 100),
            min(MAX_RESULT_TOKENS, left * 15 // 100),
        )


class ResultBudget:
    """What is left for tools' results in one turn."""

    def __init__(self, tokens: int, count: Callable[[str], int]) -> None:
        self._left = tokens
        self._count = count

    def truncate(self, text: str) -> str:
        """Return the text, or as much of it as there is room for, and say so."""
        if self._count(text) > self._left:
            kept = text
            while kept and self._count(kept + _CUT) > self._left:
                kept = kept[: len(kept) * 3 // 4]
            text = (kept + _CUT).strip()
        self._left = max(0, self._left - self._count(text))
        return text


_CUT = " … (there is no room for more; ask for less at once)"
