"""Endpoint of a model: its address, limits and errors, the same for all providers."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import structlog

from wyoming_rosie_intent.llm.model import ModelError, ModelEvent, ModelOutputError, StreamEnd, ToolsUnsupportedError
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
    key: str | None = field(default=None, repr=False)
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
_OF_NO_TOOLS = frozenset({400, 404, 422, 500, 501})
_LOOKED_AT = 2000  # characters of a server's text


def create_status_error(endpoint: Endpoint, status: int, said: str = "", *, has_tools: bool = False) -> ModelError:
    """Return the error for an HTTP status. It quotes nothing of the server's text, which may repeat what people said.

    A status below 100 stands for a failure within an answer.
    """
    said = said[:_LOOKED_AT]
    if has_tools and status in _OF_NO_TOOLS and _ABOUT_TOOLS.search(said) and _LACKS.search(said):
        return ToolsUnsupportedError(f"{endpoint.name}: the model supports no tools (status {status})")
    if _UNREADABLE_OUTPUT.search(said):
        return ModelOutputError(f"{endpoint.name}: what the model wrote cannot be read by its server (status {status})")
    if _TOO_LONG.search(said):
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


async def stream_answer(
    endpoint: Endpoint, events: AsyncGenerator[ModelEvent, None]
) -> AsyncGenerator[ModelEvent, None]:
    """Yield an answer within the endpoint's timeouts and log its end. Raises ModelError."""
    async with aclosing(enforce_timeouts(endpoint.timeouts, endpoint.name, events)) as limited:
        async for event in limited:
            if isinstance(event, StreamEnd):
                _log_end(endpoint, "model answered", event)
            yield event


async def drain_answer(endpoint: Endpoint, events: AsyncGenerator[ModelEvent, None]) -> int | None:
    """Wait for the end of an answer that is not needed; return the number of prompt tokens, if known. Raises ModelError."""
    patient = replace(endpoint.timeouts, first_token=WARM_UP_SECONDS, total=WARM_UP_SECONDS)
    async with aclosing(enforce_timeouts(patient, endpoint.name, events)) as limited:
        async for event in limited:
            if isinstance(event, StreamEnd):
                _log_end(endpoint, "prompt warmed up", event)
                return event.prompt_tokens
    return None


def _log_end(endpoint: Endpoint, message: str, end: StreamEnd) -> None:
    """Log the milliseconds that the prompt took to read; few when the server had its beginning cached."""
    read = end.prompt_milliseconds
    _LOG.info(message, model=endpoint.name, prompt_ms=None if read is None else round(read, 1))
