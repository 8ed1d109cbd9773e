"""The machines that need no TLS, whose names lead to addresses that change."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address

import pytest
from structlog.testing import capture_logs

from tests.waiting import wait_until
from wyoming_rosie.protocol.admission import PlainHosts
from wyoming_rosie.protocol.hosts import IpAddress
from wyoming_rosie.runtime.tasks import run_beside

OLD, NEW, OTHER = "192.168.1.10", "192.168.1.20", "192.168.1.30"


class NameServer:
    """A name server whose answers a test changes; a name that it does not know raises OSError."""

    def __init__(self, **known: str) -> None:
        self.known = known
        self.asked = 0

    async def look_up(self, name: str) -> Collection[IpAddress]:
        self.asked += 1
        await asyncio.sleep(0)
        if name not in self.known:
            raise OSError("Name or service not known")
        return {ip_address(self.known[name])}


@asynccontextmanager
async def watching(names: NameServer, *plain: str) -> AsyncIterator[PlainHosts]:
    hosts = PlainHosts(plain, names.look_up, refresh_seconds=0.005)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(run_beside(hosts.refresh()))
        yield hosts


async def test_a_name_is_looked_up_again_when_its_machine_moves() -> None:
    names = NameServer(homeassistant=OLD)
    async with watching(names, "homeassistant") as hosts:
        await wait_until(lambda: hosts.admits(OLD))
        names.known["homeassistant"] = NEW
        await wait_until(lambda: hosts.admits(NEW))
        assert not hosts.admits(OLD)


async def test_the_last_address_holds_while_no_name_server_answers() -> None:
    names = NameServer(homeassistant=OLD)
    async with watching(names, "homeassistant") as hosts:
        await wait_until(lambda: hosts.admits(OLD))
        names.known.clear()
        asked = names.asked
        with capture_logs() as logs:
            await wait_until(lambda: names.asked > asked + 3)
        assert hosts.admits(OLD)
        [warning] = logs  # once, not at each look-up
        assert (warning["name"], "check the name" in warning["next"]) == ("homeassistant", True)


async def test_a_name_that_nobody_knows_does_not_keep_others_out() -> None:
    async with watching(NameServer(other=OTHER), "nobody", "other", OLD) as hosts:
        await wait_until(lambda: hosts.admits(OTHER))
        assert hosts.admits(OLD)
        assert not hosts.admits(NEW)


@pytest.mark.parametrize("host", ["::ffff:192.168.1.10", "192.168.1.10"])
def test_an_address_is_admitted_however_it_is_written(host: str) -> None:
    assert PlainHosts((OLD,)).admits(host)


@pytest.mark.parametrize("host", ["", "homeassistant", "192.168.1.1"])
def test_others_are_not_admitted(host: str) -> None:
    assert not PlainHosts((OLD, "homeassistant")).admits(host)
