"""Several accounts of calendars: one answer for all of them, and one that fails does not silence the others."""

from collections.abc import Mapping
from typing import Any

import pytest
from blockbuster import BlockBuster

from tests.unit.intent.integrations.calendar_source import (
    FAMILY,
    FRIDAY,
    WORK,
    FakeCalendar,
    ServiceInMemory,
    event,
    running_services,
    understand,
)
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.integrations.calendar.accounts import CalendarAccount
from wyoming_rosie_intent.integrations.calendar.changes import find_preferred
from wyoming_rosie_intent.integrations.calendar.model import Calendar
from wyoming_rosie_intent.plugins import CommandContext, PluginRegistry
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure
from wyoming_rosie_intent.plugins.match import PluginQuestion

TODAY = FRIDAY.date()
CHOIR = Calendar("c", "Choir")
HOUSE = {"disk": {"user": "house"}, "cloud": {"user": "house"}}


@pytest.fixture(autouse=True)
def _plugins_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


@pytest.fixture
def disk() -> FakeCalendar:
    return FakeCalendar([event("Breakfast", TODAY, "11:00"), event("Dinner", TODAY, "19:00")], [FAMILY, WORK])


@pytest.fixture
def cloud() -> FakeCalendar:
    return FakeCalendar([event("Lunch", TODAY, "12:00", calendar=CHOIR), event("Dinner", TODAY, "19:00", calendar=CHOIR)], [CHOIR])  # fmt: skip


def services(disk: FakeCalendar, cloud: FakeCalendar) -> Mapping[str, ServiceInMemory]:
    return {
        "disk": ServiceInMemory({"": disk}, "Disk"),
        "cloud": ServiceInMemory({"": cloud, "ada": cloud}, "Cloud", is_outside_home=True),
    }


async def say(plugins: PluginRegistry, text: str, person: str | None = None, **context: Any) -> Answer:
    match = understand(text)
    assert match is not None, text
    return await plugins.execute(match, CommandContext(FRIDAY, person=person, key="turn", **context))


async def reply(plugins: PluginRegistry, asked: Answer, option: str | None = None, person: str | None = None) -> Answer:
    assert isinstance(asked, PluginQuestion), asked
    match = asked.options[option] if option else asked.confirmed
    assert match is not None
    return await plugins.execute(match, CommandContext(FRIDAY, person=person, key="turn"))


async def test_what_is_on_comes_from_all_accounts_in_order_of_time(disk: FakeCalendar, cloud: FakeCalendar) -> None:
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        assert (await say(plugins, "what's on today")).text == "Today: “Breakfast” at 11:00 AM, “Lunch” at 12:00 PM and “Dinner” at 7:00 PM."  # fmt: skip
        assert (await say(plugins, "what's my next appointment")).text == "“Breakfast” today at 11:00 AM."
        assert "11:00 AM" in (await say(plugins, "am i free today from 11 am to 1 pm")).text


async def test_without_a_default_it_is_asked_into_which_calendar_a_new_entry_goes(disk: FakeCalendar, cloud: FakeCalendar) -> None:  # fmt: skip
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        which = await say(plugins, "add haircut tomorrow at 3")
        assert which.text == "Into which calendar: “Family”, or “Choir”?"
        asked = await reply(plugins, which, "“Choir”")
        assert asked.text == "Shall I add “Haircut” tomorrow at 3:00 PM, for 1 hour, to the calendar “Choir”?"
        assert not cloud.added
        await reply(plugins, asked)
    assert ([new.title for new in cloud.added.values()], disk.added) == (["Haircut"], {})


@pytest.mark.parametrize(
    ("settings", "person", "calendar"),
    [
        ({"disk": {"user": "house", "add_to": "Work"}, "cloud": {"user": "house"}}, None, "Work"),
        ({"disk": {"user": "house", "add_to": "Work"}, "cloud": {"persons": {"Ada": {"user": "ada"}}}}, "ada", "Choir"),
        ({"disk": {"user": "house", "add_to": "Work"}, "cloud": {"persons": {"Ada": {"user": "ada"}}}, "guests": "titles"}, None, "Work"),
    ],
    ids=["the default of the settings", "the person's own", "a guest has that of the house"],
)  # fmt: skip
async def test_a_new_entry_goes_to_the_default_calendar(
    disk: FakeCalendar, cloud: FakeCalendar, settings: Mapping[str, Any], person: str | None, calendar: str
) -> None:
    async with running_services(services(disk, cloud), settings) as plugins:
        asked = await say(plugins, "add haircut tomorrow at 3", person)
        assert asked.text.endswith(f"to the calendar “{calendar}”?")


async def test_calendars_of_one_name_are_told_apart_by_their_service(disk: FakeCalendar) -> None:
    cloud = FakeCalendar(calendars=[FAMILY])
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        which = await say(plugins, "add haircut to the family calendar tomorrow at 3")
        assert which.text == "Into which calendar: “Family”, Disk, or “Family”, Cloud?"
        await reply(plugins, await reply(plugins, which, "“Family”, Cloud"))
    assert (len(cloud.added), len(disk.added)) == (1, 0)


async def test_an_entry_is_moved_and_cancelled_where_it_is(disk: FakeCalendar, cloud: FakeCalendar) -> None:
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        await reply(plugins, await say(plugins, "move my lunch appointment to 1 pm"))
        await reply(plugins, await say(plugins, "cancel my breakfast appointment"))
    assert [one.title for one, _ in cloud.moved] == ["Lunch"]
    assert [one.title for one, _ in disk.cancelled] == ["Breakfast"]
    assert (disk.moved, cloud.cancelled) == ([], [])


@pytest.mark.parametrize(
    ("failing", "text", "answer"),
    [
        ("cloud", "what's on today", "Today: “Breakfast” at 11:00 AM and “Dinner” at 7:00 PM. I could not read the calendar “Choir”."),
        ("disk", "what's on today", "Today: “Lunch” at 12:00 PM and “Dinner” at 7:00 PM. I could not read the calendars “Family” and “Work”."),
        ("disk", "cancel my breakfast appointment", "I find no entry “breakfast” in the calendar. I could not read the calendars “Family” and “Work”."),
        ("disk", "cancel my lunch appointment", "I could not read the calendars “Family” and “Work”. Shall I delete “Lunch” today at 12:00 PM from the calendar “Choir”?"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("hangs", [False, True], ids=["fails", "hangs"])
async def test_one_account_that_fails_does_not_silence_the_other(
    disk: FakeCalendar, cloud: FakeCalendar, failing: str, text: str, answer: str, hangs: bool
) -> None:
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        one = cloud if failing == "cloud" else disk
        one.hangs, one.error = hangs, HttpError(HttpFailure.UNAUTHORIZED, "the service is unwell")
        assert (await say(plugins, text)).text == answer
        one.hangs = False


async def test_an_account_that_was_never_read_is_named_by_its_service(disk: FakeCalendar, cloud: FakeCalendar) -> None:
    cloud.error = HttpError(HttpFailure.UNREACHABLE, "the cloud cannot be reached")
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        assert plugins.health_checks()["plugin calendar"]() == "the cloud cannot be reached"
        assert (await say(plugins, "what's on today")).text.endswith("I could not read the calendar “Cloud”.")


async def test_a_new_entry_does_not_go_elsewhere_because_the_own_calendar_fails(disk: FakeCalendar, cloud: FakeCalendar) -> None:  # fmt: skip
    settings = {"disk": {"user": "house"}, "cloud": {"persons": {"Ada": {"user": "ada"}}}}
    async with running_services(services(disk, cloud), settings) as plugins:
        cloud.error = HttpError(HttpFailure.UNREACHABLE, "the cloud cannot be reached")
        given = await say(plugins, "add haircut tomorrow at 3", "ada")
        assert (given.done, given.text) == (False, "Sorry, I cannot reach the calendar.")


async def test_all_accounts_that_fail_are_one_failure(disk: FakeCalendar, cloud: FakeCalendar) -> None:
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        disk.error = cloud.error = HttpError(HttpFailure.UNAUTHORIZED, "the service is unwell")
        assert "sign in again" in (await say(plugins, "what's on today")).text


async def test_in_a_private_room_only_calendars_at_home_are_changed(disk: FakeCalendar, cloud: FakeCalendar) -> None:
    async with running_services(services(disk, cloud), HOUSE) as plugins:
        asked = await say(plugins, "add haircut tomorrow at 3", must_stay_home=True)
        assert asked.text.endswith("to the calendar “Family”?")
        refused = await say(plugins, "cancel my lunch appointment", must_stay_home=True)
        assert (refused.done, isinstance(refused, PluginQuestion)) == (False, False)
        assert "“Lunch”" in (await say(plugins, "what's on today", must_stay_home=True)).text


async def test_a_person_of_one_service_is_no_guest_of_the_other(disk: FakeCalendar, cloud: FakeCalendar) -> None:
    settings = {"disk": {"user": "house"}, "cloud": {"persons": {"Ada": {"user": "ada"}}}}
    async with running_services(services(disk, cloud), settings) as plugins:
        assert (await say(plugins, "what's on today", "Ada")).text.startswith("Today: “Breakfast” at 11:00 AM, “Lunch”")
        assert (await say(plugins, "what's on today")).text == "Today: busy from 11:00 AM to 12:00 PM and busy from 7:00 PM to 8:00 PM."  # fmt: skip


@pytest.mark.parametrize("name", ["guests", "time_zone"])
async def test_a_setting_for_all_calendars_is_refused_at_one_service(disk: FakeCalendar, cloud: FakeCalendar, name: str) -> None:  # fmt: skip
    settings = {"disk": {"user": "house", name: "nothing"}}
    async with running_services(services(disk, cloud), settings) as plugins:
        problem = plugins.health_checks()["plugin calendar"]()
    assert problem is not None
    assert problem.endswith(f"{name} is for all calendars: write it in the table [intent.plugins.calendar]")


@pytest.mark.parametrize(
    ("accounts", "preferred"),
    [
        ([{}, {}], [0, 1]),
        ([{"add_to": "x"}, {}], [0]),
        ([{"add_to": "x"}, {"is_own": True}], [1]),
        ([{"is_own": True}, {"is_own": True, "add_to": "x"}], [1]),
    ],
)
def test_an_own_account_comes_before_a_default_and_a_default_before_others(accounts: list[Mapping[str, Any]], preferred: list[int]) -> None:  # fmt: skip
    made = [CalendarAccount(FakeCalendar(), str(number), **one) for number, one in enumerate(accounts)]
    assert find_preferred(made) == [made[number] for number in preferred]
