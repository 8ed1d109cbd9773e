"""A CalDAV account: finds its calendars, and reads and changes their events over HTTP."""

import asyncio
import base64
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

import structlog
from yarl import URL

from wyoming_rosie_intent.integrations.caldav import icalendar_events
from wyoming_rosie_intent.integrations.caldav.multistatus import (
    CALDAV,
    DAV,
    FIND_HOME,
    DavResource,
    create_query,
    parse_multistatus,
)
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.plugins.http_client import HttpAnswer, HttpClient, HttpError, HttpFailure, HttpLimits
from wyoming_rosie_intent.plugins.service_url import check_url

_LOG = structlog.get_logger()
CALENDARS_SECONDS = 600.0
"""After that the list of calendars is read again."""
WELL_KNOWN = "/.well-known/caldav"
MAX_REDIRECTS = 3
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_ICALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}
_ELSEWHERE = frozenset({301, 302, 307, 308, 404, 405})
"""Status of an address that is not the place of the calendars."""


class CalDavSource:
    """The calendars of one account. Raises ConfigError for a URL that would send the password in the clear."""

    def __init__(self, url: str, user: str, password: str, limits: HttpLimits | None = None) -> None:
        self._url = check_url(url, has_secret=True)
        secret = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._client = HttpClient(
            str(self._url.origin()), headers={"Authorization": f"Basic {secret}"}, limits=limits or HttpLimits()
        )
        self._calendars: Sequence[Calendar] = ()
        self._found_at = float("-inf")

    async def get_calendars(self) -> Sequence[Calendar]:
        now = asyncio.get_running_loop().time()
        if not self._calendars or now - self._found_at > CALENDARS_SECONDS:
            self._calendars, self._found_at = await self._find_calendars(), now
        return self._calendars

    async def get_events(self, calendars: Sequence[Calendar], span: Span) -> Sequence[CalendarEvent]:
        found = await asyncio.gather(*(self._get_events(calendar, span) for calendar in calendars))
        return [event for events in found for event in events]

    async def add_event(self, event: NewEvent, key: str) -> None:
        body = icalendar_events.write_event(event, f"{key}@wyoming-rosie", datetime.now(UTC))
        path = f"{event.calendar.id.rstrip('/')}/{quote(key, safe='')}.ics"
        try:
            await self._put(path, body, {"If-None-Match": "*"})
        except HttpError as err:
            if err.failure is not HttpFailure.CONFLICT:  # the first attempt at the same command added it
                raise

    async def move_event(self, event: CalendarEvent, span: Span) -> None:
        text = await self._get_unchanged(event)
        await self._put(event.id, icalendar_events.move_event(text, event, span, datetime.now(UTC)), _only(event))

    async def cancel_event(self, event: CalendarEvent, *, with_series: bool) -> None:
        if with_series or event.original_start is None:
            _check_changed(await self._client.request("DELETE", self._absolute(event.id), headers=_only(event)))
            return
        text = await self._get_unchanged(event)
        body = icalendar_events.cancel_occurrence(text, event.original_start, datetime.now(UTC))
        await self._put(event.id, body, _only(event))

    async def close(self) -> None:
        await self._client.close()

    async def _find_calendars(self) -> Sequence[Calendar]:
        start = await self._find_start()
        if start.is_calendar:
            return (self._create_calendar(start),)
        home = start.link(f"{CALDAV}calendar-home-set")
        if not home and (principal := start.link(f"{DAV}current-user-principal")):
            (found, *_) = await self._find(principal, "0")
            home = found.link(f"{CALDAV}calendar-home-set")
        if not home:
            raise HttpError(HttpFailure.NOT_FOUND, f"{self._client.host} has no calendars for this user at that url")
        resources = await self._find(home, "1")
        return tuple(self._create_calendar(resource) for resource in resources if resource.is_calendar)

    async def _find_start(self) -> DavResource:
        """Return the resource from which the calendars are found: that of the URL, or the server's own."""
        address = self._url.path
        for _ in range(MAX_REDIRECTS):
            try:
                (found, *_) = await self._find(address, "0")
            except HttpError as err:
                if err.status not in _ELSEWHERE or (not err.location and address == WELL_KNOWN):
                    raise
                address = err.location or WELL_KNOWN
            else:
                if found.is_calendar or found.link(f"{CALDAV}calendar-home-set") or found.link(f"{DAV}current-user-principal"):  # fmt: skip
                    return found
                address = WELL_KNOWN
        raise HttpError(
            HttpFailure.NOT_FOUND,
            f"{self._client.host} shows no calendars; write the address from its CalDAV settings as the url",
        )

    async def _find(self, address: str, depth: str) -> Sequence[DavResource]:
        answer = await self._client.request(
            "PROPFIND", self._absolute(address), body=FIND_HOME, headers={**_XML, "Depth": depth}
        )
        found = list(parse_multistatus(answer.body))
        if not found:
            raise HttpError(HttpFailure.NOT_FOUND, f"{self._client.host} has nothing at that address")
        return found

    async def _get_events(self, calendar: Calendar, span: Span) -> Sequence[CalendarEvent]:
        answer = await self._client.request(
            "REPORT", self._absolute(calendar.id), body=create_query(span), headers={**_XML, "Depth": "1"}
        )
        return await asyncio.to_thread(_read_events, answer.body, calendar, span)

    async def _get_unchanged(self, event: CalendarEvent) -> str:
        """Return the resource of an event as the person heard of it. Raises HttpError if it was changed meanwhile."""
        answer = await self._client.request("GET", self._absolute(event.id))
        if event.version and answer.headers.get("ETag", event.version) != event.version:
            raise HttpError(HttpFailure.CONFLICT, "the calendar's entry was changed meanwhile", 412)
        return answer.body.decode("utf-8", "replace")

    async def _put(self, path: str, body: bytes, headers: dict[str, str]) -> None:
        answer = await self._client.request("PUT", self._absolute(path), body=body, headers={**_ICALENDAR, **headers})
        _check_changed(answer)

    def _absolute(self, address: str) -> str:
        return str(self._url.origin().join(URL(address, encoded=True)))

    @staticmethod
    def _create_calendar(resource: DavResource) -> Calendar:
        name = resource.text(f"{DAV}displayname") or resource.href.rstrip("/").rpartition("/")[2]
        return Calendar(resource.href, name, resource.is_writable)


def _check_changed(answer: HttpAnswer) -> None:
    """Raise HttpError for a web page, such as a login page before the server, which has changed nothing."""
    is_page = answer.headers.get("Content-Type", "").startswith("text/html")
    if is_page and answer.status == HTTPStatus.OK and answer.body.strip():  # 201 and 204 may come with a page, too
        raise HttpError(HttpFailure.INVALID, "a web page answers instead of the calendar server", answer.status)


def _only(event: CalendarEvent) -> dict[str, str]:
    """Return the header by which a change fails if somebody else has changed the event."""
    return {"If-Match": event.version} if event.version else {}


def _read_events(body: bytes, calendar: Calendar, span: Span) -> Sequence[CalendarEvent]:
    """Return the events of an answer, without those that cannot be read."""
    events: list[CalendarEvent] = []
    unreadable = 0
    for resource in parse_multistatus(body):
        read = partial(icalendar_events.read_events, span=span, calendar=calendar, href=resource.href)
        try:
            events += read(resource.text(f"{CALDAV}calendar-data"), version=resource.text(f"{DAV}getetag"))
        except Exception as err:  # noqa: BLE001 - what others wrote may fail anywhere in the parser
            unreadable += 1
            _LOG.debug("calendar entry not read", reason=type(err).__name__)
    if unreadable:
        _LOG.warning("calendar entries cannot be read and are left out", count=unreadable)
    return events
