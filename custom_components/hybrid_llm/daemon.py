"""A wyoming-rosie-intent daemon answers: its own rules, models and home, over the Wyoming protocol."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import uuid4

from homeassistant.components import conversation
from homeassistant.components.conversation.chat_log import AssistantContentDeltaDict
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import intent
from wyoming.event import Event, async_read_event, async_write_event

from .const import DOMAIN
from .home import find_area
from .rules.frozen import FROZEN_SECONDS, SAME_WAKE_SECONDS
from .rules.languages import Failure
from .runtime import AvailabilityLog
from .turn import Tier, Turn

_LOG = logging.getLogger(__name__)
CONNECT_SECONDS = 3.0
DESCRIBE_SECONDS = 5.0
EVENT_SECONDS = 30.0
ANSWER_SECONDS = 90.0
Fill = Callable[[Turn, str], Awaitable[None]]
"""Speaks a filler that the daemon has written."""


class DaemonError(Exception):
    """The daemon cannot be reached, broke off or is something else."""


class IntentDaemon:
    """The daemon at an address; each request has a connection of its own."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def describe(self) -> str:
        """Return the name of its program. Raises DaemonError if it understands no sentences."""
        async with asyncio.timeout(DESCRIBE_SECONDS), self._connect() as (reader, writer):
            await async_write_event(Event("describe"), writer)
            while (event := await _read(reader)) is not None:
                if event.type == "info":
                    programs = [*(event.data.get("intent") or ()), *(event.data.get("handle") or ())]
                    names = [str(one.get("description") or one["name"]) for one in programs if one.get("installed")]
                    if not names:
                        raise DaemonError("it understands no sentences")
                    return names[0]
        raise DaemonError("it does not describe itself")

    async def tell(self, event: Event) -> None:
        """Send an event that has no answer. Raises DaemonError."""
        async with self._connect() as (_, writer):
            await async_write_event(event, writer)

    async def ask(self, event: Event) -> AsyncGenerator[Event, None]:
        """Send an event and yield what comes back. Raises DaemonError."""
        async with self._connect() as (reader, writer):
            await async_write_event(event, writer)
            while True:
                async with asyncio.timeout(EVENT_SECONDS):
                    reply = await _read(reader)
                if reply is None:
                    raise DaemonError("it broke off")
                yield reply

    @asynccontextmanager
    async def _connect(self) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter], None]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                yield reader, writer
            finally:
                writer.close()
        except TimeoutError as err:
            raise DaemonError("it does not answer in time") from err
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as err:
            raise DaemonError(type(err).__name__) from err


class DaemonThinker:
    """Answers by the daemon, which renders and warms its prompts itself."""

    def __init__(
        self, hass: HomeAssistant, daemon: IntentDaemon, fill: Fill, log: AvailabilityLog, cooldown: float
    ) -> None:
        self._hass = hass
        self._daemon = daemon
        self._fill = fill
        self._log = log
        self._cooldown = cooldown
        self._turns: dict[str | None, tuple[str, float]] = {}  # ids of the turns that were announced, and when
        self._tasks: set[asyncio.Task[None]] = set()

    @callback
    def prepare(self, device_id: str | None, language: str | None) -> None:
        """Tell the daemon of a wake word, in the background; it tells bursts of them apart as well."""
        now = self._hass.loop.time()
        self._turns = {device: one for device, one in self._turns.items() if now - one[1] < FROZEN_SECONDS}
        if device_id in self._turns and now - self._turns[device_id][1] < max(self._cooldown, SAME_WAKE_SECONDS):
            return
        turn_id = uuid4().hex
        self._turns[device_id] = (turn_id, now)
        detection = Event("detection", {"context": self._context(turn_id, device_id, None)})
        self._start(self._tell(detection))

    def load(self, language: str | None) -> None:
        pass  # the daemon has loaded its model at its own start

    def remember(self, turn: Turn) -> None:
        pass  # the daemon knows the conversation

    async def answer(self, turn: Turn) -> conversation.ConversationResult:
        """Answer a sentence; every failure is spoken."""
        turn.tier = Tier.DAEMON
        asked = turn.user_input
        turn_id, made = self._turns.pop(asked.device_id, ("", 0.0))
        turn.is_warm = bool(turn_id) and self._hass.loop.time() - made < FROZEN_SECONDS
        context = self._context(turn_id or uuid4().hex, asked.device_id, turn.chat_log.conversation_id)
        transcript = Event("transcript", {"text": asked.text, "language": asked.language, "context": context})
        outcomes: list[Event] = []
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._stream(turn, transcript, outcomes)
                result = await self._conclude(turn, outcomes)
        except (DaemonError, TimeoutError) as err:
            self._log.record(str(err) or "it took too long")
            return await turn.failed(Failure.INTERRUPTED if turn.spoke.is_set() else Failure.UNREACHABLE)
        self._log.record(None)
        return result

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stream(self, turn: Turn, transcript: Event, outcomes: list[Event]) -> None:
        stream = self._deltas(turn, transcript, outcomes)
        async with aclosing(turn.chat_log.async_add_delta_content_stream(turn.entity_id, stream)) as contents:
            async for _ in contents:
                pass

    async def _deltas(
        self, turn: Turn, transcript: Event, outcomes: list[Event]
    ) -> AsyncGenerator[AssistantContentDeltaDict, None]:
        """Yield the chunks of the answer and collect its outcomes."""
        is_streaming = is_list = False
        async with aclosing(self._daemon.ask(transcript)) as events:
            async for event in events:
                match event.type:
                    case "handled-start":
                        is_streaming = True
                        yield {"role": "assistant"}
                    case "handled-chunk":
                        turn.mark_words()
                        yield {"content": str(event.data.get("text") or "")}
                    case "user-event" if event.data.get("name") == "filler":
                        text = str((event.data.get("data") or {}).get("text") or "")
                        self._start(self._speak_filler(turn, text))
                    case "intents-start":
                        is_list = True
                    case "handled-stop" | "intents-stop":
                        return
                    case "handled" | "not-handled" | "not-recognized" | "intent" | "error":
                        outcomes.append(event)
                        if not is_streaming and not is_list:
                            return

    async def _conclude(self, turn: Turn, outcomes: list[Event]) -> conversation.ConversationResult:
        """Return the result of a streamed answer, of one in one piece, or of the intents that are to be executed."""
        if not outcomes:
            raise DaemonError("the answer has no end")
        last = outcomes[-1]
        continues = (last.data.get("context") or {}).get("expects_reply") is True
        if turn.spoke.is_set():
            result = turn.result()
        elif last.type == "intent":
            result = await self._execute(turn, outcomes)
        else:
            result = await self._reply(turn, last)
        result.continue_conversation = result.continue_conversation or continues
        return result

    async def _reply(self, turn: Turn, outcome: Event) -> conversation.ConversationResult:
        turn.mark_words()
        response = intent.IntentResponse(language=turn.user_input.language)
        text = str(outcome.data.get("text") or await turn.phrase(Failure.NO_ANSWER))
        if outcome.type == "not-recognized":
            response.async_set_error(intent.IntentResponseErrorCode.NO_INTENT_MATCH, text)
        elif outcome.type in {"not-handled", "error"}:
            response.async_set_error(intent.IntentResponseErrorCode.FAILED_TO_HANDLE, text)
        else:
            response.async_set_speech(text)
        return turn.answered(response)

    async def _execute(self, turn: Turn, outcomes: list[Event]) -> conversation.ConversationResult:
        """Execute the intents of a daemon without an actor, and speak its words for them."""
        asked, texts = turn.user_input, []
        response = intent.IntentResponse(language=asked.language)
        for outcome in outcomes:
            slots = {str(one["name"]): {"value": one.get("value")} for one in outcome.data.get("entities") or ()}
            try:
                response = await intent.async_handle(
                    self._hass, DOMAIN, str(outcome.data.get("name")), slots, asked.text, asked.context, asked.language,
                    assistant=conversation.DOMAIN, device_id=asked.device_id,
                )  # fmt: skip
            except HomeAssistantError as err:
                _LOG.debug("The intent could not be executed: %s", type(err).__name__)
                return await turn.failed(Failure.NOT_DONE)
            texts.append(str(outcome.data.get("text") or ""))
        response.async_set_speech(" ".join(filter(None, texts)))
        turn.mark_words()
        return turn.answered(response)

    async def _tell(self, event: Event) -> None:
        try:
            await self._daemon.tell(event)
        except DaemonError as err:
            _LOG.debug("The intent daemon was not told of the wake word: %s", err)

    async def _speak_filler(self, turn: Turn, text: str) -> None:
        await self._fill(turn, text)

    def _start(self, work: Any) -> None:
        task = self._hass.async_create_background_task(work, "hybrid_llm daemon")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _context(self, turn_id: str, device_id: str | None, conversation_id: str | None) -> dict[str, str]:
        """Return the context of an event; the area stands for the device, whose templates only Home Assistant can read."""
        area = find_area(self._hass, device_id)
        known = {"turn_id": turn_id, "area": area, "conversation_id": conversation_id or ""}
        return {name: value for name, value in known.items() if value}


async def _read(reader: asyncio.StreamReader) -> Event | None:
    """Return the next event, whose data may be missing on the wire; None at the end."""
    event = await async_read_event(reader)
    return event if event is None or event.data is not None else Event(event.type, {}, event.payload)
