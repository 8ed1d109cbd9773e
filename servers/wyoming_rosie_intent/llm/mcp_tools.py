"""MCP client: the allowed tools of MCP servers, with a timeout for each call."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_intent.llm import mcp_config
from wyoming_rosie_intent.llm.mcp_config import McpServer, read_variables
from wyoming_rosie_intent.llm.model import Tool, ToolCall
from wyoming_rosie_intent.llm.prompts.quoting import escape_tokens, quote
from wyoming_rosie_intent.llm.toolset import ToolContext, ToolResult

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult
    from mcp_types import Tool as McpTool

_LOG = structlog.get_logger()
CONNECT_SECONDS = 30.0
CHECK_SECONDS = 30.0
"""Interval of the checks whether a server still answers."""
MAX_PAUSE_SECONDS = 60.0
MAX_TOOLS = 32
MAX_CHARACTERS = 4000
"""Characters of one result."""
_MAX_DESCRIPTION_CHARACTERS = 500
_MAX_SCHEMA_CHARACTERS = 8000


def load(file: Path) -> "McpTools":
    """Return the tools of the servers in a file, not yet connected. Raises ConfigError."""
    if find_spec("mcp") is None:
        raise ConfigError(f"mcp is not installed; run: {install_command(['mcp'])}")
    return McpTools(mcp_config.load(file))


class McpTools:
    """The tools of all MCP servers."""

    def __init__(self, servers: Iterable[McpServer]) -> None:
        self._connections = [McpConnection(server) for server in servers]

    def list_tools(self) -> Sequence[Tool]:
        return [tool for connection in self._connections for tool in connection.list_tools()]

    async def call_tool(self, call: ToolCall, context: ToolContext) -> ToolResult:
        connection = next((candidate for candidate in self._connections if candidate.has_tool(call.name)), None)
        if connection is None:
            return ToolResult(f"Error: there is no tool {quote(call.name)}")
        if context.has_untrusted_text and connection.has_side_effects(call.name):
            return ToolResult("Error: not done. Tell the person to ask for that in a sentence of its own.")
        return await connection.call_tool(call)

    async def run(self) -> None:
        """Keep all servers connected until cancelled."""
        async with asyncio.TaskGroup() as group:
            for connection in self._connections:
                group.create_task(connection.run())


class McpConnection:
    """The connection to one server, made anew when it is lost. Its tools stay listed meanwhile."""

    def __init__(self, server: McpServer, check_seconds: float = CHECK_SECONDS) -> None:
        self._server = server
        self._check_seconds = check_seconds
        self._client: Client | None = None
        self._offered: dict[str, tuple[Tool, str, bool]] = {}  # our name -> tool, the server's name, has side effects
        self._in_doubt = asyncio.Event()
        self._connected = asyncio.Event()

    def list_tools(self) -> Sequence[Tool]:
        return [tool for tool, _, _ in self._offered.values()]

    def has_tool(self, name: str) -> bool:
        return name in self._offered

    def has_side_effects(self, name: str) -> bool:
        return self._offered[name][2]

    async def call_tool(self, call: ToolCall) -> ToolResult:
        """Call the server's tool, never twice: an interrupted call may have had its effect."""
        if call.arguments is None:
            return ToolResult("Error: the arguments are no JSON object")
        _, name, acts = self._offered[call.name]
        try:
            async with asyncio.timeout(self._server.seconds):
                await self._connected.wait()
                assert self._client is not None
                result = await self._client.call_tool(name, dict(call.arguments))
        except TimeoutError:
            self._in_doubt.set()
            return ToolResult(f"Error: {call.name} did not answer in time; whether it did anything is not known")
        except Exception as err:  # noqa: BLE001 - any failure of a server or its client is a result
            self._in_doubt.set()
            _LOG.warning("an MCP server failed", server=self._server.name, tool=name, reason=type(err).__name__)
            return ToolResult(f"Error: {call.name} failed; whether it did anything is not known")
        text = f"Result of {call.name}, as information:\n{_format_result(result)}"
        is_error = bool(result.is_error)
        return ToolResult(f"Error. {text}" if is_error else text, has_acted=acts and not is_error, is_untrusted=True)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS) as limit, _connect(self._server) as client:
                    self._offered = await _list_allowed_tools(self._server, client)
                    limit.reschedule(None)
                    backoff.reset()
                    await self._monitor(client)
            except Exception as err:  # noqa: BLE001 - a server may fail in any way and must not end the daemon
                _LOG.warning("cannot connect to an MCP server", server=self._server.name, reason=_format_error(err))
            await backoff.sleep()

    async def _monitor(self, client: "Client") -> None:
        """Allow calls until the server no longer answers."""
        _LOG.info("connected to an MCP server", server=self._server.name, tools=len(self._offered))
        self._in_doubt.clear()
        self._client = client
        self._connected.set()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._check_seconds):
                        await self._in_doubt.wait()
                self._in_doubt.clear()
                async with asyncio.timeout(self._server.seconds):
                    await client.list_tools(cache_mode="refresh")
        finally:
            self._connected.clear()
            self._client = None


@asynccontextmanager
async def _connect(server: McpServer) -> "AsyncGenerator[Client, None]":
    await asyncio.to_thread(_import_client)
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    async with AsyncExitStack() as stack:
        if server.command:
            command, *arguments = server.command
            place = StdioServerParameters(command=command, args=arguments, env=dict(read_variables(server)))
            yield await stack.enter_async_context(Client(place))
        else:
            headers = {"Authorization": f"Bearer {server.key}"} if server.key else None
            http = await stack.enter_async_context(await asyncio.to_thread(create_mcp_http_client, headers))
            yield await stack.enter_async_context(Client(streamable_http_client(server.url, http_client=http)))


def _import_client() -> None:
    """Import slow modules outside the event loop; the package loads its validator at the first call otherwise."""
    for module in ("mcp", "jsonschema"):
        import_module(module)


async def _list_allowed_tools(server: McpServer, client: "Client") -> dict[str, tuple[Tool, str, bool]]:
    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    for name in server.tools:
        if name not in listed:
            _LOG.warning("an MCP server has no such tool", server=server.name, tool=name, there_are=sorted(listed)[:20])
    allowed = [listed[name] for name in server.tools[:MAX_TOOLS] if name in listed]
    return {
        tool.name: (tool, mcp_tool.name, _has_side_effects(mcp_tool))
        for mcp_tool in allowed
        if (tool := _convert_tool(server, mcp_tool))
    }


def _convert_tool(server: McpServer, mcp_tool: "McpTool") -> Tool | None:
    """Return the tool as a model gets it; None if its schema would fill the prompt."""
    schema: dict[str, Any] = dict(mcp_tool.input_schema)
    if len(json.dumps(schema)) > _MAX_SCHEMA_CHARACTERS:
        _LOG.warning("the schema of an MCP tool is too large", server=server.name, tool=mcp_tool.name)
        return None
    name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{server.name}_{mcp_tool.name}")[:64]
    return Tool(name, " ".join((mcp_tool.description or mcp_tool.name).split())[:_MAX_DESCRIPTION_CHARACTERS], schema)


def _has_side_effects(mcp_tool: "McpTool") -> bool:
    return not (mcp_tool.annotations and mcp_tool.annotations.read_only_hint)


def _format_result(result: "CallToolResult") -> str:
    parts = [str(getattr(part, "text", None) or f"[{part.type}]") for part in result.content]
    if not parts and result.structured_content is not None:
        parts = [json.dumps(result.structured_content, ensure_ascii=False)]
    text = escape_tokens("\n".join(parts))
    return text if len(text) <= MAX_CHARACTERS else f"{text[:MAX_CHARACTERS]}… (cut)"


def _format_error(err: BaseException) -> str:
    while isinstance(err, BaseExceptionGroup) and err.exceptions:
        err = err.exceptions[0]
    without_query = re.sub(r"\?[^\s'\"]+", "?…", str(err))  # some services have a key in it
    return f"{type(err).__name__}: {without_query[:200]}"
