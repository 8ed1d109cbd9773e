"""Plugin for calendars at several services: accounts of persons, their status, sentences and tools."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie_intent.integrations.caldav.service import CalDavService
from wyoming_rosie_intent.integrations.calendar.accounts import CalendarAccount
from wyoming_rosie_intent.integrations.calendar.commands import ANSWER_SECONDS, CalendarCommands
from wyoming_rosie_intent.integrations.calendar.service import CalendarService
from wyoming_rosie_intent.integrations.calendar.tools import TOOLS
from wyoming_rosie_intent.integrations.google_calendar.service import GoogleService
from wyoming_rosie_intent.plugins import CommandContext, MultilingualPlugin, PluginResult
from wyoming_rosie_intent.plugins.accounts import PersonAccounts, list_account_settings
from wyoming_rosie_intent.plugins.plugin import Values

CHECK_SECONDS = 300.0
"""Between two checks of whether the services let us in."""
STATUS_SECONDS = 1.5
"""Longest wait for a check, below the time that a plugin has for its status."""
NAMES_SECONDS = 3.0
"""Longest wait for the names of the calendars at the start."""
BUSY, TITLES, NOTHING = "busy", "titles", "nothing"
_GUESTS = (BUSY, TITLES, NOTHING)
_SHARED_SETTINGS = ("guests", "time_zone")
_SPEAKABLE_NAME = re.compile(r"[\w ]+")


@dataclass(frozen=True)
class CalendarSettings:
    """Settings of the plugin that do not depend on a service."""

    guests: str
    zone: ZoneInfo | None

    @classmethod
    def parse(cls, config: Mapping[str, Any], *, has_persons: bool) -> "CalendarSettings":
        """Parse the table of the plugin. Without persons, all who speak in the house hear titles. Raises ConfigError."""
        guests = config.get("guests", BUSY if has_persons else TITLES)
        if guests not in _GUESTS:
            raise ConfigError(f"guests = {guests!r} is unknown; there are: {', '.join(_GUESTS)}")
        return cls(guests, _parse_zone(config.get("time_zone")))


class CalendarPlugin(MultilingualPlugin):
    """Settings: `guests` and `time_zone`, and a table of accounts for each service, such as `caldav`."""

    name = "calendar"
    version = "1.0.0"
    is_private = True
    languages = Path(__file__).with_name("languages")
    tools = TOOLS
    services: Mapping[str, CalendarService] = {"caldav": CalDavService(), "google": GoogleService()}
    answer_seconds = ANSWER_SECONDS

    def __init__(self) -> None:
        super().__init__()
        self._accounts: dict[str, PersonAccounts[CalendarAccount]] = {}  # by service
        self._settings = CalendarSettings(BUSY, None)
        self._commands = CalendarCommands(self.texts, self.answer_seconds)
        self._names: set[str] = set()
        self._problem: str | None = None
        self._check: asyncio.Task[None] | None = None
        self._checked_at = float("-inf")

    async def initialize(self, config: Mapping[str, Any]) -> None:
        await self.close()
        tables = {name: config[name] for name in self.services if name in config}
        if not tables:
            raise ConfigError(f"the calendar needs a table of accounts; there are: {', '.join(self.services)}")
        for name, table in tables.items():
            _check_table(name, table)
        self._settings = CalendarSettings.parse(
            config, has_persons=any(table.get("persons") for table in tables.values())
        )
        for name, table in tables.items():
            self._accounts[name] = PersonAccounts(self._open_accounts(name, table))
        self._names = set(self._list_configured_names())
        await self._find_names()

    async def get_status(self) -> Mapping[str, Any]:
        """Return what the last check found; while there is a problem, check again and wait a moment for it."""
        now = asyncio.get_running_loop().time()
        if self._problem is not None or now - self._checked_at > CHECK_SECONDS:
            if self._check is not None:
                self._check.cancel()  # it may wait for a service that has recovered since
            self._checked_at = now
            self._check = asyncio.create_task(self._check_accounts())
        if self._problem is not None and self._check is not None:
            await asyncio.wait([self._check], timeout=STATUS_SECONDS)
        return {"healthy": self._problem is None, "message": self._problem}

    def get_lists(self) -> Mapping[str, Mapping[str, Values]]:
        """Return the lists of the languages, with the names of the calendars."""
        lists = {name: dict(values) for name, values in super().get_lists().items()}
        named = {name: name for name in sorted(self._names)}
        for language, values in lists["calendar"].items():
            lists["calendar"][language] = {**dict(values), **named} if isinstance(values, Mapping) else values
        return lists

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        is_known = any(accounts.find_own(context.person) for accounts in self._accounts.values())
        if self._settings.zone is not None:
            context = replace(context, moment=context.moment.astimezone(self._settings.zone))
        return await self._commands.execute(
            intent,
            entities,
            context,
            list(self._find_accounts(context.person, is_known=is_known)),
            shows_titles=is_known or self._settings.guests == TITLES,
        )

    async def close(self) -> None:
        if self._check is not None:
            self._check.cancel()
            await asyncio.gather(self._check, return_exceptions=True)
            self._check = None
        await self._commands.close()
        opened, self._accounts = self._list_accounts(), {}
        await asyncio.gather(*(account.source.close() for account in opened))

    def _find_accounts(self, person: str | None, *, is_known: bool) -> Iterator[CalendarAccount]:
        """Yield the account of a person at each service, or that of the house; guests have none if the settings say so."""
        for accounts in self._accounts.values():
            hears_house = is_known or self._settings.guests != NOTHING
            account = accounts.find(person) if hears_house else None
            if account is not None:
                yield account

    def _list_accounts(self) -> list[CalendarAccount]:
        return [account for accounts in self._accounts.values() for account in accounts]

    def _list_configured_names(self) -> Iterator[str]:
        for account in self._list_accounts():
            yield from filter(_SPEAKABLE_NAME.fullmatch, (*account.calendars, account.add_to))

    def _open_accounts(self, name: str, table: Mapping[str, Any]) -> Mapping[str, CalendarAccount]:
        """Open the accounts at a service; a person without an account there may have a part in that of the house."""
        setting = self.services[name].account_setting
        found = list_account_settings(table, setting, may_share=True)
        if not found:
            raise ConfigError(f"the table {name} needs the setting {setting}, or it for each of the persons")
        return {person: self._open_account(name, settings, person) for person, settings in found.items()}

    def _open_account(self, name: str, settings: Mapping[str, Any], person: str) -> CalendarAccount:
        service, calendars, add_to = self.services[name], settings.get("calendars", ()), settings.get("add_to", "")
        if isinstance(calendars, str) or not all(isinstance(one, str) for one in (*calendars, add_to)):
            raise ConfigError('calendars and add_to have names: calendars = ["Family", "Work"], add_to = "Family"')
        return CalendarAccount(
            service.open_source(settings, person),
            service.name,
            tuple(calendars),
            add_to,
            is_own=bool(person),
            is_outside_home=service.is_outside_home,
        )

    async def _find_names(self) -> None:
        """Learn the names of the calendars, by which sentences name them; without a service, those of the settings."""
        try:
            async with asyncio.timeout(NAMES_SECONDS):
                await self._check_accounts()
        except TimeoutError:
            self._problem = "a calendar takes too long to answer"

    async def _check_accounts(self) -> None:
        """Ask all accounts for their calendars, and keep what goes wrong."""
        problems = await asyncio.gather(*map(self._check_account, self._list_accounts()))
        self._problem = "; ".join(dict.fromkeys(filter(None, problems))) or None

    async def _check_account(self, account: CalendarAccount) -> str | None:
        """Learn the names of an account's calendars; return what is wrong with it."""
        try:
            found = await account.get_calendars()
        except RosieError as err:
            return str(err)
        self._names.update(one.name for one in found if _SPEAKABLE_NAME.fullmatch(one.name))
        return None


def _check_table(name: str, table: object) -> None:
    """Raise ConfigError for the accounts of a service that are no table, or have settings for all services together."""
    if not isinstance(table, Mapping):
        raise ConfigError(
            f"{name} has the accounts of a service: write them as a table [intent.plugins.calendar.{name}]"
        )
    for setting in _SHARED_SETTINGS:
        if setting in table:
            raise ConfigError(f"{setting} is for all calendars: write it in the table [intent.plugins.calendar]")


def _parse_zone(name: object) -> ZoneInfo | None:
    """Return a time zone; None to use that of the machine. Raises ConfigError."""
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise ConfigError(f"time_zone = {name!r} is unknown; write one such as Europe/Vienna") from err
