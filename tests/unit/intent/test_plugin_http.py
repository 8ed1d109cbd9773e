"""The HTTP client of integrations against a service that fails in every way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from blockbuster import BlockBuster

from tests.waiting import wait_until
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http.rate_limit import Rate
from wyoming_rosie_intent.plugins.fake_service import FakeService, Fault, ServiceRequest
from wyoming_rosie_intent.plugins.http_client import (
    FixedToken,
    HttpClient,
    HttpError,
    HttpFailure,
    HttpLimits,
    TokenSource,
    parse_retry_after,
)

QUICK = HttpLimits(first_pause_seconds=0.01)
HASTY = HttpLimits(attempt_seconds=0.5, first_pause_seconds=0.01)
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_service_may_block(_nothing_blocks_the_loop: BlockBuster) -> None:
    _nothing_blocks_the_loop.deactivate()


class NumberService(FakeService):
    """Returns what it was sent, and pages of numbers."""

    def __init__(self, pages: int = 3) -> None:
        super().__init__()
        self.pages = pages
        self.accepted = "good"

    async def answer(self, request: ServiceRequest) -> web.Response:
        if request.headers.get("Authorization", "Bearer good") != f"Bearer {self.accepted}":
            return self.create_error(Fault.UNAUTHORIZED)
        if request.path == "/base/pages":
            page = int(request.query.get("page", "1"))
            return web.json_response({"data": [page], "next": page + 1 if page < self.pages else None})
        if request.path == "/base/moved":
            return web.Response(status=301, headers={"Location": "https://elsewhere.example/x?key=secret"})
        if request.path == "/base/empty":
            return web.Response(status=204)
        return web.json_response({"method": request.method, "sent": request.json, "query": dict(request.query)})


class RenewableToken(FixedToken):
    """Is replaced by `renewed` when it is refused."""

    def __init__(self, renewed: str) -> None:
        super().__init__("stale")
        self._renewed = renewed
        self.renewals = 0

    async def get_token(self) -> str:
        return self._renewed if self.renewals else "stale"

    async def renew_token(self) -> str:
        self.renewals += 1
        return self._renewed


@asynccontextmanager
async def requesting(
    service: NumberService, token: TokenSource | None = None, limits: HttpLimits = QUICK
) -> AsyncIterator[HttpClient]:
    async with service.serving():
        client = HttpClient(f"{service.url}/base/", token, limits=limits)
        try:
            yield client
        finally:
            await client.close()


async def test_a_request_carries_query_and_body_and_returns_json() -> None:
    async with requesting(NumberService()) as client:
        assert await client.get("echo", {"a": 1}) == {"method": "GET", "sent": None, "query": {"a": "1"}}
        assert await client.send("POST", "echo", {"b": [2]}) == {"method": "POST", "sent": {"b": [2]}, "query": {}}
        assert await client.send("DELETE", "/empty") is None


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.FAILED, Fault.CUT])
async def test_a_request_that_cannot_do_harm_is_repeated(fault: Fault) -> None:
    service = NumberService()
    async with requesting(service) as client:
        service.fail(fault, times=2)
        assert (await client.get("echo"))["method"] == "GET"
        assert len(service.requests) == 3


@pytest.mark.parametrize(("can_repeat", "attempts"), [(False, 1), (True, 2)])
async def test_a_change_is_repeated_only_where_the_service_knows_the_second_attempt(can_repeat: bool, attempts: int) -> None:  # fmt: skip
    service = NumberService()
    async with requesting(service) as client:
        service.fail(Fault.FAILED, times=1)
        if can_repeat:
            await client.send("POST", "echo", {}, can_repeat=True)
        else:
            with pytest.raises(HttpError):
                await client.send("POST", "echo", {})
        assert len(service.requests) == attempts


async def test_a_change_that_was_refused_for_its_frequency_is_repeated() -> None:
    service = NumberService()
    async with requesting(service) as client:
        service.fail(Fault.BUSY, times=1)
        await client.send("POST", "echo", {})
        assert len(service.requests) == 2


@pytest.mark.parametrize(
    ("fault", "failure", "requests"),
    [
        (Fault.UNAUTHORIZED, HttpFailure.UNAUTHORIZED, 1),
        (Fault.FORBIDDEN, HttpFailure.FORBIDDEN, 1),
        (Fault.BUSY, HttpFailure.BUSY, 4),
        (Fault.FAILED, HttpFailure.FAILED, 4),
        (Fault.CUT, HttpFailure.UNREACHABLE, 4),
        (Fault.GARBAGE, HttpFailure.INVALID, 1),
        (Fault.HUGE, HttpFailure.INVALID, 1),
    ],
)
async def test_each_fault_is_an_error_of_its_own(fault: Fault, failure: HttpFailure, requests: int) -> None:
    service = NumberService()
    async with requesting(service) as client:
        service.fail(fault)
        with pytest.raises(HttpError) as caught:
            await client.get("echo")
        assert caught.value.failure is failure
        assert len(service.requests) == requests
        service.recover()
        assert await client.get("echo")


async def test_a_service_that_hangs_times_out_and_does_not_keep_the_client_from_its_next_request() -> None:
    service = NumberService()
    async with requesting(service, limits=HASTY) as client:
        service.fail(Fault.HANG, times=1)
        assert await client.get("echo")
        service.fail(Fault.HANG)
        with pytest.raises(HttpError) as caught:
            await client.send("POST", "echo", {})
        assert caught.value.failure is HttpFailure.TIMEOUT


async def test_a_pause_longer_than_the_time_left_is_not_waited_for() -> None:
    class Tired(NumberService):
        def create_error(self, fault: Fault) -> web.Response:
            return web.Response(status=503, headers={"Retry-After": "3600"})

    service = Tired()
    async with requesting(service) as client:
        service.fail(Fault.FAILED)
        with pytest.raises(HttpError, match="status 503"):
            await client.get("echo")
        assert len(service.requests) == 1


async def test_a_refused_token_is_renewed_once_for_all_requests() -> None:
    service, token = NumberService(), RenewableToken("good")
    async with requesting(service, token) as client:
        answers = await asyncio.gather(*(client.get("echo") for _ in range(5)))
        assert len(answers) == 5
        assert token.renewals == 1


async def test_a_new_token_that_is_refused_too_is_an_error() -> None:
    service, token = NumberService(), RenewableToken("bad")
    async with requesting(service, token) as client:
        with pytest.raises(HttpError) as caught:
            await client.get("echo")
        assert caught.value.failure is HttpFailure.UNAUTHORIZED
        assert token.renewals == 1


async def test_a_fixed_token_that_is_refused_says_what_to_do() -> None:
    async with requesting(NumberService(), FixedToken("bad")) as client:
        with pytest.raises(HttpError, match="create a new one"):
            await client.get("echo")


def find_next(page: Any) -> dict[str, int] | None:
    return {"page": page["next"]} if page["next"] else None


async def test_a_request_that_waits_for_another_attempt_ends_with_the_client() -> None:
    service = NumberService()
    async with service.serving():
        client = HttpClient(service.url, limits=HttpLimits(first_pause_seconds=0.2))
        service.fail(Fault.FAILED)
        waiting = asyncio.create_task(client.get("numbers"))
        await wait_until(lambda: bool(service.requests))
        await client.close()
        with pytest.raises(HttpError) as raised:
            await waiting
        assert raised.value.failure is HttpFailure.UNREACHABLE
        assert client._session is None


async def test_pages_come_in_order_until_the_last() -> None:
    async with requesting(NumberService()) as client:
        pages = [page["data"] async for page in client.get_pages("pages", {"limit": 1}, find_next)]
        assert pages == [[1], [2], [3]]


async def test_pages_without_end_are_an_error() -> None:
    async with requesting(NumberService(10_000), limits=HttpLimits(pages=5)) as client:
        with pytest.raises(HttpError, match="more than 5 pages"):
            _ = [page async for page in client.get_pages("pages", {}, find_next)]
    service = NumberService()
    async with requesting(service) as client:
        with pytest.raises(HttpError, match="the same again"):
            _ = [page async for page in client.get_pages("pages", {}, lambda _: {"page": 2})]
        assert len(service.requests) == 2


async def test_a_service_that_moved_is_named_without_its_query_and_not_followed() -> None:
    async with requesting(NumberService()) as client:
        with pytest.raises(HttpError, match=r"moved to https://elsewhere\.example/x;") as caught:
            await client.get("moved")
        assert "secret" not in str(caught.value)


async def test_a_token_goes_to_no_other_host() -> None:
    async with requesting(NumberService(), FixedToken("good")) as client:
        with pytest.raises(HttpError, match="another host"):
            await client.get("http://127.0.0.2:1/next")


async def test_a_service_that_is_not_there_is_unreachable(unused_tcp_port: int) -> None:
    client = HttpClient(f"http://127.0.0.1:{unused_tcp_port}", limits=QUICK)
    with pytest.raises(HttpError) as caught:
        await client.send("POST", "echo", {})
    assert caught.value.failure is HttpFailure.UNREACHABLE
    await client.close()


@pytest.mark.parametrize("url", ["", "example.org", "ftp://example.org", "https://user:password@example.org", "http://example.org"])  # fmt: skip
def test_an_address_that_is_none_or_shows_the_token_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        HttpClient(url, FixedToken("secret"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(None, None), ("5", 5.0), (" 0 ", 0.0), ("Sun, 29 Mar 2026 00:30:20 GMT", 20.0), ("Sun, 29 Mar 2026 00:00:00 GMT", 0.0), ("soon", None), ("-1", None)],
)  # fmt: skip
def test_the_pause_that_a_service_asks_for_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


async def test_a_request_too_many_waits_until_it_is_within_the_rate() -> None:
    service = NumberService()
    async with requesting(service, limits=replace(QUICK, rate=Rate(per_second=100.0, burst=1))) as client:
        loop = asyncio.get_running_loop()
        begins_at = loop.time()
        for _ in range(6):
            await client.get("one")
        assert loop.time() - begins_at >= 0.045
        assert len(service.requests) == 6


async def test_a_request_that_would_wait_too_long_is_not_sent() -> None:
    service = NumberService()
    async with requesting(service, limits=replace(QUICK, rate=Rate(per_second=0.001, burst=1))) as client:
        await client.get("one")
        with pytest.raises(HttpError, match="too many requests") as caught:
            await client.get("one")
        assert caught.value.failure is HttpFailure.BUSY
        assert len(service.requests) == 1
