"""Context window: shares a model's tokens between the home, its states, the history, tool results and the answer."""

from collections.abc import Callable
from dataclasses import dataclass, field

from wyoming_rosie_intent.llm.prompts.token_counter import TokenCounter

SENTENCE_TOKENS = 150
"""Reserved for the person's sentence; a longer one takes from the tool results."""
MAX_ENTITY_TOKENS, MAX_STATE_TOKENS, MAX_HISTORY_TOKENS, MAX_RESULT_TOKENS = 2000, 1000, 1500, 2000
"""Upper bounds for large contexts: a long prompt takes long to read."""


@dataclass(frozen=True)
class TokenBudget:
    """Tokens for the variable parts of a prompt."""

    entities: int = MAX_ENTITY_TOKENS
    states: int = MAX_STATE_TOKENS
    history: int = MAX_HISTORY_TOKENS
    results: int = MAX_RESULT_TOKENS


@dataclass(frozen=True)
class ContextWindow:
    """The context size of a model and the part of it that is reserved for the answer, in tokens."""

    context: int = 8192
    answer: int = 1024
    counter: TokenCounter = field(default_factory=TokenCounter)

    def count_tokens(self, text: str) -> int:
        return self.counter.count(text)

    @property
    def prompt(self) -> int:
        """Maximum tokens of a prompt."""
        return self.context - self.answer

    def allocate(self, fixed: int) -> TokenBudget:
        """Share out the tokens that are left beside `fixed` ones."""
        available = max(0, self.prompt - fixed - SENTENCE_TOKENS)
        return TokenBudget(
            min(MAX_ENTITY_TOKENS, available * 50 // 100),
            min(MAX_STATE_TOKENS, available * 15 // 100),
            min(MAX_HISTORY_TOKENS, available * 20 // 100),
            min(MAX_RESULT_TOKENS, available * 15 // 100),
        )


class ResultBudget:
    """The tokens left for tool results in one turn."""

    def __init__(self, tokens: int, count: Callable[[str], int]) -> None:
        self._remaining = tokens
        self._count = count

    def truncate(self, text: str) -> str:
        """Return the text, cut with a note if there is no room for all of it."""
        if self._count(text) > self._remaining:
            prefix = text
            while prefix and self._count(prefix + _CUT) > self._remaining:
                prefix = prefix[: len(prefix) * 3 // 4]
            text = (prefix + _CUT).strip()
        self._remaining = max(0, self._remaining - self._count(text))
        return text


_CUT = " … (there is no room for more; ask for less at once)"
