"""Endpoint of a model: its address, limits and errors, the same for all providers."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from wyoming_rosie.runtime.secrets import Secret
from wyoming_rosie_intent.llm.model import (
    ModelError,
    ModelEvent,
    ModelOutputError,
    Prompt,
    StreamEnd,
    TextDelta,
    ToolsUnsupportedError,
)
from wyoming_rosie_intent.llm.timeouts import AnswerTimeouts, enforce_timeouts

_LOG = structlog.get_logger()
CONNECT_SECONDS = 3.0
"""Timeout of the connection; a host that is switched off does not answer."""
WARM_UP_SECONDS = 120.0
"""Timeout of a warm-up: the server may have to load the model first, and stops loading when the client leaves."""
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""Errors of the clients for an answer that is not JSON, or JSON of another shape."""


@dataclass(frozen=True)
class Endpoint:
    """A model at a server; `name` stands for it in errors and logs."""

    name: str
    url: str
    model: str
    key: Secret | None = None
    timeouts: AnswerTimeouts = field(default_factory=AnswerTimeouts)
    context_tokens: int = 8192
    answer_tokens: int = 1024
    temperature: float | None = None
    keep_alive: str = "30m"
    think: bool = False


_ABOUT_TOOLS = re.compile(
    r"\btools?\b|\btool[-_ ](?:choice|call|use)|\bfunction[-_ ]?call|\bfunctions\b", re.IGNORECASE
)
_LACKS = re.compile(r"support|enabl|requir|implement|not (?:allowed|available|permitted)", re.IGNORECASE)
_UNREADABLE_OUTPUT = re.compile(
    r"pars(?:e|ing)\b.{0,40}\b(?:tool|call|output|input|json|xml)|(?:tool|function)[-_ ]calls?\b.{0,40}\b(?:pars(?:ed?|ing)\b|invalid|malformed|unmarshal)"
    r"|MALFORMED_FUNCTION_CALL|tool_use_failed|failed to call a function|invalid character '|unexpected end of JSON",
    re.IGNORECASE | re.DOTALL,
)
_TOO_LONG = re.compile(r"context.?(?:size|length|window)|maximum context|prompt is too long", re.IGNORECASE)
_NO_TOOLS_STATUSES = frozenset({400, 404, 422, 500, 501})
_LOOKED_AT = 2000  # characters of a server's text


def create_status_error(endpoint: Endpoint, status: int, text: str = "", *, has_tools: bool = False) -> ModelError:
    """Return the error for an HTTP status. It quotes nothing of the server's text, which may repeat what people said.

    A status below 100 stands for a failure within an answer.
    """
    text = text[:_LOOKED_AT]
    if has_tools and status in _NO_TOOLS_STATUSES and _ABOUT_TOOLS.search(text) and _LACKS.search(text):
        return ToolsUnsupportedError(f"{endpoint.name}: the model supports no tools (status {status})")
    if _UNREADABLE_OUTPUT.search(text):
        return ModelOutputError(f"{endpoint.name}: what the model wrote cannot be read by its server (status {status})")
    if _TOO_LONG.search(text):
        reason = "the prompt is longer than its server allows; set the tier's context-tokens to what that has"
        return ModelError(f"{endpoint.name}: {reason} (status {status})")
    match status:
        case 401 | 403:
            reason = "the key is refused; see the tier's key-file or key-variable"
        case 404:
            reason = f"there is no model '{endpoint.model}', or no such address; see the tier's model and url"
        case 429 | 503:
            reason = "it is busy"
        case _:
            reason = "the request failed"
    return ModelError(f"{endpoint.name}: {reason} (status {status})")


def create_connection_error(endpoint: Endpoint, error: Exception) -> ModelError:
    """Return the error for a failed connection or an unreadable answer; it does not quote the exception.

    JSON of an unknown shape is the model's output; anything else is the connection's fault.
    """
    if isinstance(error, UNREADABLE) and not isinstance(error, json.JSONDecodeError):
        return ModelOutputError(f"{endpoint.name}: what the model wrote cannot be read ({type(error).__name__})")
    return ModelError(f"{endpoint.name}: the connection failed or the answer cannot be read ({type(error).__name__})")


class ModelClient(Protocol):
    """A provider's client of one endpoint; this is all that a provider has to implement."""

    def stream(self, prompt: Prompt, max_tokens: int) -> AsyncGenerator[ModelEvent, None]:
        """Yield an answer of up to `max_tokens`, `StreamEnd` last; closing the generator ends the request.

        Raises ModelError. Timeouts are the caller's.
        """
        ...

    async def close(self) -> None:
        """Close the connections."""


class EndpointModel:
    """The model at an endpoint: a provider's client within the endpoint's timeouts."""

    def __init__(self, endpoint: Endpoint, client: ModelClient) -> None:
        self._endpoint = endpoint
        self._client = client

    @property
    def name(self) -> str:
        return self._endpoint.name

    async def warm_up(self, prompt: Prompt) -> int | None:
        """Have the prompt read, for the first token of an answer; return its number of tokens, if known."""
        timeouts = replace(self._endpoint.timeouts, first_token=WARM_UP_SECONDS, total=WARM_UP_SECONDS)
        async with aclosing(self._stream(prompt, 1, timeouts)) as events:
            async for event in events:
                if isinstance(event, StreamEnd):
                    self._log_end("prompt warmed up", event)
                    return event.prompt_tokens
        return None

    async def answer(self, prompt: Prompt) -> AsyncGenerator[ModelEvent, None]:
        async with aclosing(self._stream(prompt, self._endpoint.answer_tokens, self._endpoint.timeouts)) as events:
            async for event in events:
                if isinstance(event, StreamEnd):
                    self._log_end("model answered", event)
                yield event

    async def complete(self, prompt: Prompt) -> str:
        """Return the whole text of an answer that nobody waits for: its first token has the time of a warm-up."""
        timeouts = replace(self._endpoint.timeouts, first_token=WARM_UP_SECONDS, total=2 * WARM_UP_SECONDS)
        text = ""
        async with aclosing(self._stream(prompt, self._endpoint.answer_tokens, timeouts)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    text += event.text
        return text

    async def close(self) -> None:
        await self._client.close()

    def _stream(self, prompt: Prompt, max_tokens: int, timeouts: AnswerTimeouts) -> AsyncGenerator[ModelEvent, None]:
        return enforce_timeouts(timeouts, self._endpoint.name, self._client.stream(prompt, max_tokens))

    def _log_end(self, message: str, end: StreamEnd) -> None:
        """Log the milliseconds that the prompt took to read; few when the server had its beginning cached."""
        read = end.prompt_milliseconds
        _LOG.info(message, model=self._endpoint.name, prompt_ms=None if read is None else round(read, 1))
