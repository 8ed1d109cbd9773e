"""From what the intent daemon answers to one answer to speak; what belongs to the conductor is done on the way."""

from collections.abc import Sequence
from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.protocol.turn import event_context
from wyoming_rosie_hub.messages import Answer, AnswerPart, Failure, IntentAsked, Later, Speaker
from wyoming_rosie_hub.sentences import say

SILENT_INTENTS = frozenset({"HassNevermind"})


class Doer(Protocol):
    """Somebody who carries out some intents, such as those about timers."""

    async def do(self, asked: IntentAsked) -> Answer | None:
        """Carry out an intent; return what to say, None when it is somebody else's."""


class Understanding:
    """One turn's answer; it may come as several intents between `intents-start` and `intents-stop`."""

    def __init__(self, doers: Sequence[Doer], speaker: Speaker) -> None:
        self._doers = doers
        self._speaker = speaker
        self._several: list[Answer] | None = None
        self._expects_reply = False  # an answer that comes in parts

    async def hear(self, event: Event) -> AnswerPart | Answer | None:
        """Return the answer once it is complete; parts of it as they come."""
        text = str(event.data.get("text") or "")
        match event.type:
            case "handled-start":
                self._expects_reply = bool(event_context(event).get("expects_reply"))
            case "handled-chunk":
                return AnswerPart(text)
            case "handled-stop":
                return Answer("", self._expects_reply)
            case "handled":
                return Answer(text, bool(event_context(event).get("expects_reply")))
            case "not-handled":
                return Answer(text or self._cannot, done=False)
            case "not-recognized":
                sorry = say(f"failures.{Failure.NOT_UNDERSTOOD}", self._speaker.language)
                return Answer(text or sorry, done=False)
            case "intents-start":
                self._several = []
            case "intents-stop" if self._several is not None:
                return _together(self._several)
            case "intent":
                said = await self._act(event)
                if self._several is None:
                    return said
                self._several.append(said)
        return None

    @property
    def _cannot(self) -> str:
        return say("answers.cannot", self._speaker.language)

    async def _act(self, event: Event) -> Answer:
        """Do what the intent wants; return what to say. The intent's own text is for those who carry it out."""
        intent = str(event.data.get("name"))
        if intent in SILENT_INTENTS:
            return Answer("")
        slots = {str(one.get("name")): one.get("value") for one in event.data.get("entities") or ()}
        asked = IntentAsked(intent, slots, self._speaker, _later(event))
        for doer in self._doers:
            said = await doer.do(asked)
            if said is not None:
                return said
        return Answer(self._cannot, done=False)


def _together(answers: Sequence[Answer]) -> Answer:
    text = " ".join(answer.text for answer in answers if answer.text)
    asks = any(answer.expects_reply for answer in answers)
    return Answer(text, asks, all(answer.done for answer in answers))


def _later(event: Event) -> Later | None:
    """Return what the intent daemon says of a command for later, if it is the one to carry it out."""
    match event_context(event).get("later"):
        case {"label": str(label), "confirmed": [*confirmed]} if label:
            return Later(label, tuple(one for one in confirmed if isinstance(one, str)))
    return None
