"""Hosts: IP addresses as written in URIs, and whether a host is on this machine or the local network."""

import ipaddress
from typing import TypeAlias

IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
LOCALHOST = "localhost"
_LOCAL_DOMAINS = (".local", ".lan", ".home", ".internal", ".home.arpa")


def parse_ip(host: str) -> IpAddress | None:
    """Return a host's IP address, an IPv4 one unwrapped from IPv6; None for a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Return whether only this machine can be meant."""
    address = parse_ip(host)
    return host == LOCALHOST if address is None else address.is_loopback


def is_local(host: str) -> bool:
    """Return whether a host is on this machine or a private network: by its address, or a name that is not public."""
    address = parse_ip(host)
    if address is None:
        return "." not in host or host.endswith(_LOCAL_DOMAINS)
    return not address.is_global


def needs_no_name_server(host: str) -> bool:
    """Return whether no name server decides where a host is, so that no stranger's name can lead to it."""
    return host == LOCALHOST or parse_ip(host) is not None
