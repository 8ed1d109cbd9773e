"""Network interfaces of this machine and their addresses, those of the local network first."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

KERNEL = Path("/sys/class/net")
_VIRTUAL = re.compile(
    r"(docker|br-|veth|virbr|vnet|vmnet|vboxnet|lxc|lxd|podman|cni|flannel|cali|kube|tun|tap|wg|tailscale|zt|ppp)"
)
_MAX_LAYERS = 4


class InterfaceKind(IntEnum):
    LAN = 0  # a card of this machine, or a bridge, bond or VLAN on one
    UNKNOWN = 1
    VIRTUAL = 2  # bridge of containers or virtual machines, or tunnel: not reachable from other machines


@dataclass(frozen=True)
class InterfaceAddress:
    """An address of this machine."""

    interface: str
    ip: str
    prefix: int  # length in bits

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        return ipaddress.ip_network(f"{self.ip}/{self.prefix}", strict=False)


def interface_kind(name: str, kernel: Path = KERNEL) -> InterfaceKind:
    """Return the kind of an interface, by its entry in sysfs, else by its name."""
    if _has_card(kernel / name, _MAX_LAYERS):
        return InterfaceKind.LAN
    is_virtual = _VIRTUAL.match(name) or any((kernel / name / sign).exists() for sign in ("bridge", "tun_flags"))
    return InterfaceKind.VIRTUAL if is_virtual else InterfaceKind.UNKNOWN


def addresses() -> list[str]:
    """Return the addresses for other machines, those of the local network first; blocks for a moment.

    If a card has an address, only those of cards are returned: mDNS does not keep their order.
    """
    return reachable_addresses(interface_addresses(), interface_kind)


def reachable_addresses(found: Iterable[InterfaceAddress], kind_of: Callable[[str], InterfaceKind]) -> list[str]:
    """Return the addresses of interfaces in the order in which other machines should try them."""
    ranked = sorted((kind_of(address.interface), address.interface, *_sort_key(address.ip)) for address in found)
    has_card = {
        version for rank, _, version, _, address in ranked if rank is InterfaceKind.LAN and not _is_local(address)
    }
    return [address for rank, _, version, _, address in ranked if rank is InterfaceKind.LAN or version not in has_card]


def closest_first(
    hosts: Sequence[str], found: Iterable[InterfaceAddress], kind_of: Callable[[str], InterfaceKind]
) -> list[str]:
    """Return a peer's addresses, those in the networks of this machine's cards first.

    Those in a container network of this machine come last: they belong to the peer's own containers, out of reach.
    """
    networks = [(local.network, kind_of(local.interface) is InterfaceKind.VIRTUAL) for local in found]

    def rank(host: str) -> int:
        address = ipaddress.ip_address(host.partition("%")[0])
        within = [is_virtual for network, is_virtual in networks if address in network]
        return (2 if all(within) else 0) if within else 1

    return sorted(hosts, key=rank)


def interface_addresses() -> list[InterfaceAddress]:
    """Return all addresses of this machine, with their interfaces."""
    import ifaddr

    return [
        InterfaceAddress(adapter.nice_name, ip.ip if isinstance(ip.ip, str) else ip.ip[0], ip.network_prefix)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
    ]


def local_addresses() -> list[str]:
    """Return all addresses of this machine."""
    return [address.ip for address in interface_addresses()]


def _sort_key(ip: str) -> tuple[int, int, str]:
    parsed = ipaddress.ip_address(ip)
    return parsed.version, int(parsed), ip


def _is_local(ip: str) -> bool:
    parsed = ipaddress.ip_address(ip)
    return parsed.is_loopback or parsed.is_link_local


def _has_card(interface: Path, layers: int) -> bool:
    """Return whether an interface is a card or is stacked on one: sysfs links it to the lower one as lower_NAME."""
    if (interface / "device").exists():
        return True
    return layers > 0 and any(_has_card(below, layers - 1) for below in interface.glob("lower_*"))
