"""Accounts of calendars, and what one turn reads of all that a person has: one that fails does not silence the others."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from wyoming_rosie_intent.integrations.calendar import agenda
from wyoming_rosie_intent.integrations.calendar.model import Calendar, CalendarEvent, CalendarSource, Span
from wyoming_rosie_intent.plugins.failures import log_failure
from wyoming_rosie_intent.plugins.http_client import HttpError, HttpFailure

Item = TypeVar("Item")


@dataclass
class CalendarAccount:
    """The calendars of a person at one service, or those of the house there."""

    source: CalendarSource
    service: str  # its name; a person has one account at each
    calendars: tuple[str, ...] = ()  # names; all if empty
    add_to: str = ""  # name; the first that may be written to if empty
    is_own: bool = False  # of the person, not of the house
    is_outside_home: bool = False
    names: tuple[str, ...] = ()  # of the calendars, as they were read last

    async def get_calendars(self) -> Sequence[Calendar]:
        """Return the calendars that the settings name. Raises HttpError."""
        found = agenda.select_calendars(await self.source.get_calendars(), self.calendars)
        self.names = tuple(calendar.name for calendar in found)
        return [replace(calendar, service=self.service) for calendar in found]

    def find_new_event_calendar(self, calendars: Sequence[Calendar]) -> Calendar | None:
        """Return the calendar of the account into which new events go."""
        writable = [calendar for calendar in calendars if calendar.is_writable]
        wanted = agenda.select_calendars(writable, [self.add_to]) if self.add_to else writable
        return wanted[0] if wanted else None


class AccountsReader:
    """Reads several accounts at once; `failed` are those that could not be read, as long as others could."""

    def __init__(self, accounts: Sequence[CalendarAccount], seconds: float) -> None:
        self.accounts = accounts
        self.failed: dict[str, CalendarAccount] = {}  # by service
        self._seconds = seconds if len(accounts) > 1 else None

    def find_account(self, calendar: Calendar) -> CalendarAccount:
        return next(account for account in self.accounts if account.service == calendar.service)

    async def get_calendars(self, accounts: Sequence[CalendarAccount] | None = None) -> list[Calendar]:
        """Return the calendars of all accounts, or of some. Raises HttpError if none can be read."""
        return await self._read(self.accounts if accounts is None else accounts, CalendarAccount.get_calendars)

    async def get_events(self, calendars: Sequence[Calendar], span: Span) -> list[CalendarEvent]:
        """Return the events of calendars. Raises HttpError if none can be read."""
        asked = [one for one in self.accounts if any(calendar.service == one.service for calendar in calendars)]

        async def read(account: CalendarAccount) -> Sequence[CalendarEvent]:
            own = [calendar for calendar in calendars if calendar.service == account.service]
            return await account.source.get_events(own, span)

        return await self._read(asked, read)

    async def _read(
        self, accounts: Sequence[CalendarAccount], read: Callable[[CalendarAccount], Awaitable[Sequence[Item]]]
    ) -> list[Item]:
        results = await asyncio.gather(*(self._try(account, read) for account in accounts))
        errors = {
            account.service: result
            for account, result in zip(accounts, results, strict=True)
            if isinstance(result, HttpError)
        }
        if errors and len(errors) == len(accounts):
            raise next(iter(errors.values()))
        for account in accounts:
            if account.service in errors:
                self.failed[account.service] = account
                log_failure(account.service, "CalendarEvents", errors[account.service])
        return list(chain.from_iterable(result for result in results if not isinstance(result, HttpError)))

    async def _try(
        self, account: CalendarAccount, read: Callable[[CalendarAccount], Awaitable[Sequence[Item]]]
    ) -> Sequence[Item] | HttpError:
        try:
            async with asyncio.timeout(self._seconds):
                return await read(account)
        except TimeoutError:
            return HttpError(HttpFailure.TIMEOUT, f"{account.service} did not answer in time")
        except HttpError as err:
            return err
