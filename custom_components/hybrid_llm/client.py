"""Client of Ollama's HTTP API."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import aiohttp

CONNECT_SECONDS = 3.0
FIRST_TOKEN_SECONDS = 20.0
"""Time for the first words, thoughts included; a model that is read from the disk has to fit into it, too."""
NEXT_TOKEN_SECONDS = 10.0
ANSWER_SECONDS = 90.0
WARM_SECONDS = 120.0
KEEP_ALIVE = "30m"
_LOOKED_AT = 2000  # bytes of a server's error


class Cause(StrEnum):
    """The cause of a failed request."""

    UNREACHABLE = "cannot_connect"
    REFUSED = "invalid_auth"
    NO_MODEL = "model_missing"
    NO_TOOLS = "no_tools"
    TOO_LONG = "timeout"
    NOT_OLLAMA = "not_ollama"


class OllamaError(Exception):
    """A failed request; the text names neither what was said nor what the server said."""

    def __init__(self, cause: Cause, about: str = "") -> None:
        super().__init__(f"{cause.value} {about}".strip())
        self.cause = cause


@dataclass(frozen=True)
class ChatRequest:
    """A request for the next message of a chat."""

    model: str
    messages: Sequence[Mapping[str, Any]] = field(repr=False)
    tools: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    context_tokens: int = 8192
    answer_tokens: int = 512

    def as_json(self, answer_tokens: int | None = None) -> dict[str, Any]:
        options = {"num_ctx": self.context_tokens, "num_predict": answer_tokens or self.answer_tokens}
        body = {"model": self.model, "messages": list(self.messages), "options": options, "keep_alive": KEEP_ALIVE}
        return {**body, "think": False, "stream": True, **({"tools": list(self.tools)} if self.tools else {})}


@dataclass(frozen=True)
class ChatChunk:
    """A part of an answer."""

    text: str = field(default="", repr=False)
    calls: tuple[tuple[Any, Any], ...] = field(default=(), repr=False)
    """Names and arguments of tool calls, as the server sent them."""
    is_end: bool = False


class OllamaClient:
    """The server at a URL; the session belongs to Home Assistant."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str | None = None) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def find_models(self, seconds: float = 5.0) -> list[str]:
        """Return the names of the models that the server has. Raises OllamaError."""
        with _errors():
            async with asyncio.timeout(seconds):
                response = await self._open("GET", "/api/tags")
                body = await response.json(content_type=None)
            return sorted(str(model["name"]) for model in body["models"])

    async def warm(self, request: ChatRequest) -> None:
        """Have the model read the messages, for one token. Raises OllamaError."""
        with _errors():
            async with asyncio.timeout(WARM_SECONDS):
                response = await self._open("POST", "/api/chat", request.as_json(1))
                await response.read()

    async def chat(
        self, request: ChatRequest, first_token_seconds: float = FIRST_TOKEN_SECONDS
    ) -> AsyncGenerator[ChatChunk, None]:
        """Yield an answer; the last chunk is its end. Closing the generator ends the request. Raises OllamaError."""
        loop = asyncio.get_running_loop()
        ends, patience = loop.time() + ANSWER_SECONDS, loop.time() + first_token_seconds
        with _errors():
            async with asyncio.timeout_at(patience):
                response = await self._open("POST", "/api/chat", request.as_json())
            try:
                while True:
                    async with asyncio.timeout_at(min(patience, ends)):
                        chunk = _parse(await response.content.readline())
                    yield chunk
                    if chunk.is_end:
                        return
                    if chunk.text or chunk.calls:  # thoughts alone do not count
                        patience = loop.time() + NEXT_TOKEN_SECONDS
            finally:
                response.close()

    async def _open(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        response = await self._session.request(
            method, f"{self._url}{path}", json=body, headers=self._headers, timeout=timeout, allow_redirects=False
        )
        if response.status != 200:
            raise _create_error(response.status, (await response.read())[:_LOOKED_AT].decode("utf-8", "replace"))
        return response


@contextmanager
def _errors() -> Iterator[None]:
    """Turn everything that can fail within the block into OllamaError."""
    try:
        yield
    except (aiohttp.ServerTimeoutError, aiohttp.ClientConnectionError) as err:
        raise OllamaError(Cause.UNREACHABLE, type(err).__name__) from None
    except TimeoutError:
        raise OllamaError(Cause.TOO_LONG) from None
    except (aiohttp.InvalidURL, aiohttp.ContentTypeError) as err:
        raise OllamaError(Cause.NOT_OLLAMA, type(err).__name__) from None
    except (aiohttp.ClientError, OSError) as err:
        raise OllamaError(Cause.UNREACHABLE, type(err).__name__) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
        raise OllamaError(Cause.NOT_OLLAMA, type(err).__name__) from None


def _create_error(status: int, text: str) -> OllamaError:
    if status in {401, 403}:
        return OllamaError(Cause.REFUSED)
    if "tool" in text.lower() and "support" in text.lower():
        return OllamaError(Cause.NO_TOOLS)
    if status == 404:
        is_ollama = "model" in text.lower()
        return OllamaError(Cause.NO_MODEL if is_ollama else Cause.NOT_OLLAMA)
    return OllamaError(Cause.UNREACHABLE if status >= 429 else Cause.NOT_OLLAMA, f"status {status}")


def _parse(line: bytes) -> ChatChunk:
    """Return the chunk of a line. Raises OllamaError at the end of a broken answer, ValueError and the like for no JSON."""
    if not line:
        raise OllamaError(Cause.UNREACHABLE, "the answer has no end")
    body = json.loads(line)
    if "error" in body:
        raise OllamaError(Cause.UNREACHABLE, "the server broke off")
    message = body.get("message") or {}
    calls = tuple(
        (call["function"]["name"], call["function"].get("arguments")) for call in message.get("tool_calls") or ()
    )
    return ChatChunk(str(message.get("content") or ""), calls, bool(body.get("done")))
