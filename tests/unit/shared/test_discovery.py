"""What is announced: lasting names and addresses that can be called."""

import asyncio

import pytest

from wyoming_rosie.address import Tcp
from wyoming_rosie.discovery import LONGEST_NAME, Browser, announced, browse, instance_name, usable_addresses

OWN = ["127.0.0.1", "192.168.1.9", "10.0.0.3", "169.254.7.7", "::1", "fd00::9", "fe80::5"]


@pytest.mark.parametrize(
    ("bound", "own", "usable"),
    [
        ("0.0.0.0", OWN, ["10.0.0.3", "192.168.1.9"]),
        ("::", OWN, ["10.0.0.3", "192.168.1.9", "fd00::9"]),
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
    assert all(len(name.encode()) <= LONGEST_NAME for name in names.values())


LOOPBACK = ["127.0.0.1"]


async def test_what_is_announced_is_found_by_role_and_withdrawn_at_the_end() -> None:
    where = Tcp("192.0.2.7", 10300)  # an address need not be ours to be announced
    async with Browser(LOOPBACK) as browser:
        async with (
            announced("asr", "rosie-test-one", where, LOOPBACK),
            announced("asr", "rosie-test-one", Tcp("192.0.2.7", 10301), LOOPBACK),
        ):
            async with asyncio.timeout(15):
                while len(browser.of_role("asr")) < 2:
                    await asyncio.sleep(0.05)
            found = browser.of_role("asr")
            assert [(one.uri, one.role) for one in found] == [
                ("tcp://192.0.2.7:10300", "asr"),
                ("tcp://192.0.2.7:10301", "asr"),
            ] or [one.uri for one in found] == ["tcp://192.0.2.7:10301", "tcp://192.0.2.7:10300"]
            assert len({one.name for one in found}) == 2
            assert browser.of_role("tts") == []
        async with asyncio.timeout(10):
            while browser.of_role():
                await asyncio.sleep(0.05)


async def test_nothing_on_the_network_is_an_empty_list() -> None:
    assert await browse(0.3, "no-such-role", LOOPBACK) == []
