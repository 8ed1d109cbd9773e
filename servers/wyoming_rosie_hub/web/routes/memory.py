"""The memory of the house: search, list, add, tag, forget, export and import, as far as a caller's scope and room go."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from wyoming_rosie.http.access import Caller
from wyoming_rosie.trust.scopes import Scope
from wyoming_rosie_hub.web.guard import NEEDS_ADMIN, NEEDS_READ, ActCaller, Administrator, Reader, TextCaller
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.rooms import find_room
from wyoming_rosie_hub.web.routes.turns import LANGUAGE, NAME

_LOG = structlog.get_logger()
MAX_PAGE = 100
MAX_TEXT_CHARACTERS = 4000
EXPORT_HEADER = {"format": "wyoming-rosie-memory", "version": 1}
JSON_LINES = "application/x-ndjson"
Kind = Literal["conversation", "document", "fact"]
Tags = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=16)]
Ids = Annotated[list[Annotated[str, Field(min_length=1, max_length=256)]], Field(max_length=MAX_PAGE)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MemoryConditions(_Body):
    """Which memories are meant."""

    kind: Kind | None = None
    person: str | None = NAME
    tag: str | None = NAME
    source: str | None = Field(default=None, min_length=1, max_length=1000)
    before: str | None = NAME
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    room: str | None = NAME


class MemoryQuery(_Body):
    """A search; an administrator who names no room searches everything."""

    text: str = Field(min_length=1, max_length=1000)
    kind: Kind | None = None
    language: str | None = LANGUAGE
    room: str | None = NAME
    limit: int = Field(default=10, ge=1, le=MAX_PAGE)


class MemoryAddition(_Body):
    """A sentence to remember, or a part of a document."""

    text: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)
    kind: Literal["fact", "document"] = "fact"
    language: str | None = LANGUAGE
    room: str | None = NAME
    tags: Tags = Field(default_factory=list)
    source: str | None = Field(default=None, min_length=1, max_length=1000)


class MemoryTags(_Body):
    """Tags to add and remove."""

    ids: Ids
    add: Tags = Field(default_factory=list)
    remove: Tags = Field(default_factory=list)


class MemoryChoice(_Body):
    """What to forget: ids, conditions that all hold, or everything."""

    ids: Ids = Field(default_factory=list)
    kind: Kind | None = None
    person: str | None = NAME
    room: str | None = NAME
    tag: str | None = NAME
    source: str | None = Field(default=None, min_length=1, max_length=1000)
    everything: bool = False


class MemoryLines(_Body):
    """Lines of an export, without its header."""

    lines: list[str] = Field(max_length=MAX_PAGE)


def create_router(house: House) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/memory")

    @router.post("/query")
    async def search(query: MemoryQuery, caller: TextCaller) -> Mapping[str, Any]:
        """Return what is near enough to a text, best first, of what may be read in the caller's room."""
        scope = await _find_scope(house, caller, query.room)
        return await house.ask_memory("search", {**query.model_dump(exclude={"room"}, exclude_none=True), **scope})

    @router.get("")
    async def list_memories(where: Annotated[MemoryConditions, Query()], caller: Reader) -> Mapping[str, Any]:
        """Return memories, the newest first; `before` is the id of the last one of the page before."""
        scope = await _find_scope(house, caller, where.room)
        return await house.ask_memory("list", {**where.model_dump(exclude={"room"}, exclude_none=True), **scope})

    @router.post("")
    async def add(addition: MemoryAddition, caller: ActCaller) -> Mapping[str, Any]:
        """Remember a sentence; `refused` counts codes and PINs, which are never stored."""
        room = await find_room(house, caller, addition.room)
        record = {**addition.model_dump(exclude={"room"}, exclude_none=True), **({"room": room} if room else {})}
        return await house.ask_memory("add", {"records": [record]})

    @router.get("/stats", dependencies=[NEEDS_READ])
    async def get_stats() -> Mapping[str, Any]:
        """Return counts, sizes and what is wrong."""
        return await house.ask_memory("stats", {})

    @router.post("/tag", dependencies=[NEEDS_ADMIN])
    async def tag(tags: MemoryTags) -> Mapping[str, Any]:
        """Add and remove tags; return how many memories were meant."""
        return await house.ask_memory("tag", tags.model_dump())

    @router.post("/forget")
    async def forget(choice: MemoryChoice, caller: Administrator) -> Mapping[str, Any]:
        """Forget without a trace; return how many memories."""
        chosen = choice.model_dump(exclude={"everything"}, exclude_none=True) | {"replaced": "too"}
        answer = await house.ask_memory("forget", {**chosen, **({"all": "yes"} if choice.everything else {})})
        _LOG.info("audit", action="memories forgotten", caller=caller.name, count=answer.get("count"))
        return answer

    @router.get("/export", dependencies=[NEEDS_ADMIN], response_class=StreamingResponse)
    async def export() -> StreamingResponse:
        """Return all memories as JSON lines after a header, the newest first."""
        first = await house.ask_memory("list", {"limit": MAX_PAGE, "replaced": "too"})
        return StreamingResponse(_stream(house, first), media_type=JSON_LINES)

    @router.post("/import", dependencies=[NEEDS_ADMIN])
    async def import_lines(given: MemoryLines) -> Mapping[str, Any]:
        """Store memories of an export; those that are there already stay as they are."""
        return await house.ask_memory("import", {"lines": given.lines})

    return router


async def _find_scope(house: House, caller: Caller, requested: str | None) -> Mapping[str, Any]:
    """Return the scope of a request: that of the caller's room; without one, what every room may read.

    An administrator reads everything.
    """
    room = await find_room(house, caller, requested)
    if room is None and caller.has(Scope.ADMIN):
        return {}
    return {"scope": {"room": room} if room else {}}


async def _stream(house: House, first: Mapping[str, Any]) -> AsyncIterator[str]:
    yield f"{json.dumps(EXPORT_HEADER)}\n"
    page = first
    while True:
        for record in page["records"]:
            yield f"{json.dumps(record, ensure_ascii=False)}\n"
        if not page["has_more"]:
            return
        last = page["records"][-1]["id"]
        page = await house.ask_memory("list", {"limit": MAX_PAGE, "replaced": "too", "before": last})
