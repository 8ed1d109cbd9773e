"""An intent daemon for tests of the mind role: it streams, stalls, errs, cuts, and counts what it does."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from wyoming.event import Event
from wyoming.server import AsyncEventHandler

from tests.brokers import free_port
from tests.integration.bridge.scripted_daemons import serve_daemon

STREAM, STALL, CUT, ERROR, REFUSE, DELEGATE, HANG = "stream", "stall", "cut", "error", "refuse", "delegate", "hang"
"""What a daemon does with a transcript: it answers; or begins nothing; or ends in the middle; and so on. HANG acts first."""
PIECES = ("It is ", "done, ", "as you wished.")
ANSWER = "".join(PIECES)


@dataclass
class Script:
    """What the daemon does with the next transcripts, one after another, then always STREAM; and what it has received."""

    faults: deque[str] = field(default_factory=deque)
    questions: list[Event] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    """Texts that it acted on, each time that it did."""
    acted: asyncio.Event = field(default_factory=asyncio.Event)
    uri: str = ""
    pieces: Sequence[str] = PIECES


class ScriptedModel(AsyncEventHandler):
    def __init__(self, *arguments: Any, script: Script) -> None:
        super().__init__(*arguments)
        self._script = script

    async def handle_event(self, event: Event) -> bool:
        if event.type != "transcript":
            return True
        self._script.questions.append(event)
        if (event.data.get("context") or {}).get("allow_tools"):
            self._script.effects.append(str(event.data.get("text")))
            self._script.acted.set()
        return await self._answer(self._script.faults.popleft() if self._script.faults else STREAM)

    async def _answer(self, kind: str) -> bool:
        match kind:
            case "stall" | "hang":
                await asyncio.sleep(3600)
            case "cut":
                await self._write("handled-start")
                await self._write("handled-chunk", text=PIECES[0])
                return False
            case "error":
                await self._write("error", text="the model is busy", code="engine")
            case "refuse":
                await self._write("not-handled", text="No model answers.")
            case "delegate":
                await self._write("intent", name="HassTurnOn", entities=[])
            case _:
                await self._stream()
        return True

    async def _stream(self) -> None:
        await self._write("user-event", name="filler", data={"text": "Let me see."})
        await self._write("handled-start")
        for piece in self._script.pieces:
            await self._write("handled-chunk", text=piece)
        await self._write("handled", text="".join(self._script.pieces))
        await self._write("handled-stop")

    async def _write(self, kind: str, **data: Any) -> None:
        await self.write_event(Event(kind, data))


@asynccontextmanager
async def serve_model(*faults: str) -> AsyncIterator[Script]:
    """Serve a scripted intent daemon during the block."""
    script = Script(deque(faults))
    async with serve_daemon(partial(ScriptedModel, script=script), free_port()) as script.uri:
        yield script
