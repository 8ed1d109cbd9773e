"""Model servers for tests: the scripted one, or a real Ollama if ROSIE_OLLAMA_URL and ROSIE_OLLAMA_MODEL name one.

Tests of faults always use the scripted one.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.ollama_script import RULES, Rule
from tests.ollama_server import OllamaServer
from wyoming_rosie_intent.llm import tier_config
from wyoming_rosie_intent.llm.model import (
    ChatMessage,
    ChatRole,
    ModelEvent,
    Prompt,
    Restarted,
    StreamEnd,
    TextDelta,
    Tool,
    ToolCall,
)
from wyoming_rosie_intent.llm.tier_config import ServedModel, TierSettings

REAL_URL = os.environ.get("ROSIE_OLLAMA_URL", "")
REAL_MODEL = os.environ.get("ROSIE_OLLAMA_MODEL", "")

SYSTEM = ChatMessage(ChatRole.SYSTEM, "You are Rosie. Answer in one short sentence.")
CAPITAL = ChatMessage(ChatRole.USER, "What is the capital of France?")
TURN_ON = Tool(
    "HassTurnOn",
    "Turns a thing on",
    {"type": "object", "properties": {"name": {"type": "string", "description": "its name"}}, "required": ["name"]},
)
ASKED = Prompt((SYSTEM, CAPITAL), (TURN_ON,))


def create_prompt(text: str) -> Prompt:
    return Prompt((SYSTEM, ChatMessage(ChatRole.USER, text)), (TURN_ON,))


@dataclass(frozen=True)
class ModelServer:
    """A server with a model; `scripted` is None for a real one."""

    url: str
    model: str
    scripted: OllamaServer | None = None


@asynccontextmanager
async def run_server(*rules: Rule, **given: Any) -> AsyncIterator[ModelServer]:
    if REAL_URL:
        yield ModelServer(REAL_URL, REAL_MODEL)
        return
    async with run_scripted_server(*rules, **given) as server:
        yield ModelServer(server.url, "scripted", server)


@asynccontextmanager
async def run_scripted_server(*rules: Rule, **given: Any) -> AsyncIterator[OllamaServer]:
    """Run the scripted server, even if there is a real one."""
    async with OllamaServer(rules or RULES, **given).run() as server:
        yield server


@asynccontextmanager
async def load_model(provider: str, url: str, name: str = "scripted", /, **given: Any) -> AsyncIterator[ServedModel]:
    path = "/v1" if provider == "openai" else ""
    made = await asyncio.to_thread(tier_config.load, "local", TierSettings(name, provider, url + path, **given))
    assert made is not None
    try:
        yield made
    finally:
        await made.close()


async def collect(pieces: AsyncGenerator[Any, None]) -> list[ModelEvent | Restarted]:
    async with aclosing(pieces) as given:
        return [piece async for piece in given]


def join_text(pieces: list[ModelEvent | Restarted]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, TextDelta))


def select_calls(pieces: list[ModelEvent | Restarted]) -> list[ToolCall]:
    return [piece for piece in pieces if isinstance(piece, ToolCall)]


def is_complete(pieces: list[ModelEvent | Restarted]) -> bool:
    return isinstance(pieces[-1], StreamEnd) and not any(isinstance(piece, StreamEnd) for piece in pieces[:-1])
