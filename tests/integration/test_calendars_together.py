"""The installed daemon with a real Radicale and Google's fake at once: one calendar to whoever asks."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from blockbuster import BlockBuster
from wyoming.event import Event

from tests.conftest import StartDaemon
from tests.google_calendar_server import CLIENT_ID, CLIENT_SECRET, PRIMARY, REFRESH_TOKEN, FakeGoogle, hour
from tests.radicale_server import PASSWORD, USER, RadicaleServer, radicale
from wyoming_rosie.protocol.client import connect
from wyoming_rosie_intent.integrations.google_calendar import tokens
from wyoming_rosie_intent.integrations.google_calendar.oauth import OAuthClient
from wyoming_rosie_intent.integrations.google_calendar.tokens import StoredSignIn

VIENNA = ZoneInfo("Europe/Vienna")
SETTINGS = """
[intent.plugins.calendar]
time_zone = "Europe/Vienna"

[intent.plugins.calendar.caldav]
url = "{radicale}"
user = "{user}"
password = "{password}"

[intent.plugins.calendar.google.persons.ada]
account = "ada"
data_dir = "{folder}"
url = "{google}/calendar/v3"
token_url = "{google}/token"
"""


@pytest.fixture(autouse=True)
def _the_services_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


@dataclass
class Calendars:
    """The daemon and both services."""

    uri: str
    radicale: RadicaleServer
    google: FakeGoogle
    tomorrow: date

    async def say(self, text: str, person: str | None = "ada") -> str:
        """Return the answer, also one that comes late."""
        context = {"conversation_id": person or "guest", "late_answers": True} | ({"speaker": person} if person else {})
        answer = await self._ask(Event("transcript", {"text": text, "context": context}))
        if late := (answer.data.get("context") or {}).get("late_answer"):
            answer = await self._ask(Event("user-event", {"name": "late-answer", "data": {"id": late}}))
        return str(answer.data["text"])

    async def _ask(self, request: Event) -> Event:
        async with connect(self.uri) as peer:
            await peer.send(request)
            return await peer.wait_for("handled", "not-handled", "not-recognized", seconds=60)


@pytest.fixture
async def calendars(daemon: StartDaemon, tmp_path: Path) -> AsyncIterator[Calendars]:
    tomorrow = datetime.combine(datetime.now(VIENNA).date() + timedelta(days=1), time(9), VIENNA)
    google = FakeGoogle()
    google.add(summary="Breakfast", **hour(tomorrow))
    google.add(summary="Dinner", **hour(tomorrow.replace(hour=19)))
    tokens.save(tokens.find_file(tmp_path, "ada"), StoredSignIn(OAuthClient(CLIENT_ID, CLIENT_SECRET), REFRESH_TOKEN))
    (tmp_path / "radicale").mkdir()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(radicale(tmp_path / "radicale"))
        await server.make_calendar("family", "Family")
        await server.put("family/lunch.ics", *_event("Lunch", tomorrow.date(), 12))
        await stack.enter_async_context(google.serving())
        file = tmp_path / "rosie.toml"
        file.write_text(
            SETTINGS.format(radicale=server.url, user=USER, password=PASSWORD, google=google.url, folder=tmp_path)
        )
        intent = await daemon("intent", "--config", str(file))
        await intent.wait_for_line("plugin status")
        yield Calendars(intent.uri, server, google, tomorrow.date())


def _event(title: str, day: date, hour: int) -> list[str]:
    return [
        "BEGIN:VEVENT", f"UID:{title}", "DTSTAMP:20270101T000000Z", f"SUMMARY:{title}",
        f"DTSTART;TZID=Europe/Vienna:{day:%Y%m%d}T{hour}0000", "DURATION:PT1H", "END:VEVENT",
    ]  # fmt: skip


async def test_both_services_are_one_calendar_and_one_that_lets_nobody_in_is_named(calendars: Calendars) -> None:
    assert await calendars.say("what's on tomorrow") == (
        "Tomorrow: “Breakfast” at 9:00 AM, “Lunch” at 12:00 PM and “Dinner” at 7:00 PM."
    )
    assert await calendars.say("what's on tomorrow", None) == "Tomorrow: busy from 12:00 PM to 1:00 PM."
    assert (await calendars.say("add haircut tomorrow at 3 pm")).endswith("to the calendar “Ada”?")
    assert (await calendars.say("yes")).startswith("Added: “Haircut”")
    assert "Haircut" in [event["summary"] for event in calendars.google.events(PRIMARY)]
    assert (await calendars.say("cancel my lunch appointment")).endswith("from the calendar “Family”?")
    assert (await calendars.say("yes")).startswith("Deleted: “Lunch”")
    assert await calendars.radicale.list("family") == 0
    calendars.google.access_tokens, calendars.google.refresh_tokens = set(), set()  # revoked
    await calendars.radicale.put("family/tea.ics", *_event("Tea", calendars.tomorrow, 16))
    answer = await calendars.say("what's on tomorrow")
    assert answer == "Tomorrow: “Tea” at 4:00 PM. I could not read the calendars “Ada” and “Holidays in Austria”."
