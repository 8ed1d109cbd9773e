"""What was said in each conversation, as a model is told of it: pure, the time is an argument."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wyoming_rosie_intent.llm.model import ChatMessage
from wyoming_rosie_intent.llm.prompts.token_counter import MESSAGE_TOKENS, TokenCounter

HistoryTurn: TypeAlias = tuple[ChatMessage, ...]


@dataclass(frozen=True)
class HistoryLimits:
    max_tokens: int = 1500  # of one conversation
    expiry_seconds: float = 300.0  # since something was last said
    max_conversations: int = 64  # the one that rested longest is dropped when there are more


@dataclass(frozen=True)
class _Conversation:
    turns: tuple[HistoryTurn, ...]
    at: float


class ConversationHistory:
    """What a person said and what was done and answered, exchange by exchange."""

    def __init__(self, bounds: HistoryLimits | None = None, count: Callable[[str], int] | None = None) -> None:
        self._bounds = bounds or HistoryLimits()
        self._count = count or TokenCounter().count
        self.max_tokens = self._bounds.max_tokens
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._conversations)

    def add(self, conversation: str, exchange: Sequence[ChatMessage], now: float) -> None:
        """Keep an exchange as the conversation's last."""
        before = self._load_turns(conversation, now)
        self._conversations[conversation] = _Conversation(
            _truncate((*before, tuple(exchange)), self.max_tokens, self._count), now
        )
        self._conversations.move_to_end(conversation)
        if len(self._conversations) > self._bounds.max_conversations:
            self._conversations.popitem(last=False)

    def messages(self, conversation: str, now: float) -> tuple[ChatMessage, ...]:
        """Return what was said, the oldest first; nothing when that is too long ago."""
        return tuple(message for exchange in self._load_turns(conversation, now) for message in exchange)

    def _load_turns(self, conversation: str, now: float) -> tuple[HistoryTurn, ...]:
        talk = self._conversations.get(conversation)
        if talk is None or now - talk.at > self._bounds.expiry_seconds:
            self._conversations.pop(conversation, None)
            return ()
        if sum(count_tokens(one, self._count) for one in talk.turns) > self.max_tokens:
            self._conversations[conversation] = talk = _Conversation(
                _truncate(talk.turns, self.max_tokens, self._count), talk.at
            )
        return talk.turns


def count_tokens(messages: Sequence[ChatMessage], count: Callable[[str], int]) -> int:
    """Return how many tokens the messages have."""
    return sum(
        MESSAGE_TOKENS
        + count(message.text)
        + sum(count(f"{call.name} {dict(call.arguments or {})}") for call in message.calls)
        for message in messages
    )


def _truncate(
    exchanges: tuple[HistoryTurn, ...], max_tokens: int, count: Callable[[str], int]
) -> tuple[HistoryTurn, ...]:
    """Drop the oldest, down to half of the bound, so that the beginning stays the same for the next few turns."""
    sizes = [count_tokens(exchange, count) for exchange in exchanges]
    if sum(sizes) <= max_tokens:
        return exchanges
    left, first = sum(sizes), 0
    while left > max_tokens // 2 and first < len(exchanges) - 1:
        left -= sizes[first]
        first += 1
    return exchanges[first:] if left <= max_tokens else ()
