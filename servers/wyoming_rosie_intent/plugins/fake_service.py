"""Fake of a web service for the tests of a plugin: answers as recorded, and fails in the ways in which services fail."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

HUGE_BYTES = 11_000_000
HANG_SECONDS = 600.0
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_MAX_BODY_BYTES = 20_000_000


class Fault(StrEnum):
    """A way in which a service fails."""

    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    BUSY = "429"
    FAILED = "500"
    HANG = "hang"
    GARBAGE = "garbage"  # status 200, but no JSON
    HUGE = "huge"  # more than 10 MB
    CUT = "cut"  # the connection ends within the answer


@dataclass(frozen=True)
class ServiceRequest:
    """A request that the service received."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


class FakeService(ABC):
    """Serves on 127.0.0.1 while it is open; `answer` returns what the real service was recorded to answer.

    `fail` makes the next requests, or all further ones, fail.
    """

    def __init__(self) -> None:
        self.requests: list[ServiceRequest] = []
        self.url = ""
        self.page_size: int | None = None  # things on one page, where the service has pages
        self._faults: deque[Fault] = deque()
        self._lasting: Fault | None = None
        self._released = asyncio.Event()

    @abstractmethod
    async def answer(self, request: ServiceRequest) -> web.Response:
        """Answer a request that does not fail."""

    def is_change(self, request: ServiceRequest) -> bool:
        """Return whether a request changes something; a service with searches by POST says more."""
        return request.method in _CHANGES

    def create_error(self, fault: Fault) -> web.Response:
        """Return the service's answer to a request that it refuses; the status is that of the fault."""
        return web.json_response({"error": fault.name.lower()}, status=int(fault), headers={"Retry-After": "0"})

    def fail(self, fault: Fault, times: int | None = None) -> None:
        """Fail the next requests, without a number all further ones."""
        if times is None:
            self._lasting = fault
        else:
            self._faults.extend([fault] * times)

    def recover(self) -> None:
        """Fail no more; requests that hang are answered."""
        self._faults.clear()
        self._lasting = None
        self._released.set()
        self._released = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        """Serve during the block."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_route("*", "/{path:.*}", self._on_request)
        server = TestServer(app)
        await server.start_server()
        self.url = str(server.make_url("")).rstrip("/")
        try:
            yield self
        finally:
            self.recover()
            await server.close()

    async def _on_request(self, received: web.Request) -> web.StreamResponse:
        body = await received.read()
        request = ServiceRequest(received.method, received.path, dict(received.query), received.headers, body)
        self.requests.append(request)
        fault = self._faults.popleft() if self._faults else self._lasting
        match fault:
            case None:
                return await self.answer(request)
            case Fault.HANG:
                await self._hang()
                return await self.answer(request)
            case Fault.GARBAGE:
                return web.Response(text="<html>not what you expect", content_type="text/html")
            case Fault.HUGE:
                return await _send_huge(received)
            case Fault.CUT:
                return await _cut(received)
            case _:
                return self.create_error(fault)

    async def _hang(self) -> None:
        async with asyncio.timeout(HANG_SECONDS):
            await self._released.wait()


async def _send_huge(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    await answer.write(b'["')
    for _ in range(HUGE_BYTES // 1_000_000):
        await answer.write(b"a" * 1_000_000)
    await answer.write(b'"]')
    return answer


async def _cut(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b'{"half": ')
    if request.transport is not None:
        request.transport.close()
    return answer
