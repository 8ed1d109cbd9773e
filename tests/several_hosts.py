"""Several hosts, as network namespaces on one virtual switch, which carries multicast as a home's network does."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.two_hosts import ip


def can_have_hosts() -> bool:
    """Return whether this machine allows network namespaces."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


def address_of(number: int) -> str:
    """Return the address of a host, of which the first one has the number 0."""
    return f"10.99.8.{number + 1}"


@contextmanager
def several_hosts(count: int) -> Iterator[Sequence[str]]:
    """Yield the names of hosts on one network; they reach nothing else."""
    switch = f"rosie-s{os.getpid()}"
    hosts = [f"rosie-{number}-{os.getpid()}" for number in range(count)]
    try:
        ip("netns", "add", switch)
        ip("-n", switch, "link", "add", "switch", "type", "bridge", "mcast_snooping", "0")
        ip("-n", switch, "link", "set", "switch", "up")
        for number, host in enumerate(hosts):
            ip("netns", "add", host)
            ip("-n", host, "link", "add", "cable", "type", "veth", "peer", "name", f"port{number}", "netns", switch)
            ip("-n", switch, "link", "set", f"port{number}", "master", "switch", "up")
            ip("-n", host, "addr", "add", f"{address_of(number)}/24", "dev", "cable")
            for device in ("lo", "cable"):
                ip("-n", host, "link", "set", device, "up")
        yield hosts
    finally:
        for host in (*hosts, switch):
            subprocess.run(["ip", "netns", "del", host], check=False, capture_output=True, timeout=60)
