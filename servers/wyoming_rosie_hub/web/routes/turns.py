"""Turns: sentences as text and their answers, and the timelines of the last turns."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from wyoming_rosie.errors import RosieError
from wyoming_rosie.http.access import Caller
from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.trust.scopes import Scope
from wyoming_rosie_hub.web.events import format_server_sent_event
from wyoming_rosie_hub.web.guard import Reader, TextCaller
from wyoming_rosie_hub.web.house import House, Sentence, SentenceAnswer, SentenceChunk
from wyoming_rosie_hub.web.rooms import find_room

_LOG = structlog.get_logger()
EVENT_STREAM = "text/event-stream"
MAX_SENTENCE_CHARACTERS = 2_000
NAME = Field(default=None, min_length=1, max_length=128)
LANGUAGE = Field(default=None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")


class PromptRequest(BaseModel):
    """A sentence; a key without a room may say one. Without `may_act`, or the scope `act`, it is only answered, and changes nothing."""

    text: str = Field(min_length=1, max_length=MAX_SENTENCE_CHARACTERS)
    language: str | None = LANGUAGE
    conversation_id: str | None = NAME
    room: str | None = NAME
    may_act: bool = True


class PromptAnswer(BaseModel):
    """The whole answer. `conversation_id` goes into the next sentence if the answer is a question."""

    text: str
    turn_id: str
    conversation_id: str
    expects_reply: bool
    succeeded: bool


def create_router(house: House) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.post("/prompt", response_model=PromptAnswer)
    async def answer_prompt(prompt: PromptRequest, caller: TextCaller, request: Request) -> Any:
        """Answer a sentence: as JSON, or as server-sent events if `Accept` says text/event-stream.

        The events are `delta` with the next words, `final` with the whole answer, and `error`.
        """
        room = await find_room(house, caller, prompt.room)
        sentence = Sentence(
            prompt.text,
            caller.name,
            room,
            prompt.language,
            prompt.conversation_id,
            may_act=prompt.may_act and caller.has(Scope.ACT),
        )
        if EVENT_STREAM in request.headers.get("accept", ""):
            return StreamingResponse(_stream(house, sentence), media_type=EVENT_STREAM)
        async with aclosing(house.answer(sentence)) as replies:
            async for reply in replies:
                if isinstance(reply, SentenceAnswer):
                    return asdict(reply)
        raise AssertionError("an answer ends with the whole of it")

    @router.get("/turns")
    async def list_turns(caller: Reader, limit: int = 50) -> list[dict[str, Any]]:
        """Return the last turns, the newest first; those of its own room for a key with a room."""
        turns = [turn for turn in reversed(house.history.turns) if may_see(caller, turn.area)]
        return [asdict(turn) for turn in turns[: max(0, limit)]]

    @router.get("/turns/{turn_id}")
    async def get_turn(turn_id: str, caller: Reader) -> dict[str, Any]:
        """Return a turn with the milliseconds of each step, and its words if `log_text` is on."""
        turn = house.history.find(turn_id)
        if turn is None or not may_see(caller, turn.area):
            raise ApiRequestError("there is no such turn among the last ones", "turn", HTTPStatus.NOT_FOUND)
        return asdict(turn)

    return router


def may_see(caller: Caller, area: str | None) -> bool:
    """Return whether a caller may see what happened in a room: one whose key has no room, or that room."""
    return caller.room is None or caller.has(Scope.ADMIN) or (area or "").casefold() == caller.room.casefold()


async def _stream(house: House, sentence: Sentence) -> AsyncIterator[str]:
    try:
        async with aclosing(house.answer(sentence)) as replies:
            async for reply in replies:
                name = "delta" if isinstance(reply, SentenceChunk) else "final"
                yield format_server_sent_event(name, asdict(reply))
    except RosieError as err:
        _LOG.warning("prompt failed", reason=str(err))
        yield format_server_sent_event("error", {"error": str(err), "code": err.code})
