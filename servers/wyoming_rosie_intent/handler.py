"""Connection handler of the intent daemon."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any, TypeAlias, assert_never
from uuid import uuid4

import structlog
from wyoming.event import Event
from wyoming.handle import Handled as HandledEvent
from wyoming.handle import HandledChunk, HandledStart, HandledStop
from wyoming.handle import NotHandled as NotHandledEvent
from wyoming.intent import Entity, Intent, IntentsStart, IntentsStop
from wyoming.intent import NotRecognized as NotRecognizedEvent
from wyoming.user_event import UserEvent

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.metrics import NULL_TURN_METRICS, TurnMetrics
from wyoming_rosie.protocol import turn
from wyoming_rosie.protocol.server import Send
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.text.language_tags import is_language_tag
from wyoming_rosie_intent.answer import (
    AnswerChunk,
    AnswerEvent,
    ConversationInput,
    DeferredCommand,
    DelegateToConductor,
    Filler,
    Handled,
    NotHandled,
    NotRecognized,
    Outcome,
)
from wyoming_rosie_intent.dialogue import Dialogue
from wyoming_rosie_intent.engine import Match
from wyoming_rosie_intent.plugins.conversation import PluginCall
from wyoming_rosie_intent.rules.durations import COMMAND_SLOT

_LOG = structlog.get_logger()
Question: TypeAlias = Callable[[Any], Mapping[str, object] | Awaitable[Mapping[str, object]]]
"""Answers a user-event that asks for something of the daemon; gets the event's data."""
_MAX_NAME_CHARACTERS = 128
_ANSWER_KEYS = frozenset(
    {
        "intent",
        "slots",
        "intents",
        "expects_reply",
        "later",
        "confirmed",
        "arrivals",
        "late_answer",
        "late_answers",
        "remark",
    }
)
"""Keys of an answer's context that are about its own sentence; a peer may send them back with the next one."""
_SATELLITE_EVENTS = frozenset({"satellite-connected", "satellite-disconnected", "run-pipeline", "streaming-started"})
"""Events of a peer that only reports what happens in a room; the room's conductor sends the transcripts."""
_TEMPLATE_KEY = "device_id"
"""Key that Home Assistant sends since the version in which it renders an intent's text as a template."""
_LATE_ANSWER, _LATE_KEY = "late-answer", "late_answer"
_REMARK_KEY = "remark"
"""Request for an answer that was promised, and the key of its id in the context of the promise."""
_PLUGIN_COMMAND = "plugin-command"
_OUTCOMES = frozenset({"handled", "not-handled", "not-recognized", "intent", "intents-start"})


class IntentHandler:
    """Answers `transcript` and `recognize` with an answer, or with the intents that the conductor is to execute."""

    def __init__(
        self,
        dialogue: Dialogue,
        states: Callable[[], Mapping[str, Mapping[str, object]]],
        clock: Callable[[], datetime],
        send: Send,
        metrics: TurnMetrics = NULL_TURN_METRICS,
        get_device_area: Callable[[str], str | None] = lambda _: None,
        notice: str = "",
        questions: Mapping[str, Question] | None = None,
    ) -> None:
        self._dialogue = dialogue
        self._states = states
        self._clock = clock
        self._send = send
        self._metrics = metrics
        self._get_device_area = get_device_area  # by the id of a device in Home Assistant
        self._notice = {"notice": notice} if notice else {}  # logged with each answer
        self._questions = questions or {}
        self._is_busy = False
        self._is_observer = False

    @property
    def is_busy(self) -> bool:
        return self._is_busy

    async def on_event(self, event: Event) -> None:
        """Answer a transcript or a request for the states of the home, or prepare for a transcript."""
        self._is_busy = True
        try:
            match event.type:
                case "detection":
                    self._on_detection(event)
                case "transcript" | "recognize" if not self._is_observer:
                    await self._on_transcript(event)
                case "user-event" if event.data.get("name") == "home-state":
                    await self._send(_create_home_state(self._states(), event))
                case "user-event" if isinstance(name := event.data.get("name"), str) and name in self._questions:
                    answer = self._questions[name](event.data.get("data") or {})
                    known = answer if isinstance(answer, Mapping) else await answer
                    await self._send(UserEvent(name, dict(known)).event())
                case "user-event" if event.data.get("name") == _LATE_ANSWER:
                    await self._on_late_answer(event)
                case "user-event" if event.data.get("name") == _PLUGIN_COMMAND:
                    await self._on_plugin_command(event)
                case other if other in _SATELLITE_EVENTS:
                    self._is_observer = True
        finally:
            self._is_busy = False

    async def close(self) -> None:
        pass  # a pending question outlives the connection

    def _on_detection(self, event: Event) -> None:
        context = turn.context(event)
        area, conversation = self._find_area(context), _parse_name(context, "conversation_id")
        self._dialogue.prepare_turn(str(context["turn_id"]), area, conversation, self._clock(), loop_time())

    async def _on_plugin_command(self, event: Event) -> None:
        """Answer with the outcome of a plugin's intent."""
        user_input, context = self._parse_input(event, ""), turn.context(event)
        outcome = await self._dialogue.execute_for_plugin(user_input, _parse_call(event), self._clock(), loop_time())
        async for reply in self._stream_outcome(
            outcome, user_input, {**context, "conversation_id": user_input.conversation_id}
        ):
            await self._send(reply)

    async def _on_late_answer(self, event: Event) -> None:
        """Answer with what was promised to an earlier sentence, as soon as it is there."""
        answer_id = _parse_name(event.data.get("data") or {}, "id") or ""
        user_input, outcome = await self._dialogue.wait_for_answer(answer_id, loop_time())
        context = {**turn.context(event), "conversation_id": user_input.conversation_id}
        async for reply in self._stream_outcome(outcome, user_input, context):
            await self._send(reply)

    async def _on_transcript(self, event: Event) -> None:
        user_input = self._parse_input(event, event.data.get("text"))
        context = {key: value for key, value in turn.context(event).items() if key not in _ANSWER_KEYS}
        context["conversation_id"] = user_input.conversation_id
        with self._metrics.turn("understand") as answered:
            answer = self._dialogue.answer(user_input, self._clock(), loop_time())
            async with aclosing(self._stream_answer(answer, user_input, context)) as replies:
                async for reply in replies:
                    answered.outcome = reply.type if reply.type in _OUTCOMES else answered.outcome
                    await self._send(reply)
            _LOG.info("answered", outcome=answered.outcome, **self._notice)

    async def _stream_answer(
        self, answer: AsyncGenerator[AnswerEvent, None], user_input: ConversationInput, context: dict[str, Any]
    ) -> AsyncGenerator[Event, None]:
        """Yield the replies to a sentence: chunks and fillers as they come, then the outcome."""
        text = ""
        async with aclosing(answer):
            async for event in answer:
                match event:
                    case Filler():
                        yield UserEvent("filler", {"text": event.text}, context).event()
                    case AnswerChunk():
                        if not text:
                            yield HandledStart(context).event()
                        text += event.text
                        yield HandledChunk(event.text).event()
                    case _ if not text:
                        async for reply in self._stream_outcome(event, user_input, context):
                            yield reply
                    case _:
                        for reply in _end_stream(event, text, context):
                            yield reply

    async def _stream_outcome(
        self, outcome: Outcome, user_input: ConversationInput, context: dict[str, Any]
    ) -> AsyncGenerator[Event, None]:
        """Yield an outcome that no chunk preceded: one reply, or the intents that the conductor is to execute."""
        if not isinstance(outcome, DelegateToConductor):
            yield _create_reply(outcome, context)
            return
        has_several = len(outcome.matches) > 1
        if has_several:
            yield IntentsStart(context).event()
        later = iter(outcome.deferred)
        context |= {_REMARK_KEY: outcome.remark} if outcome.remark else {}
        for match in outcome.matches:
            deferred = next(later, None) if COMMAND_SLOT in match.slots else None
            yield await self._create_intent(match, user_input, {**context, **_deferred_context(deferred)})
        if has_several:
            yield IntentsStop(context).event()

    async def _create_intent(self, match: Match, user_input: ConversationInput, context: dict[str, Any]) -> Event:
        text = await self._dialogue.render_response(
            match, user_input.area, self._clock(), renders=_TEMPLATE_KEY in context
        )
        entities = [Entity(name, value) for name, value in match.slots.items()]
        return Intent(match.intent, entities, text, context).event()

    def _parse_input(self, event: Event, text: object) -> ConversationInput:
        """Parse a text and the context of its event. Raises BadEventError for wrong types."""
        if not isinstance(text, str):
            raise BadEventError(f"{event.type} needs a text")
        context = turn.event_context(event)
        return ConversationInput(
            text,
            _parse_name(context, "conversation_id") or uuid4().hex,
            _parse_language(event.data) or _parse_language(context),
            self._find_area(context),
            _parse_name(context, "turn_id"),
            _parse_name(context, "speaker"),
            _parse_names(context, "confirmed"),
            allow_tools=context.get("allow_tools") is not False,
            allow_cloud=context.get("allow_cloud") is not False,
            satellite=_parse_name(context, "satellite_id"),
            reminds_of_arrivals=context.get("arrivals") is True,
            takes_late_answers=context.get("late_answers") is True,
            delegates=context.get("delegate") is True,
        )

    def _find_area(self, context: dict[str, Any]) -> str | None:
        """Return the speaker's area, from the context or by the device in Home Assistant."""
        device = _parse_name(context, "device_id")
        return _parse_name(context, "area") or (self._get_device_area(device) if device else None)


def _parse_call(event: Event) -> PluginCall:
    """Parse a call of a plugin. Raises BadEventError."""
    data = event.data.get("data")
    call = data if isinstance(data, Mapping) else {}
    arguments = call.get("arguments", {})
    if not isinstance(arguments, Mapping):
        raise BadEventError("'arguments' must be an object")
    return PluginCall(_parse_name(call, "plugin") or "", _parse_name(call, "intent") or "", arguments)


def _parse_name(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > _MAX_NAME_CHARACTERS:
        raise BadEventError(f"'{key}' must be a text of at most {_MAX_NAME_CHARACTERS} characters")
    return value or None


def _parse_language(data: Mapping[str, Any]) -> str | None:
    language = _parse_name(data, "language")
    if language is not None and not is_language_tag(language):
        raise BadEventError("'language' must be a tag such as en or de-AT")
    return language


def _deferred_context(deferred: DeferredCommand | None) -> dict[str, Any]:
    """Return the context of a deferred command: its label, and the confirmed entities to send back at its time."""
    return {} if deferred is None else {"later": {"label": deferred.label, "confirmed": list(deferred.confirmed)}}


def _parse_names(context: Mapping[str, Any], key: str) -> frozenset[str]:
    found = context.get(key)
    return frozenset(name for name in found if isinstance(name, str)) if isinstance(found, list) else frozenset()


def _create_reply(outcome: Handled | NotHandled | NotRecognized, context: dict[str, Any]) -> Event:
    match outcome:
        case Handled(text, matches, expects_reply):
            late = {_LATE_KEY: outcome.late_answer} if outcome.late_answer else {}
            data = {**context, **_match_context(matches), "expects_reply": expects_reply, **late}
            return HandledEvent(text, data).event()
        case NotHandled(text, matches):
            return NotHandledEvent(text, {**context, **_match_context(matches)}).event()
        case NotRecognized(text):
            return NotRecognizedEvent(text, context).event()
        case _:
            assert_never(outcome)


def _end_stream(outcome: Outcome, text_sent: str, context: dict[str, Any]) -> Iterator[Event]:
    """Yield the end of a streamed answer: the rest of its text, then the whole text and the outcome."""
    text = outcome.text.strip() if not isinstance(outcome, DelegateToConductor) else ""
    remaining = "" if text_sent.rstrip().endswith(text) else f" {text}"
    if remaining:
        yield HandledChunk(remaining).event()
    matches = outcome.matches if isinstance(outcome, Handled) else ()
    expects_reply = isinstance(outcome, Handled) and outcome.expects_reply
    whole = {**context, **_match_context(matches), "expects_reply": expects_reply}
    yield HandledEvent(text_sent + remaining, whole).event()
    yield HandledStop().event()


def _match_context(matches: tuple[Match, ...]) -> dict[str, Any]:
    """Return the context of the matched intents; `intents` has all of them if there are several."""
    intents = [{"intent": match.intent, "slots": dict(match.slots)} for match in matches]
    return {**intents[0], **({"intents": intents} if len(matches) > 1 else {})} if matches else {}


def _create_home_state(states: Mapping[str, Mapping[str, object]], event: Event) -> Event:
    wanted = (event.data.get("data") or {}).get("entities")
    asked = states.keys() if wanted is None else states.keys() & {str(entity) for entity in wanted}
    entities = {entity: dict(states[entity]) for entity in asked}
    return UserEvent("home-state", {"entities": entities}, turn.context(event)).event()
