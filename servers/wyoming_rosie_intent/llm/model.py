"""Interface of language models, independent of providers."""

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
    """A tool call by a model; the arguments are None if they cannot be parsed."""

    id: str
    name: str
    arguments: Mapping[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ChatMessage:
    """A message of the chat; a tool's message has the call that it answers."""

    role: ChatRole
    text: str = field(default="", repr=False)
    calls: tuple[ToolCall, ...] = ()
    tool_call: ToolCall | None = None
    is_private: bool = False  # no cloud gets it


@dataclass(frozen=True)
class Tool:
    """A tool; the parameters are a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class Prompt:
    """The input of a model. Servers cache the beginning that two prompts have in common."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[Tool, ...] = ()
    without_tools: str = field(default="", repr=False)  # instructions for a model that supports no tools
    schema: Mapping[str, object] | None = None  # JSON schema of the answer, None for a text

    def append(self, *messages: ChatMessage) -> "Prompt":
        return replace(self, messages=(*self.messages, *messages))

    def without_private(self) -> "Prompt":
        """Return the prompt as a cloud may read it."""
        return replace(self, messages=tuple(message for message in self.messages if not message.is_private))


@dataclass(frozen=True)
class TextDelta:
    """The next text of an answer, as the server sends it."""

    text: str = field(repr=False)


class FinishReason(StrEnum):
    STOP = "whole"
    LENGTH = "length"  # at the token limit
    LOOP = "loop"  # it repeats itself


@dataclass(frozen=True)
class StreamEnd:
    """The end of an answer. The milliseconds that the prompt took to read tell whether it was cached."""

    prompt_milliseconds: float | None = None
    prompt_tokens: int | None = None  # of the whole prompt, as counted by the server
    finish_reason: FinishReason = FinishReason.STOP


ModelEvent: TypeAlias = TextDelta | ToolCall | StreamEnd


@dataclass(frozen=True)
class Restarted:
    """Voids the text of this answer so far: its model failed, and another begins anew."""


class ModelError(RosieError):
    """A model refused the request, timed out, or broke off."""

    code = "model"


class ModelTimeoutError(ModelError):
    """A model did not answer in time; it may still be loading."""


class ModelOutputError(ModelError):
    """A model's output cannot be used, such as half a tool call; its server works."""


class ToolsUnsupportedError(ModelError):
    """The server says that the model supports no tools."""


class Model(Protocol):
    """A model at a server."""

    @property
    def name(self) -> str: ...

    async def warm_up(self, prompt: Prompt) -> int | None:
        """Have the server cache the prompt, so that one with this beginning is answered sooner. Raises ModelError.

        Returns the number of its tokens, if the server counts them.
        """

    def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer, `StreamEnd` last; closing the generator stops the model. Raises ModelError."""
        ...
