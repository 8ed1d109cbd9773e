"""Where a model is, how it is asked, and how long is waited for it; nothing here knows a provider."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import structlog

from wyoming_rosie_intent.models.deadlines import Limits, within
from wyoming_rosie_intent.models.model import Done, ModelError, Piece

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
    limits: Limits = field(default_factory=Limits)
    context_tokens: int = 8192
    temperature: float | None = None
    keep_alive: str = "30m"
    think: bool = False


def refusal(endpoint: Endpoint, status: int) -> ModelError:
    """Return what a status of HTTP means, without a word of what the server says: it may repeat what people said."""
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


def broken(endpoint: Endpoint, error: Exception) -> ModelError:
    """Return what the failure of a connection or an unreadable answer means, without its text."""
    return ModelError(f"{endpoint.name}: the connection failed or the answer cannot be read ({type(error).__name__})")


async def answered(endpoint: Endpoint, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield an answer within the endpoint's limits, and log when it is whole. Raises ModelError."""
    async with aclosing(within(endpoint.limits, endpoint.name, pieces)) as limited:
        async for piece in limited:
            if isinstance(piece, Done):
                _log(endpoint, "a model answered", piece)
            yield piece


async def warm_up(endpoint: Endpoint, pieces: AsyncGenerator[Piece, None]) -> None:
    """Wait for the end of an answer whose words nobody wants. Raises ModelError."""
    patient = replace(endpoint.limits, first_token=WARM_UP_SECONDS, total=WARM_UP_SECONDS)
    async with aclosing(within(patient, endpoint.name, pieces)) as limited:
        async for piece in limited:
            if isinstance(piece, Done):
                _log(endpoint, "a prompt is warm", piece)


def _log(endpoint: Endpoint, event: str, done: Done) -> None:
    """Log how long the prompt took to read: much less than cold when the server knew its beginning."""
    read = done.prompt_milliseconds
    _LOG.info(event, model=endpoint.name, prompt_ms=None if read is None else round(read, 1))
