"""Provider `openai`: OpenAI's chat completions (also Gemini, Grok, vLLM, llama.cpp), by its official client."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie_intent.llm.endpoint import (
    CONNECT_SECONDS,
    UNREADABLE,
    Endpoint,
    create_connection_error,
    create_status_error,
)
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    FinishReason,
    ModelEvent,
    Prompt,
    StreamEnd,
    TextDelta,
    Tool,
    ToolCall,
)

if TYPE_CHECKING:
    from openai import APIError, AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletionChunk
    from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

_NO_KEY = "none"  # otherwise the client sends the key from the environment to any address
_DRAIN_SECONDS = 0.5
_LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
"""Names of the parameter that limits the tokens of an answer; OpenAI's newer models refuse the first."""


def load(endpoint: Endpoint) -> "OpenaiClient":
    """Return the client; nothing is sent yet. Slow the first time: it imports the client. Raises ConfigError."""
    try:
        import anyio._backends._asyncio  # noqa: F401 - otherwise the first request imports it
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['cloud'])}") from err
    timeout = Timeout(None, connect=CONNECT_SECONDS)
    client = AsyncOpenAI(
        api_key=endpoint.key.get if endpoint.key else _NO_KEY,
        base_url=endpoint.url,
        max_retries=0,
        timeout=timeout,
        http_client=DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout),
    )
    _ = client.chat.completions  # imports more
    return OpenaiClient(endpoint, client)


class OpenaiClient:
    def __init__(self, endpoint: Endpoint, client: "AsyncOpenAI") -> None:
        self._endpoint = endpoint
        self._client = client
        self._limit_name = _LIMIT_NAMES[(urlsplit(endpoint.url).hostname or "").endswith("openai.com")]

    async def close(self) -> None:
        await self._client.close()

    async def stream(self, prompt: Prompt, max_tokens: int) -> AsyncGenerator[ModelEvent, None]:
        from openai import APIError, APIStatusError, OpenAIError

        calls = _CallAssembler()
        try:
            async with await self._start_chat(prompt, max_tokens) as chunks:
                async for chunk in chunks:
                    if text := _get_text(chunk):
                        yield TextDelta(text)
                    calls.add(chunk)
                    if _is_last(chunk):
                        await _drain(chunks)
                        for call in calls.assemble():
                            yield call
                        yield _parse_end(chunk)
                        return
        except APIStatusError as err:
            raise create_status_error(
                self._endpoint, err.status_code, _format_error(err), has_tools=bool(prompt.tools)
            ) from None
        except APIError as err:
            raise (
                create_status_error(self._endpoint, 0, _format_error(err))
                if err.body
                else create_connection_error(self._endpoint, err)
            ) from None
        except (OpenAIError, OSError, *UNREADABLE) as err:
            raise create_connection_error(self._endpoint, err) from None

    async def _start_chat(self, prompt: Prompt, max_tokens: int) -> "AsyncStream[ChatCompletionChunk]":
        """Return the chunks of the answer, limited by the parameter that the server knows."""
        from openai import APIStatusError

        try:
            return await self._chat(prompt, {self._limit_name: max_tokens})
        except APIStatusError as err:
            if err.status_code not in {400, 422} or f"'{self._limit_name}'" not in _format_error(err):
                raise
            self._limit_name = next(name for name in _LIMIT_NAMES if name != self._limit_name)
            return await self._chat(prompt, {self._limit_name: max_tokens})

    async def _chat(self, prompt: Prompt, more: Mapping[str, int]) -> "AsyncStream[ChatCompletionChunk]":
        temperature = {} if self._endpoint.temperature is None else {"temperature": self._endpoint.temperature}
        tools = {"tools": [_format_tool(tool) for tool in prompt.tools]} if prompt.tools else {}
        schema = {"response_format": _format_schema(prompt.schema)} if prompt.schema else {}
        create: Any = self._client.chat.completions.create  # its arguments are typed dictionaries, one per role
        messages = [_format_message(message) for message in _merge_user_messages(prompt.messages)]
        stream = await create(
            model=self._endpoint.model, messages=messages, stream=True, **tools, **schema, **temperature, **more
        )
        return cast("AsyncStream[ChatCompletionChunk]", stream)


def _format_schema(schema: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def _get_text(chunk: "ChatCompletionChunk") -> str:
    return "".join(choice.delta.content or "" for choice in chunk.choices[:1])


def _is_last(chunk: "ChatCompletionChunk") -> bool:
    return any(choice.finish_reason for choice in chunk.choices)


def _parse_end(chunk: "ChatCompletionChunk") -> StreamEnd:
    """Return the end of the stream, with llama.cpp's timings where there are some."""
    cut = any(choice.finish_reason == "length" for choice in chunk.choices)
    timings = (chunk.model_extra or {}).get("timings")
    details = timings if isinstance(timings, Mapping) else {}
    took, new, known = (parse_number(details.get(key)) for key in ("prompt_ms", "prompt_n", "cache_n"))
    tokens = None if new is None else int(new + (known or 0))
    return StreamEnd(took, tokens, FinishReason.LENGTH if cut else FinishReason.STOP)


def _format_error(error: "APIError") -> str:
    """Return the server's text of an error, which must not be logged."""
    return f"{error.message} {error.body or ''}"


async def _drain(chunks: "AsyncStream[ChatCompletionChunk]") -> None:
    """Read the rest of a complete answer, so that the connection can be reused."""
    from openai import OpenAIError

    with suppress(TimeoutError, OpenAIError, ValueError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in chunks:
                pass


@dataclass
class _PartialCall:
    """A tool call that arrives in chunks."""

    index: int | None
    id: str
    name: str
    arguments: str

    def to_tool_call(self) -> ToolCall:
        try:
            arguments = json.loads(self.arguments or "{}")
        except ValueError:
            arguments = None
        return ToolCall(
            self.id or f"call_{uuid4().hex[:12]}", self.name, arguments if isinstance(arguments, dict) else None
        )


class _CallAssembler:
    """Assembles the tool calls of one answer."""

    def __init__(self) -> None:
        self._calls: list[_PartialCall] = []

    def add(self, chunk: "ChatCompletionChunk") -> None:
        for choice in chunk.choices[:1]:
            for part in choice.delta.tool_calls or ():
                self._add(part)

    def assemble(self) -> Iterator[ToolCall]:
        return (call.to_tool_call() for call in self._calls)

    def _add(self, part: "ChoiceDeltaToolCall") -> None:
        known, function = str(part.id or ""), part.function
        name, arguments = (str(function.name or ""), str(function.arguments or "")) if function else ("", "")
        last = next((call for call in reversed(self._calls) if call.index == part.index), None)
        # some servers number all calls with 0
        if last is None or (known and known != last.id):
            self._calls.append(_PartialCall(part.index, known, name, arguments))
        else:
            last.name += name
            last.arguments += arguments


def _merge_user_messages(messages: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
    """Merge consecutive messages of the user: many templates refuse two messages of one role in a row."""
    last: ChatMessage | None = None
    for message in messages:
        if last is not None and last.role is message.role is ChatRole.USER:
            last = replace(last, text=f"{last.text}\n\n{message.text}")
            continue
        if last is not None:
            yield last
        last = message
    if last is not None:
        yield last


def _format_message(message: ChatMessage) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role.value, "content": message.text}
    if message.calls:
        written["tool_calls"] = [_format_call(call) for call in message.calls]
    if message.tool_call:
        written["tool_call_id"] = message.tool_call.id
    return written


def _format_call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(dict(call.arguments or {}), ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _format_tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}
