"""Client of Monica's API, version 4: at most 60 requests a minute, and contacts that are kept and refreshed."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.http.rate_limit import Rate
from wyoming_rosie_intent.integrations.monica.contacts import Contact, ContactBook, parse_contact
from wyoming_rosie_intent.plugins.http_client import FixedToken, HttpClient, HttpError, HttpFailure, HttpLimits

RATE = Rate(per_second=0.5, burst=30)
"""Requests of one account: together at most 60 within any minute, as many as Monica answers."""
PAGE_SIZE = 100
MAX_CONTACT_PAGES = 200
REFRESH_SECONDS = 600.0
"""Age of the contacts after which they are fetched again."""
RETRY_SECONDS = 60.0


class MonicaClient:
    """The contacts of one account. Used in one event loop, and closed there. Raises ConfigError for a wrong url."""

    def __init__(self, url: str, token: str, limits: HttpLimits, rate: Rate = RATE) -> None:
        root = url.rstrip("/").removesuffix("/api")
        self._http = HttpClient(
            f"{root}/api", FixedToken(token), limits=replace(limits, pages=MAX_CONTACT_PAGES, rate=rate)
        )
        self._book: ContactBook | None = None
        self._fetched_at = float("-inf")
        self._fetching: asyncio.Task[ContactBook] | None = None
        self.problem: str | None = None

    async def check(self) -> None:
        """Check that this is Monica 4 and that it accepts the token. Raises ConfigError, HttpError."""
        try:
            await self._http.get("contacts", {"limit": 1, "page": 1})
        except HttpError as err:
            if err.failure is HttpFailure.NOT_FOUND:
                raise ConfigError(await self._explain_missing_contacts()) from err
            raise

    async def get_book(self) -> ContactBook:
        """Return the contacts, at once if they have been fetched before. Raises HttpError."""
        now = asyncio.get_running_loop().time()
        if now - self._fetched_at >= REFRESH_SECONDS and (self._fetching is None or self._fetching.done()):
            self._fetched_at = now
            self._fetching = asyncio.create_task(self._fetch_book())
            self._fetching.add_done_callback(self._note_problem)
        if self._book is not None:
            return self._book
        assert self._fetching is not None
        return await asyncio.shield(self._fetching)

    async def fetch_contact(self, contact: Contact) -> Contact:
        """Return a contact as it is now. Raises HttpError."""
        found = await self._http.get(f"contacts/{contact.id}")
        data = found.get("data") if isinstance(found, Mapping) else None
        parsed = parse_contact(data) if isinstance(data, Mapping) else None
        if parsed is None:
            raise HttpError(HttpFailure.INVALID, "Monica's answer is no contact")
        return parsed

    async def add_note(self, contact: Contact, text: str) -> None:
        """Write a note. Raises HttpError."""
        await self._http.send("POST", "notes", {"body": text, "contact_id": contact.id, "is_favorited": 0})

    async def add_reminder(self, contact: Contact, title: str, day: date, *, is_weekly: bool = False) -> None:
        """Have Monica remind of something, once or from that day on each week. Raises HttpError."""
        reminder = {
            "title": title,
            "description": "",
            "initial_date": day.isoformat(),
            "frequency_type": "week" if is_weekly else "one_time",
            "frequency_number": 1,
            "contact_id": contact.id,
        }
        await self._http.send("POST", "reminders", reminder)

    async def add_task(self, contact: Contact, title: str) -> None:
        """Write down what is to be done for somebody. Raises HttpError."""
        task = {"title": title, "description": "", "completed": 0, "contact_id": contact.id}
        await self._http.send("POST", "tasks", task)

    async def add_call(self, contact: Contact, day: date, text: str) -> None:
        """Write down a call, and perhaps what it was about. Raises HttpError."""
        await self._http.send(
            "POST", "calls", {"content": text, "called_at": day.isoformat(), "contact_id": contact.id}
        )

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)
        await self._http.close()

    async def _fetch_book(self) -> ContactBook:
        contacts: list[Contact] = []
        async for page in self._http.get_pages("contacts", {"limit": PAGE_SIZE}, _find_next_page):
            entries = page.get("data") if isinstance(page, Mapping) else None
            if not isinstance(entries, list):
                raise HttpError(HttpFailure.INVALID, "Monica's answer is no list of contacts")
            parsed = (parse_contact(entry) for entry in entries if isinstance(entry, Mapping))
            contacts.extend(contact for contact in parsed if contact is not None)
        self._book = await asyncio.to_thread(ContactBook, contacts)
        return self._book

    def _note_problem(self, fetching: "asyncio.Task[ContactBook]") -> None:
        """Keep why the contacts were not fetched; they are then fetched again sooner."""
        error = None if fetching.cancelled() else fetching.exception()
        self.problem = None if error is None else _describe(error)
        if error is not None:
            wait = RETRY_SECONDS if self._book is not None else 0.0
            self._fetched_at = asyncio.get_running_loop().time() - REFRESH_SECONDS + wait

    async def _explain_missing_contacts(self) -> str:
        """Return why there is no list of contacts: Monica 5 has vaults, and no contacts in its API."""
        try:
            await self._http.get("vaults")
        except HttpError as err:
            if err.failure is HttpFailure.NOT_FOUND:
                return f"there is no Monica at {self._http.host}; write its address as the url"
        return f"{self._http.host} has Monica 5, whose API has no contacts; only Monica 4 can be used"


def _find_next_page(page: Any) -> Mapping[str, str | int] | None:
    meta = page.get("meta") if isinstance(page, Mapping) else None
    if not isinstance(meta, Mapping):
        return None
    current, last = meta.get("current_page"), meta.get("last_page")
    return {"page": current + 1} if isinstance(current, int) and isinstance(last, int) and current < last else None


def _describe(error: BaseException) -> str:
    """Return an error as text; that of other than our own errors may contain data of contacts."""
    return str(error) if isinstance(error, RosieError) else type(error).__name__
