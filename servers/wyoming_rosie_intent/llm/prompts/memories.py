"""Memories in a prompt: quoted as data in a message of their own, after all that a server has cached."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cache
from pathlib import PurePath
from typing import TypeAlias

from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole
from wyoming_rosie_intent.memory.dialogue_memory import RecalledMemories
from wyoming_rosie_intent.memory.model import EXTRACTED, MemoryKind, MemoryRecord, SpeakerRole


@dataclass(frozen=True)
class PromptMemory:
    """A memory as a prompt shows it."""

    text: str = field(repr=False)
    day: str
    origin: str
    speaker: SpeakerRole


RenderMemories: TypeAlias = Callable[[Sequence[PromptMemory], Sequence[PromptMemory]], str]


def create_message(
    recalled: RecalledMemories,
    zone: tzinfo | None,
    render: RenderMemories,
    count: Callable[[str], int],
    max_tokens: int,
    *,
    is_private: bool,
) -> ChatMessage | None:
    """Return the message with the memories that there is room for, the nearest and the newest first; None for none."""
    memories = [_describe(record, zone) for record in recalled.memories]
    messages = [_describe(record, zone) for record in recalled.messages]
    total = len(messages) + len(memories)

    @cache
    def render_without(dropped: int) -> str:
        return render(messages[dropped:], memories[: total - max(dropped, len(messages))])

    def is_short(dropped: int) -> bool:
        return count(render_without(dropped)) <= max_tokens

    dropped = 0 if is_short(0) else bisect_left(range(total), True, lo=1, key=is_short)
    return None if dropped >= total else ChatMessage(ChatRole.USER, render_without(dropped), is_private=is_private)


def has_untrusted_text(recalled: RecalledMemories) -> bool:
    """Return whether strangers may have written what a model gets."""
    return any(record.kind is MemoryKind.DOCUMENT for record in recalled.memories)


def _describe(record: MemoryRecord, zone: tzinfo | None) -> PromptMemory:
    day = datetime.fromtimestamp(record.at, zone).strftime("%Y-%m-%d")
    return PromptMemory(record.text, day, _find_origin(record), record.speaker)


def _find_origin(record: MemoryRecord) -> str:
    match record.kind:
        case MemoryKind.DOCUMENT:
            return f"from the document {PurePath(record.source or '').name or 'without a name'}"
        case MemoryKind.FACT:
            return "the person said" if EXTRACTED in record.tags else "to be remembered"
    return "you said" if record.speaker is SpeakerRole.ASSISTANT else "the person said"
