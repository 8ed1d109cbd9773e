"""Runs Google's client library against the fake of tests/google_calendar_server.py; `scripts/google-contract` calls it.

Each answer has to be one that the library accepts, and its fields those of Google's discovery document.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "1234-client.apps.googleusercontent.com", "client-secret", "refresh-1"
NOW = datetime(2027, 3, 26, 15, tzinfo=UTC)
NEW = {
    "id": "0123456789abcdefv",
    "summary": "Dentist",
    "start": {"dateTime": NOW.isoformat(), "timeZone": "Europe/Vienna"},
    "end": {"dateTime": (NOW + timedelta(hours=1)).isoformat(), "timeZone": "Europe/Vienna"},
}


async def serve(python: str) -> int:
    """Serve the fake while the client runs; return the client's exit status."""
    from tests.google_calendar_server import FakeGoogle, hour

    google = FakeGoogle(page_size=2)
    for number in range(5):
        google.add(summary=f"Event {number}", **hour(NOW + timedelta(days=number)))
    google.add(summary="Trip", start={"date": "2027-03-27"}, end={"date": "2027-03-29"})
    async with google.serving():
        process = await asyncio.create_subprocess_exec(python, __file__, "client", google.url)
        return await process.wait()


def run_client(url: str) -> None:
    """Do with Google's library what the plugin does, and compare the fields of all answers."""
    from google.oauth2.credentials import Credentials
    from googleapiclient import discovery_cache
    from googleapiclient.discovery import build

    schemas = json.loads(discovery_cache.get_static_doc("calendar", "v3"))["schemas"]
    credentials = Credentials(
        None, refresh_token=REFRESH_TOKEN, token_uri=f"{url}/token", client_id=CLIENT_ID, client_secret=CLIENT_SECRET
    )
    options = {"api_endpoint": f"{url}/calendar/v3/"}
    service = build("calendar", "v3", credentials=credentials, client_options=options, static_discovery=True)
    check("calendars", service.calendarList().list().execute(), "CalendarList", schemas)
    sync_token = _check_events(service, schemas)
    check("insert", service.events().insert(calendarId="primary", body=NEW).execute(), "Event", schemas)
    _expect(409, service.events().insert(calendarId="primary", body=NEW).execute, "the same id again")
    changed = service.events().list(calendarId="primary", singleEvents=True, syncToken=sync_token).execute()
    assert [item["id"] for item in changed["items"]] == [NEW["id"]], changed
    check("changes", changed, "Events", schemas)
    _check_changes(service, schemas)


def check(name: str, answer: Mapping[str, Any], schema: str, schemas: Mapping[str, Any]) -> None:
    """Fail if an answer has a field that Google's document does not have, or one of another type."""
    problems = list(_find_problems(answer, {"$ref": schema}, schemas, schema))
    assert not problems, problems
    print(f"{name:<12} ok")


def _check_events(service: Any, schemas: Mapping[str, Any]) -> str:
    """Read all pages, and return the token for later changes."""
    query = {"timeMin": NOW.isoformat(), "timeMax": (NOW + timedelta(days=30)).isoformat(), "singleEvents": True}
    request = service.events().list(calendarId="primary", maxResults=2, **query)
    found, token = [], ""
    while request is not None:
        page = request.execute()
        check("events", page, "Events", schemas)
        found += page["items"]
        token = page.get("nextSyncToken", "")
        request = service.events().list_next(request, page)
    assert len(found) == 6, found
    return str(token)


def _check_changes(service: Any, schemas: Mapping[str, Any]) -> None:
    """Change and delete an event, also with a condition that does not hold."""
    body = {"start": {"date": "2027-03-30", "dateTime": None}, "end": {"date": "2027-03-31", "dateTime": None}}
    request = service.events().patch(calendarId="primary", eventId=NEW["id"], body=body)
    request.headers["If-Match"] = '"0"'
    _expect(412, request.execute, "an old ETag")
    moved = service.events().patch(calendarId="primary", eventId=NEW["id"], body=body).execute()
    assert moved["start"].get("date") == "2027-03-30", moved
    check("patch", moved, "Event", schemas)
    check("get", service.events().get(calendarId="primary", eventId=NEW["id"]).execute(), "Event", schemas)
    service.events().delete(calendarId="primary", eventId=NEW["id"]).execute()
    _expect(410, service.events().delete(calendarId="primary", eventId=NEW["id"]).execute, "a deleted event")
    _expect(404, service.events().get(calendarId="primary", eventId="unknown00").execute, "an unknown event")
    _expect(403, service.events().insert(calendarId="en.austrian#holiday@group.v.calendar.google.com", body=NEW).execute, "a calendar to read only")  # fmt: skip
    query = {"calendarId": "primary", "singleEvents": True, "syncToken": "1", "timeMin": NOW.isoformat()}
    old = {"calendarId": "primary", "singleEvents": True, "syncToken": "-1"}
    _expect(410, service.events().list(**old).execute, "a sync token that is too old")
    _expect(400, service.events().list(**query).execute, "a sync token with timeMin")


def _expect(status: int, execute: Callable[[], Any], what: str) -> None:
    """Fail unless the library raises its error with a status and a reason."""
    from googleapiclient.errors import HttpError

    try:
        execute()
    except HttpError as raised:
        err = raised
    else:
        raise AssertionError(f"{what}: no error")
    reasons = [one["reason"] for one in err.error_details]
    assert (err.status_code, bool(reasons)) == (status, True), err
    print(f"{what:<28} {status} {reasons[0]}")


def _find_problems(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any], path: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kinds = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}
    if not isinstance(value, kinds.get(schema.get("type", ""), object)):
        yield f"{path} is no {schema.get('type')}"
    elif isinstance(value, list):
        for item in value:
            yield from _find_problems(item, schema["items"], schemas, f"{path}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in schema.get("properties", {}):
                yield f"{path}.{name} is unknown to Google"
            else:
                yield from _find_problems(inner, schema["properties"][name], schemas, f"{path}.{name}")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        sys.exit(asyncio.run(serve(sys.argv[2])))
    run_client(sys.argv[2])
