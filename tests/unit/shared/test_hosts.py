"""Hosts on this machine, on the local network, and elsewhere."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_rosie.protocol.hosts import is_local, is_loopback, needs_no_name_server, parse_ip

LOOPBACK = ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "localhost")
LOCAL = ("192.168.1.5", "10.0.0.1", "172.31.0.1", "fd00::1", "fe80::1%eth0", "::ffff:10.0.0.1", "100.64.0.9")
LOCAL_NAMES = ("gpu", "gpu.lan", "box.local", "nas.home.arpa")
PUBLIC = ("8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8")
PUBLIC_NAMES = ("api.example.com", "192.168.1.5.example.com", "localhost.example.com")
WRONG = ("", "127.0.0.1.", "127.1", "1.2.3.4:80", "[::1]")


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert is_local(host)


@pytest.mark.parametrize("host", [*LOCAL, *LOCAL_NAMES])
def test_private_networks_and_bare_names_are_local(host: str) -> None:
    assert is_local(host)
    assert not is_loopback(host)


@pytest.mark.parametrize("host", [*PUBLIC, *PUBLIC_NAMES])
def test_the_internet_is_not_local(host: str) -> None:
    assert not is_local(host)
    assert not is_loopback(host)


@pytest.mark.parametrize("host", [*LOOPBACK, *LOCAL, *PUBLIC])
def test_addresses_need_no_name_server(host: str) -> None:
    assert needs_no_name_server(host)


@pytest.mark.parametrize("host", [*LOCAL_NAMES, *PUBLIC_NAMES, *WRONG])
def test_names_need_a_name_server(host: str) -> None:
    assert not needs_no_name_server(host)
    assert parse_ip(host) is None
    assert not is_loopback(host)


@given(st.ip_addresses(v=4))
def test_addresses_wrapped_in_ipv6_are_what_they_are(address: ipaddress.IPv4Address) -> None:
    assert parse_ip(f"::ffff:{address}") == parse_ip(str(address)) == address


@given(st.text())
def test_any_text_is_classified(host: str) -> None:
    assert is_loopback(host) in {True, False}
    assert is_local(host) in {True, False}
