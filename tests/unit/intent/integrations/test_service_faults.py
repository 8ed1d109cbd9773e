"""Each integration with each fault of its service: one sentence that says so, one line with the next step, nothing lost or twice."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster
from structlog.testing import capture_logs

from tests.google_calendar_server import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, FakeGoogle
from tests.unit.intent.integrations.caldav_service import CalDavServer
from tests.unit.intent.integrations.mattermost_service import OWN_TOKEN, MattermostService
from tests.unit.intent.integrations.mattermost_service import TOKEN as CHAT_TOKEN
from tests.unit.intent.integrations.monica_service import TOKEN, MonicaService
from tests.unit.intent.integrations.plugin_speaker import PluginSpeaker, speaking_to
from wyoming_rosie_intent.integrations.caldav.source import CalDavSource
from wyoming_rosie_intent.integrations.calendar.model import CalendarSource
from wyoming_rosie_intent.integrations.calendar.plugin import CalendarPlugin
from wyoming_rosie_intent.integrations.calendar.service import CalendarService
from wyoming_rosie_intent.integrations.google_calendar import tokens
from wyoming_rosie_intent.integrations.google_calendar.oauth import OAuthClient, OAuthEndpoints
from wyoming_rosie_intent.integrations.google_calendar.source import GoogleCalendarSource
from wyoming_rosie_intent.integrations.google_calendar.tokens import GoogleToken, StoredSignIn
from wyoming_rosie_intent.integrations.mattermost.plugin import Mattermost
from wyoming_rosie_intent.integrations.monica.plugin import Monica
from wyoming_rosie_intent.plugins.fake_service import FakeService, Fault
from wyoming_rosie_intent.plugins.http_client import HttpLimits
from wyoming_rosie_intent.plugins.multilingual import MultilingualPlugin
from wyoming_rosie_intent.plugins.service_url import check_url

MOMENT = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)
LIMITS = HttpLimits(total_seconds=0.8, first_pause_seconds=0.01)
MAX_REQUESTS = 9
"""Of one command: four attempts at each of two requests, and a new token."""
PERSON = "Ada"


class QuickCalendar(CalendarPlugin):
    """The calendar with short time-outs."""

    class Google:
        name, account_setting, is_outside_home = "Google", "account", True

        def open_source(self, settings: Mapping[str, Any], person: str) -> CalendarSource:
            token = GoogleToken(Path(settings["file"]), OAuthEndpoints(token=f"{settings['url']}/token"))
            return GoogleCalendarSource(token, f"{settings['url']}/calendar/v3", LIMITS, now=lambda: MOMENT)

    class CalDav:
        name, account_setting, is_outside_home = "CalDAV", "user", False

        def open_source(self, settings: Mapping[str, Any], person: str) -> CalendarSource:
            check_url(settings["url"], has_secret=True)
            return CalDavSource(settings["url"], settings["user"], settings["password"], LIMITS)

    services: Mapping[str, CalendarService] = {"caldav": CalDav(), "google": Google()}


@dataclass(frozen=True)
class Integration:
    """An integration with a question and a change, and what it says of each failure of its service."""

    plugin: type[MultilingualPlugin]
    create: Callable[[], FakeService]
    settings: Callable[[str, Path], Mapping[str, Any]]
    question: str
    change: str
    count_changes: Callable[[Any], int]
    sign_in: str
    too_slow: str
    unreachable: str
    forbidden: str = ""

    def expected(self, fault: Fault) -> str:
        match fault:
            case Fault.UNAUTHORIZED:
                return self.sign_in
            case Fault.FORBIDDEN:
                return self.forbidden or self.sign_in
            case Fault.BUSY | Fault.HANG:
                return self.too_slow
        return self.unreachable


def google_settings(url: str, folder: Path) -> Mapping[str, Any]:
    file = folder / "house.json"
    tokens.save(file, StoredSignIn(OAuthClient(CLIENT_ID, CLIENT_SECRET), REFRESH_TOKEN))
    return {"google": {"account": "house", "file": str(file), "url": url}}


CALDAV = Integration(
    QuickCalendar,
    CalDavServer,
    lambda url, _: {"caldav": {"url": url, "user": "ada", "password": "p"}},
    "what's on tomorrow",
    "add haircut tomorrow at 3",
    lambda service: len(service.events),
    "Sorry, the calendar does not let me in. Somebody has to sign in again; the log says how.",
    "Sorry, the calendar takes too long to answer.",
    "Sorry, I cannot reach the calendar.",
)
INTEGRATIONS = {
    "caldav": CALDAV,
    "google": replace(
        CALDAV, create=FakeGoogle, settings=google_settings, count_changes=lambda service: len(service.events())
    ),
    "monica": Integration(
        Monica,
        MonicaService,
        lambda url, _: {"url": url, "token": TOKEN, "seconds": LIMITS.total_seconds},
        "when did I last talk to Ada",
        "note for Ada: she moved",
        lambda service: len(service.added),
        "Sorry, Monica does not let me in. Somebody has to give me a new token.",
        "Sorry, Monica takes too long to answer.",
        "Sorry, I cannot reach Monica.",
    ),
    "mattermost": Integration(
        Mattermost,
        MattermostService,
        lambda url, _: {
            "url": url, "token": CHAT_TOKEN, "seconds": LIMITS.total_seconds, "persons": {PERSON: {"token": OWN_TOKEN}}
        },
        "read my mentions",
        "tell the family channel hello",
        lambda service: len(service.created),
        "Sorry, Mattermost does not let me in. Somebody has to give me a new token.",
        "Sorry, Mattermost takes too long to answer.",
        "Sorry, I cannot reach Mattermost.",
        "Sorry, Mattermost does not allow me that.",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _the_service_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


@asynccontextmanager
async def living(one: Integration, folder: Path) -> AsyncIterator[tuple[PluginSpeaker, FakeService]]:
    service = one.create()
    async with service.serving():
        settings = one.settings(service.url, folder)
        async with speaking_to(one.plugin, one.plugin.name.casefold(), settings, MOMENT) as speaker:
            yield speaker, service


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in {Fault.HUGE, Fault.CUT}])
@pytest.mark.parametrize("name", INTEGRATIONS)
async def test_a_service_that_fails_is_told_once_and_nothing_is_lost(name: str, fault: Fault, tmp_path: Path) -> None:
    one = INTEGRATIONS[name]
    async with living(one, tmp_path) as (speaker, service):
        if isinstance(service, FakeGoogle):
            service.forbidden_reason = "insufficientPermissions"
        before = one.count_changes(service)
        assert (await speaker.say(one.question, person=PERSON)).done
        asked = await speaker.say(one.change, person=PERSON)
        service.fail(fault)
        for is_change in (False, True):
            service.requests.clear()
            with capture_logs() as lines:
                said = speaker.reply(asked, person=PERSON) if is_change else speaker.say(one.question, person=PERSON)
                answer = await said
            assert (answer.text, answer.done) == (one.expected(fault), False)
            [line] = [line for line in lines if line["log_level"] == "warning"]
            assert (line["event"], bool(line["reason"]), bool(line["next"])) == ("a service failed", True, True)
            assert 0 < len(service.requests) <= MAX_REQUESTS
        service.recover()
        assert one.count_changes(service) == before
        assert (await speaker.reply(asked, person=PERSON)).done
        assert (await speaker.reply(asked, person=PERSON)).done
        assert one.count_changes(service) == before + 1
        assert (await speaker.say(one.question, person=PERSON)).done
