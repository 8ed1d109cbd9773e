"""Google Calendar against a fake of its API, which Google's own client library has been tried with."""

import asyncio
import shutil
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from blockbuster import BlockBuster

from tests.google_calendar_server import (
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    HOLIDAYS,
    PRIMARY,
    REFRESH_TOKEN,
    USER_CODE,
    FakeGoogle,
    as_client_file,
    hour,
    moment,
)
from tests.waiting import wait_until
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.integrations.calendar import times
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, NewEvent, Span
from wyoming_rosie_intent.integrations.calendar.plugin import CalendarPlugin
from wyoming_rosie_intent.integrations.calendar.service import CalendarService
from wyoming_rosie_intent.integrations.google_calendar import login, oauth, tokens
from wyoming_rosie_intent.integrations.google_calendar.login import LoginWay
from wyoming_rosie_intent.integrations.google_calendar.oauth import (
    LoopbackSignIn,
    OAuthClient,
    OAuthEndpoints,
    OAuthService,
)
from wyoming_rosie_intent.integrations.google_calendar.service import GoogleService
from wyoming_rosie_intent.integrations.google_calendar.source import GoogleCalendarSource
from wyoming_rosie_intent.integrations.google_calendar.tokens import GoogleToken, StoredSignIn
from wyoming_rosie_intent.plugins import PluginSource
from wyoming_rosie_intent.plugins.contract import CHECKS, Check, Example, PluginContract
from wyoming_rosie_intent.plugins.fake_service import Fault
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure, HttpLimits

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2027, 3, 26, 15, 5, tzinfo=VIENNA)  # a Friday; the clocks change on Sunday
CLIENT = OAuthClient(CLIENT_ID, CLIENT_SECRET)
QUICK = HttpLimits(first_pause_seconds=0.01)
MARCH = times.days_span(date(2027, 3, 1), 31, VIENNA)


@pytest.fixture(autouse=True)
def _the_service_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


def endpoints(google: FakeGoogle) -> OAuthEndpoints:
    return OAuthEndpoints(token=f"{google.url}/token", device=f"{google.url}/device/code")


@asynccontextmanager
async def signed_in(
    google: FakeGoogle, file: Path, limits: HttpLimits = QUICK, now: datetime = NOW
) -> AsyncIterator[GoogleCalendarSource]:
    async with google.serving():
        tokens.save(file, StoredSignIn(CLIENT, REFRESH_TOKEN))
        token = GoogleToken(file, endpoints(google))
        source = GoogleCalendarSource(token, f"{google.url}/calendar/v3", limits, now=lambda: now)
        try:
            yield source
        finally:
            await source.close()


@pytest.fixture
def google() -> FakeGoogle:
    """An account with a series, one of whose occurrences was moved and another cancelled, and days of a trip."""
    fake = FakeGoogle()
    for day in (1, 8, 15, 22, 29):
        start = datetime(2027, 3, day, 18, tzinfo=VIENNA)
        more = {"status": "cancelled"} if day == 8 else {}
        place = start + timedelta(days=1) if day == 15 else start
        fake.add(id=f"yoga_{day}", summary="Yoga", recurringEventId="yoga", originalStartTime=moment(start), **hour(place), **more)  # fmt: skip
    fake.add(summary="Trip", start={"date": "2027-03-27"}, end={"date": "2027-03-29"}, transparency="transparent")
    fake.add(summary="Refused", **hour(NOW), attendees=[{"self": True, "responseStatus": "declined"}])
    fake.add(summary="At the office", **hour(NOW), eventType="workingLocation")
    fake.add(HOLIDAYS, summary="Good Friday", start={"date": "2027-03-26"}, end={"date": "2027-03-27"})
    return fake


async def read(source: GoogleCalendarSource, span: Span = MARCH) -> list[CalendarEvent]:
    events = await source.get_events(await source.get_calendars(), span)
    return sorted(events, key=lambda event: event.span.timestamps)


def new_event(title: str = "Dentist", days: tuple[int, ...] = ()) -> NewEvent:
    start = times.at(date(2027, 3, 30), time(15), VIENNA)
    return NewEvent(title, Span(start, start + timedelta(hours=1)), Calendar(PRIMARY, "Ada"), days=days)


async def test_calendars_and_events_are_read_page_by_page(google: FakeGoogle, tmp_path: Path) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        assert [(one.name, one.is_writable) for one in await source.get_calendars()] == [("Ada", True), ("Holidays in Austria", False)]  # fmt: skip
        events = await read(source)
    assert [(event.title, event.span.start.day, event.span.start.hour) for event in events] == [
        ("Yoga", 1, 18), ("Yoga", 16, 18), ("Yoga", 22, 18), ("Good Friday", 26, 0), ("Trip", 27, 0), ("Yoga", 29, 18),
    ]  # fmt: skip
    trip = next(event for event in events if event.title == "Trip")
    assert (trip.is_all_day, trip.is_busy, trip.span.end.day) == (True, False, 29)
    assert {event.series for event in events if event.title == "Yoga"} == {"yoga"}


async def test_only_what_has_changed_is_read_again(google: FakeGoogle, tmp_path: Path) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        before = await read(source)
        google.requests.clear()
        assert await read(source) == before
        assert all("syncToken" in request.query for request in google.requests)
        assert len(google.requests) == 2  # one for each calendar
        google.add(summary="New", **hour(NOW))
        google.remove("yoga_1")
        assert [event.title for event in await read(source)].count("New") == 1
        assert len(await read(source)) == len(before)


async def test_a_sync_token_that_is_too_old_leads_to_a_full_read(google: FakeGoogle, tmp_path: Path) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        before = await read(source)
        google.remove("yoga_1")
        google.forget_changes()
        google.requests.clear()
        assert len(await read(source)) == len(before) - 1
        assert any("timeMin" in request.query for request in google.requests)


async def test_events_far_away_are_asked_for_when_they_are_wanted(google: FakeGoogle, tmp_path: Path) -> None:
    far = datetime(2030, 5, 1, 9, tzinfo=VIENNA)
    google.add(summary="Far", **hour(far))
    async with signed_in(google, tmp_path / "a.json") as source:
        assert "Far" not in [event.title for event in await read(source)]
        assert [event.title for event in await read(source, times.days_span(far.date(), 1, VIENNA))] == ["Far"]


@pytest.mark.parametrize("fault", [Fault.FAILED, Fault.BUSY, Fault.FORBIDDEN, Fault.CUT])
async def test_an_event_is_added_once_whatever_happens_to_its_request(google: FakeGoogle, tmp_path: Path, fault: Fault) -> None:  # fmt: skip
    async with signed_in(google, tmp_path / "a.json") as source:
        count = len(google.events())
        await source.get_calendars()
        google.fail(fault, 1)
        await source.add_event(new_event(), "turn-1")
        await source.add_event(new_event(), "turn-1")
        assert len(google.events()) == count + 1
        added = google.events()[-1]
    assert added["start"] == {"dateTime": "2027-03-30T15:00:00+02:00", "timeZone": "Europe/Vienna"}
    assert added["summary"] == "Dentist"


async def test_a_series_is_added_with_its_days_and_its_zone(google: FakeGoogle, tmp_path: Path) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        await source.add_event(new_event(days=(1, 4)), "turn-1")
        whole = replace(new_event("Bins"), span=times.days_span(date(2027, 3, 30), 1, VIENNA), is_all_day=True)
        await source.add_event(whole, "turn-2")
    series, whole_day = google.events()[-2:]
    assert series["recurrence"] == ["RRULE:FREQ=WEEKLY;BYDAY=TU,FR"]
    assert (whole_day["start"], whole_day["end"]) == ({"date": "2027-03-30"}, {"date": "2027-03-31"})


async def test_one_occurrence_is_moved_and_cancelled_or_all(google: FakeGoogle, tmp_path: Path) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        yoga = [event for event in await read(source) if event.title == "Yoga"]
        later = Span(yoga[0].span.start + timedelta(hours=2), yoga[0].span.end + timedelta(hours=2))
        await source.move_event(yoga[0], later)
        await source.cancel_event(yoga[1], with_series=False)
        await source.cancel_event(yoga[1], with_series=False)  # the second attempt at the same request
        yoga = [event for event in await read(source) if event.title == "Yoga"]
        assert [(event.span.start.day, event.span.start.hour) for event in yoga] == [(1, 20), (22, 18), (29, 18)]
        await source.cancel_event(yoga[0], with_series=True)
        assert "Yoga" not in [event.title for event in await read(source)]


async def test_an_event_that_somebody_else_has_changed_is_left_alone(google: FakeGoogle, tmp_path: Path) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        first = next(event for event in await read(source) if event.title == "Yoga")
        stale = replace(first, version='"0"')
        for change in (source.move_event(stale, stale.span), source.cancel_event(stale, with_series=False)):
            with pytest.raises(HttpError) as caught:
                await change
            assert caught.value.failure is HttpFailure.CONFLICT


async def test_a_whole_day_becomes_an_hour_and_back(google: FakeGoogle, tmp_path: Path) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        trip = next(event for event in await read(source) if event.title == "Trip")
        await source.move_event(trip, Span(NOW, NOW + timedelta(hours=1)))
        trip = next(event for event in await read(source) if event.title == "Trip")
        assert (trip.is_all_day, trip.span.start) == (False, NOW)


async def test_a_token_is_renewed_once_for_all_requests_that_it_was_refused_for(google: FakeGoogle, tmp_path: Path) -> None:  # fmt: skip
    async with signed_in(google, tmp_path / "a.json") as source:
        calendars = await source.get_calendars()
        google.access_tokens = {"another"}
        google.requests.clear()
        await asyncio.gather(*(source.get_events([calendar], MARCH) for calendar in (*calendars, *calendars)))
        assert [request.path for request in google.requests].count("/token") == 1


async def test_a_revoked_sign_in_says_what_to_do_and_a_new_one_is_used_at_once(google: FakeGoogle, tmp_path: Path) -> None:  # fmt: skip
    file = tmp_path / "a.json"
    async with signed_in(google, file) as source:
        google.refresh_tokens = {"refresh-2"}
        with pytest.raises(HttpError, match="wyoming-rosie calendar login") as caught:
            await source.get_calendars()
        assert caught.value.failure is HttpFailure.UNAUTHORIZED
        assert REFRESH_TOKEN not in str(caught.value)
        tokens.save(file, StoredSignIn(CLIENT, "refresh-2"))
        assert await source.get_calendars()


@pytest.mark.parametrize(
    ("reason", "text"),
    [("accessNotConfigured", "enable it"), ("insufficientPermissions", "login again"), ("forbidden", "status 403")],
)
async def test_a_refusal_of_google_says_what_to_do(google: FakeGoogle, tmp_path: Path, reason: str, text: str) -> None:
    async with signed_in(google, tmp_path / "a.json") as source:
        google.access_tokens = {"access-1"}
        token = GoogleToken(tmp_path / "a.json", endpoints(google))
        await token.get_token()
        google.forbidden_reason = reason
        google.fail(Fault.FORBIDDEN)
        other = GoogleCalendarSource(_ReadyToken(), f"{google.url}/calendar/v3", QUICK)
        with pytest.raises(HttpError, match=text) as caught:
            await other.get_calendars()
        await other.close()
        assert caught.value.failure is HttpFailure.FORBIDDEN
        assert source


class _ReadyToken:
    async def get_token(self) -> str:
        return "access-1"

    async def renew_token(self) -> str:
        return "access-1"


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.FAILED, HttpFailure.FAILED),
        (Fault.BUSY, HttpFailure.BUSY),
        (Fault.FORBIDDEN, HttpFailure.BUSY),
        (Fault.UNAUTHORIZED, HttpFailure.UNAUTHORIZED),
        (Fault.GARBAGE, HttpFailure.INVALID),
        (Fault.HUGE, HttpFailure.INVALID),
        (Fault.CUT, HttpFailure.UNREACHABLE),
        (Fault.HANG, HttpFailure.TIMEOUT),
    ],
)
async def test_a_service_that_fails_is_an_error_and_is_used_again_afterwards(google: FakeGoogle, fault: Fault, failure: HttpFailure) -> None:  # fmt: skip
    async with google.serving():
        google.access_tokens = {"access-1"}
        limits = HttpLimits(attempt_seconds=0.3, total_seconds=2.0, first_pause_seconds=0.01)
        source = GoogleCalendarSource(_ReadyToken(), f"{google.url}/calendar/v3", limits, now=lambda: NOW)
        google.fail(fault)
        with pytest.raises(HttpError) as caught:
            await source.get_calendars()
        assert caught.value.failure is failure
        google.recover()
        assert await read(source)
        google.fail(fault)
        with pytest.raises(HttpError):
            await read(source)
        google.recover()
        assert await read(source)
        await source.close()


async def test_a_first_read_that_takes_too_long_goes_on_for_the_next_question(google: FakeGoogle, tmp_path: Path) -> None:  # fmt: skip
    async with signed_in(google, tmp_path / "a.json") as source:
        calendars = await source.get_calendars()
        google.fail(Fault.HANG, 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await source.get_events(calendars[:1], MARCH)
        google.requests.clear()
        google.recover()
        assert await source.get_events(calendars[:1], MARCH)
        await wait_until(lambda: google.requests)
        assert not any("pageToken" not in request.query and "timeMin" in request.query for request in google.requests)


@pytest.mark.parametrize(
    "item",
    [
        {"start": {}, "end": {}},
        {"start": {"dateTime": "tomorrow"}, "end": {"dateTime": "later"}},
        {"start": None, "end": None},
        {"start": {"date": "2027-02-30"}, "end": {"date": "2027-03-01"}},
    ],
)
async def test_an_item_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path, item: dict[str, Any]) -> None:
    google = FakeGoogle()
    good = google.add(summary="Good", **hour(NOW))
    async with signed_in(google, tmp_path / "a.json") as source:
        await read(source)
        google.add(**item)
        assert [event.id for event in await read(source)] == [good["id"]]


async def test_a_sign_in_in_the_browser_is_bound_to_its_verifier(google: FakeGoogle) -> None:
    sign_in = LoopbackSignIn("http://127.0.0.1:8765")
    query = {name: values[0] for name, values in parse_qs(urlsplit(sign_in.create_url(CLIENT)).query).items()}
    assert (query["code_challenge_method"], query["access_type"], query["redirect_uri"]) == ("S256", "offline", sign_in.redirect)  # fmt: skip
    assert "calendar.events" in query["scope"]
    assert sign_in.verifier not in query.values()
    google.challenge = query["code_challenge"]
    async with google.serving():
        service = OAuthService(CLIENT, endpoints(google))
        code = sign_in.parse_redirect(f"{sign_in.redirect}/?state={query['state']}&code={CODE}")
        assert (await service.exchange_code(code, sign_in)).refresh_token == REFRESH_TOKEN
        with pytest.raises(HttpError, match="login"):
            await service.exchange_code(code, LoopbackSignIn(sign_in.redirect))
        await service.close()


@pytest.mark.parametrize(
    ("query", "text"),
    [("code=x&state=other", "another sign-in"), ("error=access_denied&state={}", "refused"), ("state={}", "no code")],
)
def test_an_address_without_a_code_of_this_sign_in_is_refused(query: str, text: str) -> None:
    sign_in = LoopbackSignIn("http://127.0.0.1:8765")
    with pytest.raises(ConfigError, match=text):
        sign_in.parse_redirect(f"http://127.0.0.1:8765/?{query.format(sign_in.state)}")


async def test_a_code_for_another_device_is_waited_for(google: FakeGoogle) -> None:
    google.polls_before_slow_down = 3
    async with google.serving():
        service = OAuthService(CLIENT, endpoints(google))
        device = replace(await service.request_device_code(), interval=0.01)
        waiting = asyncio.create_task(service.wait_for_device(device))
        await wait_until(lambda: len(google.requests) >= 3)
        google.is_code_entered = True
        assert (await waiting).refresh_token == REFRESH_TOKEN
        google.is_code_entered = False
        with pytest.raises(HttpError, match="in time"):
            await service.wait_for_device(replace(device, seconds=0.1))
        await service.close()


async def test_the_sign_in_is_readable_for_its_owner_only_and_whole(tmp_path: Path) -> None:
    file = tokens.find_file(tmp_path, "Ada")
    tokens.save(file, StoredSignIn(CLIENT, "one"))
    tokens.save(file, StoredSignIn(CLIENT, "two"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert tokens.load(file) == StoredSignIn(CLIENT, "two")
    assert [path.name for path in file.parent.iterdir()] == ["ada.json"]
    assert CLIENT_SECRET not in repr(tokens.load(file))
    file.write_text("{half")
    with pytest.raises(ConfigError, match="calendar login"):
        tokens.load(file)


@pytest.mark.parametrize("way", [LoginWay.BROWSER, LoginWay.DEVICE])
async def test_a_login_from_the_terminal_ends_in_the_file_of_the_account(google: FakeGoogle, tmp_path: Path, way: LoginWay) -> None:  # fmt: skip
    (tmp_path / "client.json").write_text(as_client_file())
    google.is_code_entered = True
    shown: list[str] = []
    async with google.serving(), aiohttp.ClientSession() as browser:
        signing_in = asyncio.create_task(
            login.login(tmp_path / "client.json", "house", way, shown.append, tmp_path, endpoints(google))
        )
        await wait_until(lambda: shown or signing_in.done())
        if way is LoginWay.BROWSER:
            query = {name: values[0] for name, values in parse_qs(urlsplit(shown[0].split()[-1]).query).items()}
            google.challenge = query["code_challenge"]
            answer = await browser.get(query["redirect_uri"], params={"state": query["state"], "code": CODE})
            assert "signed in" in await answer.text()
        else:
            assert USER_CODE in shown[0]
        file = await signing_in
    assert file == tokens.find_file(tmp_path, "house")
    assert tokens.load(file) == StoredSignIn(CLIENT, REFRESH_TOKEN)


@pytest.mark.parametrize("account", ["", "../ada", "a/b", "a b", "."])
def test_the_name_of_an_account_is_no_path(tmp_path: Path, account: str) -> None:
    with pytest.raises(ConfigError, match="letters"):
        tokens.find_file(tmp_path, account)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"web": {"client_id": "x"}}', '{"installed": []}', "nonsense"])
def test_a_file_that_is_no_client_says_where_to_get_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "client.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match="Google's console"):
        oauth.load_client(file)
    file.write_text(as_client_file())
    assert oauth.load_client(file) == CLIENT


class QuickGoogle(GoogleService):
    """The service with short pauses between attempts."""

    def open_source(self, settings: Mapping[str, Any], person: str) -> GoogleCalendarSource:
        file = tokens.find_file(Path(settings["data_dir"]), str(settings["account"]))
        token = GoogleToken(file, OAuthEndpoints(token=str(settings["token_url"])))
        limits = HttpLimits(attempt_seconds=1.0, total_seconds=2.0, first_pause_seconds=0.01)
        return GoogleCalendarSource(token, str(settings["url"]), limits)


class EnglishCalendar(CalendarPlugin):
    """The plugin with the sentences of one language, which load faster."""

    services: Mapping[str, CalendarService] = {"google": QuickGoogle()}


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> PluginContract:
    folder = tmp_path_factory.mktemp("contract")
    (folder / "languages").mkdir()
    shutil.copy(CalendarPlugin.languages / "en.toml", folder / "languages")
    EnglishCalendar.languages = folder / "languages"
    tokens.save(tokens.find_file(folder, "house"), StoredSignIn(CLIENT, REFRESH_TOKEN))
    return PluginContract(
        PluginSource("calendar", lambda: EnglishCalendar),
        [
            Example("what's on tomorrow", "“Dentist”"),
            Example("what's my next appointment", "“"),
            Example("am i free tomorrow", "“Dentist”"),
            Example("add haircut on the 24th of december at 3", "Shall I add “Haircut”", asks=True),
            Example("cancel my dentist appointment", "Shall I delete “Dentist”", asks=True),
        ],
        settings=lambda url: {
            "google": {
                "account": "house",
                "data_dir": str(folder),
                "url": f"{url}/calendar/v3",
                "token_url": f"{url}/token",
            }
        },
        create_service=create_account,
        ambiguous=Example("cancel my lunch appointment"),
    )


def create_account() -> FakeGoogle:
    """Return an account with events of the next days."""
    tomorrow = datetime.combine(date.today() + timedelta(days=1), time(15)).astimezone()  # noqa: DTZ011
    google = FakeGoogle(page_size=None)
    google.add(summary="Dentist", **hour(tomorrow))
    for days, name in ((2, "Anna"), (3, "Tom")):
        google.add(summary=f"Lunch with {name}", **hour(tomorrow + timedelta(days=days)))
    return google


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_it_keeps_the_contract_of_plugins(check: Check, contract: PluginContract) -> None:
    if check is CHECKS["clock changes"]:  # their events are of other days
        contract = replace(contract, examples=contract.examples[3:4])
    await check(contract)
