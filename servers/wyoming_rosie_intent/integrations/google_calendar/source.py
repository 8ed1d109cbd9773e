"""A Google account: its calendars, and their events, which are synchronized by what has changed since the last time."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, NoReturn
from urllib.parse import quote

from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.integrations.google_calendar import event_items
from wyoming_rosie_intent.integrations.google_calendar.event_items import Item
from wyoming_rosie_intent.plugins.http_client import HttpClient, HttpError, HttpFailure, HttpLimits, TokenSource

API_URL = "https://www.googleapis.com/calendar/v3"
CALENDARS_SECONDS = 600.0
"""After that the list of calendars is read again."""
PAGE_SIZE = 2500
_BEFORE, _AFTER = 31, 401
"""Days around today whose events are kept; others are asked for when they are wanted."""
_MAX_AGE_DAYS = 7
"""After that, all events around today are read again."""
_TOO_MANY = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
_REASONS = {
    "accessNotConfigured": "the Google Calendar API is off: enable it for the project in Google's console",
    "SERVICE_DISABLED": "the Google Calendar API is off: enable it for the project in Google's console",
    "insufficientPermissions": "the sign-in does not include calendars: run wyoming-rosie calendar login again and allow them",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the sign-in does not include calendars: run wyoming-rosie calendar login again and allow them",
}  # fmt: skip


@dataclass
class _KnownEvents:
    """Items of one calendar by id, and the token for what changes from now on."""

    items: dict[str, Item] = field(default_factory=dict)
    sync_token: str = ""
    span: Span | None = None
    synchronization: asyncio.Task[None] | None = None


class GoogleCalendarSource:
    """The calendars of one account. Connects at the first request."""

    def __init__(
        self,
        token: TokenSource,
        url: str = API_URL,
        limits: HttpLimits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._now = now
        self._client = HttpClient(url, token, limits=limits or HttpLimits(), is_busy=_is_busy)
        self._calendars: Sequence[Calendar] = ()
        self._found_at = float("-inf")
        self._known: dict[str, _KnownEvents] = {}

    async def get_calendars(self) -> Sequence[Calendar]:
        now = asyncio.get_running_loop().time()
        if not self._calendars or now - self._found_at > CALENDARS_SECONDS:
            pages = [page async for page in self._get_pages("users/me/calendarList", {"maxResults": 250})]
            self._calendars = event_items.read_calendars(item for page in pages for item in _get_items(page))
            self._found_at = now
        return self._calendars

    async def get_events(self, calendars: Sequence[Calendar], span: Span) -> Sequence[CalendarEvent]:
        found = await asyncio.gather(*(self._get_events(calendar, span) for calendar in calendars))
        return [event for events in found for event in events if event.span.overlaps(span)]

    async def add_event(self, event: NewEvent, key: str) -> None:
        body = event_items.write_event(event, key)
        try:
            await self._send("POST", _path(event.calendar), body)
        except HttpError as err:
            if err.failure is not HttpFailure.CONFLICT:  # the first attempt at the same command added it
                raise

    async def move_event(self, event: CalendarEvent, span: Span) -> None:
        is_all_day = event.is_all_day and span.start.time() == span.end.time() == time(0)
        body = event_items.write_span(span, is_all_day)
        await self._send("PATCH", _path(event.calendar, event.id), body, event.version)

    async def cancel_event(self, event: CalendarEvent, *, with_series: bool) -> None:
        path = _path(event.calendar, event.series if with_series and event.series else event.id)
        try:
            await self._send("DELETE", path, None, "" if with_series else event.version)
        except HttpError as err:
            if err.failure is not HttpFailure.GONE:  # the first attempt deleted it
                raise

    async def close(self) -> None:
        running = [known.synchronization for known in self._known.values() if known.synchronization is not None]
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._client.close()

    async def _get_events(self, calendar: Calendar, span: Span) -> Sequence[CalendarEvent]:
        zone = span.start.tzinfo
        today = self._now().astimezone(zone).date()
        kept = times.days_span(today - timedelta(days=_BEFORE), _BEFORE + _AFTER, zone)
        if not _contains(kept, span):
            items = [item async for item in self._list(calendar, _between(span))]
            return list(event_items.read_events(items, calendar, zone))
        known = self._known.setdefault(calendar.id, _KnownEvents())
        await self._join_synchronization(calendar, known, kept)
        return list(event_items.read_events(known.items.values(), calendar, zone))

    async def _join_synchronization(self, calendar: Calendar, known: _KnownEvents, kept: Span) -> None:
        """Wait until the events are those of now; the reading goes on, however long it takes, for the next question."""
        running = known.synchronization
        if running is not None and not running.done():
            with suppress(HttpError):  # of an earlier question; the service may have recovered since
                await asyncio.shield(running)
                return
        if known.synchronization is running or known.synchronization is None:
            known.synchronization = asyncio.create_task(self._synchronize(calendar, known, kept))
            known.synchronization.add_done_callback(_retrieve_error)
        await asyncio.shield(known.synchronization)

    async def _synchronize(self, calendar: Calendar, known: _KnownEvents, kept: Span) -> None:
        """Read what has changed, or all events around today if Google does not know the token any more."""
        is_current = known.span is not None and kept.start - known.span.start < timedelta(days=_MAX_AGE_DAYS)
        if known.sync_token and is_current:
            try:
                await self._read_changes(calendar, known, {"syncToken": known.sync_token})
            except HttpError as err:
                if err.failure is not HttpFailure.GONE:
                    raise
            else:
                return
        fresh = _KnownEvents()
        await self._read_changes(calendar, fresh, _between(kept))
        known.items, known.sync_token, known.span = fresh.items, fresh.sync_token, kept

    async def _read_changes(self, calendar: Calendar, known: _KnownEvents, query: Mapping[str, str]) -> None:
        changed = [item async for item in self._list(calendar, query, known)]
        for item in changed:
            if item.get("status") == "cancelled":
                known.items.pop(str(item.get("id")), None)
            else:
                known.items[str(item.get("id"))] = item

    async def _list(
        self, calendar: Calendar, query: Mapping[str, str], known: _KnownEvents | None = None
    ) -> AsyncIterator[Item]:
        """Yield the items of all pages; the last one has the token for the next changes."""
        fixed: dict[str, str | int] = {"singleEvents": "true", "maxResults": PAGE_SIZE, **query}
        token = ""
        async for page in self._get_pages(_path(calendar), fixed):
            for item in _get_items(page):
                yield item
            token = str(page.get("nextSyncToken") or "")
        if known is not None:
            known.sync_token = token

    async def _get_pages(self, path: str, query: Mapping[str, str | int]) -> AsyncIterator[Mapping[str, Any]]:
        try:
            async for page in self._client.get_pages(path, query, _find_next_page):
                yield page
        except HttpError as err:
            _raise_with_reason(err)

    async def _send(self, method: str, path: str, body: object, version: str = "") -> None:
        """Send a change, which fails if somebody else has changed the event since."""
        headers = {"If-Match": version} if version else {}
        try:
            answer = await self._client.request(method, path, body=body, headers=headers, can_repeat=True)
            answer.json()  # a login page before the service has changed nothing
        except HttpError as err:
            _raise_with_reason(err)


def _retrieve_error(task: "asyncio.Task[None]") -> None:
    """Mark the error of a task as seen; whoever waited for it has it."""
    if not task.cancelled():
        task.exception()


def _path(calendar: Calendar, event: str = "") -> str:
    path = f"calendars/{quote(calendar.id, safe='')}/events"
    return f"{path}/{quote(event, safe='')}" if event else path


def _between(span: Span) -> Mapping[str, str]:
    return {"timeMin": span.start.isoformat(), "timeMax": span.end.isoformat()}


def _contains(outer: Span, inner: Span) -> bool:
    return outer.timestamps[0] <= inner.timestamps[0] and inner.timestamps[1] <= outer.timestamps[1]


def _get_items(page: Mapping[str, Any]) -> Sequence[Item]:
    items = page.get("items", [])
    return [item for item in items if isinstance(item, Mapping) and item.get("id")] if isinstance(items, list) else []


def _find_next_page(page: Any) -> Mapping[str, str] | None:
    if not isinstance(page, Mapping):
        raise HttpError(HttpFailure.INVALID, "Google's answer is no list")
    return {"pageToken": str(page["nextPageToken"])} if page.get("nextPageToken") else None


def find_reasons(body: bytes) -> frozenset[str]:
    """Return the reasons in an error of Google's API."""
    try:
        error = json.loads(body)["error"]
        listed = [*error.get("errors", ()), *error.get("details", ())]
        return frozenset(str(one.get("reason")) for one in listed)
    except (ValueError, KeyError, TypeError, AttributeError):
        return frozenset()


def _is_busy(status: int, body: bytes) -> bool:
    return status == 403 and not _TOO_MANY.isdisjoint(find_reasons(body))


def _raise_with_reason(err: HttpError) -> NoReturn:
    """Raise the error with what to do about it, if its reason says that."""
    known = [_REASONS[reason] for reason in sorted(find_reasons(err.body)) if reason in _REASONS]
    if not known:
        raise err
    raise HttpError(err.failure, known[0], err.status, err.body) from err
