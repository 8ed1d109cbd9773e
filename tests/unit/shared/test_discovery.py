"""Announcements: stable names and reachable addresses."""

import asyncio
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie.protocol.announced_names import candidates
from wyoming_rosie.protocol.discovery import MAX_NAME_BYTES, announce, instance_name, usable_addresses
from wyoming_rosie.protocol.service_browser import DiscoveredService, ServiceBrowser, find_services, first_reachable

OWN = ["127.0.0.1", "192.168.1.9", "10.0.0.3", "169.254.7.7", "::1", "fd00::9", "fe80::5"]


@pytest.mark.parametrize(
    ("bound", "own", "usable"),
    [
        ("0.0.0.0", OWN, ["192.168.1.9", "10.0.0.3"]),
        ("::", OWN, ["192.168.1.9", "10.0.0.3", "fd00::9"]),
        ("192.168.1.9", OWN, ["192.168.1.9"]),
        ("127.0.0.1", OWN, []),
        ("0.0.0.0", ["127.0.0.1", "169.254.7.7"], ["169.254.7.7"]),
        ("0.0.0.0", ["127.0.0.1"], []),
    ],
)
def test_only_addresses_that_others_can_call_are_announced(bound: str, own: list[str], usable: list[str]) -> None:
    assert usable_addresses(bound, own) == usable


def test_a_name_lasts_differs_by_role_and_fits_a_label() -> None:
    names = {role: instance_name(role) for role in ("asr", "tts", "satellite")}
    assert names == {role: instance_name(role) for role in names}
    assert len(set(names.values())) == 3
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in names.values())


LOOPBACK = ["127.0.0.1"]
PORTS = [10300, 10301, 10302]
CapturedLog: TypeAlias = list[MutableMapping[str, Any]]


@pytest.fixture
def log() -> Iterator[CapturedLog]:
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def name() -> str:
    """Return a name that no other test on this machine announces at the same time."""
    return f"rosie-test-{uuid4().hex[:8]}"


def found(browser: ServiceBrowser, name: str) -> list[DiscoveredService]:
    return [service for service in browser.services() if service.name.startswith(name)]


async def names_of(browser: ServiceBrowser, name: str, ports: list[int]) -> dict[int, str]:
    """Wait until so many services are found; return their names by port."""
    async with asyncio.timeout(60):
        while sorted(one.port for one in found(browser, name)) != ports:
            await asyncio.sleep(0.05)
    return {one.port: one.name for one in found(browser, name)}


async def test_what_is_announced_is_found_by_role_and_withdrawn_at_the_end(name: str) -> None:
    where = Tcp("192.0.2.7", 10300)  # an address need not be ours to be announced
    async with ServiceBrowser(LOOPBACK) as browser:
        async with announce("asr", name, where, LOOPBACK):
            await names_of(browser, name, [10300])
            assert [(one.uri, one.role) for one in found(browser, name)] == [("tcp://192.0.2.7:10300", "asr")]
            assert name in [one.name for one in browser.services("asr")]
            assert name not in [one.name for one in browser.services("tts")]
        await names_of(browser, name, [])


async def test_devices_of_one_name_are_all_announced_and_keep_their_names_in_any_order(name: str) -> None:
    def one(port: int) -> AbstractAsyncContextManager[None]:
        return announce("asr", name, Tcp("192.0.2.7", port), LOOPBACK)

    async with ServiceBrowser(LOOPBACK) as browser:
        async with AsyncExitStack() as stack:
            for count, port in enumerate(PORTS, start=1):
                await stack.enter_async_context(one(port))
                names = await names_of(browser, name, PORTS[:count])
            assert names == dict(zip(PORTS, [name, f"{name} (2)", f"{name} (3)"], strict=True))
        await names_of(browser, name, [])
        async with AsyncExitStack() as stack:
            for count, port in enumerate(reversed(PORTS), start=1):
                await stack.enter_async_context(one(port))
                again = await names_of(browser, name, PORTS[-count:])
            assert again == names


def test_names_are_numbered_within_a_label_and_the_last_one_comes_first() -> None:
    assert candidates("Kitchen")[:3] == ["Kitchen", "Kitchen (2)", "Kitchen (3)"]
    assert candidates("Kitchen", "Kitchen (3)")[:3] == ["Kitchen (3)", "Kitchen", "Kitchen (2)"]
    assert candidates("Kitchen", "Cellar")[0] == "Kitchen"
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in candidates("\u00e4" * 31)[1:])


async def test_what_cannot_be_announced_is_logged_and_tried_again(log: CapturedLog) -> None:
    async with announce("asr", "a.b" * 40, Tcp("192.0.2.7", 10300), LOOPBACK):
        async with asyncio.timeout(60):
            while not [line for line in log if line["event"] == "not announced"]:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("hosts", [["192.0.2.1", "127.0.0.1"], ["127.0.0.1", "192.0.2.1"], ["::1", "127.0.0.1"]])
async def test_the_address_that_answers_is_found_among_several(hosts: list[str]) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await first_reachable(hosts, port) == "127.0.0.1"


async def test_where_nothing_answers_the_first_address_remains() -> None:
    assert await first_reachable(["127.0.0.2", "127.0.0.3"], 9) == "127.0.0.2"


async def test_nothing_on_the_network_is_an_empty_list() -> None:
    assert await find_services(0.3, "no-such-role", LOOPBACK) == []
