"""scripts/setup installs what is locked, and without the lock the newest; it takes minutes and needs the package registry."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.unit.test_requirements import ROOT, locked

pytestmark = [pytest.mark.install, pytest.mark.timeout(1800)]


def set_up(venv: Path, *flags: str) -> str:
    """Run scripts/setup into a folder and return what it said."""
    environment = {**os.environ, "VENV": str(venv)}
    called = [str(ROOT / "scripts" / "setup"), *flags]
    return subprocess.run(called, env=environment, capture_output=True, text=True, check=True).stderr


def installed(venv: Path) -> dict[str, str]:
    listed = subprocess.run(
        [venv / "bin/python", "-m", "pip", "list", "--format", "json"], capture_output=True, text=True, check=True
    )
    return {one["name"].lower().replace("_", "-"): one["version"] for one in json.loads(listed.stdout)}


def assert_works(venv: Path) -> None:
    """The packages fit each other, and the voice loop runs on them."""
    subprocess.run([venv / "bin/python", "-m", "pip", "check"], capture_output=True, check=True)
    spoken = subprocess.run([venv / "bin/wyoming-rosie", "demo"], capture_output=True, text=True, cwd=venv)
    assert spoken.returncode == 0, spoken.stdout + spoken.stderr


@pytest.mark.parametrize(("flags", "file"), [([], "all"), (["--dev"], "dev")], ids=["all", "dev"])
def test_what_is_locked_is_installed_and_works(tmp_path: Path, flags: list[str], file: str) -> None:
    assert "Setting up" in set_up(tmp_path, *flags)
    versions = locked(file)
    found = installed(tmp_path)
    strangers = set(found) - set(versions) - {"pip", "setuptools", "wyoming-rosie"}
    assert not strangers
    assert all(version in versions[name] for name, version in found.items() if name in versions)
    assert_works(tmp_path)
    assert "Setting up" not in set_up(tmp_path, *flags)


def test_the_newest_is_installed_on_demand_and_works(tmp_path: Path) -> None:
    assert "Setting up" in set_up(tmp_path, "--latest")
    assert_works(tmp_path)
    assert "Setting up" not in set_up(tmp_path, "--latest")
    assert "Setting up" in set_up(tmp_path), "the lock holds again for whoever asks without --latest"


def test_an_unknown_flag_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        set_up(tmp_path, "--newest")
    assert (refused.value.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "usage" in refused.value.stderr
