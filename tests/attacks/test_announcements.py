"""Strangers that announce every program of a house by mDNS, on a network of their own with its hub."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.attacks.stranger import WAYS
from tests.daemons import command
from tests.houses import House
from tests.integration.test_discovery_between_hosts import running, wait_for
from tests.several_hosts import address_of, several_hosts
from tests.two_hosts import on_host
from wyoming_rosie.programs import BY_ROLE

pytestmark = pytest.mark.attacks
SECONDS = 60.0
TRIGGER = "import sys, urllib.request; urllib.request.urlopen(urllib.request.Request(sys.argv[1], method='POST'))"
"""Presses the button of a satellite."""


@pytest.fixture
def network() -> Iterator[Sequence[str]]:
    """The hub's host, and the strangers'."""
    with several_hosts(2) as hosts:
        for host in hosts:
            subprocess.run(
                [*on_host(host), "ip", "route", "add", "default", "dev", "cable"], check=True, timeout=SECONDS
            )
        yield hosts


def test_strangers_that_announce_each_role_hear_nothing(network: Sequence[str], tmp_path: Path) -> None:
    near, far = network
    house = House(tmp_path / "house")
    hub_identity, foreign = house.add("hub", "hub"), House(tmp_path / "foreign").add("hub", "stranger")
    genuine = house.member("vad", "vad")
    report = tmp_path / "report"
    stranger = (
        sys.executable, "-m", "tests.attacks.stranger", address_of(1), genuine.house_id, str(foreign), str(report),
    )  # fmt: skip
    vad = (
        command("wyoming-rosie-vad"), "--uri", f"tcp://{address_of(1)}:10450", "--name", "z-vad",
        "--identity", str(genuine.identity.files.folder),
    )  # fmt: skip
    devices = ("--mic-command", "cat /dev/zero", "--snd-command", "tee", "--api-port", "10701", "--no-zeroconf")
    satellite = (command("wyoming-rosie-satellite"), "--data-dir", str(tmp_path / "satellite"), *devices)
    uses = ("--adopt-all", "--satellite", "tcp://127.0.0.1:10700", "--identity", str(hub_identity))
    hub = (command("wyoming-rosie-hub"), *uses, "--data-dir", str(tmp_path / "hub"))
    with running(far, *stranger) as stranger_log:
        for _ in range(len(BY_ROLE) * len(WAYS)):
            wait_for(stranger_log, "announced")
        with running(far, *vad) as vad_log, running(near, *satellite) as log:
            wait_for(vad_log, "announced")
            wait_for(log, "ready")
            with running(near, *hub) as hub_log:
                used = wait_for(hub_log, "announced daemon is used")
                assert (used["role"], used["name"]) == ("vad", "z-vad")
                press = [*on_host(near), sys.executable, "-c", TRIGGER, "http://127.0.0.1:10701/trigger"]
                subprocess.run(press, check=True, timeout=SECONDS)
                wait_for(hub_log, "turn")
    ports = json.loads(report.read_text())
    assert {one["name"].partition(" ")[0] for one in ports} == set(BY_ROLE)
    silent = {"plain": 0, "tls": 0}
    for one in ports:
        way = one["name"].partition(" ")[2]
        assert one["bytes"] == silent.get(way, one["bytes"]), one
        assert way != "counted" or one["is_hello"] or not one["bytes"], one
    asked = [one for one in ports if one["connections"] and one["name"].endswith("counted")]
    assert asked, "no stranger was asked to prove itself"
