"""`wyoming-rosie key` as people type it."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.daemons import command
from tests.houses import House
from wyoming_rosie.http import access
from wyoming_rosie.trust.members import load_registry
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope

pytestmark = pytest.mark.long

PASSWORD = "correct horse battery"


def run_key(folder: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    line = [command("wyoming-rosie"), "key", *arguments, "--data-dir", str(folder)]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=120, check=False)


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(tmp_path: Path) -> None:
    added = run_key(tmp_path, "add", "kitchen-tablet", "--room", "Kitchen")
    secret = added.stdout.strip()
    assert added.returncode == 0
    stored = access.load(tmp_path / access.FILE_NAME)
    found = stored.find_key(secret, 0.0)
    assert found is not None
    assert (found.name, found.room, found.scopes) == ("kitchen-tablet", "Kitchen", TALK_SCOPES | {Scope.READ})
    listed = run_key(tmp_path, "list")
    assert "kitchen-tablet" in listed.stdout
    assert "Kitchen" in listed.stdout
    assert secret not in listed.stdout + listed.stderr
    assert run_key(tmp_path, "revoke", "kitchen-tablet").returncode == 0
    assert access.load(tmp_path / access.FILE_NAME).find_key(secret, 0.0) is None
    again = run_key(tmp_path, "revoke", "kitchen-tablet")
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)


def test_the_password_comes_from_the_standard_input(tmp_path: Path) -> None:
    assert run_key(tmp_path, "password", given="short\n").returncode == 1
    assert run_key(tmp_path, "password", given=f"{PASSWORD}\n").returncode == 0
    assert access.load(tmp_path / access.FILE_NAME).verify_password(PASSWORD)


def test_a_rotated_key_has_another_secret_and_the_former_one_counts_for_the_grace(tmp_path: Path) -> None:
    first = run_key(tmp_path, "add", "tablet").stdout.strip()
    second = run_key(tmp_path, "rotate", "tablet", "--grace", "600").stdout.strip()
    stored = access.load(tmp_path / access.FILE_NAME)
    now = time.time()
    assert first != second
    assert [stored.find_key(one, now) is not None for one in (first, second)] == [True, True]
    assert stored.find_key(first, now + 601) is None
    third = run_key(tmp_path, "rotate", "tablet").stdout.strip()
    stored = access.load(tmp_path / access.FILE_NAME)
    assert [stored.find_key(one, now + 60) is not None for one in (first, second, third)] == [False, False, True]


def test_members_and_keys_are_listed_and_revoked_by_name(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add("satellite", "Küche.Süd")
    house.add("asr", "both")
    run_key(tmp_path, "add", "both")
    lines = [json.loads(line) for line in run_key(tmp_path, "list", "--json").stdout.splitlines()]
    assert [(one["kind"], one["name"]) for one in lines] == [
        ("member", "both"),
        ("member", "Küche.Süd"),
        ("key", "both"),
    ]
    shown = run_key(tmp_path, "list")
    assert "Küche.Süd (satellite)" in shown.stdout
    assert "2 members, 1 keys" in shown.stderr
    assert "Küche.Süd (satellite) is revoked" in run_key(tmp_path, "revoke", "küche.süd").stderr
    unclear = run_key(tmp_path, "revoke", "both")
    assert (unclear.returncode, "--kind member" in unclear.stderr) == (1, True)
    assert run_key(tmp_path, "revoke", "both", "--kind", "member").returncode == 0
    assert run_key(tmp_path, "revoke", "both").returncode == 0
    assert run_key(tmp_path, "list", "--json").stdout == ""
    assert len(load_registry(house.authority / "members.json").revoked) == 2


def test_columns_are_as_wide_as_the_longest_name(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add("satellite", "Dr. Müllers Arbeitszimmer im Dach", room="Büro")
    house.add("asr", "nas")
    first, second = run_key(tmp_path, "list").stdout.splitlines()
    assert "im Dach (satellite)  Büro " in first
    assert first.index("Büro") == second.index("no room")


def test_the_hub_of_the_house_is_not_revoked(tmp_path: Path) -> None:
    House(tmp_path).add("hub", "identity")
    refused = run_key(tmp_path, "revoke", "identity")
    assert (refused.returncode, "to end the house" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("rotate",), "key rotate NAME"),
        (("rotate", "nobody"), "key list"),
        (("revoke", "nobody"), "key list"),
        (("rotate", "--authority"), "there is no house here"),
    ],
    ids=["no name", "rotate nobody", "revoke nobody", "no authority"],
)
def test_what_is_not_there_is_a_sentence(tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
    refused = run_key(tmp_path, *arguments)
    assert refused.returncode != 0
    assert reason in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_second_rotation_of_the_authority_waits_for_the_first(tmp_path: Path) -> None:
    House(tmp_path).add("satellite", "kitchen")
    assert run_key(tmp_path, "rotate", "--authority").returncode == 0
    refused = run_key(tmp_path, "rotate", "--authority")
    assert (refused.returncode, "still trusted" in refused.stderr) == (1, True)


def test_a_revocation_that_the_hub_cannot_sign_is_refused_with_the_next_step(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add("satellite", "kitchen")
    (house.authority / "authority.key").write_bytes(b"")
    refused = run_key(tmp_path, "revoke", "kitchen")
    assert (refused.returncode, "restore it from a backup" in refused.stderr) == (1, True)
    assert load_registry(house.authority / "members.json").find("kitchen")


@pytest.mark.parametrize("content", ['{"number": 3, "mem', '{"version": 2}'], ids=["half-written", "a later version"])
def test_a_registry_that_cannot_be_read_is_a_sentence_and_stays(tmp_path: Path, content: str) -> None:
    file = tmp_path / "tls" / "members.json"
    file.parent.mkdir()
    file.write_text(content)
    for arguments in (("list",), ("revoke", "kitchen")):
        refused = run_key(tmp_path, *arguments)
        assert (refused.returncode, "members.json" in refused.stderr) == (1, True)
    assert file.read_text() == content
