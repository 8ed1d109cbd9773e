"""MCP tools with a real small server, over stdio and HTTP."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from tests.brokers import free_port
from tests.waiting import wait_until
from wyoming_rosie_intent.llm.mcp_config import McpServer
from wyoming_rosie_intent.llm.mcp_tools import MAX_CHARACTERS, McpTools
from wyoming_rosie_intent.llm.model import ToolCall
from wyoming_rosie_intent.llm.toolset import ToolContext, ToolResult

pytest.importorskip("mcp", reason="the mcp extra is not installed")
pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVER = Path(__file__).parents[3] / "mcp_server.py"
ALLOWED = ("forecast", "note", "long", "slow", "wrong", "crash", "absent")
HERE = ToolContext(None, datetime(2026, 11, 21, 15, 5, tzinfo=UTC))


OVER_STDIO = McpServer("small", ALLOWED, (sys.executable, str(SERVER)), seconds=3.0)


@asynccontextmanager
async def connected(server: McpServer) -> AsyncIterator[McpTools]:
    tools = McpTools([server])
    running = asyncio.create_task(tools.run())
    try:
        await wait_until(lambda: bool(tools.list_tools()))
        yield tools
    finally:
        running.cancel()
        await asyncio.wait([running])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tools() -> AsyncIterator[McpTools]:
    """A server shared by most tests, as it takes seconds to start."""
    async with connected(OVER_STDIO) as tools:
        yield tools


async def use(tools: McpTools, name: str, **arguments: object) -> ToolResult:
    return await tools.call_tool(ToolCall("1", f"small_{name}", arguments), HERE)


async def test_only_what_is_allowed_is_offered_and_used(tools: McpTools) -> None:
    assert [tool.name for tool in tools.list_tools()] == [f"small_{name}" for name in ALLOWED[:-1]]
    assert tools.list_tools()[0].description == "Return the weather of tomorrow."
    assert tools.list_tools()[0].parameters["required"] == ["town"]
    assert "no tool" in (await use(tools, "forbidden")).text


async def test_a_result_is_information_and_only_what_acts_has_acted(tools: McpTools) -> None:
    told = await use(tools, "forecast", town="Graz")
    assert told.text.startswith("Result of small_forecast, as information:\nIn Graz it will rain.")
    assert not told.has_acted
    assert (await use(tools, "note", text="milk")).has_acted


async def test_a_tool_that_acts_is_not_called_once_the_model_has_read_a_strangers_text(tools: McpTools) -> None:
    context = replace(HERE, has_untrusted_text=True)
    refused = await tools.call_tool(ToolCall("1", "small_note", {"text": "milk"}), context)
    assert (refused.has_acted, refused.text[:5]) == (False, "Error")
    read = await tools.call_tool(ToolCall("1", "small_forecast", {"town": "Graz"}), context)
    assert read.is_untrusted
    assert "Graz" in read.text


async def test_what_goes_wrong_at_the_server_is_told_and_the_next_call_works(tools: McpTools) -> None:
    for failing in (use(tools, "wrong"), use(tools, "forecast"), use(tools, "forecast", town=["x"])):
        failed = await failing
        assert failed.text.startswith("Error")
        assert not failed.has_acted
    assert "no JSON object" in (await tools.call_tool(ToolCall("1", "small_note", None), HERE)).text
    assert (await use(tools, "note", text="milk")).has_acted


async def test_a_long_result_is_cut(tools: McpTools) -> None:
    assert len((await use(tools, "long")).text) < MAX_CHARACTERS + 100


async def test_a_call_that_takes_too_long_is_given_up(tools: McpTools) -> None:
    assert "did not answer in time" in (await use(tools, "slow")).text


async def test_a_server_that_dies_is_started_again() -> None:
    async with connected(replace(OVER_STDIO, seconds=10.0)) as tools:
        assert "not known" in (await use(tools, "crash")).text
        assert tools.list_tools(), "what was offered stays offered"

        async def again() -> bool:
            return (await use(tools, "note", text="milk")).has_acted

        async with asyncio.timeout(60):
            while not await again():
                await asyncio.sleep(0.1)


async def test_over_http() -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVER), str(port), stderr=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with connected(McpServer("small", ("note",), url=f"http://127.0.0.1:{port}/mcp")) as tools:
            assert (await use(tools, "note", text="milk")).text.endswith("noted: milk")
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def test_a_server_that_is_not_there_offers_nothing_and_harms_nobody() -> None:
    tools = McpTools([McpServer("small", ("note",), ("/no/such/program",))])
    running = asyncio.create_task(tools.run())
    await asyncio.sleep(0.5)
    assert not running.done()
    assert list(tools.list_tools()) == []
    assert "no tool" in (await use(tools, "note")).text
    running.cancel()
    await asyncio.wait([running])
