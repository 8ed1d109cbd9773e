"""Conversations with a memory in a small home."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.unit.intent.outcomes import get_outcome
from tests.waiting import wait_until
from wyoming_rosie.home.loader import load_home
from wyoming_rosie.home.model import DEMO_HOME, RoomPolicy
from wyoming_rosie_intent.actors.demo.actor import DemoActor
from wyoming_rosie_intent.answer import ConversationInput, Handled, NotHandled, NotRecognized, Outcome, PendingAction
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import IntentRecognizer
from wyoming_rosie_intent.execution.confirmation import Confirmations
from wyoming_rosie_intent.execution.executor import ActionExecutor
from wyoming_rosie_intent.llm.agent import LlmAgent
from wyoming_rosie_intent.memory.dialogue_memory import DialogueMemory, MemoryPolicy
from wyoming_rosie_intent.memory.model import ADMIN, EVERYTHING, MemoryRecord
from wyoming_rosie_intent.memory.service import MemoryService, OpenStore
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.plugins import PluginRegistry
from wyoming_rosie_intent.rules import hassil

NOON = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
"""A Wednesday."""


PRIVATE_HOME = replace(load_home(DEMO_HOME), rooms={"bedroom": RoomPolicy(private=True)})
"""The demo home, where the bedroom is private."""
REPLIES = hassil.load_custom_sentences("en")


@dataclass
class MemoryConversation:
    """Says sentences, one after the other, each in a turn of its own; a minute passes with each."""

    dialogue: Dialogue
    service: MemoryService
    memory: DialogueMemory
    moment: datetime = NOON
    area: str | None = "kitchen"
    speaker: str | None = None
    conversation: str = "one"
    language: str = "en"
    turns: int = 0

    async def hear(self, text: str) -> Outcome:
        self.turns += 1
        self.moment += timedelta(seconds=10)
        user_input = ConversationInput(
            text, self.conversation, self.language, self.area, f"turn{self.turns}", self.speaker
        )
        return await get_outcome(self.dialogue, user_input, 10.0 * self.turns, self.moment)

    async def say(self, text: str) -> str:
        """Return the answer to a sentence."""
        outcome = await self.hear(text)
        assert isinstance(outcome, Handled | NotHandled | NotRecognized), outcome
        await self.written()
        return outcome.text

    async def written(self) -> None:
        """Wait until everything is in the store."""
        await wait_until(lambda: not self.service.waiting)

    async def kept(self) -> Sequence[MemoryRecord]:
        await self.written()
        return await self.service.find(ADMIN, EVERYTHING, 1000)

    async def kept_texts(self) -> list[str]:
        return sorted(record.text for record in await self.kept())


@asynccontextmanager
async def conversing(
    path: Path,
    recognizer: IntentRecognizer,
    policy: MemoryPolicy | None = None,
    agent: LlmAgent | None = None,
    open_store: OpenStore | None = None,
    keep_days: float = 30.0,
    plugins: PluginRegistry | None = None,
) -> AsyncIterator[MemoryConversation]:
    """Run a dialogue whose memory is at `path` during the block."""
    home = PRIVATE_HOME
    service = MemoryService(open_store or (lambda _: sqlite.load(path)), keep_days=keep_days, clock=NOON.timestamp)
    task = asyncio.create_task(service.run())
    memory = DialogueMemory(service, lambda: home, policy)
    executor = ActionExecutor(home, DemoActor(home), frozenset({"lock"}))
    confirmations = Confirmations[PendingAction](REPLIES["yes"], REPLIES["no"])
    dialogue = Dialogue(recognizer, executor, confirmations, plugins, agent, dialogue_memory=memory)
    try:
        if open_store is None:
            await wait_until(lambda: service.problem is None)
        yield MemoryConversation(dialogue, service, memory)
    finally:
        dialogue.close()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
