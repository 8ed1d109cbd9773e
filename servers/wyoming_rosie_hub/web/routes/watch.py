"""Events of the house as they come, and the log."""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from wyoming_rosie.http.access import Caller
from wyoming_rosie.trust.scopes import Scope
from wyoming_rosie_hub.web.doors import Doors
from wyoming_rosie_hub.web.events import EventReader, HouseEvent, ReaderEndedError
from wyoming_rosie_hub.web.guard import NEEDS_ADMIN, Reader
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.house_watcher import LOG_EVENT
from wyoming_rosie_hub.web.routes.turns import EVENT_STREAM, may_see

HEARTBEAT_SECONDS = 15.0
HEARTBEAT = ": nothing new\n\n"
NO_BUFFER = {"X-Accel-Buffering": "no"}
"""Tells a proxy to pass on each event at once."""
LEVELS = ("info", "warning", "error", "critical")
MAX_LINES = 1_000
MAX_PROGRAM_CHARACTERS = 32


def create_router(house: House, doors: Doors) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get("/events", response_class=StreamingResponse)
    async def read_events(caller: Reader) -> StreamingResponse:
        """Return what happens from now on, as server-sent events.

        `satellite` when a satellite or its phase changed, `turn` when one ended, `timers`, `daemon`, `levels`, and for
        administrators `log`.
        """
        stack = ExitStack()
        reader = stack.enter_context(house.events.open())
        return StreamingResponse(_stream(stack, reader, caller), media_type=EVENT_STREAM, headers=NO_BUFFER)

    async def _stream(stack: ExitStack, reader: EventReader, caller: Caller) -> AsyncIterator[str]:
        before = doors.access
        with stack:
            yield HEARTBEAT
            while doors.still_admits(caller, before):
                try:
                    events = await reader.read(HEARTBEAT_SECONDS)
                except ReaderEndedError:
                    return
                text = "".join(event.text for event in events if _may_read(caller, event)) or HEARTBEAT
                if doors.still_admits(caller, before):
                    yield text

    @router.get("/log", dependencies=[NEEDS_ADMIN])
    async def read_log(
        limit: Annotated[int, Query(ge=1, le=MAX_LINES)] = 200,
        level: Literal["info", "warning", "error", "critical"] = "info",
        program: Annotated[str | None, Query(max_length=MAX_PROGRAM_CHARACTERS)] = None,
    ) -> dict[str, Any]:
        """Return the last lines of the log, the oldest first, from a level up; never what people say."""
        excerpt = await house.read_log(MAX_LINES, program)
        wanted = [line for line in excerpt.lines if line.level in LEVELS[LEVELS.index(level) :]]
        return {"lines": [asdict(line) for line in wanted[-limit:]], "source": excerpt.source}

    return router


def _may_read(caller: Caller, event: HouseEvent) -> bool:
    if event.name == LOG_EVENT:
        return caller.has(Scope.ADMIN)
    return event.name != "turn" or may_see(caller, event.area)
