"""Base class of the plugins for calendars: accounts of persons, their status, sentences and tools."""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie_intent.integrations.calendar.commands import ANSWER_SECONDS, CalendarCommands
from wyoming_rosie_intent.integrations.calendar.model import CalendarSource
from wyoming_rosie_intent.integrations.calendar.tools import TOOLS
from wyoming_rosie_intent.integrations.calendar.turn import Account
from wyoming_rosie_intent.plugins import CommandContext, IntegrationPlugin, PluginResult, PluginTool, person_settings
from wyoming_rosie_intent.plugins.plugin import Sentences, Values
from wyoming_rosie_intent.plugins.texts import PluginTexts

_LOG = structlog.get_logger()
LANGUAGES = Path(__file__).with_name("languages")
CHECK_SECONDS = 300.0
"""Between two checks of whether the service lets us in."""
STATUS_SECONDS = 1.5
"""Longest wait for a check, below the time that a plugin has for its status."""
NAMES_SECONDS = 3.0
"""Longest wait for the names of the calendars at the start."""
BUSY, TITLES, NOTHING = "busy", "titles", "nothing"
_GUESTS = (BUSY, TITLES, NOTHING)
_SPEAKABLE_NAME = re.compile(r"[\w ]+")


@dataclass(frozen=True)
class CalendarSettings:
    """Settings of the plugin that do not depend on the service."""

    guests: str
    zone: ZoneInfo | None

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> "CalendarSettings":
        """Parse the table of the plugin. Without `persons`, all who speak in the house hear titles. Raises ConfigError."""
        guests = config.get("guests", BUSY if config.get("persons") else TITLES)
        if guests not in _GUESTS:
            raise ConfigError(f"guests = {guests!r} is unknown; there are: {', '.join(_GUESTS)}")
        return cls(guests, _parse_zone(config.get("time_zone")))


class CalendarPlugin(IntegrationPlugin):
    """Derived classes say how an account is opened, and by which of its settings they know that there is one."""

    name = "calendar"
    version = "1.0.0"
    is_private = True
    account_setting: str
    languages = LANGUAGES
    answer_seconds = ANSWER_SECONDS
    is_outside_home = False
    """Whether the service is one of the internet, to which nothing goes that is said in a private room."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._settings = CalendarSettings(BUSY, None)
        self._texts: PluginTexts | None = None
        self._commands: CalendarCommands | None = None
        self._names: set[str] = set()
        self._problem: str | None = None
        self._check: asyncio.Task[None] | None = None
        self._checked_at = float("-inf")

    @abstractmethod
    def open_source(self, settings: Mapping[str, Any], person: str) -> CalendarSource:
        """Return the calendars of an account, without connecting. Raises ConfigError for settings that are wrong."""

    async def initialize(self, config: Mapping[str, Any]) -> None:
        await self.close()
        self._settings = CalendarSettings.parse(config)
        self._texts = await asyncio.to_thread(PluginTexts, self.languages)
        self._commands = CalendarCommands(self._texts, self.answer_seconds)
        self._accounts = dict(self._open_accounts(config))
        if not self._accounts:
            raise ConfigError(f"the calendar needs the setting {self.account_setting}, or it for each of the persons")
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

    def get_intents(self) -> Mapping[str, Sentences]:
        assert self._texts is not None
        return self._texts.get_intents()

    def get_lists(self) -> Mapping[str, Mapping[str, Values]]:
        """Return the lists of the languages, with the names of the calendars."""
        assert self._texts is not None
        lists = {name: dict(values) for name, values in self._texts.get_lists().items()}
        named = {name: name for name in sorted(self._names)}
        for language, values in lists["calendar"].items():
            lists["calendar"][language] = {**dict(values), **named} if isinstance(values, Mapping) else values
        return lists

    def get_tools(self) -> Sequence[PluginTool]:
        return TOOLS

    async def execute(self, intent: str, entities: Mapping[str, Any], context: CommandContext) -> PluginResult:
        assert self._commands is not None
        person = (context.person or "").casefold()
        own = self._accounts.get(person) if person else None
        account = own or (self._accounts.get("") if self._settings.guests != NOTHING else None)
        if self._settings.zone is not None:
            context = replace(context, moment=context.moment.astimezone(self._settings.zone))
        shows_titles = own is not None or self._settings.guests == TITLES
        may_change = shows_titles and not (self.is_outside_home and context.must_stay_home)
        return await self._commands.execute(
            intent, entities, context, account, shows_titles=shows_titles, may_change=may_change
        )

    async def close(self) -> None:
        if self._check is not None:
            self._check.cancel()
            await asyncio.gather(self._check, return_exceptions=True)
            self._check = None
        if self._commands is not None:
            await self._commands.close()
        accounts, self._accounts = self._accounts, {}
        await asyncio.gather(*(account.source.close() for account in accounts.values()))

    def _open_accounts(self, config: Mapping[str, Any]) -> "Sequence[tuple[str, Account]]":
        """Open the account of the house, whose key is empty, and those of the persons with one of their own or a part in it."""
        tables = {"": person_settings(config, None)} | {
            name.casefold(): person_settings(config, name) for name in config.get("persons", {})
        }
        return [
            (name, self._open_account(table, name)) for name, table in tables.items() if self.account_setting in table
        ]

    def _open_account(self, settings: Mapping[str, Any], person: str) -> Account:
        calendars, add_to = settings.get("calendars", ()), settings.get("add_to", "")
        if isinstance(calendars, str) or not all(isinstance(name, str) for name in (*calendars, add_to)):
            raise ConfigError('calendars and add_to have names: calendars = ["Family", "Work"], add_to = "Family"')
        self._names.update(name for name in (*calendars, add_to) if _SPEAKABLE_NAME.fullmatch(name))
        return Account(self.open_source(settings, person), tuple(calendars), add_to)

    async def _find_names(self) -> None:
        """Learn the names of the calendars, by which sentences name them; without the service, those of the settings."""
        try:
            async with asyncio.timeout(NAMES_SECONDS):
                await self._check_accounts()
        except TimeoutError:
            self._problem = "the calendar takes too long to answer"

    async def _check_accounts(self) -> None:
        """Ask each account for its calendars, and keep the first problem."""
        problem: str | None = None
        for account in self._accounts.values():
            try:
                found = await account.source.get_calendars()
            except RosieError as err:
                problem = problem or str(err)
            else:
                self._names.update(one.name for one in found if _SPEAKABLE_NAME.fullmatch(one.name))
        self._problem = problem


def _parse_zone(name: object) -> ZoneInfo | None:
    """Return a time zone; None to use that of the machine. Raises ConfigError."""
    if name is None:
        return None
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise ConfigError(f"time_zone = {name!r} is unknown; write one such as Europe/Vienna") from err
