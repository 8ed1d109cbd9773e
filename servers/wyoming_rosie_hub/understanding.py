"""From what the intent daemon answers to one answer to speak; what belongs to the conductor is done on the way."""

from collections.abc import Sequence
from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.turn import event_context
from wyoming_rosie_hub.messages import Answer, AnswerPart, Failure
from wyoming_rosie_hub.phrases import WORDS
from wyoming_rosie_hub.timer_intents import Slots

SILENT_INTENTS = frozenset({"HassNevermind"})
CANNOT = "Sorry, nothing here can do that."


class Doer(Protocol):
    """Somebody who carries out some intents, such as those about timers."""

    async def do(self, intent: str, slots: Slots, satellite_id: str) -> str | None:
        """Carry out an intent; return the sentence to speak, None when it is somebody else's."""


class Understanding:
    """One turn's answer; it may come as several intents between `intents-start` and `intents-stop`."""

    def __init__(self, doers: Sequence[Doer], satellite_id: str) -> None:
        self._doers = doers
        self._satellite_id = satellite_id
        self._several: list[str] | None = None
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
                return Answer(text or CANNOT)
            case "not-recognized":
                return Answer(text or WORDS[Failure.NOT_UNDERSTOOD])
            case "intents-start":
                self._several = []
            case "intents-stop" if self._several is not None:
                return Answer(" ".join(filter(None, self._several)))
            case "intent":
                said = await self._act(event)
                if self._several is None:
                    return Answer(said)
                self._several.append(said)
        return None

    async def _act(self, event: Event) -> str:
        """Do what the intent wants; return the sentence to speak. The intent's own text is for those who carry it out."""
        intent = str(event.data.get("name"))
        if intent in SILENT_INTENTS:
            return ""
        slots = {str(one.get("name")): one.get("value") for one in event.data.get("entities") or ()}
        for doer in self._doers:
            said = await doer.do(intent, slots, self._satellite_id)
            if said is not None:
                return said
        return CANNOT
