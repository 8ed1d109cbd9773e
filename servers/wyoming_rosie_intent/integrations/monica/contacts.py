"""Contacts as Monica describes them: their names, by which they are found, and their birthdays. Rules without requests."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from wyoming_rosie.text.normalize import normalize
from wyoming_rosie_intent.plugins.names import SpokenNames

MAX_TEXT_CHARACTERS = 200
"""Of a text of the service that is spoken."""


@dataclass(frozen=True)
class Birthdate:
    """A birthday; `year` is None if nobody knows it. With `is_estimated` only the age is known, about."""

    month: int
    day: int
    year: int | None = None
    is_estimated: bool = False

    def next_after(self, today: date) -> date:
        """Return the next birthday, today included; that of February 29 is a day earlier in other years."""
        this_year = self._in_year(today.year)
        return this_year if this_year >= today else self._in_year(today.year + 1)

    def age_on(self, day: date) -> int | None:
        """Return the age in full years on a day; None without a year of birth."""
        if self.year is None:
            return None
        return day.year - self.year - (self._in_year(day.year) > day)

    def _in_year(self, year: int) -> date:
        return date(year, self.month, min(self.day, calendar.monthrange(year, self.month)[1]))


@dataclass(frozen=True)
class Contact:
    """A person in Monica; the texts are cleaned, but written by whoever fills it."""

    id: int
    first_name: str
    last_name: str = ""
    nickname: str = ""
    description: str = ""
    job: str = ""
    company: str = ""
    birthdate: Birthdate | None = None
    last_talked: date | None = None
    is_dead: bool = False

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def spoken_names(self) -> frozenset[str]:
        """The names by which people call this person."""
        given = [self.first_name, self.nickname]
        return frozenset(filter(None, (*given, self.last_name, *(f"{one} {self.last_name}" for one in given if one))))


class ContactBook:
    """Contacts by their names."""

    def __init__(self, contacts: Iterable[Contact] = ()) -> None:
        self.contacts = tuple(sorted(contacts, key=lambda contact: contact.id))
        self.names = SpokenNames((name, one) for one in self.contacts for name in sorted(one.spoken_names))
        self._by_id = {contact.id: contact for contact in self.contacts}

    def get(self, contact_id: object) -> Contact | None:
        return self._by_id.get(contact_id) if isinstance(contact_id, int) else None


def parse_contact(data: Mapping[str, Any]) -> Contact | None:
    """Return a contact of Monica's JSON; None for one without id or name, and for a mere relative of another."""
    information = _table(data.get("information"))
    career, dates = _table(information.get("career")), _table(information.get("dates"))
    contact_id, first_name = data.get("id"), clean(data.get("first_name"))
    if not isinstance(contact_id, int) or not first_name or data.get("is_partial") is True:
        return None
    talked = [parse_date(data.get(key)) for key in ("last_called", "last_activity_together")]
    return Contact(
        contact_id,
        first_name,
        clean(data.get("last_name")),
        clean(data.get("nickname")),
        clean(data.get("description")),
        clean(career.get("job")),
        clean(career.get("company")),
        _parse_birthdate(_table(dates.get("birthdate"))),
        max((day for day in talked if day is not None), default=None),
        data.get("is_dead") is True,
    )


def clean(text: object) -> str:
    """Return a text of the service in one line that can be spoken; empty for anything else."""
    return " ".join(normalize(text).split())[:MAX_TEXT_CHARACTERS].strip() if isinstance(text, str) else ""


def parse_date(text: object) -> date | None:
    """Return the date of a time stamp; None for anything else."""
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


@dataclass(frozen=True)
class Birthday:
    """A birthday to come; `age` is that of the day, None if nobody knows it."""

    contact: Contact
    day: date
    age: int | None = field(default=None)


def list_birthdays(contacts: Iterable[Contact], today: date) -> Sequence[Birthday]:
    """Return the next birthdays of the living, the nearest first."""
    found = [
        Birthday(one, day, one.birthdate.age_on(day))
        for one in contacts
        if one.birthdate and not one.birthdate.is_estimated and not one.is_dead
        for day in (one.birthdate.next_after(today),)
    ]
    return sorted(found, key=lambda birthday: (birthday.day, birthday.contact.name))


def name_apart(contacts: Sequence[Contact]) -> Mapping[str, Contact]:
    """Return contacts by names that differ: with work or description where they are called the same."""
    names = sorted(contact.name for contact in contacts)
    repeated = {name for name, following in pairwise(names) if name == following}
    apart: dict[str, Contact] = {}
    for contact in sorted(contacts, key=lambda one: one.id):
        detail = contact.company or contact.job or contact.description or contact.nickname
        name = f"{contact.name}, {detail}" if contact.name in repeated and detail else contact.name
        apart[name if name not in apart else f"{name} {len(apart) + 1}"] = contact
    return apart


def _parse_birthdate(data: Mapping[str, Any]) -> Birthdate | None:
    day = parse_date(data.get("date"))
    if day is None:
        return None
    year = None if data.get("is_year_unknown") is True else day.year
    return Birthdate(day.month, day.day, year, data.get("is_age_based") is True)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
