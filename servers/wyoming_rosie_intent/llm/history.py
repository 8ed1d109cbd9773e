"""What was said in each conversation, as a model is told of it: pure, the time is an argument."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from wyoming_rosie_intent.llm.model import Message
from wyoming_rosie_intent.llm.token_counter import MESSAGE_TOKENS, Counter

Exchange: TypeAlias = tuple[Message, ...]


@dataclass(frozen=True)
class HistoryBounds:
    most_tokens: int = 1500  # of one conversation
    expiry_seconds: float = 300.0  # since something was last said
    most_conversations: int = 64  # the one that rested longest is dropped when there are more


@dataclass(frozen=True)
class _Talk:
    exchanges: tuple[Exchange, ...]
    at: float


class History:
    """What a person said and what was done and answered, exchange by exchange."""

    def __init__(self, bounds: HistoryBounds | None = None, count: Callable[[str], int] | None = None) -> None:
        self._bounds = bounds or HistoryBounds()
        self._count = count or Counter().tokens
        self.most_tokens = self._bounds.most_tokens
        self._talks: OrderedDict[str, _Talk] = OrderedDict()

    def __len__(self) -> int:
        return len(self._talks)

    def add(self, conversation: str, exchange: Sequence[Message], now: float) -> None:
        """Keep an exchange as the conversation's last."""
        before = self._exchanges(conversation, now)
        self._talks[conversation] = _Talk(_bounded((*before, tuple(exchange)), self.most_tokens, self._count), now)
        self._talks.move_to_end(conversation)
        if len(self._talks) > self._bounds.most_conversations:
            self._talks.popitem(last=False)

    def messages(self, conversation: str, now: float) -> tuple[Message, ...]:
        """Return what was said, the oldest first; nothing when that is too long ago."""
        return tuple(message for exchange in self._exchanges(conversation, now) for message in exchange)

    def _exchanges(self, conversation: str, now: float) -> tuple[Exchange, ...]:
        talk = self._talks.get(conversation)
        if talk is None or now - talk.at > self._bounds.expiry_seconds:
            self._talks.pop(conversation, None)
            return ()
        if sum(size(one, self._count) for one in talk.exchanges) > self.most_tokens:
            self._talks[conversation] = talk = _Talk(_bounded(talk.exchanges, self.most_tokens, self._count), talk.at)
        return talk.exchanges


def size(messages: Sequence[Message], count: Callable[[str], int]) -> int:
    """Return how many tokens the messages have."""
    return sum(
        MESSAGE_TOKENS
        + count(message.text)
        + sum(count(f"{call.name} {dict(call.arguments or {})}") for call in message.calls)
        for message in messages
    )


def _bounded(exchanges: tuple[Exchange, ...], most_tokens: int, count: Callable[[str], int]) -> tuple[Exchange, ...]:
    """Drop the oldest, down to half of the bound, so that the beginning stays the same for the next few turns."""
    sizes = [size(exchange, count) for exchange in exchanges]
    if sum(sizes) <= most_tokens:
        return exchanges
    left, first = sum(sizes), 0
    while left > most_tokens // 2 and first < len(exchanges) - 1:
        left -= sizes[first]
        first += 1
    return exchanges[first:] if left <= most_tokens else ()
