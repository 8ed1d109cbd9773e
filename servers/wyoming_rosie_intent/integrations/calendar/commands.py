"""Commands of the calendar: answers questions, asks before a change, and carries it out after a yes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from wyoming_rosie_intent.integrations.calendar import changes, questions
from wyoming_rosie_intent.integrations.calendar.accounts import AccountsReader, CalendarAccount
from wyoming_rosie_intent.integrations.calendar.model import CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.integrations.calendar.turn import CalendarTurn, Entities
from wyoming_rosie_intent.integrations.calendar.wording import Wording
from wyoming_rosie_intent.plugins import CommandContext, PluginResult
from wyoming_rosie_intent.plugins.failures import log_failure
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure
from wyoming_rosie_intent.plugins.texts import PluginTexts

_LOG = structlog.get_logger()
SERVICE = "calendar"
ANSWER_SECONDS = 50.0
"""Longest wait for the service, below the time that a plugin has for a late answer."""
READ_SHARE = 1 / 3
"""Part of that time for which one of several accounts is awaited."""
MAX_CHANGES = 8
"""Changes that wait for a slow service."""
_QUESTIONS: Mapping[str, Callable[[CalendarTurn], Awaitable[PluginResult]]] = {
    "CalendarEvents": questions.answer_events,
    "CalendarNext": questions.answer_next,
    "CalendarFree": questions.answer_free,
    "CalendarFreeTimes": questions.answer_free_times,
}
_CHANGES: Mapping[str, Callable[[CalendarTurn], Awaitable[PluginResult]]] = {
    "CalendarAdd": changes.ask_to_add,
    "CalendarMove": changes.ask_to_move,
    "CalendarCancel": changes.ask_to_cancel,
}
_ERRORS = {
    HttpFailure.UNAUTHORIZED: "sign_in",
    HttpFailure.FORBIDDEN: "sign_in",
    HttpFailure.TIMEOUT: "too_slow",
    HttpFailure.BUSY: "too_slow",
}
_CHANGED = frozenset({HttpFailure.CONFLICT, HttpFailure.NOT_FOUND, HttpFailure.GONE})
"""Failures of a change to an event that somebody else has changed or deleted."""


class CalendarCommands:
    """Executes the intents of the calendar; a change that takes long goes on after the answer."""

    def __init__(self, texts: PluginTexts, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._texts = texts
        self._answer_seconds = answer_seconds
        self._running: set[asyncio.Task[None]] = set()

    async def execute(
        self,
        intent: str,
        entities: Entities,
        context: CommandContext,
        accounts: Sequence[CalendarAccount],
        *,
        shows_titles: bool,
    ) -> PluginResult:
        """Execute an intent; what goes wrong becomes the answer."""
        wording = Wording(self._texts, context.language, context.moment, shows_titles)
        if not accounts:
            return PluginResult(wording.render("no_account" if context.person else "no_guest_account"), success=False)
        reader = AccountsReader(accounts, self._answer_seconds * READ_SHARE)
        turn = CalendarTurn(reader, entities, context, wording)
        if intent in _CHANGES and not shows_titles:
            return turn.fail("not_for_guests")
        try:
            async with asyncio.timeout(self._answer_seconds):
                return _add_unread(await self._answer(intent, turn), turn)
        except TimeoutError:
            log_failure(SERVICE, intent, HttpError(HttpFailure.TIMEOUT, "the calendar did not answer in time"))
            return turn.fail("goes_on" if intent in _CHANGES and context.is_confirmed else "too_slow")
        except HttpError as err:
            log_failure(SERVICE, intent, err)
            is_changing = intent in _CHANGES and context.is_confirmed
            key = "changed_meanwhile" if is_changing and err.failure in _CHANGED else _ERRORS.get(err.failure)
            return turn.fail(key or "unreachable")

    async def close(self) -> None:
        """Give up the changes that are not finished."""
        for change in self._running:
            change.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _answer(self, intent: str, turn: CalendarTurn) -> PluginResult:
        if intent in _QUESTIONS:
            return await _QUESTIONS[intent](turn)
        if turn.context.is_confirmed and (confirmed := _create_change(intent, turn)) is not None:
            change, answer = confirmed
            await self._carry_out(change)
            return answer
        return await _CHANGES[intent](turn)

    async def _carry_out(self, change: Coroutine[Any, Any, None]) -> None:
        """Wait for a change, which goes on when the time for the answer ends. Raises HttpError."""
        if len(self._running) >= MAX_CHANGES:
            change.close()
            raise HttpError(HttpFailure.BUSY, "too many changes wait for the calendar")
        task = asyncio.create_task(change)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_late_failure)
            raise


def _log_late_failure(change: "asyncio.Task[None]") -> None:
    """Log why a change failed whose answer was not waited for."""
    error = None if change.cancelled() else change.exception()
    if isinstance(error, HttpError):
        log_failure(SERVICE, "change", error)
    elif error is not None:
        _LOG.warning("calendar not changed", reason=type(error).__name__)


def _add_unread(result: PluginResult, turn: CalendarTurn) -> PluginResult:
    """Return an answer that also says which calendars could not be read."""
    if not turn.reader.failed:
        return result
    remark = turn.wording.unread(turn.reader.failed.values())
    return replace(result, message=" ".join(filter(None, (result.message, remark))))


def _create_change(intent: str, turn: CalendarTurn) -> tuple[Coroutine[Any, Any, None], PluginResult] | None:
    """Return the change that was asked about, and its answer; None if the question has to be asked again."""
    entities, find = turn.entities, turn.reader.find_account
    event, new, span = entities.get("event"), entities.get("new_event"), entities.get("span")
    if intent == "CalendarAdd" and isinstance(new, NewEvent):
        source = find(new.calendar).source
        return source.add_event(new, turn.context.key), turn.answer("added", **turn.describe(new))
    if not isinstance(event, CalendarEvent):
        return None
    source = find(event.calendar).source
    if intent == "CalendarMove" and isinstance(span, Span):
        return source.move_event(event, span), turn.answer("moved", **turn.describe(replace(event, span=span)))
    if intent == "CalendarCancel":
        with_series = turn.is_about_series and bool(event.series)
        return source.cancel_event(event, with_series=with_series), turn.answer("cancelled", **turn.describe(event))
    return None
