"""One peer's requests: sentences in, replies out."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, assert_never
from uuid import uuid4

from wyoming.event import Event
from wyoming.handle import Handled as HandledEvent
from wyoming.handle import NotHandled as NotHandledEvent
from wyoming.intent import Entity, Intent, IntentsStart, IntentsStop
from wyoming.intent import NotRecognized as NotRecognizedEvent
from wyoming.user_event import UserEvent

from wyoming_rosie import turn
from wyoming_rosie.errors import BadEventError
from wyoming_rosie.metrics import UNCOUNTED, Work
from wyoming_rosie.service import Send
from wyoming_rosie_intent.dialogue import Dialogue, ForConductor, Handled, NotHandled, NotRecognized, Outcome, Sentence
from wyoming_rosie_intent.engine import Match

LONGEST_TEXT = 1000
"""Characters of one request."""
_LONGEST_NAME = 128
_OUR_KEYS = frozenset({"intent", "slots", "intents", "expects_reply"})
"""What an answer's context says about its own sentence; a peer may send it back with the next."""


class IntentConversation:
    def __init__(
        self,
        dialogue: Dialogue,
        states: Callable[[], Mapping[str, Mapping[str, object]]],
        clock: Callable[[], datetime],
        send: Send,
        work: Work = UNCOUNTED,
    ) -> None:
        self._dialogue = dialogue
        self._states = states
        self._clock = clock
        self._send = send
        self._work = work
        self._busy = False

    @property
    def busy(self) -> bool:
        return self._busy

    async def on_event(self, event: Event) -> None:
        """Answer a sentence, or a question about the state of the home."""
        self._busy = True
        try:
            if event.type in {"transcript", "recognize"}:
                await self._on_sentence(event)
            elif event.type == "user-event" and event.data.get("name") == "home-state":
                await self._send(_home_state(self._states(), event))
        finally:
            self._busy = False

    async def close(self) -> None:
        pass  # what is asked in a conversation outlives its connection

    async def _on_sentence(self, event: Event) -> None:
        sentence = _sentence(event)
        with self._work.turn("understand") as answered:
            outcome = await self._dialogue.answer(sentence, self._clock(), asyncio.get_running_loop().time())
            context = {key: value for key, value in turn.context(event).items() if key not in _OUR_KEYS}
            replies = list(_replies(outcome, {**context, "conversation_id": sentence.conversation}))
            answered.outcome = replies[0].type
        for reply in replies:
            await self._send(reply)


def _sentence(event: Event) -> Sentence:
    """Read a sentence. Raises BadEventError for wrong types and for text that is too long."""
    text = event.data.get("text")
    if not isinstance(text, str):
        raise BadEventError(f"{event.type} needs a text")
    if len(text) > LONGEST_TEXT:
        raise BadEventError(f"the text has {len(text)} characters; {LONGEST_TEXT} is the most", "too-long")
    context = turn.event_context(event)
    return Sentence(
        text,
        _name(context, "conversation_id") or uuid4().hex,
        _name(event.data, "language") or _name(context, "language"),
        _name(context, "area"),
    )


def _name(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise BadEventError(f"'{key}' must be a text of at most {_LONGEST_NAME} characters")
    return value or None


def _replies(outcome: Outcome, context: dict[str, Any]) -> Iterator[Event]:
    match outcome:
        case Handled(text, matches, expects_reply):
            yield HandledEvent(text, {**context, **_understood(matches), "expects_reply": expects_reply}).event()
        case NotHandled(text, matches):
            yield NotHandledEvent(text, {**context, **_understood(matches)}).event()
        case NotRecognized(text):
            yield NotRecognizedEvent(text, context).event()
        case ForConductor((match,)):
            yield _intent(match, context)
        case ForConductor(matches):
            yield IntentsStart(context).event()
            yield from (_intent(match, context) for match in matches)
            yield IntentsStop(context).event()
        case _:
            assert_never(outcome)


def _understood(matches: tuple[Match, ...]) -> dict[str, Any]:
    """Say in an answer's context what was understood; `intents` when there was more than one."""
    all_of_them = [{"intent": match.intent, "slots": dict(match.slots)} for match in matches]
    return {**all_of_them[0], **({"intents": all_of_them} if len(matches) > 1 else {})} if matches else {}


def _intent(match: Match, context: dict[str, Any]) -> Event:
    return Intent(match.intent, [Entity(name, value) for name, value in match.slots.items()], context=context).event()


def _home_state(states: Mapping[str, Mapping[str, object]], event: Event) -> Event:
    entities = {entity: dict(state) for entity, state in states.items()}
    return UserEvent("home-state", {"entities": entities}, turn.context(event)).event()
