"""The add-ons of Home Assistant: keys that its Supervisor knows, ports and versions of the programs, options that are settings."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from addons.add_on import JOIN, SECRETS
from tests.daemons import command
from wyoming_rosie import __version__
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.trust.tls import PORT_OFFSET

ADD_ONS = Path(__file__).parents[3] / "addons"
FOLDERS = sorted(path for path in ADD_ONS.iterdir() if path.is_dir() and path.name != "__pycache__")
PAGES = ADD_ONS.parent / "docs" / "programs"
REQUIRED = {"name": str, "version": str, "slug": str, "description": str, "arch": list}
OPTIONAL = {
    "image": str, "init": bool, "startup": str, "stage": str, "homeassistant": str, "discovery": list, "ports": dict,
    "watchdog": str, "audio": bool, "environment": dict, "options": dict, "schema": dict,
}  # fmt: skip
"""Those keys of Home Assistant's documentation that the add-ons use, with their types."""
ELEMENT = re.compile(
    r"(bool|email|url|port|str|password|device|int|float|int\(\d*,\d*\)|float\(\d*,\d*\)|list\([^)]+\))\??"
)


def read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(content, dict)
    return content


def elements(schema: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the kind of each option by the program's flag."""
    found: dict[str, str] = {}
    for key, kind in schema.items():
        name = f"{prefix}{key.replace('_', '-')}"
        found |= (
            elements(kind, f"{name}.")
            if isinstance(kind, dict)
            else {name: kind[0] if isinstance(kind, list) else kind}
        )
    return found


def tls_port(port: int | None) -> int | None:
    return port and port + PORT_OFFSET


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def test_the_repository_has_a_name() -> None:
    assert {"name", "maintainer"} <= read(ADD_ONS / "repository.yaml").keys() <= {"name", "url", "maintainer"}
    assert {folder.name for folder in FOLDERS} <= BY_ROLE.keys()


def test_the_supervisor_knows_every_key(folder: Path) -> None:
    config = read(folder / "config.yaml")
    assert REQUIRED.keys() <= config.keys() <= REQUIRED.keys() | OPTIONAL.keys()
    kinds = REQUIRED | OPTIONAL
    assert [key for key, value in config.items() if not isinstance(value, kinds[key])] == []
    assert set(config["arch"]) == {"amd64", "aarch64"}
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", config["slug"])
    assert config["startup"] in ("initialize", "system", "services", "application", "once")
    assert config["stage"] in ("stable", "experimental", "deprecated")
    assert re.fullmatch(r"[\w-]+/\{arch\}-[\w-]+", config["image"])


def test_version_port_and_role_are_those_of_the_program(folder: Path) -> None:
    config, program = read(folder / "config.yaml"), BY_ROLE[folder.name]
    assert config["version"] == __version__
    assert config["slug"] == f"rosie_{program.role}"
    assert config["environment"] == {"ROSIE_ROLE": program.role}
    assert config["ports"] == {f"{port}/tcp": None for port in (program.port, tls_port(program.port)) if port}
    assert config.get("discovery") == (["wyoming"] if program.port else None)
    assert config.get("watchdog") == (f"tcp://[HOST]:{program.port}" if program.port else None)


def test_the_image_is_one_that_a_dockerfile_makes(folder: Path) -> None:
    family = read(folder / "config.yaml")["image"].rpartition("{arch}-")[2]
    assert (ADD_ONS.parent / "docker" / f"{family}.Dockerfile").is_file()


def test_the_dockerfile_is_clean() -> None:
    called = [command("hadolint"), str(ADD_ONS / "add-on.Dockerfile")]
    linted = subprocess.run(called, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_every_option_is_a_setting_of_the_program(folder: Path) -> None:
    config = read(folder / "config.yaml")
    page = (PAGES / f"{folder.name}.md").read_text("utf-8")
    found = elements(config["schema"])
    assert [kind for kind in found.values() if not ELEMENT.fullmatch(kind)] == []
    flags = [flag for flag in found if flag != JOIN and not flag.replace("-", "_").endswith(SECRETS)]
    assert [flag for flag in flags if f"`--{flag}`" not in page] == []
    assert elements(config["options"]).keys() <= found.keys()


def test_every_option_that_the_supervisor_demands_has_a_default(folder: Path) -> None:
    config = read(folder / "config.yaml")
    kinds = {key: kind[0] if isinstance(kind, list) else kind for key, kind in config["schema"].items()}
    demanded = {key for key, kind in kinds.items() if isinstance(kind, dict) or not kind.endswith("?")}
    assert demanded <= config["options"].keys()


def test_every_option_and_port_is_explained(folder: Path) -> None:
    config, english = read(folder / "config.yaml"), read(folder / "translations" / "en.yaml")
    explained = english["configuration"]
    assert explained.keys() == config["schema"].keys()
    assert all({"name", "description"} == text.keys() for text in explained.values())
    assert english.get("network", {}).keys() == config["ports"].keys()
    documented = (folder / "DOCS.md").read_text("utf-8")
    assert [key for key in config["schema"] if f"`{key}`" not in documented] == []
    assert (folder / "README.md").is_file()
