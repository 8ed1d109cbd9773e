"""Models at a server: the scripted one, or a real Ollama when ROSIE_OLLAMA_URL and ROSIE_OLLAMA_MODEL name one.

Only the scripted one can be made to fail: those tests never ask the real one.
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
from wyoming_rosie_intent.llm.model import Again, Done, Message, Piece, Prompt, Role, Text, Tool, ToolCall
from wyoming_rosie_intent.llm.tier_config import Provider, ServedModel, TierSettings

REAL_URL = os.environ.get("ROSIE_OLLAMA_URL", "")
REAL_MODEL = os.environ.get("ROSIE_OLLAMA_MODEL", "")

SYSTEM = Message(Role.SYSTEM, "You are Rosie. Answer in one short sentence.")
CAPITAL = Message(Role.USER, "What is the capital of France?")
TURN_ON = Tool(
    "HassTurnOn",
    "Turns a thing on",
    {"type": "object", "properties": {"name": {"type": "string", "description": "its name"}}, "required": ["name"]},
)
ASKED = Prompt((SYSTEM, CAPITAL), (TURN_ON,))


def said_to(text: str) -> Prompt:
    return Prompt((SYSTEM, Message(Role.USER, text)), (TURN_ON,))


@dataclass(frozen=True)
class Place:
    """A server with a model; `scripted` is None when it is a real one."""

    url: str
    model: str
    scripted: OllamaServer | None = None


@asynccontextmanager
async def place(*rules: Rule, **given: Any) -> AsyncIterator[Place]:
    if REAL_URL:
        yield Place(REAL_URL, REAL_MODEL)
        return
    async with scripted(*rules, **given) as server:
        yield Place(server.url, "scripted", server)


@asynccontextmanager
async def scripted(*rules: Rule, **given: Any) -> AsyncIterator[OllamaServer]:
    """The scripted server, whatever else there is."""
    async with OllamaServer(rules or RULES, **given).serving() as server:
        yield server


@asynccontextmanager
async def model(provider: Provider, url: str, name: str = "scripted", /, **given: Any) -> AsyncIterator[ServedModel]:
    path = "/v1" if provider == "openai" else ""
    made = await asyncio.to_thread(tier_config.load, "local", TierSettings(name, provider, url + path, **given))
    assert made is not None
    try:
        yield made
    finally:
        await made.close()


async def whole(pieces: AsyncGenerator[Any, None]) -> list[Piece | Again]:
    async with aclosing(pieces) as given:
        return [piece async for piece in given]


def text_of(pieces: list[Piece | Again]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def calls_of(pieces: list[Piece | Again]) -> list[ToolCall]:
    return [piece for piece in pieces if isinstance(piece, ToolCall)]


def is_done(pieces: list[Piece | Again]) -> bool:
    return isinstance(pieces[-1], Done) and not any(isinstance(piece, Done) for piece in pieces[:-1])
