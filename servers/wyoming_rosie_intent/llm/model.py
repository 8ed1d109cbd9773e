"""What a language model must offer; nothing here knows a provider."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol, TypeAlias

from wyoming_rosie.errors import RosieError


class ChatRole(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True)
class ToolCall:
    """What a model wants to have done; no arguments when those it gave cannot be read."""

    id: str
    name: str
    arguments: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ChatMessage:
    """One turn of a conversation; a tool's says which call it answers."""

    role: ChatRole
    text: str = field(default="", repr=False)
    calls: tuple[ToolCall, ...] = ()
    tool_call: ToolCall | None = None


@dataclass(frozen=True)
class Tool:
    """Something that can be done for a model; the parameters are a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class Prompt:
    """All that a model is given. Two prompts with the same beginning share what it has read of them."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[Tool, ...] = ()
    without_tools: str = field(default="", repr=False)  # what a model is told that takes none

    def append(self, *messages: ChatMessage) -> "Prompt":
        return replace(self, messages=(*self.messages, *messages))


@dataclass(frozen=True)
class TextDelta:
    """The next of an answer, as it comes: parts of words."""

    text: str = field(repr=False)


class FinishReason(StrEnum):
    STOP = "whole"
    LENGTH = "length"  # at the most that it may say
    LOOP = "loop"  # it went round in a circle


@dataclass(frozen=True)
class StreamEnd:
    """The answer's end. How long the prompt took to read tells whether it was known already."""

    prompt_milliseconds: float | None = None
    prompt_tokens: int | None = None  # of the whole prompt, as the server counts
    finish_reason: FinishReason = FinishReason.STOP


ModelEvent: TypeAlias = TextDelta | ToolCall | StreamEnd


@dataclass(frozen=True)
class Restarted:
    """The text of this answer so far is void: its model broke off, and another begins anew."""


class ModelError(RosieError):
    """A model refused, was late, or broke off."""

    code = "model"


class ModelTimeoutError(ModelError):
    """A model did not answer in time; it may be loading, or reading."""


class ModelOutputError(ModelError):
    """What a model wrote cannot be used, such as half a call; its server is well."""


class ToolsUnsupportedError(ModelError):
    """A model takes no tools, as its server says."""


class Model(Protocol):
    """One model at one server."""

    @property
    def name(self) -> str: ...

    async def warm_up(self, prompt: Prompt) -> int | None:
        """Have the prompt read, so that one with this beginning is answered sooner. Raises ModelError.

        Returns the tokens of the prompt, if the server tells how many there are.
        """

    def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer, `Done` last; closing the generator stops the model. Raises ModelError, late at its deadlines."""
        ...
