"""What scripts/lock wrote fits what pyproject.toml asks for; where it does not, run scripts/lock."""

import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
LOCKED_EXTRAS = {
    "all": ["all"],
    "dev": ["all", "dev"],
    "boards": ["respeaker", "buttons"],
    "chroma": ["chroma"],
    "satellite": ["satellite", "satellite-basic", "esphome", "tls"],
}
"""The extras that each file of requirements/ is made for."""


def locked(name: str) -> dict[str, set[str]]:
    """Return each package of a file with its versions, more than one where they depend on the Python."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    versions: dict[str, set[str]] = defaultdict(set)
    for entry in "\n".join(lines).replace("\\\n", "").splitlines():
        requirement, *hashes = entry.split(" --hash=")
        pinned = Requirement(requirement)
        (version,) = pinned.specifier
        assert version.operator == "==", requirement
        assert hashes, requirement
        versions[canonicalize_name(pinned.name)].add(version.version)
    return versions


def asked_for(extras: list[str]) -> tuple[list[Requirement], set[str]]:
    """Return what the extras and the project itself depend on, and all the extras that this comes from."""
    own = canonicalize_name(PROJECT["project"]["name"])
    wanted = [Requirement(one) for one in PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]]
    open_extras, known = list(extras), set()
    while open_extras:
        if (extra := open_extras.pop()) not in known:
            known.add(extra)
            needed = [Requirement(one) for one in EXTRAS[extra]]
            open_extras += [other for one in needed if canonicalize_name(one.name) == own for other in one.extras]
            wanted += [one for one in needed if canonicalize_name(one.name) != own]
    return wanted, known


@pytest.mark.parametrize("name", LOCKED_EXTRAS)
def test_what_is_asked_for_is_locked_in_a_version_that_fits(name: str) -> None:
    versions = locked(name)
    for requirement in asked_for(LOCKED_EXTRAS[name])[0]:
        found = versions.get(canonicalize_name(requirement.name), set())
        assert found, f"{requirement} is not in requirements/{name}.txt; run scripts/lock"
        assert all(requirement.specifier.contains(one) for one in found), f"{requirement}: locked {found}"


def test_every_extra_is_locked_in_some_file() -> None:
    covered = set().union(*(asked_for(extras)[1] for extras in LOCKED_EXTRAS.values()))
    assert set(EXTRAS) == covered, "name the new extra in scripts/lock and here"


def test_the_files_agree_and_name_no_host() -> None:
    dev = locked("dev")
    for name in LOCKED_EXTRAS:
        versions = locked(name)
        assert [package for package in versions if package in dev and versions[package] != dev[package]] == []
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert "://" not in text
        assert "index" not in text
