"""Fake of Google Calendar's API v3 and of Google's OAuth service, with the fields that Google's discovery document has.

`scripts/google-contract` proves it against Google's own client library.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

from aiohttp import web

from wyoming_rosie_intent.plugins.fake_service import FakeService, Fault, ServiceRequest

CLIENT_ID, CLIENT_SECRET = "1234-client.apps.googleusercontent.com", "client-secret"
REFRESH_TOKEN, CODE, DEVICE_CODE, USER_CODE = "refresh-1", "code-1", "device-1", "ABCD-EFGH"
PRIMARY, HOLIDAYS = "ada@example.org", "en.austrian#holiday@group.v.calendar.google.com"
Item = dict[str, Any]
_MAX_PAGE = 250
_REASONS = {
    Fault.UNAUTHORIZED: ("authError", "Invalid Credentials"),
    Fault.FORBIDDEN: ("rateLimitExceeded", "Rate Limit Exceeded"),
    Fault.BUSY: ("rateLimitExceeded", "Rate Limit Exceeded"),
    Fault.FAILED: ("backendError", "Backend Error"),
}


@dataclass
class _Change:
    """A version of an event; its number is that of the synchronization."""

    number: int
    item: Item


@dataclass
class _StoredCalendar:
    entry: Item
    changes: dict[str, _Change] = field(default_factory=dict)


class FakeGoogle(FakeService):
    """One account with two calendars. `access_tokens` are accepted; `forget_changes` makes sync tokens too old."""

    def __init__(self, page_size: int | None = 2) -> None:
        super().__init__()
        self.page_size = page_size
        self.access_tokens = {"access-0"}
        self.refresh_tokens = {REFRESH_TOKEN}
        self.is_code_entered = False
        self.polls_before_slow_down = 0
        self.forbidden_reason = "rateLimitExceeded"
        self.challenge = ""
        self._number = 1
        self._oldest_number = 0
        self._grants = 0
        self._calendars = {
            PRIMARY: _StoredCalendar(_create_entry(PRIMARY, "Ada", "owner", primary=True)),
            HOLIDAYS: _StoredCalendar(_create_entry(HOLIDAYS, "Holidays in Austria", "reader")),
        }

    def add(self, calendar: str = PRIMARY, /, **values: Any) -> Item:
        """Store an event, with what Google adds to it."""
        self._number += 1
        item: Item = {
            "kind": "calendar#event",
            "etag": f'"{self._number}"',
            "id": f"event{self._number}",
            "status": "confirmed",
            "htmlLink": "https://www.google.com/calendar/event?eid=x",
            "created": "2026-01-01T00:00:00.000Z",
            "updated": "2026-01-01T00:00:00.000Z",
            "creator": {"email": PRIMARY, "self": True},
            "organizer": {"email": PRIMARY, "self": True},
            "iCalUID": f"event{self._number}@google.com",
            "sequence": 0,
            "reminders": {"useDefault": True},
            "eventType": "default",
            **values,
        }
        self._calendars[calendar].changes[item["id"]] = _Change(self._number, item)
        return item

    def remove(self, event: str, calendar: str = PRIMARY) -> None:
        """Delete an event, and all of a series."""
        for change in self._calendars[calendar].changes.values():
            if event in {change.item["id"], change.item.get("recurringEventId")}:
                self._number += 1
                change.number = self._number
                change.item = {**change.item, "status": "cancelled", "etag": f'"{self._number}"'}

    def forget_changes(self) -> None:
        self._oldest_number = self._number + 1
        self._number += 1

    def events(self, calendar: str = PRIMARY) -> Sequence[Item]:
        return [change.item for change in self._calendars[calendar].changes.values() if change.item["status"] != "cancelled"]  # fmt: skip

    def is_change(self, request: ServiceRequest) -> bool:
        return super().is_change(request) and "/calendars/" in request.path

    def create_error(self, fault: Fault) -> web.Response:
        reason, message = _REASONS[fault]
        if fault is Fault.FORBIDDEN:
            reason = self.forbidden_reason
        return _create_error(int(fault), reason, message)

    async def answer(self, request: ServiceRequest) -> web.Response:
        if request.path in {"/token", "/device/code"}:
            form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
            return self._answer_device(form) if request.path == "/device/code" else self._answer_token(form)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.access_tokens:
            return self.create_error(Fault.UNAUTHORIZED)
        path = request.path.partition("/calendar/v3/")[2].split("/")
        match request.method, path:
            case "GET", ["users", "me", "calendarList"]:
                entries = [stored.entry for stored in self._calendars.values()]
                return web.json_response(
                    {"kind": "calendar#calendarList", "etag": '"p"', "nextSyncToken": "c", "items": entries}
                )
            case method, ["calendars", calendar, "events", *event]:
                stored = self._calendars.get(PRIMARY if calendar == "primary" else unquote(calendar))
                if stored is None:
                    return _create_error(404, "notFound", "Not Found")
                return self._answer_events(method, stored, unquote(event[0]) if event else "", request)
        return _create_error(404, "notFound", "Not Found")

    def _answer_events(self, method: str, stored: _StoredCalendar, event: str, request: ServiceRequest) -> web.Response:
        if method == "GET" and not event:
            return self._list(stored, request.query)
        if stored.entry["accessRole"] == "reader" and method != "GET":
            return _create_error(403, "requiredAccessLevel", "You need to have writer access to this calendar.")
        if method == "POST":
            return self._insert(stored, request.json)
        found = stored.changes.get(event)
        series = [change for change in stored.changes.values() if change.item.get("recurringEventId") == event]
        if found is None and not series:
            return _create_error(404, "notFound", "Not Found")
        if found is not None and found.item["status"] == "cancelled":
            return _create_error(410, "deleted", "Resource has been deleted")
        wanted = request.headers.get("If-Match")
        if wanted and found is not None and wanted != found.item["etag"]:
            return _create_error(412, "conditionNotMet", "Precondition Failed")
        if method == "DELETE":
            self.remove(event, str(stored.entry["id"]))
            return web.Response(status=204)
        assert found is not None
        if method == "PATCH":
            self._number += 1
            found.number = self._number
            found.item = {**_merge(found.item, request.json), "etag": f'"{self._number}"'}
        return web.json_response(found.item)

    def _insert(self, stored: _StoredCalendar, body: Item) -> web.Response:
        event = body.get("id")
        if event is not None and event in stored.changes:
            return _create_error(409, "duplicate", "The requested identifier already exists.")
        if event is not None and (not 5 <= len(event) <= 1024 or set(event) - set("0123456789abcdefghijklmnopqrstuv")):
            return _create_error(400, "invalid", "Invalid resource id value.")
        if any(None in moment.values() for moment in (body["start"], body["end"])):
            return _create_error(400, "invalid", "Invalid value.")
        if "recurrence" in body and "dateTime" in body["start"] and "timeZone" not in body["start"]:
            return _create_error(400, "required", "Missing time zone definition for start time.")
        return web.json_response(self.add(str(stored.entry["id"]), **body))

    def _list(self, stored: _StoredCalendar, query: Mapping[str, str]) -> web.Response:
        since = int(query["syncToken"]) if "syncToken" in query else None
        if since is not None and {"timeMin", "timeMax", "orderBy", "q"} & query.keys():
            return _create_error(400, "badRequest", "Sync token cannot be used with other query restrictions.")
        if since is not None and since < self._oldest_number:
            return _create_error(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
        changes = [
            change
            for change in stored.changes.values()
            if (change.number > since if since is not None else _is_between(change.item, query))
        ]
        start = int(query.get("pageToken", 0))
        end = start + (self.page_size or _MAX_PAGE)
        page, rest = changes[start:end], changes[end:]
        more = {"nextPageToken": str(end)} if rest else {"nextSyncToken": str(self._number)}
        return web.json_response(
            {
                "kind": "calendar#events",
                "etag": f'"{self._number}"',
                "summary": stored.entry["summary"],
                "updated": "2026-01-01T00:00:00.000Z",
                "timeZone": "Europe/Vienna",
                "accessRole": stored.entry["accessRole"],
                "defaultReminders": [],
                "items": [change.item for change in page],
                **more,
            }
        )

    def _answer_device(self, form: Mapping[str, str]) -> web.Response:
        if form.get("client_id") != CLIENT_ID:
            return _create_oauth_error(401, "invalid_client")
        return web.json_response(
            {
                "device_code": DEVICE_CODE,
                "user_code": USER_CODE,
                "expires_in": 1800,
                "interval": 0,
                "verification_url": "https://www.google.com/device",
            }
        )

    def _answer_token(self, form: Mapping[str, str]) -> web.Response:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _create_oauth_error(401, "invalid_client")
        match form.get("grant_type"):
            case "refresh_token" if form.get("refresh_token") in self.refresh_tokens:
                return self._grant({})
            case "authorization_code" if form.get("code") == CODE and self._is_verified(form):
                return self._grant({"refresh_token": REFRESH_TOKEN})
            case "urn:ietf:params:oauth:grant-type:device_code" if self.is_code_entered:
                return self._grant({"refresh_token": REFRESH_TOKEN})
            case "urn:ietf:params:oauth:grant-type:device_code" if form.get("device_code") == DEVICE_CODE:
                self.polls_before_slow_down -= 1
                if self.polls_before_slow_down == 0:
                    return _create_oauth_error(403, "slow_down")
                return _create_oauth_error(428, "authorization_pending")
        return _create_oauth_error(400, "invalid_grant")

    def _is_verified(self, form: Mapping[str, str]) -> bool:
        """Return whether the verifier is that of the challenge (PKCE)."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        return digest.decode().rstrip("=") == self.challenge

    def _grant(self, more: Mapping[str, str]) -> web.Response:
        self._grants += 1
        token = f"access-{self._grants}"
        self.access_tokens = {token}
        return web.json_response(
            {"access_token": token, "expires_in": 3599, "scope": "calendar", "token_type": "Bearer", **more}
        )


def moment(at: datetime) -> Item:
    return {"dateTime": at.isoformat(), "timeZone": "Europe/Vienna"}


def hour(at: datetime) -> Item:
    """Return start and end of an event of an hour."""
    return {"start": moment(at), "end": moment(at + timedelta(hours=1))}


def _create_entry(name: str, summary: str, role: str, **more: Any) -> Item:
    return {
        "kind": "calendar#calendarListEntry",
        "etag": '"1"',
        "id": name,
        "summary": summary,
        "timeZone": "Europe/Vienna",
        "colorId": "9",
        "backgroundColor": "#7bd148",
        "foregroundColor": "#000000",
        "selected": True,
        "accessRole": role,
        "defaultReminders": [],
        **more,
    }


def _create_error(status: int, reason: str, message: str) -> web.Response:
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return web.json_response(
        {"error": {"code": status, "message": message, "errors": errors}}, status=status, headers={"Retry-After": "0"}
    )


def _create_oauth_error(status: int, error: str) -> web.Response:
    return web.json_response({"error": error, "error_description": "Bad Request"}, status=status)


def _is_between(item: Item, query: Mapping[str, str]) -> bool:
    """Return whether an event that is not deleted overlaps timeMin to timeMax."""
    if item["status"] == "cancelled":
        return False
    starts, ends = (_read(item[name]) for name in ("start", "end"))
    after = datetime.fromisoformat(query["timeMin"]) if "timeMin" in query else None
    before = datetime.fromisoformat(query["timeMax"]) if "timeMax" in query else None
    return (after is None or ends > after) and (before is None or starts < before)


def _read(value: Item) -> datetime:
    if "dateTime" in value:
        return datetime.fromisoformat(value["dateTime"])
    return datetime.fromisoformat(f"{value['date']}T00:00:00+00:00")


def _merge(item: Item, changes: Item) -> Item:
    """Return an item after a PATCH, in which null removes a field."""
    merged = dict(item)
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(dict(merged.get(name, {})), value) if isinstance(value, dict) else value
    return merged


def as_client_file() -> str:
    """Return the client file of Google's console."""
    return json.dumps({"installed": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": ["http://localhost"]}})  # fmt: skip
