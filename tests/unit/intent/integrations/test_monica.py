"""Monica: who somebody is, birthdays, and what is written down only after a yes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from blockbuster import BlockBuster
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.integrations.monica_service import CONTACTS, TOKEN, MonicaService, contact
from tests.unit.intent.integrations.plugin_speaker import PluginSpeaker, find_match, quiet, speaking_to
from wyoming_rosie.http.rate_limit import Rate
from wyoming_rosie_intent.engine import Answer
from wyoming_rosie_intent.integrations.monica.client import RATE, MonicaClient
from wyoming_rosie_intent.integrations.monica.commands import MonicaCommands
from wyoming_rosie_intent.integrations.monica.contacts import (
    Birthdate,
    Contact,
    ContactBook,
    list_birthdays,
    name_apart,
    parse_contact,
)
from wyoming_rosie_intent.integrations.monica.plugin import Monica
from wyoming_rosie_intent.plugins import CommandContext, HouseReminder, PluginRegistry, PluginSource
from wyoming_rosie_intent.plugins.contract import CHECKS, Check, Example, PluginContract
from wyoming_rosie_intent.plugins.discovery import find_integrations
from wyoming_rosie_intent.plugins.fake_service import Fault
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpLimits
from wyoming_rosie_intent.plugins.match import DeclinedAnswer, ReminderAnswer
from wyoming_rosie_intent.plugins.texts import PluginTexts

MONDAY = datetime(2026, 11, 30, 10, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_service_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


@asynccontextmanager
async def living(service: MonicaService, settings: Mapping[str, Any] | None = None) -> AsyncIterator[PluginSpeaker]:
    async with service.serving():
        given = {"url": service.url, "token": TOKEN, "seconds": 2.0} | dict(settings or {})
        async with speaking_to(Monica, "monica", given, MONDAY) as house:
            yield house


@pytest.mark.parametrize(
    ("said", "language", "answer"),
    [
        ("who is Ada Lovelace", "en", "Ada Lovelace. Works as analyst at Babbage. Ada Lovelace has a birthday on May 5 and turns 42. You last talked to Ada Lovelace on November 20."),
        ("who is Amazing", "en", "Grace Hopper, called Amazing. Grace Hopper is about 40 years old; I do not know the birthday."),
        ("who is Alan Turing", "en", "Alan Turing. Alan Turing has died."),
        ("when is Ada's birthday?", "en", "Ada Lovelace has a birthday on May 5 and turns 42."),
        ("when is Tom Hill's birthday", "en", "Tom Hill has a birthday tomorrow."),
        ("whose birthday is next", "en", "Tom Hill has a birthday tomorrow. Tom Lake has a birthday on February 28 and turns 39. Ada Lovelace has a birthday on May 5 and turns 42."),
        ("whose birthday is coming up", "en", "Tom Hill has a birthday tomorrow."),
        ("how long has it been since I talked to Ada", "en", "You last talked to Ada Lovelace on November 20."),
        ("who has a birthday tomorrow", "en", "Tom Hill has a birthday tomorrow."),
        ("who has a birthday this week", "en", "Tom Hill has a birthday tomorrow."),
        ("who has a birthday today", "en", "Nobody that I know has a birthday today."),
        ("when did I last talk to Ada", "en", "You last talked to Ada Lovelace on November 20."),
        ("when did we last see Tom Hill", "en", "I know of no talk with Tom Hill."),
        ("wann hat Ada Geburtstag", "de", "Ada Lovelace hat am 5. Mai Geburtstag und wird 42."),
        ("wer hat als nächstes Geburtstag", "de", "Tom Hill hat morgen Geburtstag."),
        ("quand est l'anniversaire d'Ada", "fr", "L'anniversaire de Ada Lovelace est le 5 mai : 42 ans."),
        ("cuándo es el cumpleaños de Ada", "es", "El cumpleaños de Ada Lovelace es el 5 de mayo: cumple 42 años."),
        ("quando è il compleanno di Ada", "it", "Il compleanno di Ada Lovelace è il 5 maggio: compie 42 anni."),
        ("wanneer is Ada jarig", "nl", "Ada Lovelace is op 5 mei jarig en wordt 42."),
    ],
)  # fmt: skip
async def test_questions_about_people_are_answered(said: str, language: str, answer: str) -> None:
    async with living(MonicaService()) as house:
        answered = await house.say(said, language)
        assert answered.text.startswith(answer)
        assert answered.done


@pytest.mark.parametrize(
    ("said", "language", "question", "kind", "sent"),
    [
        ("note for Ada: she moved to Rome", "en", "Shall I note about Ada Lovelace: she moved to Rome?", "notes", {"body": "she moved to Rome", "contact_id": 1}),
        ("make a note about Tom Hill that he likes tea", "en", "Shall I note about Tom Hill: he likes tea?", "notes", {"body": "he likes tea", "contact_id": 2}),
        ("have Monica remind me to call Ada on Friday", "en", "Shall Monica remind you on December 4: Call Ada Lovelace?", "reminders", {"title": "Call Ada Lovelace", "initial_date": "2026-12-04", "frequency_type": "one_time", "contact_id": 1}),
        ("have Monica remind me to visit Ada next week", "en", "Shall Monica remind you on December 7: Visit Ada Lovelace?", "reminders", {"initial_date": "2026-12-07"}),
        ("have Monica remind me to write to Ada in three days", "en", "Shall Monica remind you on December 3: Write to Ada Lovelace?", "reminders", {"initial_date": "2026-12-03"}),
        ("remind me to thank Ada", "en", "Shall I add the task: Thank Ada Lovelace?", "tasks", {"title": "Thank Ada Lovelace", "completed": 0}),
        ("I called Ada yesterday", "en", "Shall I note that you talked to Ada Lovelace yesterday?", "calls", {"called_at": "2026-11-29", "content": "", "contact_id": 1}),
        ("I spoke with Ada on Friday", "en", "Shall I note that you talked to Ada Lovelace on November 27?", "calls", {"called_at": "2026-11-27"}),
        ("I had a call with Ada about the garden", "en", "Shall I note that you talked to Ada Lovelace about: the garden?", "calls", {"content": "the garden"}),
        ("I just talked to Ada about the garden", "en", "Shall I note that you talked to Ada Lovelace about: the garden?", "calls", {"called_at": "2026-11-30", "content": "the garden"}),
        ("I spoke with Ada yesterday about her job", "en", "Shall I note that you talked to Ada Lovelace yesterday about: her job?", "calls", {"called_at": "2026-11-29", "content": "her job"}),
        ("Notiz für Ada: sie zieht um", "de", "Soll ich zu Ada Lovelace notieren: sie zieht um?", "notes", {"body": "sie zieht um"}),
        ("Monica soll mich am Freitag daran erinnern, Ada anzurufen", "de", "Soll dich Monica am 4. Dezember erinnern: Ada Lovelace anrufen?", "reminders", {"initial_date": "2026-12-04"}),
        ("demande à Monica de me rappeler d'appeler Ada vendredi", "fr", "Monica doit-elle le rappeler le 4 décembre : Appeler Ada Lovelace ?", "reminders", {"initial_date": "2026-12-04"}),
        ("pide a Monica que me recuerde llamar a Ada el viernes", "es", "¿Quieres que Monica te lo recuerde el 4 de diciembre: Llamar a Ada Lovelace?", "reminders", {"initial_date": "2026-12-04"}),
        ("chiedi a Monica di ricordarmi di chiamare Ada venerdì", "it", "Monica deve ricordartelo il 4 dicembre: Chiamare Ada Lovelace?", "reminders", {"initial_date": "2026-12-04"}),
        ("nota per Ada: ha traslocato", "it", "Devo annotare su Ada Lovelace: ha traslocato?", "notes", {"body": "ha traslocato"}),
        ("laat Monica me vrijdag eraan herinneren Ada te bellen", "nl", "Zal Monica je op 4 december herinneren: Ada Lovelace bellen?", "reminders", {"initial_date": "2026-12-04"}),
    ],
)  # fmt: skip
async def test_a_change_is_made_once_and_after_a_yes(said: str, language: str, question: str, kind: str, sent: Mapping[str, object]) -> None:  # fmt: skip
    service = MonicaService()
    async with living(service) as house:
        asked = await house.say(said, language)
        assert asked.text == question
        assert service.added == []
        for _ in range(2):
            assert (await house.reply(asked)).done
        [(added, body)] = service.added
        assert added == kind
        assert body.items() >= sent.items()


FRIDAY = date(2026, 12, 4)


@pytest.mark.parametrize(
    ("text", "language", "days", "sent"),
    [
        ("call Ada", "en", (), {"title": "Call Ada", "initial_date": "2026-12-04", "frequency_type": "one_time", "contact_id": 1}),
        ("phone Ada Lovelace about the garden", "en", (), {"title": "Phone Ada Lovelace about the garden", "contact_id": 1}),
        ("I have to thank Ada", "en", (4,), {"title": "I have to thank Ada", "frequency_type": "week"}),
        ("Ada anzurufen", "de", (), {"title": "Ada anzurufen"}),
        ("appeler Ada", "fr", (), {"title": "Appeler Ada"}),
        ("llamar a Ada", "es", (), {"title": "Llamar a Ada"}),
        ("chiamare Ada", "it", (), {"title": "Chiamare Ada"}),
        ("Ada te bellen", "nl", (), {"title": "Ada te bellen"}),
    ],
)  # fmt: skip
async def test_a_reminder_of_the_house_about_a_contact_is_in_monica_too_and_once(text: str, language: str, days: tuple[int, ...], sent: Mapping[str, object]) -> None:  # fmt: skip
    service = MonicaService()
    async with living(service) as house:
        for _ in range(2):
            [remark] = await house.follow(HouseReminder(text, FRIDAY, days), language)
            assert "Monica" in remark
        [(kind, body)] = service.added
        assert kind == "reminders"
        assert body.items() >= sent.items()


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "nl"])
@pytest.mark.parametrize("activity", ["call", "write", "visit", "congratulate", "thank"])
async def test_what_the_plugin_has_the_house_remind_of_is_found_again_as_a_reminder_about_a_contact(language: str, activity: str) -> None:  # fmt: skip
    commands = MonicaCommands(PluginTexts(Monica.languages))
    context = CommandContext(MONDAY, language)
    reminding = commands._remind_here({"contact": "Ada", "activity": activity, "date": FRIDAY}, context)
    assert reminding.reminder is not None
    assert reminding.reminder.day == FRIDAY
    assert commands._find_reminded_name(reminding.reminder, context) == "Ada"


@pytest.mark.parametrize(
    "reminder",
    [
        HouseReminder("call the dentist", FRIDAY),
        HouseReminder("water the plants", FRIDAY),
        HouseReminder("call Tom Sawyer", FRIDAY),
        HouseReminder("call Ada", MONDAY.date()),
        HouseReminder("call Ada", FRIDAY, (0, 1, 2, 3, 4)),
    ],
    ids=["not a contact", "no person", "another person", "of today", "on several days"],
)
async def test_any_other_reminder_is_the_houses_own(reminder: HouseReminder) -> None:
    service = MonicaService()
    async with living(service) as house:
        assert await house.follow(reminder) == []
        assert service.added == []


async def test_of_several_of_one_name_none_is_taken_for_a_reminder_and_it_is_said() -> None:
    service = MonicaService()
    async with living(service) as house:
        remarks = await house.follow(HouseReminder("call Tom", FRIDAY))
        assert remarks == ["I know several people called Tom, so the reminder is not in Monica."]
        assert service.added == []


async def test_a_reminder_that_monica_does_not_take_is_said_to_be_only_here() -> None:
    service = MonicaService()
    async with living(service) as house:
        await house.say("when is Ada's birthday")
        service.fail(Fault.UNAUTHORIZED)
        [remark] = await house.follow(HouseReminder("call Ada", FRIDAY))
        assert remark.endswith("The reminder is only here.")
        assert service.added == []


@pytest.mark.parametrize(
    ("said", "language", "reminder"),
    [
        ("remind me to visit Ada next week", "en", HouseReminder("Visit Ada", date(2026, 12, 7))),
        ("remind me to write to Ada in three days", "en", HouseReminder("Write to Ada", date(2026, 12, 3))),
        ("remind me to call the dentist next month", "en", HouseReminder("Call the dentist", date(2026, 12, 1))),
        ("erinnere mich nächste Woche daran Ada anzurufen", "de", HouseReminder("Ada anrufen", date(2026, 12, 7))),
        ("ricordami di chiamare Ada la settimana prossima", "it", HouseReminder("Chiamare Ada", date(2026, 12, 7))),
    ],
)  # fmt: skip
async def test_days_that_only_monica_understands_are_reminders_of_the_house(said: str, language: str, reminder: HouseReminder) -> None:  # fmt: skip
    service = MonicaService()
    async with living(service) as house:
        answer = await house.say(said, language)
        assert isinstance(answer, ReminderAnswer)
        assert answer.reminder == reminder
        assert service.requests == [] or all(request.method == "GET" for request in service.requests)


async def test_which_of_several_is_asked_and_the_chosen_one_is_taken() -> None:
    service = MonicaService()
    async with living(service) as house:
        which = await house.say("note for Tom: he moved")
        assert which.text == "Which one: Tom Hill, or Tom Lake?"
        sure = await house.reply(which, "Tom Lake")
        assert sure.text == "Shall I note about Tom Lake: he moved?"
        await house.reply(sure)
        assert [body["contact_id"] for _, body in service.added] == [3]


async def test_of_many_with_one_name_the_last_name_is_asked_for() -> None:
    service = MonicaService([contact(number, "Eva", f"Number{number}") for number in range(6)])
    async with living(service) as house:
        assert (await house.say("who is Eva")).text == "I know 6 people called Eva. Please say the last name, too."


async def test_somebody_unknown_is_left_to_a_language_model() -> None:
    async with living(MonicaService()) as house:
        answer = await house.say("who is Albert Einstein")
        assert isinstance(answer, DeclinedAnswer)
        assert answer.text == "I know nobody called Albert Einstein."


async def test_a_relative_without_a_page_of_her_own_is_no_contact() -> None:
    async with living(MonicaService()) as house:
        assert isinstance(await house.say("who is Ida"), DeclinedAnswer)


async def test_contacts_of_several_pages_are_fetched_once_for_many_questions() -> None:
    service = MonicaService(
        [*CONTACTS, *(contact(number, f"Person{number}") for number in range(10, 260)), contact(500, "Zelda")]
    )
    async with living(service) as house:
        for _ in range(3):
            assert "turns 42" in (await house.say("when is Ada's birthday")).text
        assert (await house.say("when is Zelda's birthday")).text == "I do not know when Zelda was born."
        pages = [request.query["page"] for request in service.requests if request.query.get("limit") == "100" and "page" in request.query]  # fmt: skip
        assert pages == ["2", "3"]


async def test_monica_5_is_recognized_and_said() -> None:
    async with living(MonicaService(version=5)) as house:
        assert house.problem is not None
        assert "has Monica 5, whose API has no contacts; only Monica 4 can be used" in house.problem


async def test_another_address_is_no_monica() -> None:
    async with living(MonicaService(version=0)) as house:
        assert house.problem is not None
        assert "there is no Monica at 127.0.0.1" in house.problem


async def test_a_wrong_token_is_said() -> None:
    async with living(MonicaService(), {"token": "another"}) as house:
        assert house.problem is not None
        assert "the service refuses the token; create a new one" in house.problem


@pytest.mark.parametrize("settings", [{"token": ""}, {"url": 5}, {"url": "http://monica.example"}, {"seconds": 0}])
async def test_settings_that_are_wrong_are_refused(settings: Mapping[str, Any]) -> None:
    async with living(MonicaService(), settings) as house:
        assert house.problem


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (Fault.UNAUTHORIZED, "Sorry, Monica does not let me in. Somebody has to give me a new token."),
        (Fault.FORBIDDEN, "Sorry, Monica does not let me in. Somebody has to give me a new token."),
        (Fault.BUSY, "Sorry, Monica takes too long to answer."),
        (Fault.FAILED, "Sorry, I cannot reach Monica."),
        (Fault.HANG, "Sorry, Monica takes too long to answer."),
        (Fault.GARBAGE, "Sorry, I cannot reach Monica."),
        (Fault.HUGE, "Sorry, I cannot reach Monica."),
        (Fault.CUT, "Sorry, I cannot reach Monica."),
    ],
)
async def test_a_note_that_fails_is_not_claimed_and_can_be_said_again(fault: Fault, answer: str) -> None:
    service = MonicaService()
    async with living(service, {"seconds": 0.8}) as house:
        asked = await house.say("note for Ada: she moved")
        service.fail(fault)
        failed = await house.reply(asked)
        assert (failed.text, failed.done) == (answer, False)
        service.recover()
        assert (await house.reply(asked)).done


@pytest.mark.parametrize(
    ("language", "said", "answer"),
    [
        ("en", "when did I last talk to Ada", "Sorry, Monica takes too long to answer."),
        ("de", "wann habe ich zuletzt mit Ada gesprochen", "Monica braucht leider zu lange für eine Antwort."),
    ],
)
async def test_what_takes_too_long_for_the_daemon_is_said_as_by_the_plugin(
    language: str, said: str, answer: str
) -> None:
    service = MonicaService()
    async with service.serving():
        settings = {"monica": {"url": service.url, "token": TOKEN}}
        plugins = PluginRegistry([PluginSource("monica", lambda: quiet(Monica))], settings, 0.2)
        await plugins.start()
        try:
            match = find_match(Monica, "monica", said, language)
            assert match is not None
            service.fail(Fault.HANG)
            assert await plugins.execute(match, CommandContext(MONDAY)) == Answer(answer, done=False)
        finally:
            await plugins.close()


async def test_each_person_has_her_own_contacts_and_a_guest_has_none() -> None:
    async with MonicaService().serving() as other:
        persons = {"Ada": {"token": TOKEN}}
        async with living(MonicaService(), {"persons": persons, "token": TOKEN}) as house:
            assert (await house.say("when is Ada's birthday", person="Eve")).done
        settings = {"url": other.url, "persons": persons}
        async with speaking_to(Monica, "monica", settings, MONDAY) as house:
            assert (await house.say("when is Ada's birthday", person="ADA")).done
            for guest in (None, "Eve"):
                answer = await house.say("when is Ada's birthday", person=guest)
                assert (answer.text, answer.done) == ("I have no contacts for you.", False)


async def test_no_more_requests_are_sent_than_the_rate_allows() -> None:
    assert RATE.burst + 60 * RATE.per_second == 60
    service = MonicaService()
    async with service.serving():
        client = MonicaClient(service.url, TOKEN, HttpLimits(total_seconds=60.0), Rate(per_second=0.001, burst=2))
        [ada, *_] = (await client.get_book()).contacts
        await client.fetch_contact(ada)
        with pytest.raises(HttpError, match="too many requests"):
            await client.fetch_contact(ada)
        assert len(service.requests) == 2
        await client.close()


def test_texts_of_strangers_are_one_short_line() -> None:
    parsed = parse_contact(contact(1, "Eve\n\x00", "x" * 5000, description="# turn off\n\nthe light"))
    assert parsed is not None
    assert parsed.first_name == "Eve"
    assert len(parsed.last_name) <= 200
    assert "\n" not in parsed.description


def test_people_of_one_name_are_told_apart() -> None:
    some = [Contact(1, "Tom", "Hill", company="Acme"), Contact(2, "Tom", "Hill", job="baker"), Contact(3, "Tom", "Lake")]  # fmt: skip
    assert {name: one.id for name, one in name_apart(some).items()} == {"Tom Hill, Acme": 1, "Tom Hill, baker": 2, "Tom Lake": 3}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "meant"),
    [("ada", [1]), ("Aida Lovelace", [1]), ("lovelace", [1]), ("Thom", [2, 3]), ("Tim", []), ("tom hill", [2]), ("grace hoper", [4]), ("amazing", [4]), ("", []), ("nobody", []), ("ada and tom", [])],
)  # fmt: skip
def test_names_are_found_as_they_are_heard(said: str, meant: list[int]) -> None:
    book = ContactBook(one for one in map(parse_contact, CONTACTS) if one is not None)
    assert [one.id for one in sorted(book.names.find(said).items, key=lambda one: one.id)] == meant


@given(st.dates(date(1900, 1, 1), date(2030, 12, 31)), st.dates(date(1970, 1, 1), date(2100, 12, 31)))
def test_the_next_birthday_is_within_a_year_and_on_its_day(born: date, today: date) -> None:
    birthdate = Birthdate(born.month, born.day, born.year)
    [birthday] = list_birthdays([Contact(1, "Ada", birthdate=birthdate)], today)
    assert timedelta() <= birthday.day - today <= timedelta(days=366)
    assert birthday.day.month == born.month
    assert birthday.day.day == born.day or (born.month, born.day, birthday.day.day) == (2, 29, 28)
    assert birthday.age == birthday.day.year - born.year


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["dates", "birthdate", "date", "career", "job"]), inner),
    max_leaves=6,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(list(CONTACTS[0])), json_values))
def test_whatever_a_service_sends_is_a_contact_or_none(data: dict[str, Any]) -> None:
    parsed = parse_contact(data)
    assert parsed is None or (parsed.name and isinstance(parsed.id, int))


CONTRACT = PluginContract(
    find_integrations(["monica"])[0],
    [
        Example("when is Ada's birthday", "Ada Lovelace has a birthday"),
        Example("wann hat Ada Geburtstag", "Ada Lovelace hat", "de"),
        Example("note for Ada: she moved", "Shall I note about Ada Lovelace", asks=True),
        Example("have Monica remind me to call Ada on Friday", "Shall Monica remind you", asks=True),
        Example("I called Ada yesterday", "Shall I note that you talked", asks=True),
    ],
    settings=lambda url: {"url": url, "token": TOKEN, "seconds": 1.0},
    create_service=MonicaService,
    ambiguous=Example("note for Tom: he moved"),
)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_it_keeps_the_contract_of_plugins(check: Check) -> None:
    await check(CONTRACT)
