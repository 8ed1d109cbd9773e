"""Memories in a prompt: quoted as data in a message of their own, after all that a server has cached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import PurePath
from typing import TypeAlias

from wyoming_rosie_intent.llm.model import ChatMessage, ChatRole
from wyoming_rosie_intent.memory.dialogue_memory import RecalledMemories
from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord, SpeakerRole


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
    while memories or messages:
        text = render(messages, memories)
        if count(text) <= max_tokens:
            return ChatMessage(ChatRole.USER, text, is_private=is_private)
        if messages:
            messages.pop(0)
        else:
            memories.pop()
    return None


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
            return "to be remembered"
    return "you said" if record.speaker is SpeakerRole.ASSISTANT else "the person said"
