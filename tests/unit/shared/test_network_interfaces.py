"""Order of a machine's addresses: those of cards before those of containers and tunnels."""

from pathlib import Path

import pytest

from wyoming_rosie.protocol.network_interfaces import (
    InterfaceAddress,
    InterfaceKind,
    closest_first,
    interface_kind,
    reachable_addresses,
)

FOUND = [
    InterfaceAddress("lo", "127.0.0.1", 24),
    InterfaceAddress("docker0", "172.17.0.1", 24),
    InterfaceAddress("wlan0", "192.168.1.9", 24),
    InterfaceAddress("eth0", "192.168.1.8", 24),
    InterfaceAddress("br-4f2a", "172.18.0.1", 24),
    InterfaceAddress("wg0", "10.8.0.2", 24),
    InterfaceAddress("docker0", "fd01::1", 64),
]


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """A sysfs folder with a card, a bridge on it, a bridge without a card, a tunnel and an unknown interface."""
    for folder in ("eth0/device", "br0/bridge", "virt/bridge", "docker0/bridge", "wg0", "vpn", "cable", "br-lan"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "vpn" / "tun_flags").touch()
    (tmp_path / "br0" / "lower_eth0").symlink_to(tmp_path / "eth0")
    (tmp_path / "br-lan" / "lower_br0").symlink_to(tmp_path / "br0")
    return tmp_path


@pytest.mark.parametrize("name", ["eth0", "br0", "br-lan"])
def test_a_card_and_what_lies_on_it_is_the_houses_network(name: str, kernel: Path) -> None:
    assert interface_kind(name, kernel) is InterfaceKind.LAN


@pytest.mark.parametrize("name", ["docker0", "virt", "wg0", "vpn", "veth12ab", "virbr0", "tun0", "br-4f2a"])
def test_bridges_without_a_card_and_tunnels_are_not(name: str, kernel: Path) -> None:
    assert interface_kind(name, kernel) is InterfaceKind.VIRTUAL


def test_what_nobody_knows_is_between(kernel: Path) -> None:
    assert interface_kind("cable", kernel) is InterfaceKind.UNKNOWN


def test_with_a_card_only_its_addresses_are_called_for_each_version_of_ip() -> None:
    kinds = {"eth0": InterfaceKind.LAN, "wlan0": InterfaceKind.LAN}
    found = reachable_addresses(FOUND, lambda name: kinds.get(name, InterfaceKind.VIRTUAL))
    assert found == ["192.168.1.8", "192.168.1.9", "fd01::1"]


def test_without_a_card_those_of_bridges_and_tunnels_come_last() -> None:
    kinds = {"lo": InterfaceKind.UNKNOWN, "eth0": InterfaceKind.UNKNOWN, "wlan0": InterfaceKind.UNKNOWN}
    found = reachable_addresses(FOUND, lambda name: kinds.get(name, InterfaceKind.VIRTUAL))
    assert found[:3] == ["192.168.1.8", "127.0.0.1", "192.168.1.9"]
    assert set(found[3:]) == {"172.17.0.1", "172.18.0.1", "10.8.0.2", "fd01::1"}


def test_a_peer_is_tried_where_it_is_near_before_where_our_own_containers_are() -> None:
    kinds = {"eth0": InterfaceKind.LAN, "wlan0": InterfaceKind.LAN}
    order = closest_first(
        ["172.17.0.1", "10.9.9.9", "192.168.1.70"], FOUND, lambda name: kinds.get(name, InterfaceKind.VIRTUAL)
    )
    assert order == ["192.168.1.70", "10.9.9.9", "172.17.0.1"]
    assert closest_first(["fe80::1%3", "fd01::7"], FOUND, lambda _: InterfaceKind.VIRTUAL) == ["fe80::1%3", "fd01::7"]
