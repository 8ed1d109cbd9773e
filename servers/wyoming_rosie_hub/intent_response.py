"""Intent response: turns the intent daemon's events into one spoken answer, carrying out the hub's own intents."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.protocol.turn import event_context
from wyoming_rosie.text.sentences import format_sentence
from wyoming_rosie.timers.requests import DelayedCommandInfo, IntentRequest, SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.messages import AnswerChunkReceived, Failure

SILENT_INTENTS = frozenset({"HassNevermind"})


class IntentExecutor(Protocol):
    """Carries out some intents, such as those about timers."""

    async def execute(self, request: IntentRequest) -> SpokenAnswer | None:
        """Carry out an intent and return the answer; None if it belongs to another executor."""


class IntentResponse:
    """Collects one answer, which may consist of several intents between `intents-start` and `intents-stop`."""

    def __init__(self, executors: Sequence[IntentExecutor], satellite: SatelliteIdentity) -> None:
        self._executors = executors
        self._satellite = satellite
        self._pending: list[SpokenAnswer] | None = None
        self._expects_reply = False  # of an answer in chunks

    async def feed(self, event: Event) -> AnswerChunkReceived | SpokenAnswer | None:
        """Process an event; return a chunk of the answer, the complete answer, or None if neither follows from it."""
        text = str(event.data.get("text") or "")
        match event.type:
            case "handled-start":
                self._expects_reply = bool(event_context(event).get("expects_reply"))
            case "handled-chunk":
                return AnswerChunkReceived(text)
            case "handled-stop":
                return SpokenAnswer("", self._expects_reply)
            case "handled":
                return SpokenAnswer(text, bool(event_context(event).get("expects_reply")))
            case "not-handled":
                return SpokenAnswer(text or self._unsupported, succeeded=False)
            case "not-recognized":
                sorry = format_sentence(f"failures.{Failure.NOT_UNDERSTOOD}", self._satellite.language)
                return SpokenAnswer(text or sorry, succeeded=False)
            case "intents-start":
                self._pending = []
            case "intents-stop" if self._pending is not None:
                return _combine(self._pending)
            case "intent":
                answer = _add_remark(await self._execute(event), event)
                if self._pending is None:
                    return answer
                self._pending.append(answer)
        return None

    @property
    def _unsupported(self) -> str:
        return format_sentence("answers.cannot", self._satellite.language)

    async def _execute(self, event: Event) -> SpokenAnswer:
        """Carry out the intent and return the answer. The event's own text is for conductors that act themselves."""
        intent = str(event.data.get("name"))
        if intent in SILENT_INTENTS:
            return SpokenAnswer("")
        slots = {str(entity.get("name")): entity.get("value") for entity in event.data.get("entities") or ()}
        request = IntentRequest(intent, slots, self._satellite, _parse_delayed(event))
        for executor in self._executors:
            answer = await executor.execute(request)
            if answer is not None:
                return answer
        return SpokenAnswer(self._unsupported, succeeded=False)


def find_intent(event: Event) -> str | None:
    """Return the intent that an answer's event is about, if it names one."""
    name = event.data.get("name") if event.type == "intent" else None
    if event.type in ("handled", "not-handled"):
        name = event_context(event).get("intent")
    return name if isinstance(name, str) and name else None


def _add_remark(answer: SpokenAnswer, event: Event) -> SpokenAnswer:
    """Return an answer with what the intent daemon says about the intent, unless it was not done or asks something."""
    remark = event_context(event).get("remark")
    if not isinstance(remark, str) or not answer.succeeded or answer.expects_reply:
        return answer
    return replace(answer, text=f"{answer.text} {remark}")


def _combine(answers: Sequence[SpokenAnswer]) -> SpokenAnswer:
    text = " ".join(answer.text for answer in answers if answer.text)
    expects_reply = any(answer.expects_reply for answer in answers)
    return SpokenAnswer(text, expects_reply, all(answer.succeeded for answer in answers))


def _parse_delayed(event: Event) -> DelayedCommandInfo | None:
    """Return the details of a delayed command, which are there if the intent daemon will carry it out."""
    match event_context(event).get("later"):
        case {"label": str(label), "confirmed": [*confirmed]} if label:
            speaker = event_context(event).get("speaker")
            entities = tuple(entity_id for entity_id in confirmed if isinstance(entity_id, str))
            return DelayedCommandInfo(label, entities, speaker if isinstance(speaker, str) else None)
    return None
