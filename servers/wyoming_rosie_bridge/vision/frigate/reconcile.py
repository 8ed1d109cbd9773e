"""What MQTT lost: Frigate drops its messages while the broker is away, and keeps the objects in its database.

Frigate's HTTP API is asked for what runs, for what began since the last contact, and for those objects that ran when we last
heard of them. An object without clip and snapshot is not in the database.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog

from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie_bridge.vision.frigate.payloads import (
    MAX_API_BYTES,
    ApiList,
    Review,
    Sighting,
    parse_api_config,
    parse_api_events,
    parse_api_reviews,
)

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

_LOG = structlog.get_logger()
T = TypeVar("T")
REQUEST_SECONDS = 5.0
PAGE_ITEMS = 250
MAX_PAGES = 20
IDS_PER_REQUEST = 50
OVERLAP_SECONDS = 300.0
"""Frigate's database has the time at which an object began, and not when it was found to be one."""


@dataclass(frozen=True)
class FrigateApi:
    """The HTTP API of one Frigate."""

    url: str
    token: str | None = field(default=None, repr=False)
    ca_file: Path | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["ApiSession"]:
        """Open connections for a few requests. Raises UnreachableError."""
        from aiohttp import ClientSession, ClientTimeout, TCPConnector

        try:
            connector = TCPConnector(limit=2, ssl=await asyncio.to_thread(self._ssl_context))
        except OSError as err:
            raise UnreachableError(f"cannot read the certificates in {self.ca_file}: {err.strerror}") from err
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        timeout = ClientTimeout(total=REQUEST_SECONDS)
        async with ClientSession(connector=connector, headers=headers, timeout=timeout) as session:
            yield ApiSession(self.url, session)

    def _ssl_context(self) -> ssl.SSLContext | bool:
        if not self.url.startswith("https:"):
            return True
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)


class ApiSession:
    """Requests to Frigate. All raise UnreachableError when it does not answer as it should."""

    def __init__(self, url: str, session: "ClientSession") -> None:
        self._url, self._session = url, session
        self.refused = 0
        """Items that were not valid."""

    async def get_cameras(self) -> dict[str, tuple[int, int] | None]:
        """Return the cameras with the size of their frames."""
        return await self._get("/api/config", {}, parse_api_config)

    async def get_running(self) -> list[Sighting]:
        """Return the objects that have not ended."""
        return await self._get_pages({"in_progress": "1"})

    async def get_begun_after(self, time: float) -> list[Sighting]:
        """Return the objects that began after a time."""
        return await self._get_pages({"after": f"{time:.3f}"})

    async def get_objects(self, ids: Collection[str]) -> list[Sighting]:
        """Return objects by their IDs, as far as the database has them."""
        found: list[Sighting] = []
        wanted = sorted(ids)
        for first in range(0, len(wanted), IDS_PER_REQUEST):
            some = wanted[first : first + IDS_PER_REQUEST]
            found += (await self._get_list("/api/event_ids", {"ids": ",".join(some)}, parse_api_events)).items
        return found

    async def get_reviews_after(self, time: float) -> list[Review]:
        """Return the review items that began after a time."""
        query = {"after": f"{time:.3f}", "limit": str(PAGE_ITEMS)}
        return list((await self._get_list("/api/review", query, parse_api_reviews)).items)

    async def _get_pages(self, query: Mapping[str, str]) -> list[Sighting]:
        found: list[Sighting] = []
        for page in range(MAX_PAGES):
            place = {"limit": str(PAGE_ITEMS), "offset": str(page * PAGE_ITEMS), "include_thumbnails": "0"}
            answer = await self._get_list("/api/events", {**query, **place}, parse_api_events)
            found += answer.items
            if answer.length < PAGE_ITEMS:
                return found
        _LOG.warning("Frigate has more objects than are asked for", objects=len(found))
        return found

    async def _get_list(self, path: str, query: Mapping[str, str], parse: Callable[[bytes], ApiList[T]]) -> ApiList[T]:
        answer = await self._get(path, query, parse)
        self.refused += answer.refused
        return answer

    async def _get(self, path: str, query: Mapping[str, str], parse: Callable[[bytes], T]) -> T:
        from aiohttp import ClientError

        try:
            async with self._session.get(self._url + path, params=query, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise UnreachableError(f"Frigate answers {path} with {answer.status}{_hint(answer.status)}")
                return await asyncio.to_thread(parse, await _read_body(answer))
        except TimeoutError as err:
            raise UnreachableError(f"Frigate did not answer {path} within {REQUEST_SECONDS:g} seconds") from err
        except (ClientError, OSError) as err:
            raise UnreachableError(f"Frigate's API cannot be reached: {type(err).__name__}") from err
        except BadMessageError as err:
            raise UnreachableError(f"Frigate's answer to {path} is not valid: {err}") from err


async def find_missed(api: ApiSession, active: Collection[str], since: float) -> list[Sighting | Review]:
    """Return what Frigate knows of the objects that run, ran, or began since the last contact, oldest first.

    Raises UnreachableError.
    """
    after = since - OVERLAP_SECONDS
    found = {one.id: one for one in await api.get_running()}
    found |= {one.id: one for one in await api.get_begun_after(after)}
    reviews = await api.get_reviews_after(after)
    if gone := set(active) - found.keys():
        found |= {one.id: one for one in await api.get_objects(gone)}
    return [*sorted(found.values(), key=lambda one: one.start or 0.0), *reviews]


async def _read_body(answer: "ClientResponse") -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > MAX_API_BYTES:
            raise BadMessageError(f"it has more than {MAX_API_BYTES} bytes")
    return bytes(body)


def _hint(status: int) -> str:
    return "; it needs a token in FRIGATE_TOKEN, or its internal port 5000" if status in (401, 403) else ""
