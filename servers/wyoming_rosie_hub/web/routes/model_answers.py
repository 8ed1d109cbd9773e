"""Answers of the bridge's language models, for clients that poll or stay connected."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import StreamingResponse

from wyoming_rosie.bus import schema
from wyoming_rosie.errors import RosieError
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie_hub.web.doors import Doors
from wyoming_rosie_hub.web.events import format_server_sent_event
from wyoming_rosie_hub.web.guard import TextCaller
from wyoming_rosie_hub.web.house import House
from wyoming_rosie_hub.web.model_answers import AnswerPiece, ModelAnswer, ModelAnswers, Received
from wyoming_rosie_hub.web.routes.turns import EVENT_STREAM
from wyoming_rosie_hub.web.routes.watch import HEARTBEAT, HEARTBEAT_SECONDS, NO_BUFFER

MAX_WAIT_SECONDS = 60.0
MAX_NUMBER = 2**63 - 1
Session = Annotated[str, Path(min_length=1, max_length=64, pattern="^[a-z0-9_-]+$")]
Number = Annotated[int, Query(ge=0, le=MAX_NUMBER)]


def create_router(house: House, doors: Doors) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    answers = house.model_answers

    @router.get("/llm/responses/{session}")
    async def get_answers(
        session: Session,
        caller: TextCaller,
        request: Request,
        after: Number = 0,
        seconds: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
        last_event_id: Annotated[int, Header(ge=0, le=MAX_NUMBER)] = 0,
    ) -> Any:
        """Return the answers of a session in the last hour after the number `after`, waiting `seconds` for the first.

        With `Accept: text/event-stream` the connection stays open: events `delta` with a piece, and `final` with an answer.
        """
        if EVENT_STREAM not in request.headers.get("accept", ""):
            found = await answers.poll(session, after, seconds)
            return {"answers": [_describe(one) for one in found], "last": found[-1].number if found else after}
        answers.check()
        before = doors.access
        stream = _stream(answers, session, max(after, last_event_id), lambda: doors.still_admits(caller, before))
        return StreamingResponse(stream, media_type=EVENT_STREAM, headers=NO_BUFFER)

    return router


async def _stream(
    answers: ModelAnswers, session: str, after: int, is_admitted: Callable[[], bool]
) -> AsyncIterator[str]:
    """Yield events as text/event-stream has them, until the caller's key is gone or the bus fails."""
    yield HEARTBEAT
    sent_at = loop_time()
    try:
        async with aclosing(answers.follow(session, after)) as received:
            async for one in received:
                if not is_admitted():
                    return
                if one is not None or loop_time() - sent_at >= HEARTBEAT_SECONDS:
                    sent_at = loop_time()
                    yield _format(one)
    except RosieError as err:
        yield format_server_sent_event("error", {"error": str(err), "code": err.code})


def _format(one: Received | None) -> str:
    match one:
        case None:
            return HEARTBEAT
        case ModelAnswer():
            return f"id: {one.number}\n" + format_server_sent_event("final", _describe(one))
        case AnswerPiece():
            return format_server_sent_event("delta", {"key": one.key, **asdict(one.delta)})


def _describe(answer: ModelAnswer) -> dict[str, Any]:
    return {"number": answer.number, "key": answer.key, **schema.to_data(answer.final)}
