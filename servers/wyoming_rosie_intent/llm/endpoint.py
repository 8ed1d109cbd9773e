"""Where a model is, how it is asked, and how long is waited for it; nothing here knows a provider."""

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
"""Until a server has taken the connection; one that is switched off never says so."""
WARM_UP_SECONDS = 120.0
"""At the most: a model may have to be loaded first, which a server gives up when nobody waits for it."""
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What comes out of a client for an answer that is no JSON, or JSON of another shape."""


@dataclass(frozen=True)
class Endpoint:
    """One model at one server; `name` is what errors and logs call it."""

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
_LOOKED_AT = 2000  # characters of what a server says


def create_status_error(endpoint: Endpoint, status: int, said: str = "", *, has_tools: bool = False) -> ModelError:
    """Return what a refusal means, without a word of what the server says: it may repeat what people said.

    A status below 100 stands for a failure in the midst of an answer.
    """
    said = said[:_LOOKED_AT]
    if has_tools and status in _OF_NO_TOOLS and _ABOUT_TOOLS.search(said) and _LACKS.search(said):
        return ToolsUnsupportedError(f"{endpoint.name}: the model takes no tools (status {status})")
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
    """Return what the failure of a connection or an unreadable answer means, without its text.

    JSON of another shape than a client knows is what the model wrote; what is no JSON is the connection's.
    """
    if isinstance(error, UNREADABLE) and not isinstance(error, json.JSONDecodeError):
        return ModelOutputError(f"{endpoint.name}: what the model wrote cannot be read ({type(error).__name__})")
    return ModelError(f"{endpoint.name}: the connection failed or the answer cannot be read ({type(error).__name__})")


async def stream_answer(
    endpoint: Endpoint, pieces: AsyncGenerator[ModelEvent, None]
) -> AsyncGenerator[ModelEvent, None]:
    """Yield an answer within the endpoint's limits, and log when it is whole. Raises ModelError."""
    async with aclosing(enforce_timeouts(endpoint.timeouts, endpoint.name, pieces)) as limited:
        async for piece in limited:
            if isinstance(piece, StreamEnd):
                _log_end(endpoint, "a model answered", piece)
            yield piece


async def drain_answer(endpoint: Endpoint, pieces: AsyncGenerator[ModelEvent, None]) -> int | None:
    """Wait for the end of an answer whose words nobody wants; return the prompt's tokens, if known. Raises ModelError."""
    patient = replace(endpoint.timeouts, first_token=WARM_UP_SECONDS, total=WARM_UP_SECONDS)
    async with aclosing(enforce_timeouts(patient, endpoint.name, pieces)) as limited:
        async for piece in limited:
            if isinstance(piece, StreamEnd):
                _log_end(endpoint, "a prompt is warm", piece)
                return piece.prompt_tokens
    return None


def _log_end(endpoint: Endpoint, event: str, done: StreamEnd) -> None:
    """Log how long the prompt took to read: much less than cold when the server knew its beginning."""
    read = done.prompt_milliseconds
    _LOG.info(event, model=endpoint.name, prompt_ms=None if read is None else round(read, 1))
