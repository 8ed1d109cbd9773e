"""Sentences that clients send as text: answered by the intent daemon and the hub's own intents, without a satellite."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_rosie.errors import RosieError, UnreachableError
from wyoming_rosie.protocol import turn
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.timers.requests import IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie.timers.service import COMMAND_SLOT
from wyoming_rosie_hub.daemon_streams import DaemonStream
from wyoming_rosie_hub.intent_response import IntentResponse, find_intent
from wyoming_rosie_hub.messages import AnswerChunkReceived, TraceMark, TraceStep
from wyoming_rosie_hub.timeline import Timeline
from wyoming_rosie_hub.turn_runner import DEFAULT_LANGUAGE, HubContext, create_intent_context
from wyoming_rosie_hub.web.house import Sentence, SentenceAnswer, SentenceChunk, SentenceReply, TooManySentencesError

START_TIMER = "HassStartTimer"
ANSWER_SECONDS = 60.0
MAX_RUNNING = 16
_Answer = AnswerChunkReceived | SpokenAnswer


class SentenceService:
    """Answers sentences, a bounded number at a time; `now` of the timeline is the event loop's."""

    def __init__(self, hub: HubContext, can_ring: Callable[[str], bool]) -> None:
        self._hub = hub
        self._can_ring = can_ring  # whether a satellite of that id is there
        self._running = 0

    async def answer(self, sentence: Sentence, satellite: SatelliteIdentity) -> AsyncGenerator[SentenceReply, None]:
        """Yield the answer as it comes; `satellite` is where timers ring. Raises RosieError."""
        if self._running >= MAX_RUNNING:
            raise TooManySentencesError(f"{MAX_RUNNING} sentences are being answered; try again in a moment")
        self._running += 1
        try:
            async with aclosing(self._answer(sentence, satellite)) as replies:
                async for reply in replies:
                    yield reply
        finally:
            self._running -= 1

    async def _answer(self, sentence: Sentence, satellite: SatelliteIdentity) -> AsyncGenerator[SentenceReply, None]:
        turn_id = turn.new_id()
        self._hub.history.begin(turn_id, satellite.satellite_id, satellite.area)
        self._hub.history.add_text(turn_id, heard=sentence.text)
        timeline = Timeline(turn_id, loop_time(), self._hub.metrics, self._hub.history)
        timeline.record(TraceMark(TraceStep.TRANSCRIPT, loop_time()), satellite.satellite_id)
        text = ""
        try:
            async with asyncio.timeout(ANSWER_SECONDS), aclosing(self._ask(sentence, satellite, turn_id)) as answers:
                async for answer in answers:
                    if not text:
                        timeline.record(TraceMark(TraceStep.INTENT, loop_time()), satellite.satellite_id)
                    text += answer.text
                    if isinstance(answer, SpokenAnswer):
                        whole = self._finish(answer, text, sentence, turn_id)
                        timeline.record(TraceMark(TraceStep.DONE, loop_time()), satellite.satellite_id)
                        yield whole
                        return
                    yield SentenceChunk(answer.text)
        except TimeoutError as err:
            timeline.record(TraceMark(TraceStep.FAILED, loop_time(), "intent"), satellite.satellite_id)
            raise UnreachableError(f"there was no answer within {ANSWER_SECONDS:g} s") from err
        except RosieError:
            timeline.record(TraceMark(TraceStep.FAILED, loop_time(), "intent"), satellite.satellite_id)
            raise

    def _finish(self, answer: SpokenAnswer, text: str, sentence: Sentence, turn_id: str) -> SentenceAnswer:
        self._hub.history.add_text(turn_id, answer=text)
        conversation_id = sentence.conversation_id or turn_id
        return SentenceAnswer(text, turn_id, conversation_id, answer.expects_reply, answer.succeeded)

    async def _ask(
        self, sentence: Sentence, satellite: SatelliteIdentity, turn_id: str
    ) -> AsyncGenerator[_Answer, None]:
        """Yield the chunks and then the answer: of the hub's question if one waits, else of the intent daemon."""
        if self._hub.timers.is_waiting(satellite.satellite_id):
            reply = await self._hub.timers.answer_question(sentence.text, satellite)
            if reply is not None:
                yield reply
                return
        response = IntentResponse((_RingingTimers(self._can_ring), *self._hub.executors), satellite)
        answers: asyncio.Queue[_Answer | None] = asyncio.Queue()  # as long as one answer

        async def on_event(event: Event) -> bool:
            if intent := find_intent(event):
                self._hub.history.add_intent(turn_id, intent)
            if (answer := await response.feed(event)) is not None:
                answers.put_nowait(answer)
            return isinstance(answer, SpokenAnswer)

        async def run() -> None:
            try:
                await DaemonStream(self._hub.directory.find_uri("intent"), "intent", [transcript], on_event).run()
            finally:
                answers.put_nowait(None)

        transcript = _create_transcript(sentence, satellite, turn_id)
        asking = asyncio.create_task(run())
        try:
            while (answer := await answers.get()) is not None:
                yield answer
            await asking
            raise UnreachableError("the intent daemon closed the connection without an answer")
        finally:
            asking.cancel()
            await asyncio.wait({asking})


class SilentTimerError(RosieError):
    """A timer was asked for where nothing would ring."""

    code = "timer"


@dataclass(frozen=True)
class _RingingTimers:
    """Refuses timers that would ring nowhere; leaves all else to the other executors."""

    can_ring: Callable[[str], bool]  # by a satellite's id

    async def execute(self, request: IntentRequest) -> None:
        rings = request.intent == START_TIMER and COMMAND_SLOT not in request.slots
        if rings and request.slots.get("alarm") != "snooze" and not self.can_ring(request.satellite.satellite_id):
            raise SilentTimerError(
                "no timer was started, since no satellite would ring: "
                "say the `room` of one, or start it at one: POST /api/v1/timers with its `satellite`"
            )


def _create_transcript(sentence: Sentence, satellite: SatelliteIdentity, turn_id: str) -> Event:
    context: dict[str, object] = {
        "turn_id": turn_id,
        "conversation_id": sentence.conversation_id or turn_id,
        "satellite_id": satellite.satellite_id,
        **create_intent_context(replace(satellite, caller=sentence.client, may_act=sentence.may_act)),
    }
    context |= {"area": satellite.area} if satellite.area else {}
    return Transcript(text=sentence.text, language=satellite.language or DEFAULT_LANGUAGE, context=context).event()
