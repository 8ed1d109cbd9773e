"""Several hosts, as network namespaces on one virtual switch, which carries multicast as a home's network does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.two_hosts import ip, on_host

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Lan:
    """What kind of network it is: whether it has IPv4, the mean delay of a frame, and the share that is lost."""

    has_ipv4: bool = True
    delay_seconds: float = 0.0
    loss: float = 0.0


def can_have_hosts() -> bool:
    """Return whether this machine allows network namespaces."""
    return os.geteuid() == 0 and shutil.which("ip") is not None


def skip_without_hosts() -> None:
    """Skip the test where network namespaces are impossible."""
    if not can_have_hosts():
        pytest.skip("network namespaces need root and the ip command (apt install iproute2)")


def address_of(number: int) -> str:
    """Return the address of a host, of which the first one has the number 0."""
    return f"10.99.8.{number + 1}"


@contextmanager
def several_hosts(count: int, lan: Lan = Lan()) -> Iterator[Sequence[str]]:
    """Yield the names of hosts on one network; they reach nothing else."""
    switch = f"rosie-s{os.getpid()}"
    hosts = [f"rosie-{number}-{os.getpid()}" for number in range(count)]
    with ExitStack() as stack:
        for name in (switch, *hosts):
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False, capture_output=True, timeout=60)
            ip("netns", "add", name)
        for number, host in enumerate(hosts):
            _connect(host, number, switch, lan)
        if lan.delay_seconds or lan.loss:
            _start_slow_switch(switch, count, lan, stack)
        else:
            _start_switch(switch, count)
        yield hosts


def _connect(host: str, number: int, switch: str, lan: Lan) -> None:
    ip("-n", host, "link", "add", "cable", "type", "veth", "peer", "name", f"port{number}", "netns", switch)
    if lan.has_ipv4:
        ip("-n", host, "addr", "add", f"{address_of(number)}/24", "dev", "cable")
    for device in ("lo", "cable"):
        ip("-n", host, "link", "set", device, "up")
    ip("-n", switch, "link", "set", f"port{number}", "up")


def _start_switch(switch: str, count: int) -> None:
    ip("-n", switch, "link", "add", "switch", "type", "bridge", "mcast_snooping", "0")
    ip("-n", switch, "link", "set", "switch", "up")
    for number in range(count):
        ip("-n", switch, "link", "set", f"port{number}", "master", "switch")


def _start_slow_switch(switch: str, count: int, lan: Lan, stack: ExitStack) -> None:
    ports = [f"port{number}" for number in range(count)]
    command = [sys.executable, "-m", "tests.slow_switch", str(lan.delay_seconds), str(lan.loss), *ports]
    process = subprocess.Popen([*on_host(switch), *command], cwd=REPOSITORY)
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)
