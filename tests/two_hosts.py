"""Two hosts, as two network namespaces with a virtual cable; loopback is as separate as on two machines."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NEAR, FAR = f"rosie-a{os.getpid()}", f"rosie-b{os.getpid()}"
NEAR_ADDRESS, FAR_ADDRESS = "10.99.7.1", "10.99.7.2"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=60)


def on_host(host: str | None) -> tuple[str, ...]:
    """Return the command prefix that runs a program on a host; None is this machine."""
    return () if host is None else ("ip", "netns", "exec", host)


@contextmanager
def two_hosts() -> Iterator[None]:
    """Connect NEAR and FAR during the block; skip the test where that is impossible."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the ip command (apt install iproute2)")
    try:
        ip("netns", "add", NEAR)
        ip("netns", "add", FAR)
        ip("-n", NEAR, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", FAR)
        for host, address, other in ((NEAR, NEAR_ADDRESS, FAR_ADDRESS), (FAR, FAR_ADDRESS, NEAR_ADDRESS)):
            ip("-n", host, "addr", "add", f"{address}/24", "dev", "cable")
            for device in ("lo", "cable"):
                ip("-n", host, "link", "set", device, "up")
            ip("-n", host, "route", "add", "default", "via", other)
        yield
    finally:
        for host in (NEAR, FAR):
            subprocess.run(["ip", "netns", "del", host], check=False, capture_output=True, timeout=60)
