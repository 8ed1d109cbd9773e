"""From what the intent daemon answers to one answer to speak; what belongs to the conductor is done on the way."""

from collections.abc import Sequence
from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.protocol.turn import event_context
from wyoming_rosie_hub.messages import (
    AnswerChunkReceived,
    DelayedCommandInfo,
    Failure,
    IntentRequest,
    SatelliteIdentity,
    SpokenAnswer,
)
from wyoming_rosie_hub.sentences import format_sentence

SILENT_INTENTS = frozenset({"HassNevermind"})


class IntentExecutor(Protocol):
    """Somebody who carries out some intents, such as those about timers."""

    async def execute(self, request: IntentRequest) -> SpokenAnswer | None:
        """Carry out an intent; return what to say, None when it is somebody else's."""


class IntentResponse:
    """One turn's answer; it may come as several intents between `intents-start` and `intents-stop`."""

    def __init__(self, executors: Sequence[IntentExecutor], satellite: SatelliteIdentity) -> None:
        self._executors = executors
        self._satellite = satellite
        self._pending: list[SpokenAnswer] | None = None
        self._expects_reply = False  # an answer that comes in parts

    async def feed(self, event: Event) -> AnswerChunkReceived | SpokenAnswer | None:
        """Return the answer once it is complete; parts of it as they come."""
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
                said = await self._execute(event)
                if self._pending is None:
                    return said
                self._pending.append(said)
        return None

    @property
    def _unsupported(self) -> str:
        return format_sentence("answers.cannot", self._satellite.language)

    async def _execute(self, event: Event) -> SpokenAnswer:
        """Do what the intent wants; return what to say. The intent's own text is for those who carry it out."""
        intent = str(event.data.get("name"))
        if intent in SILENT_INTENTS:
            return SpokenAnswer("")
        slots = {str(one.get("name")): one.get("value") for one in event.data.get("entities") or ()}
        asked = IntentRequest(intent, slots, self._satellite, _parse_delayed(event))
        for doer in self._executors:
            said = await doer.execute(asked)
            if said is not None:
                return said
        return SpokenAnswer(self._unsupported, succeeded=False)


def _combine(answers: Sequence[SpokenAnswer]) -> SpokenAnswer:
    text = " ".join(answer.text for answer in answers if answer.text)
    asks = any(answer.expects_reply for answer in answers)
    return SpokenAnswer(text, asks, all(answer.succeeded for answer in answers))


def _parse_delayed(event: Event) -> DelayedCommandInfo | None:
    """Return what the intent daemon says of a command for later, if it is the one to carry it out."""
    match event_context(event).get("later"):
        case {"label": str(label), "confirmed": [*confirmed]} if label:
            return DelayedCommandInfo(label, tuple(one for one in confirmed if isinstance(one, str)))
    return None
