"""Sums, units, dates and alarms in sentences, and the dates and times that they name."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.intent.family import said
from wyoming_rosie.timers.timer import next_repetition
from wyoming_rosie_intent.engine import Command, Match
from wyoming_rosie_intent.responses import small_talk
from wyoming_rosie_intent.rules import arithmetic, dates, number_grammar

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 11, 21, 15, 5, tzinfo=VIENNA)  # a Saturday


@pytest.mark.parametrize(
    ("text", "language", "answer"),
    [
        ("what is 5 plus three", "en", "8."),
        ("what's twelve times 12 please", "en", "144."),
        ("hey siri what's 7 minus 10", "en", "-3."),
        ("what is 15 percent of 80", "en", "12."),
        ("what is 1,500 divided by 4", "en", "375."),
        ("2 plus 3 times 4", "en", "14."),
        ("what's the square root of 81", "en", "9."),
        ("what is ten divided by zero", "en", "Sorry, that has no result."),
        ("how many feet are in two meters", "en", "6.56 feet."),
        ("how many ounces in a pound", "en", "16 ounces."),
        ("convert 5 miles to kilometers", "en", "8.05 kilometers."),
        ("what is 20 degrees celsius in fahrenheit", "en", "68 degrees."),
        ("how many seconds in an hour", "en", "3600 seconds."),
        ("convert 5 miles to pounds", "en", "Sorry, that has no result."),
        ("what day is the 24th", "en", "That is Tuesday, the twenty-fourth of November."),
        ("what day is it on the third of may", "en", "That is Monday, the third of May."),
        ("how many days until christmas", "en", "34 days, until Friday, the twenty-fifth of December."),
        ("how many days until the 31st of february", "en", "Sorry, there is no such day."),
        ("how many weeks until new year's eve", "en", "5 weeks and 5 days, until Thursday, the thirty-first of December."),
        ("what day was yesterday", "en", "That is Friday, the twentieth of November."),
        ("when is easter", "en", "That is Sunday, the twenty-eighth of March."),
        ("what week is it", "en", "It is week 47."),
        ("was ist fünf plus 3,5", "de", "8,5."),
        ("wie viele Minuten hat eine Stunde", "de", "60 Minuten."),
        ("wie viele Tage noch bis zum 3. Mai", "de", "163 Tage, bis Montag, 3. Mai."),
        ("welcher Tag ist der vierundzwanzigste", "de", "Das ist Dienstag, der 24. November."),
        ("welcher Tag ist der 24.", "de", "Das ist Dienstag, der 24. November."),
        ("combien font 5 plus 3", "fr", "8."),
        ("quel jour est le 24 décembre", "fr", "C'est jeudi 24 décembre."),
        ("cuántos días faltan para Navidad", "es", "34 días, hasta el viernes, 25 de diciembre."),
        ("quanti giorni mancano a Natale", "it", "34 giorni, fino a venerdì 25 dicembre."),
        ("hoeveel is 10 procent van 50", "nl", "5."),
        ("thank you", "en", "You are welcome."),
        ("danke", "de", "Gern geschehen."),
        ("merci beaucoup", "fr", "Je vous en prie."),
    ],
)  # fmt: skip
def test_what_needs_no_home_is_answered(text: str, language: str, answer: str) -> None:
    match = number_grammar.recognize(text, language) or _small_talk(text)
    assert small_talk.answer(Command(match), NOW).text == answer


def _small_talk(text: str) -> Match:
    """Return the match of thanks, which are templates of the home's language."""
    language = {"danke": "de", "merci beaucoup": "fr"}.get(text, "en")
    return Match("HassRespond", question="welcome", language=language)


@pytest.mark.parametrize(
    "text",
    [
        "five plus",
        "one times two times three times four",
        "she said 5 plus 3 is 8",
        "how many days until we meet",
        "how many lights are on",
        "how long does it take to boil an egg",
        "don't wake me at seven",
        "if i oversleep wake me at seven",
        "she said wake me at seven",
        "wake me when the kettle boils",
        "i woke up at seven",
        "remind me of my mother",
        "the alarm went off at seven",
        "my alarm is too loud",
        "turn off the alarm",
        "cancel",
        "it is a quarter to eight",
        "what is the date of the party",
    ],
)
def test_conversation_is_no_question_about_numbers(text: str) -> None:
    assert number_grammar.recognize(text, "en") is None


@pytest.mark.parametrize(
    "command",
    ["wake me at seven", "set an alarm for 7:30", "remind me to call mum at six", "cancel my alarm", "snooze"],
)
@pytest.mark.parametrize(
    "frame",
    [
        "don't {}",
        "she said {}",
        "if it rains {}",
        "i wish you would {}",
        "why did you {}",
        "never {}",
        "i forgot to {}",
    ],
)
def test_what_is_denied_or_reported_sets_no_alarm(frame: str, command: str) -> None:
    assert number_grammar.recognize(frame.format(command), "en") is None


@pytest.mark.parametrize(
    "text", ["erinnere mich um sechs an die Wäsche nicht", "weck mich nicht um sieben", "sie sagte weck mich um sieben"]
)
def test_what_is_denied_in_german_sets_no_alarm(text: str) -> None:
    assert number_grammar.recognize(text, "de") is None


@pytest.mark.parametrize(
    ("text", "language", "rings"),
    [
        ("wake me at seven", "en", "2026-11-22 07:00"),
        ("remind me to call mum at six", "en", "2026-11-21 18:00"),
        ("remind me at six tomorrow to call mum", "en", "2026-11-22 18:00"),
        ("set an alarm for 7:30", "en", "2026-11-21 19:30"),
        ("set an alarm for 7:30 am", "en", "2026-11-22 07:30"),
        ("set an alarm for quarter to eight on monday", "en", "2026-11-23 07:45"),
        ("wake me up at half past six every weekday", "en", "2026-11-23 06:30"),
        ("set an alarm for midnight", "en", "2026-11-22 00:00"),
        ("alarm at noon", "en", "2026-11-22 12:00"),
        ("wake me at 12 am", "en", "2026-11-22 00:00"),
        ("set an alarm for 9 tonight", "en", "2026-11-21 21:00"),
        ("weck mich um halb sieben", "de", "2026-11-22 06:30"),
        ("stell den Wecker auf 7 Uhr", "de", "2026-11-22 07:00"),
        ("réveille-moi à sept heures et demie", "fr", "2026-11-22 07:30"),
        ("réveille-moi demain à 7h30", "fr", "2026-11-22 07:30"),
        ("rappelle-moi d'appeler maman à 18 heures", "fr", "2026-11-21 18:00"),
        ("mets un réveil pour une heure", "fr", "2026-11-22 01:00"),
        ("despiértame mañana a las siete y media", "es", "2026-11-22 07:30"),
        ("recuérdame llamar a mamá a las seis de la tarde", "es", "2026-11-21 18:00"),
        ("svegliami alle sette", "it", "2026-11-22 07:00"),
        ("svegliami domani alle sette e mezza", "it", "2026-11-22 07:30"),
        ("wek me morgen om half acht", "nl", "2026-11-22 07:30"),
        ("wek me om zeven uur dertig", "nl", "2026-11-22 07:30"),
        ("weck mich morgen früh um sechs Uhr dreißig", "de", "2026-11-22 06:30"),
        ("stell einen Wecker für jeden Werktag um 6 Uhr 15", "de", "2026-11-23 06:15"),
        ("erinnere mich am 5. Dezember um sieben an den Kuchen", "de", "2026-12-05 07:00"),
    ],
)
def test_an_alarm_rings_at_the_next_such_time(text: str, language: str, rings: str) -> None:
    match = number_grammar.recognize(text, language)
    assert match is not None
    assert str(dates.next_alarm(match.slots, NOW))[:16] == rings


@pytest.mark.parametrize(
    ("text", "language", "rings"),
    [
        ("remind me tomorrow at five to call Ada", "en", "2026-11-22 17:00"),
        ("remind me tomorrow at five in the morning to call Ada", "en", "2026-11-22 05:00"),
        ("remind me tomorrow at 5 am to call Ada", "en", "2026-11-22 05:00"),
        ("remind me tomorrow at seven to call Ada", "en", "2026-11-22 07:00"),
        ("remind me tomorrow at quarter to seven to call Ada", "en", "2026-11-22 18:45"),
        ("remind me tomorrow at noon to call Ada", "en", "2026-11-22 12:00"),
        ("remind me every monday at six to call Ada", "en", "2026-11-23 18:00"),
        ("remind me on the 5th of december at one to call Ada", "en", "2026-12-05 13:00"),
        ("wake me tomorrow at five", "en", "2026-11-22 05:00"),
        ("set an alarm for tomorrow at five", "en", "2026-11-22 05:00"),
        ("wake me every monday at six", "en", "2026-11-23 06:00"),
        ("erinnere mich morgen um fünf daran Ada anzurufen", "de", "2026-11-22 17:00"),
        ("erinnere mich morgen früh um fünf daran Ada anzurufen", "de", "2026-11-22 05:00"),
        ("weck mich morgen um fünf", "de", "2026-11-22 05:00"),
        ("rappelle-moi demain à cinq heures d'appeler Ada", "fr", "2026-11-22 17:00"),
        ("rappelle-moi demain à cinq heures du matin d'appeler Ada", "fr", "2026-11-22 05:00"),
        ("réveille-moi demain à cinq heures", "fr", "2026-11-22 05:00"),
        ("recuérdame mañana a las cinco llamar a Ada", "es", "2026-11-22 17:00"),
        ("recuérdame mañana a las cinco de la mañana llamar a Ada", "es", "2026-11-22 05:00"),
        ("despiértame mañana a las cinco", "es", "2026-11-22 05:00"),
        ("ricordami domani alle cinque di chiamare Ada", "it", "2026-11-22 17:00"),
        ("ricordami domani alle cinque di mattina di chiamare Ada", "it", "2026-11-22 05:00"),
        ("svegliami domani alle cinque", "it", "2026-11-22 05:00"),
        ("herinner me morgen om vijf uur om Ada te bellen", "nl", "2026-11-22 17:00"),
        ("herinner me morgen om vijf uur 's ochtends om Ada te bellen", "nl", "2026-11-22 05:00"),
        ("wek me morgen om vijf uur", "nl", "2026-11-22 05:00"),
    ],
)
def test_an_hour_of_another_day_is_by_day_for_a_reminder_and_in_the_morning_for_waking(
    text: str, language: str, rings: str
) -> None:
    match = number_grammar.recognize(text, language)
    assert match is not None
    assert str(dates.next_alarm(match.slots, NOW))[:16] == rings


@pytest.mark.parametrize(
    "text", ["wake me at 25:00", "set an alarm for the 31st of february at seven", "wake me at seven yesterday"]
)
def test_a_time_that_never_comes_is_no_alarm(text: str) -> None:
    match = number_grammar.recognize(text, "en")
    assert match is None or dates.next_alarm(match.slots, NOW) is None


def test_a_month_that_is_none_has_no_date() -> None:
    assert dates.find_date({"day": 5, "month": 13}, NOW.date()) is None


def test_an_alarm_keeps_its_time_of_day_when_the_clocks_change() -> None:
    before = datetime(2026, 10, 24, 22, 0, tzinfo=VIENNA)
    rings = dates.next_alarm({"hour": 7.0, "alarm": "wake"}, before)
    assert rings is not None
    assert (rings.hour, rings.timestamp() - before.timestamp()) == (7, 10 * 3600)


@given(
    now=st.datetimes(timezones=st.just(VIENNA)).filter(lambda moment: 1950 < moment.year < 2100),
    hour=st.integers(0, 24),
    minute=st.integers(0, 59),
    days=st.sets(st.integers(0, 6), min_size=1),
)
def test_an_alarm_is_always_in_the_future_and_soon(now: datetime, hour: int, minute: int, days: set[int]) -> None:
    rings = dates.next_alarm({"hour": hour, "minute": minute}, now)
    assert rings is None or 0 < rings.timestamp() - now.timestamp() <= 25.5 * 3600
    repeated = next_repetition(now, time(hour % 24, minute), tuple(days))
    assert repeated.weekday() in days
    assert 0 < repeated.timestamp() - now.timestamp() <= 8.1 * 86400


@given(today=st.dates(date(1990, 1, 1), date(2090, 1, 1)), day=st.integers(1, 31), month=st.integers(1, 12))
def test_a_date_is_the_next_one_and_the_last_one(today: date, day: int, month: int) -> None:
    coming, past = (dates.find_date({"day": day, "month": month}, today, is_past=past) for past in (False, True))
    if coming and past:
        assert past <= today <= coming
        assert {(coming.day, coming.month), (past.day, past.month)} == {(day, month)}


@given(st.floats(-1e6, 1e6), st.sampled_from(["km", "mi", "ft", "in"]), st.sampled_from(["m", "cm", "yd"]))
def test_a_conversion_can_be_undone(amount: float, unit: str, other: str) -> None:
    there = arithmetic.convert(amount, unit, other)
    assert there is not None
    assert arithmetic.convert(there, other, unit) == pytest.approx(amount, abs=1e-9)


@given(st.text(max_size=80), st.sampled_from(["en", "de"]))
def test_any_text_is_read_without_an_error(text: str, language: str) -> None:
    number_grammar.recognize(f"how many {text} in 5 days at 7:30", language)


@pytest.mark.parametrize(
    ("text", "language", "intents"),
    [
        ("wake me at seven", "en", [("HassStartTimer", {"alarm": "wake", "at": "2026-11-22T07:00", "hours": 15, "minutes": 55})]),
        ("wake me at 6:30 every weekday", "en", [("HassStartTimer", {"alarm": "wake", "at": "2026-11-23T06:30", "days": "01234", "hours": 39, "minutes": 25})]),
        ("remind me to call mum every friday", "en", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-27T09:00", "name": "call mum", "days": "4", "hours": 137, "minutes": 55})]),
        ("remind me every day to feed the cat", "en", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-22T09:00", "name": "feed the cat", "days": "0123456", "hours": 17, "minutes": 55})]),
        ("erinnere mich jeden Freitag daran Mama anzurufen", "de", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-27T09:00", "name": "Mama anzurufen", "days": "4", "hours": 137, "minutes": 55})]),
        ("erinnere mich morgen um fünf Ada anzurufen", "de", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-22T17:00", "name": "Ada anzurufen", "hours": 25, "minutes": 55})]),
        ("remind me tomorrow evening to water the plants", "en", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-22T19:00", "name": "water the plants", "hours": 27, "minutes": 55})]),
        ("remind me to call mum tomorrow morning", "en", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-22T09:00", "name": "call mum", "hours": 17, "minutes": 55})]),
        ("erinnere mich morgen Abend daran die Blumen zu gießen", "de", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-22T19:00", "name": "die Blumen zu gießen", "hours": 27, "minutes": 55})]),
        ("rappelle-moi d'appeler Ada tous les vendredis", "fr", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-27T09:00", "name": "appeler Ada", "days": "4", "hours": 137, "minutes": 55})]),
        ("recuérdame llamar a Ada todos los viernes", "es", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-27T09:00", "name": "llamar a Ada", "days": "4", "hours": 137, "minutes": 55})]),
        ("ricordami di chiamare Ada ogni venerdì", "it", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-27T09:00", "name": "chiamare Ada", "days": "4", "hours": 137, "minutes": 55})]),
        ("herinner me vrijdag om Ada te bellen", "nl", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-27T09:00", "name": "Ada te bellen", "hours": 137, "minutes": 55})]),
        ("herinner me elke vrijdag om Ada te bellen", "nl", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-27T09:00", "name": "Ada te bellen", "days": "4", "hours": 137, "minutes": 55})]),
        ("remind me in an hour to buy 3 apples", "en", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-21T16:05:00", "name": "buy 3 apples", "hours": 1})]),
        ("snooze", "en", [("HassStartTimer", {"alarm": "snooze", "at": "2026-11-21T15:15:00", "minutes": 10})]),
        ("cancel my seven o'clock alarm", "en", [("HassCancelTimer", {"kind": "alarm", "clock": "07:00"})]),
        ("cancel my alarm tomorrow", "en", [("HassCancelTimer", {"kind": "alarm", "day": "2026-11-22"})]),
        ("delete the reminder to feed the cat", "en", [("HassCancelTimer", {"kind": "reminder", "name": "feed the cat"})]),
        ("what are my alarms", "en", [("HassTimerStatus", {"kind": "alarm"})]),
        ("turn off the alarm", "en", [("HassNevermind", {})]),  # which rings
        ("cancel the timer", "en", [("HassCancelTimer", {})]),
        ("wake me up in 20 minutes", "en", [("HassStartTimer", {"minutes": 20})]),
        ("stell den Wecker ab", "de", [("HassNevermind", {})]),
        ("lösche den Wecker um sieben", "de", [("HassCancelTimer", {"kind": "alarm", "clock": "07:00"})]),
        ("remind me to unlock the front door at six", "en", [("HassStartTimer", {"alarm": "reminder", "at": "2026-11-21T18:00", "name": "unlock the front door", "hours": 2, "minutes": 55})]),
    ],
)  # fmt: skip
async def test_the_conductor_is_told_when_an_alarm_rings(
    text: str, language: str, intents: list[tuple[str, dict[str, object]]]
) -> None:
    assert list((await said(text, language=language)).intents) == intents


async def test_a_time_that_never_comes_is_refused() -> None:
    came = await said("set an alarm for the 31st of february at seven")
    assert (came.text, came.done) == ("Sorry, there is no such time.", False)


async def test_help_names_things_of_this_home() -> None:
    assert "the Front Door" in (await said("what can i say")).text
    assert "set a timer" in (await said("what can i say", area=None)).text


@pytest.mark.parametrize(
    ("text", "language", "changed"),
    [
        ("movie night", "en", {"scene.movie"}),
        ("bedtime", "en", set()),  # one word is too little
        ("start bedtime routine", "en", {"script.bed"}),
        ("hey google turn on the kitchen light", "en", {"light.kitchen_ceiling"}),
        ("turn on the kitchen light alexa", "en", {"light.kitchen_ceiling"}),
        ("alexa", "en", set()),
        ("i watched movie night", "en", set()),
        ("don't start movie night", "en", set()),
    ],
)
async def test_routines_and_names_of_assistants(text: str, language: str, changed: set[str]) -> None:
    assert set((await said(text, language=language)).changes or ()) == changed


TEN = {"alarm": "snooze"}
FIVE = {"alarm": "snooze", "duration": 300}
MORE = {**FIVE, "more": 1}


@pytest.mark.parametrize(
    ("language", "text", "slots"),
    [
        ("en", "snooze, please", TEN),
        ("en", "hit the snooze button", TEN),
        ("en", "remind me again later", TEN),
        ("en", "five more minutes", MORE),
        ("en", "just another five minutes please", MORE),
        ("en", "let me sleep five more minutes", FIVE),
        ("en", "wake me up again in five minutes", FIVE),
        ("de", "Schlummern bitte", TEN),
        ("de", "erinnere mich später nochmal", TEN),
        ("de", "noch fünf Minuten bitte", MORE),
        ("de", "gib mir noch fünf Minuten", MORE),
        ("de", "lass mich noch fünf Minuten schlafen", FIVE),
        ("de", "weck mich in fünf Minuten nochmal", FIVE),
        ("fr", "reporte l'alarme", TEN),
        ("fr", "encore cinq minutes s'il te plaît", MORE),
        ("fr", "cinq minutes de plus", MORE),
        ("fr", "repousse le réveil de cinq minutes", FIVE),
        ("es", "posponer la alarma", TEN),
        ("es", "cinco minutos más, por favor", MORE),
        ("es", "otros cinco minutos", MORE),
        ("es", "aplaza la alarma cinco minutos", FIVE),
        ("it", "posticipa la sveglia", TEN),
        ("it", "ancora cinque minuti per favore", MORE),
        ("it", "altri cinque minuti", MORE),
        ("it", "rimanda la sveglia di cinque minuti", FIVE),
        ("nl", "snooze de wekker", TEN),
        ("nl", "nog vijf minuutjes alsjeblieft", MORE),
        ("nl", "vijf minuten langer", MORE),
        ("nl", "laat me nog vijf minuten slapen", FIVE),
    ],
)
def test_an_alarm_is_snoozed_in_each_language(language: str, text: str, slots: dict[str, object]) -> None:
    match = number_grammar.recognize(text, language)
    assert match is not None
    assert (match.intent, match.slots) == ("HassStartTimer", slots)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "five minutes"), ("en", "how many more minutes"), ("de", "fünf Minuten"), ("de", "wie lange noch"), ("es", "cinco minutos"), ("nl", "nog iets")],
)  # fmt: skip
def test_a_duration_alone_snoozes_nothing(language: str, text: str) -> None:
    assert number_grammar.recognize(text, language) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "remind me to call ada on monday"),
        ("en", "set a reminder for monday to call ada"),
        ("de", "erinnere mich am Montag an Ada"),
        ("fr", "rappelle-moi lundi d'appeler Ada"),
        ("es", "recuérdame el lunes llamar a Ada"),
        ("it", "ricordami lunedì di chiamare Ada"),
        ("nl", "herinner me maandag aan Ada"),
    ],
)
def test_a_reminder_for_a_day_is_due_in_the_morning(language: str, text: str) -> None:
    match = number_grammar.recognize(text, language)
    assert match is not None
    assert str(dates.next_alarm(match.slots, NOW))[:16] == "2026-11-23 09:00"


def test_a_reminder_for_a_time_that_is_none_is_not_due_in_the_morning() -> None:
    slots = {"alarm": "reminder", "relative": 1, "hour": 25}
    assert dates.next_alarm(slots, NOW) is None
