"""`wyoming-rosie key` as people type it."""

import subprocess
from pathlib import Path

from tests.daemons import command
from wyoming_rosie.http import access
from wyoming_rosie.trust.scopes import TALK_SCOPES, Scope

PASSWORD = "correct horse battery"


def run_key(folder: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    line = [command("wyoming-rosie"), "key", *arguments, "--data-dir", str(folder)]
    return subprocess.run(line, input=given, capture_output=True, text=True, timeout=120, check=False)


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(tmp_path: Path) -> None:
    added = run_key(tmp_path, "add", "kitchen-tablet", "--room", "Kitchen")
    secret = added.stdout.strip()
    assert added.returncode == 0
    stored = access.load(tmp_path / access.FILE_NAME)
    found = stored.find_key(secret)
    assert found is not None
    assert (found.name, found.room, found.scopes) == ("kitchen-tablet", "Kitchen", TALK_SCOPES | {Scope.READ})
    listed = run_key(tmp_path, "list")
    assert "kitchen-tablet" in listed.stdout
    assert "Kitchen" in listed.stdout
    assert secret not in listed.stdout + listed.stderr
    assert run_key(tmp_path, "revoke", "kitchen-tablet").returncode == 0
    assert access.load(tmp_path / access.FILE_NAME).find_key(secret) is None
    again = run_key(tmp_path, "revoke", "kitchen-tablet")
    assert (again.returncode, len(again.stderr.splitlines())) == (1, 1)


def test_the_password_comes_from_the_standard_input(tmp_path: Path) -> None:
    assert run_key(tmp_path, "password", given="short\n").returncode == 1
    assert run_key(tmp_path, "password", given=f"{PASSWORD}\n").returncode == 0
    assert access.load(tmp_path / access.FILE_NAME).verify_password(PASSWORD)
