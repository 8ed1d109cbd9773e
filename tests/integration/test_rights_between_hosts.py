"""Attacks from another host, as another network namespace: strangers, and members that go beyond their rights."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from tests.daemons import command
from tests.houses import House
from tests.integration.test_discovery_between_hosts import running, wait_for
from tests.network_peer import send_from
from tests.stranger import WAYS
from tests.two_hosts import FAR, FAR_ADDRESS, NEAR, NEAR_ADDRESS, on_host, two_hosts
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.trust.scopes import Scope

SECONDS = 60.0
HOME = """
areas = [{ id = "kitchen", name = "Kitchen" }, { id = "bedroom", name = "Bedroom" }]
entities = [
  { id = "light.bed", name = "Bed Lamp", domain = "light", area = "bedroom" },
  { id = "light.stove", name = "Stove Lamp", domain = "light", area = "kitchen" },
]

[rooms.kitchen]
may = ["light.stove"]
"""
CLAIM = {"area": "Bedroom", "conversation_id": "c"}
TRIGGER = "import sys, urllib.request; urllib.request.urlopen(urllib.request.Request(sys.argv[1], method='POST'))"
"""Presses the button of a satellite."""


@pytest.fixture(autouse=True)
def _two_hosts() -> Iterator[None]:
    with two_hosts():
        yield


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "house")


def start_intent(house: House, tmp_path: Path, *flags: str) -> tuple[str, ...]:
    """Return the command of an intent daemon of the house whose kitchen may control its own lamp only."""
    (tmp_path / "home.toml").write_text(HOME)
    identity = ("--identity", str(house.add("intent", "thinker")))
    where = ("--uri", "tcp://0.0.0.0:10550", "--no-zeroconf", "--home", str(tmp_path / "home.toml"))
    return (command("wyoming-rosie-intent"), *where, *identity, "--audit-file", str(tmp_path / "audit"), *flags)


def sentence(text: str, **context: object) -> Event:
    return Event("transcript", {"text": text, "language": "en", "context": {**CLAIM, **context}})


def read_audit(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "audit").read_text().splitlines()]


def test_a_satellite_that_claims_another_room_has_the_rights_of_its_own(house: House, tmp_path: Path) -> None:
    kitchen = house.add("satellite", "küche.1", room="Kitchen")
    uri = f"tls://{NEAR_ADDRESS}:11550"
    with running(NEAR, *start_intent(house, tmp_path)) as log:
        wait_for(log, "ready")
        refused = send_from(
            FAR, uri, kitchen, sentence("turn on the bed lamp", device_id="x", speaker="ada", caller="hub")
        )
        allowed = send_from(FAR, uri, kitchen, sentence("turn on the stove lamp"))
        by_hub = send_from(FAR, uri, house.add("hub", "hub"), sentence("turn on the bed lamp"))
    assert refused["type"] == "not-handled", refused
    assert [allowed["type"], by_hub["type"]] == ["handled", "handled"], (allowed, by_hub)
    [entry] = read_audit(tmp_path)
    assert (entry["caller"], entry["room"], entry["speaker"]) == ("küche.1 (satellite)", "Kitchen", None)
    assert (entry["entities"], entry["outcome"]) == (["light.bed"], "refused")
    assert "turn on" not in json.dumps(entry)


def test_a_member_is_held_to_its_scopes(house: House, tmp_path: Path) -> None:
    listener = house.add("satellite", "listener", scopes=frozenset({Scope.AUDIO}))
    asker = house.add("satellite", "asker", scopes=frozenset({Scope.TEXT}))
    talker = house.add("satellite", "talker")
    uri = f"tls://{NEAR_ADDRESS}:11550"
    stats = Event("user-event", {"name": "memory", "data": {"action": "list"}})
    with running(NEAR, *start_intent(house, tmp_path)) as log:
        wait_for(log, "ready")
        for who, event in ((listener, sentence("turn on the stove lamp")), (talker, stats), (asker, stats)):
            refused = send_from(FAR, uri, who, event)
            assert (refused["type"], refused["code"]) == ("error", "forbidden"), refused
            assert "lacks the scope" in refused["text"]
        answered = send_from(FAR, uri, asker, sentence("turn on the stove lamp"))
        assert answered["type"] in ("not-handled", "not-recognized"), answered
        assert send_from(FAR, uri, talker, sentence("turn on the stove lamp"))["type"] == "handled"


def test_only_the_hub_and_home_assistant_open_a_microphone(house: House) -> None:
    identity = ("--identity", str(house.add("satellite", "kitchen")), "--plain", FAR_ADDRESS)
    devices = ("--mic-command", "cat /dev/zero", "--snd-command", "tee", "--no-zeroconf")
    satellite = (command("wyoming-rosie-satellite"), "--uri", "tcp://0.0.0.0:10700", *devices, *identity)
    start, describe = Event("run-satellite"), Event("describe")
    with running(NEAR, *satellite) as log:
        wait_for(log, "ready")
        for role in ("asr", "satellite", "bridge"):
            refused = send_from(FAR, f"tls://{NEAR_ADDRESS}:11700", house.add(role, f"a {role}"), start)
            assert (refused["type"], refused["code"]) == ("error", "forbidden"), refused
        for uri, identity_of in (
            (f"tls://{NEAR_ADDRESS}:11700", house.add("hub", "hub")),
            (f"tcp://{NEAR_ADDRESS}:10700", None),
        ):
            served = send_from(FAR, uri, identity_of, start, describe)
            assert served["type"] != "error", served


@pytest.mark.parametrize(
    ("plain", "code"),
    [((), "tls"), ((NEAR_ADDRESS,), "tls"), ((FAR_ADDRESS,), None)],
    ids=["nobody", "another", "by address"],
)
def test_without_tls_only_named_machines_are_served(
    house: House, tmp_path: Path, plain: tuple[str, ...], code: str | None
) -> None:
    flags = tuple(part for one in plain for part in ("--plain", one))
    uri = f"tcp://{NEAR_ADDRESS}:10550"
    with running(NEAR, *start_intent(house, tmp_path, *flags)) as log:
        wait_for(log, "ready")
        answer = send_from(FAR, uri, None, sentence("turn on the bed lamp"))
        assert answer.get("code") == code, answer
        if code is None:
            assert answer["type"] == "handled"  # as Home Assistant, which speaks for all rooms
            memory = send_from(FAR, uri, None, Event("user-event", {"name": "memory", "data": {"action": "list"}}))
            assert memory["code"] == "forbidden"
        else:
            assert "see --plain" in answer["text"]
        assert send_from(NEAR, "tcp://127.0.0.1:10550", None, sentence("turn on the bed lamp"))["type"] == "handled"


def test_strangers_that_announce_each_role_hear_nothing(house: House, tmp_path: Path) -> None:
    hub_identity, foreign = house.add("hub", "hub"), House(tmp_path / "foreign").add("hub", "stranger")
    genuine = house.member("vad", "vad")
    report = tmp_path / "report"
    stranger = (sys.executable, "-m", "tests.stranger", genuine.house_id, str(foreign), str(report))
    vad = (command("wyoming-rosie-vad"), "--uri", f"tcp://{FAR_ADDRESS}:10450", "--name", "z-vad", "--identity", str(genuine.identity.files.folder))  # fmt: skip
    devices = ("--mic-command", "cat /dev/zero", "--snd-command", "tee", "--api-port", "10701", "--no-zeroconf")
    satellite = (command("wyoming-rosie-satellite"), "--data-dir", str(tmp_path / "satellite"), *devices)
    hub = (
        command("wyoming-rosie-hub"),
        "--adopt-all",
        "--satellite",
        "tcp://127.0.0.1:10700",
        "--data-dir",
        str(tmp_path / "hub"),
    )
    with running(FAR, *stranger) as stranger_log:
        for _ in range(len(BY_ROLE) * len(WAYS)):
            wait_for(stranger_log, "announced")
        with running(FAR, *vad) as vad_log, running(NEAR, *satellite) as log:
            wait_for(vad_log, "announced")
            wait_for(log, "ready")
            with running(NEAR, *hub, "--identity", str(hub_identity)) as hub_log:
                used = wait_for(hub_log, "announced daemon is used")
                assert (used["role"], used["name"]) == ("vad", "z-vad")
                press = [*on_host(NEAR), sys.executable, "-c", TRIGGER, "http://127.0.0.1:10701/trigger"]
                subprocess.run(press, check=True, timeout=SECONDS)
                wait_for(hub_log, "turn")
    ports = json.loads(report.read_text())
    assert {one["name"].partition(" ")[0] for one in ports} == set(BY_ROLE)
    silent = {"plain": 0, "tls": 0}
    for one in ports:
        way = one["name"].partition(" ")[2]
        assert one["bytes"] == silent.get(way, one["bytes"]), one
        assert way != "counted" or one["is_hello"] or not one["bytes"], one
    assert any(one["connections"] for one in ports if one["name"].endswith("counted")), (
        "no stranger was asked to prove itself"
    )
