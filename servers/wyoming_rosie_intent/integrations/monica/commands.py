"""Commands about contacts: who is meant, what is asked before a change, and the answers."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from wyoming_rosie.text.sentences import get_entry
from wyoming_rosie_intent.integrations.monica.client import MonicaClient
from wyoming_rosie_intent.integrations.monica.contacts import (
    Birthday,
    Contact,
    ContactBook,
    list_birthdays,
    name_apart,
)
from wyoming_rosie_intent.plugins import CommandContext, HouseReminder, PluginResult
from wyoming_rosie_intent.plugins.failures import log_failure
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure
from wyoming_rosie_intent.plugins.names import NamedItems
from wyoming_rosie_intent.plugins.sentences import PluginSentences, load_sentences
from wyoming_rosie_intent.plugins.texts import PluginTexts

SERVICE = "Monica"
MAX_CHOICES = 5
"""Persons among whom the answer asks; for more, the last name is needed."""
MAX_BIRTHDAYS = 3
MAX_NOTE_CHARACTERS = 1000
MAX_AHEAD = 1000
"""Days or weeks to a reminder."""
_MAX_DONE = 256
_DAYS = {"day": 1, "week": 7}
_WITH_TEXT = frozenset({"AddNote", "AddCall"})
_FAILURES = {
    HttpFailure.UNAUTHORIZED: "sign_in",
    HttpFailure.FORBIDDEN: "sign_in",
    HttpFailure.TIMEOUT: "too_slow",
    HttpFailure.BUSY: "too_slow",
}


@dataclass(frozen=True)
class _Turn:
    """One command: its entities, and the words of its language."""

    client: MonicaClient
    book: ContactBook
    texts: PluginTexts
    context: CommandContext
    entities: Mapping[str, Any]

    @property
    def today(self) -> date:
        return self.context.moment.date()

    def render(self, key: str, **values: object) -> str:
        return self.texts.render(key, self.context.language, **values)

    def answer(self, key: str, **values: object) -> PluginResult:
        return PluginResult(self.render(key, **values))

    def text(self, key: str) -> str:
        """Return an entity that is a text."""
        value = self.entities.get(key)
        return value.strip()[:MAX_NOTE_CHARACTERS] if isinstance(value, str) else ""

    def remove_connector(self, text: str) -> str:
        """Return a text without a word such as "that" at its beginning."""
        first, _, rest = text.partition(" ")
        connectors = self.texts.get_value("connectors", self.context.language) or ()
        return rest if first.casefold() in connectors else text

    def day(self, day: date, *, with_year: bool = False) -> str:
        """Return a day in words."""
        ahead = (day - self.today).days
        if ahead in {-1, 0, 1} and not with_year:
            return self.render({-1: "yesterday", 0: "today", 1: "tomorrow"}[ahead])
        month = get_entry("alarms.months", self.context.language)[day.month - 1]
        return self.render("day", day=day.day, month=month, year=day.year if with_year else "")


class MonicaCommands:
    """Executes the intents. A change is made once, however often it is confirmed."""

    def __init__(self, texts: PluginTexts) -> None:
        self._texts = texts
        self._reminders = _load_reminders(texts)
        self._done: OrderedDict[str, None] = OrderedDict()  # keys of commands, which Monica does not know

    async def execute(
        self, intent: str, entities: Mapping[str, Any], context: CommandContext, client: MonicaClient | None
    ) -> PluginResult:
        """Return the answer or the question of a command; without a client, there are no contacts for the speaker."""
        if intent == "RemindHere":
            return self._remind_here(entities, context)
        if client is None:
            return self._fail("no_account", context, declines=intent == "WhoIs")
        try:
            turn = _Turn(client, await client.get_book(), self._texts, context, entities)
            return await self._execute(intent, turn)
        except HttpError as err:
            log_failure(SERVICE, intent, err)
            return self._fail(_FAILURES.get(err.failure, "unreachable"), context, declines=intent == "WhoIs")

    async def follow_reminder(
        self, reminder: HouseReminder, context: CommandContext, client: MonicaClient | None
    ) -> str:
        """Write down a reminder of the house that is about a contact; return what to say of it, empty for any other.

        Monica reminds of coming days, each week on one day at most.
        """
        name = self._find_reminded_name(reminder, context)
        is_to_come = reminder.day > context.moment.date() and len(reminder.days) <= 1
        if client is None or not name or not is_to_come:
            return ""
        try:
            turn = _Turn(client, await client.get_book(), self._texts, context, {})
            return await self._write_reminder(reminder, name, turn)
        except HttpError as err:
            log_failure(SERVICE, "Remind", err)
            failure = self._texts.render(_FAILURES.get(err.failure, "unreachable"), context.language)
            return f"{failure} {self._texts.render('only_here', context.language)}"

    def _find_reminded_name(self, reminder: HouseReminder, context: CommandContext) -> str:
        """Return what a reminder names after a word such as "call", which begins with the name of a person; empty for others."""
        found = self._reminders.recognize(reminder.text, context.language)
        return str(found[1]["contact"]) if found is not None else ""

    async def _write_reminder(self, reminder: HouseReminder, name: str, turn: _Turn) -> str:
        found, rest = turn.book.names.find_first(name)
        if not found.items or (rest and turn.remove_connector(rest) == rest):
            return ""
        if len(found.items) > 1:
            return turn.render("several", name=name.removesuffix(rest).strip())
        if turn.context.key not in self._done:
            title = reminder.text[:1].upper() + reminder.text[1:]
            await turn.client.add_reminder(found.items[0], title, reminder.day, is_weekly=bool(reminder.days))
            self._remember(turn.context.key)
        return turn.render("also_in_monica")

    def _remind_here(self, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        """Have the house remind on a day that only the sentences about contacts name, such as next week."""
        name, activity = str(entities.get("contact", "")).strip(), entities.get("activity", "call")
        text = self._texts.render(f"do_{activity}", context.language, name=name)
        day = _find_day(entities, context.moment.date())
        return PluginResult(reminder=HouseReminder(text, day or context.moment.date()))

    async def _execute(self, intent: str, turn: _Turn) -> PluginResult:
        if intent == "NextBirthdays":
            return _answer_next_birthdays(turn)
        found, text = _find_contacts(intent, turn)
        if not found.items:
            return PluginResult(turn.render("nobody", name=turn.text("contact") or text), False, declines=True)
        if len(found.items) > 1:
            return _ask_which(found.items, turn)
        contact = found.items[0]
        match intent:
            case "WhoIs":
                return PluginResult(_describe(await turn.client.fetch_contact(contact), turn))
            case "Birthday":
                return _answer_birthday(contact, turn)
            case "LastTalk":
                return _answer_last_talk(await turn.client.fetch_contact(contact), turn)
            case _:
                return await self._change(intent, contact, text, turn)

    async def _change(self, intent: str, contact: Contact, text: str, turn: _Turn) -> PluginResult:
        """Ask before a change, and make it after a yes."""
        day, text = _split_day(intent, text, turn)
        title = turn.text("title") or turn.render(f"do_{turn.text('activity') or 'call'}", name=contact.name)
        values = {"name": contact.name, "text": text, "title": title, "day": turn.day(day) if day else ""}
        key = {"AddNote": "note", "AddCall": "call", "Remind": "reminder" if day else "task"}[intent]
        if intent == "AddNote" and not text:
            return PluginResult(turn.render("no_text"), success=False)
        if not turn.context.is_confirmed:
            return PluginResult(question=turn.render(f"ask_{key}", **values), entities={"contact_id": contact.id})
        if turn.context.key not in self._done:
            await _send_change(key, contact, text, title, day or turn.today, turn.client)
            self._remember(turn.context.key)
        return turn.answer(f"added_{key}", **values)

    def _remember(self, key: str) -> None:
        self._done[key] = None
        if len(self._done) > _MAX_DONE:
            self._done.popitem(last=False)

    def _fail(self, key: str, context: CommandContext, *, declines: bool) -> PluginResult:
        return PluginResult(self._texts.render(key, context.language), success=False, declines=declines)


async def _send_change(key: str, contact: Contact, text: str, title: str, day: date, client: MonicaClient) -> None:
    match key:
        case "note":
            await client.add_note(contact, text)
        case "call":
            await client.add_call(contact, day, text)
        case "reminder":
            await client.add_reminder(contact, title, day)
        case _:
            await client.add_task(contact, title)


def _load_reminders(texts: PluginTexts) -> PluginSentences:
    """Return what reminders about a person say, such as "call {contact}"."""
    return load_sentences({"Reminder": {language: texts.get_value("reminders", language) for language in texts.languages}}, {})  # fmt: skip


def _find_contacts(intent: str, turn: _Turn) -> tuple[NamedItems[Contact], str]:
    """Return who is meant, and the text that the command brings, perhaps after the name."""
    name, text = turn.text("contact"), turn.text("text")
    if text or intent not in _WITH_TEXT:
        found = turn.book.names.find(name)
    else:
        found, text = turn.book.names.find_first(name)
        text = turn.remove_connector(text)
    chosen = turn.book.get(turn.entities.get("contact_id"))
    return (found if chosen is None else NamedItems((chosen,), found.score)), text


def _ask_which(contacts: tuple[Contact, ...], turn: _Turn) -> PluginResult:
    if len(contacts) > MAX_CHOICES:
        return PluginResult(turn.render("too_many", count=len(contacts), name=turn.text("contact")), success=False)
    apart = name_apart(contacts)
    options = {name: {"contact_id": contact.id} for name, contact in apart.items()}
    return PluginResult(question=turn.render("which", names=list(apart)), options=options)


def _find_day(entities: Mapping[str, Any], today: date) -> date | None:
    """Return the day that the entities name."""
    if period := entities.get("period"):
        return _begin_period(str(period), today)
    if isinstance(number := entities.get("number"), int):
        return today + timedelta(days=min(number, MAX_AHEAD) * _DAYS.get(str(entities.get("unit")), 1))
    day = entities.get("date")
    return day if isinstance(day, date) else None


def _split_day(intent: str, text: str, turn: _Turn) -> tuple[date | None, str]:
    """Return the day that a command names, and the text without it: for a call, the day has been."""
    day = _find_day(turn.entities, turn.today)
    first, _, rest = text.partition(" ")
    if intent == "AddCall" and first.casefold() == turn.render("yesterday"):
        day, text = turn.today - timedelta(days=1), turn.remove_connector(rest)
    if day is None:
        return None, text
    is_to_come = intent == "AddCall" and turn.today < day <= turn.today + timedelta(days=7)
    return (day - timedelta(days=7) if is_to_come else day), text


def _begin_period(period: str, today: date) -> date:
    if period == "next_month":
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return today + timedelta(days=7 - today.weekday())


def _describe(contact: Contact, turn: _Turn) -> str:
    """Return a few sentences about a person."""
    sentences = [turn.render("who", name=contact.name, nickname=contact.nickname, description=contact.description)]
    if contact.job or contact.company:
        sentences.append(turn.render("works", job=contact.job, company=contact.company))
    if contact.is_dead:
        sentences.append(turn.render("has_died", name=contact.name))
    elif contact.birthdate is not None:
        sentences.append(_say_birthdate(contact, turn))
    if contact.last_talked is not None:
        sentences.append(turn.render("last_talk", name=contact.name, day=_past_day(contact.last_talked, turn)))
    return " ".join(sentences)


def _answer_birthday(contact: Contact, turn: _Turn) -> PluginResult:
    if contact.birthdate is None:
        return PluginResult(turn.render("no_birthday", name=contact.name), success=False)
    return PluginResult(_say_birthdate(contact, turn))


def _say_birthdate(contact: Contact, turn: _Turn) -> str:
    assert contact.birthdate is not None
    if contact.birthdate.is_estimated:
        return turn.render("about_age", name=contact.name, age=contact.birthdate.age_on(turn.today))
    if contact.is_dead:
        return turn.render("has_died", name=contact.name)
    [birthday] = list_birthdays([contact], turn.today)
    return _say_birthday(birthday, turn)


def _say_birthday(birthday: Birthday, turn: _Turn) -> str:
    """Return when somebody's birthday is, also how far away it is if it is near."""
    ahead = (birthday.day - turn.today).days
    values = {"name": birthday.contact.name, "day": turn.day(birthday.day), "age": birthday.age, "ahead": ahead}
    return turn.render("birthday", **values)


def _answer_next_birthdays(turn: _Turn) -> PluginResult:
    """Return the birthdays of a day or a month, or the next ones."""
    coming = list_birthdays(turn.book.contacts, turn.today)
    if isinstance(day := turn.entities.get("date"), date):
        shown = [one for one in coming if one.day == day]
        return PluginResult(_list(shown, turn) or turn.render("none_on", day=turn.day(day)))
    days = {"week": 7, "month": 31}.get(str(turn.entities.get("span")), 0)
    shown = [one for one in coming if (one.day - turn.today).days < days] if days else list(coming[:MAX_BIRTHDAYS])
    return PluginResult(_list(shown[: MAX_BIRTHDAYS * 2], turn) or turn.render("none_soon"))


def _list(birthdays: list[Birthday], turn: _Turn) -> str:
    return " ".join(_say_birthday(one, turn) for one in birthdays)


def _answer_last_talk(contact: Contact, turn: _Turn) -> PluginResult:
    if contact.last_talked is None:
        return turn.answer("never_talked", name=contact.name)
    return turn.answer("last_talk", name=contact.name, day=_past_day(contact.last_talked, turn))


def _past_day(day: date, turn: _Turn) -> str:
    return turn.day(day, with_year=day.year != turn.today.year)
