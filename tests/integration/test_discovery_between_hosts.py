"""Discovery between two hosts, as two network namespaces with a virtual cable."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.daemons import command
from tests.two_hosts import FAR, NEAR, ip, on_host, two_hosts

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


@pytest.fixture
def _two_hosts() -> Iterator[None]:
    with two_hosts():
        yield


def discovered() -> list[dict[str, object]]:
    ran = subprocess.run(
        [*on_host(FAR), command("wyoming-rosie"), "discover", "--json", "--seconds", "3"],
        capture_output=True,
        check=False,
        timeout=SECONDS,
    )
    return [json.loads(line) for line in ran.stdout.splitlines()]


def discovered_once() -> list[dict[str, object]]:
    """Discover, again and again, until a service is found and has answered."""
    deadline = time.monotonic() + SECONDS
    while not (found := discovered()) or found[0]["latency_ms"] is None:
        assert time.monotonic() < deadline, found
    return found


@contextmanager
def running(host: str, *arguments: str) -> Iterator[IO[bytes]]:
    """Run a program on a host; yields its log; it must end well on SIGTERM."""
    program = subprocess.Popen([*on_host(host), *arguments], stderr=subprocess.PIPE, cwd=ROOT)
    assert program.stderr is not None
    try:
        yield program.stderr
    finally:
        program.send_signal(signal.SIGTERM)
        program.stderr.read()
        program.stderr.close()
        assert program.wait(SECONDS) == 0


def wait_for(log: IO[bytes], event: str) -> dict[str, object]:
    for line in log:
        if f'"{event}"'.encode() in line:
            return dict(json.loads(line))
    raise AssertionError(f"the program ended before {event}")


@pytest.mark.usefixtures("_two_hosts")
def test_a_daemon_is_found_from_another_host_by_an_address_that_answers_and_is_gone_after_its_end() -> None:
    with running(NEAR, sys.executable, "-m", "tests.echo_daemon", "--uri", "tcp://0.0.0.0:10999") as log:
        wait_for(log, "announced")
        found = discovered_once()
        assert [one["uri"] for one in found] == ["tcp://10.99.7.1:10999"]
        assert found[0]["role"] == "echo"
    assert discovered() == []


@pytest.mark.usefixtures("_two_hosts")
def test_a_hub_that_adopts_all_conducts_a_satellite_of_another_host(tmp_path: Path) -> None:
    devices = ("--mic-command", "sleep 600", "--snd-command", "cat", "--name", "far away")
    hub = (command("wyoming-rosie-hub"), "--adopt-all", "--data-dir", str(tmp_path))
    satellite = (command("wyoming-rosie-satellite"), "--uri", "tcp://0.0.0.0:10700", *devices)
    with running(NEAR, *satellite) as log, running(FAR, *hub) as hub_log:
        wait_for(log, "announced")
        joined = wait_for(hub_log, "satellite connected")
        assert joined["uri"] == "tcp://10.99.7.1:10700"


@pytest.mark.usefixtures("_two_hosts")
@pytest.mark.parametrize("is_adopted", [False, True], ids=["a stranger", "adopted by name"])
def test_a_hub_uses_a_daemon_of_another_host_only_when_told(tmp_path: Path, is_adopted: bool) -> None:
    tts = (command("wyoming-rosie-tts"), "--uri", "tcp://0.0.0.0:10200", "--name", "rosie-tts-far")
    adopt = ("--adopt", "rosie-tts-far") if is_adopted else ()
    hub = (command("wyoming-rosie-hub"), "--data-dir", str(tmp_path), *adopt)
    with running(NEAR, *tts) as log, running(FAR, *hub) as hub_log:
        wait_for(log, "announced")
        logged = wait_for(hub_log, f"announced daemon is {'used' if is_adopted else 'not used'}")
        assert (logged["role"], logged["uri"]) == ("tts", "tcp://10.99.7.1:10200")


@pytest.mark.usefixtures("_two_hosts")
def test_a_daemon_with_addresses_that_others_cannot_call_is_found_by_one_that_answers() -> None:
    for name, address in (("docker0", "172.17.0.1/16"), ("br-ab12", "10.1.0.1/24"), ("aaa", "10.0.0.1/24")):
        ip("-n", NEAR, "link", "add", name, "type", "bridge")
        ip("-n", NEAR, "addr", "add", address, "dev", name)
        ip("-n", NEAR, "link", "set", name, "up")
    with running(NEAR, sys.executable, "-m", "tests.echo_daemon", "--uri", "tcp://0.0.0.0:10999") as log:
        line = wait_for(log, "announced")
        assert isinstance(line["addresses"], list)
        assert line["addresses"][0] == "10.99.7.1"
        assert [one["uri"] for one in discovered_once()] == ["tcp://10.99.7.1:10999"]
