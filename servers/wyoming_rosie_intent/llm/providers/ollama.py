"""Provider `ollama`: Ollama's API, by its official client."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.secrets import Secret
from wyoming_rosie_intent.llm.endpoint import (
    CONNECT_SECONDS,
    UNREADABLE,
    Endpoint,
    create_connection_error,
    create_status_error,
)
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    FinishReason,
    ModelEvent,
    Prompt,
    StreamEnd,
    TextDelta,
    Tool,
    ToolCall,
)

if TYPE_CHECKING:
    import httpx
    from ollama import AsyncClient, ChatResponse

_NANOSECONDS = 1e6  # in a millisecond


def load(endpoint: Endpoint) -> "OllamaClient":
    """Return the client; nothing is sent yet. Slow the first time: it imports the client. Raises ConfigError."""
    try:
        import anyio._backends._asyncio  # noqa: F401 - otherwise the first request imports it
        from httpx import Timeout
        from ollama import AsyncClient
    except ImportError as err:
        raise ConfigError(f"{err.name} is not installed; run: {install_command(['intent'])}") from err
    client = AsyncClient(
        endpoint.url,
        follow_redirects=False,
        auth=_create_auth(endpoint.key),
        timeout=Timeout(None, connect=CONNECT_SECONDS),
    )
    return OllamaClient(endpoint, client)


class OllamaClient:
    def __init__(self, endpoint: Endpoint, client: "AsyncClient") -> None:
        self._endpoint = endpoint
        self._client = client

    async def close(self) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]

    async def stream(self, prompt: Prompt, max_tokens: int) -> AsyncGenerator[ModelEvent, None]:
        import httpx
        from ollama import ResponseError

        try:
            async with aclosing(await self._chat(prompt, max_tokens)) as chunks:
                async for chunk in chunks:
                    for event in _parse_chunk(chunk):
                        yield event
        except ResponseError as err:
            raise create_status_error(
                self._endpoint, err.status_code, str(err.error), has_tools=bool(prompt.tools)
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, *UNREADABLE) as err:
            raise create_connection_error(self._endpoint, err) from None

    async def _chat(self, prompt: Prompt, max_tokens: int) -> "AsyncGenerator[ChatResponse, None]":
        """Return the chunks of the answer; iterating sends the request."""
        endpoint = self._endpoint
        temperature = {} if endpoint.temperature is None else {"temperature": endpoint.temperature}
        chunks = await self._client.chat(
            endpoint.model,
            messages=[_format_message(message) for message in prompt.messages],
            tools=[_format_tool(tool) for tool in prompt.tools],
            stream=True,
            format=cast("Any", prompt.schema),
            think=endpoint.think,
            options={
                "num_ctx": endpoint.context_tokens,
                "num_predict": max_tokens,
                **temperature,
            },
            keep_alive=_parse_duration(endpoint.keep_alive),
        )
        return cast("AsyncGenerator[ChatResponse, None]", chunks)


def _format_message(message: ChatMessage) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role.value, "content": message.text}
    if message.calls:
        written["tool_calls"] = [
            {"function": {"name": call.name, "arguments": dict(call.arguments or {})}} for call in message.calls
        ]
    if message.tool_call:
        written["tool_name"] = message.tool_call.name
    return written


def _format_tool(tool: Tool) -> dict[str, Any]:
    properties = tool.parameters.get("properties")
    named = properties if isinstance(properties, Mapping) else {}
    parameters = {**tool.parameters, "properties": {name: _format_property(schema) for name, schema in named.items()}}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def _format_property(schema: Any) -> Any:
    """Return a schema with a type: the client drops the types in a choice such as string or null."""
    choices = schema.get("anyOf") if isinstance(schema, Mapping) and "type" not in schema else None
    if not isinstance(choices, list):
        return schema
    real = [choice for choice in choices if isinstance(choice, Mapping) and choice.get("type") not in {None, "null"}]
    return {**real[0], **schema} if real else schema


def _parse_chunk(part: "ChatResponse") -> Iterator[ModelEvent]:
    if part.message.content:
        yield TextDelta(part.message.content)
    for call in part.message.tool_calls or ():
        yield ToolCall(f"call_{uuid4().hex[:12]}", call.function.name, dict(call.function.arguments))
    if part.done:
        took = part.prompt_eval_duration
        ending = FinishReason.LENGTH if part.done_reason == "length" else FinishReason.STOP
        yield StreamEnd(None if took is None else took / _NANOSECONDS, part.prompt_eval_count, ending)


def _parse_duration(written: str) -> str | float:
    """Return a number as a number: Ollama rejects the text "-1", for ever, as it has no unit."""
    try:
        return float(written)
    except ValueError:
        return written


def _create_auth(key: Secret | None) -> "httpx.Auth":
    """Return the authorization of requests: this key or none. The client alone would send one from the environment."""
    from httpx import Auth

    class KeyAuth(Auth):
        async def async_auth_flow(self, request: "httpx.Request") -> "AsyncGenerator[httpx.Request, httpx.Response]":
            request.headers.pop("Authorization", None)
            if key is not None:
                request.headers["Authorization"] = f"Bearer {await key.get()}"
            yield request

    return KeyAuth()
