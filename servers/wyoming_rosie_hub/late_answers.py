"""Late answers: what the intent daemon promises in a turn, asked for and spoken at the satellite once it is there."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from wyoming.event import Event
from wyoming.user_event import UserEvent

from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.turn import event_context
from wyoming_rosie.text.sentences import format_sentence
from wyoming_rosie.timers.requests import SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.announcements import AnnouncementQueue
from wyoming_rosie_hub.daemon_streams import DaemonStream
from wyoming_rosie_hub.intent_response import IntentExecutor, IntentResponse
from wyoming_rosie_hub.messages import AnswerChunkReceived, Failure

_LOG = structlog.get_logger()
LATE_ANSWERS = "late_answers"
"""Key of a sentence's context that tells the intent daemon that late answers are spoken."""
WAIT_SECONDS = 90.0
MAX_WAITING = 16
"""Late answers that are awaited at once; further ones are not spoken."""


def find_late_answer(event: Event) -> str | None:
    """Return the id of the answer that an answer promises, if it does."""
    answer_id = event_context(event).get("late_answer") if event.type == "handled" else None
    return answer_id if isinstance(answer_id, str) and answer_id else None


async def request_answer(
    uri: str, request: Event, executors: Sequence[IntentExecutor], satellite: SatelliteIdentity
) -> SpokenAnswer:
    """Send one request to the intent daemon and return its whole answer. Raises UnreachableError, PeerError."""
    response = IntentResponse(executors, satellite)
    chunks: list[str] = []
    answers: list[SpokenAnswer] = []

    async def on_event(event: Event) -> bool:
        match await response.feed(event):
            case AnswerChunkReceived(text):
                chunks.append(text)
            case SpokenAnswer() as answer:
                answers.append(answer)
        return bool(answers)

    await DaemonStream(uri, "intent", [request], on_event).run()
    if not answers:
        raise UnreachableError(f"{uri} closed the connection without an answer")
    return replace(answers[0], text="".join(chunks)) if chunks else answers[0]


class LateAnswers:
    """Fetches late answers and announces them. `uri` returns the intent daemon's address."""

    def __init__(self, uri: Callable[[], str], announcements: AnnouncementQueue) -> None:
        self._uri = uri
        self._announcements = announcements
        self._tasks: set[asyncio.Task[None]] = set()

    def fetch(self, answer_id: str, satellite: SatelliteIdentity, conversation_id: str) -> None:
        """Wait for an answer in the background and have the satellite speak it."""
        if len(self._tasks) >= MAX_WAITING:
            _LOG.warning("a late answer is not spoken, as many others are awaited", satellite=satellite.satellite_id)
            return
        task = asyncio.get_running_loop().create_task(self._fetch(answer_id, satellite, conversation_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for no more answers."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(self, answer_id: str, satellite: SatelliteIdentity, conversation_id: str) -> None:
        request = UserEvent("late-answer", {"id": answer_id}, {"turn_id": turn.new_id()}).event()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                answer = await request_answer(self._uri(), request, (), satellite)
        except (RosieError, TimeoutError) as err:
            _LOG.warning("a late answer did not come", satellite=satellite.satellite_id, reason=str(err))
            answer = SpokenAnswer(format_sentence(f"failures.{Failure.INTENT}", satellite.language), succeeded=False)
        self._announcements.announce(satellite, answer, conversation_id)
