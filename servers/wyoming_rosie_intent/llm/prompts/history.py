"""Conversation history: the messages of earlier turns. Pure; the time is an argument."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from wyoming_rosie_intent.llm.model import ChatMessage
from wyoming_rosie_intent.llm.prompts.token_counter import MESSAGE_TOKENS, TokenCounter, format_message

HistoryTurn: TypeAlias = tuple[ChatMessage, ...]


@dataclass(frozen=True)
class HistoryLimits:
    max_tokens: int = 1500  # of one conversation
    expiry_seconds: float = 300.0  # after the last turn
    max_conversations: int = 64  # the least recently used one is dropped


@dataclass(frozen=True)
class _Conversation:
    turns: tuple[HistoryTurn, ...]
    at: float
    is_private: bool = False
    has_untrusted_text: bool = False


class ConversationHistory:
    """The turns of each conversation, with the person's sentence, the tool calls and the answer."""

    def __init__(self, limits: HistoryLimits | None = None, count: Callable[[str], int] | None = None) -> None:
        self._limits = limits or HistoryLimits()
        self._count = count or TokenCounter().count
        self.max_tokens = self._limits.max_tokens
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()

    def __len__(self) -> int:
        return len(self._conversations)

    def add(
        self,
        conversation: str,
        turn: Sequence[ChatMessage],
        now: float,
        *,
        is_private: bool = False,
        has_untrusted_text: bool = False,
    ) -> None:
        """Add a turn to a conversation, which stays private, or with a stranger's text in it, until it expires."""
        before = self._load_turns(conversation, now)
        known = self._conversations.get(conversation, _Conversation((), now))
        self._conversations[conversation] = _Conversation(
            _truncate((*before, tuple(turn)), self.max_tokens, self._count),
            now,
            known.is_private or is_private,
            known.has_untrusted_text or has_untrusted_text,
        )
        self._conversations.move_to_end(conversation)
        if len(self._conversations) > self._limits.max_conversations:
            self._conversations.popitem(last=False)

    def clear(self) -> None:
        """Forget all conversations."""
        self._conversations.clear()

    def messages(self, conversation: str, now: float) -> tuple[ChatMessage, ...]:
        """Return the messages of a conversation, the oldest first; none when it has expired."""
        return tuple(message for turn in self._load_turns(conversation, now) for message in turn)

    def is_private(self, conversation: str, now: float) -> bool:
        """Return whether a cloud must not read a conversation."""
        return bool(self._load_turns(conversation, now)) and self._conversations[conversation].is_private

    def has_untrusted_text(self, conversation: str, now: float) -> bool:
        """Return whether strangers may have written a part of a conversation."""
        return bool(self._load_turns(conversation, now)) and self._conversations[conversation].has_untrusted_text

    def _load_turns(self, conversation: str, now: float) -> tuple[HistoryTurn, ...]:
        known = self._conversations.get(conversation)
        if known is None or now - known.at > self._limits.expiry_seconds:
            self._conversations.pop(conversation, None)
            return ()
        if sum(count_tokens(turn, self._count) for turn in known.turns) > self.max_tokens:
            turns = _truncate(known.turns, self.max_tokens, self._count)
            self._conversations[conversation] = known = replace(known, turns=turns)
        return known.turns


def count_tokens(messages: Sequence[ChatMessage], count: Callable[[str], int]) -> int:
    """Return the number of tokens of the messages."""
    return sum(MESSAGE_TOKENS + count(format_message(message)) for message in messages)


def _truncate(turns: tuple[HistoryTurn, ...], max_tokens: int, count: Callable[[str], int]) -> tuple[HistoryTurn, ...]:
    """Drop the oldest turns down to half of the limit, so that the next few turns keep the same beginning."""
    sizes = [count_tokens(turn, count) for turn in turns]
    if sum(sizes) <= max_tokens:
        return turns
    total, first = sum(sizes), 0
    while total > max_tokens // 2 and first < len(turns) - 1:
        total -= sizes[first]
        first += 1
    return turns[first:] if total <= max_tokens else ()
