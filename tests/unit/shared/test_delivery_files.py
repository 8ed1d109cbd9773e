"""Files that deliver the programs: systemd's units, Dockerfiles and the compose file."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.daemons import command
from wyoming_rosie.programs import BY_ROLE, PROGRAMS
from wyoming_rosie.trust.messages import SERVICE_PORT

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UNITS = sorted((ROOT / "systemd").iterdir())


def test_units_are_what_their_script_writes() -> None:
    assert subprocess.run([sys.executable, ROOT / "scripts/make-units", "--check"], check=False).returncode == 0


def test_every_program_has_a_unit_and_every_server_a_socket() -> None:
    there = {unit.name for unit in UNITS}
    assert {f"{program.command}.service" for program in PROGRAMS} <= there
    servers = {program for program in PROGRAMS if program.port and program.folder == "servers"}
    assert {f"{program.command}.socket" for program in servers} <= there
    for program in servers:
        assert f"ListenStream={program.port}\n" in (ROOT / "systemd" / f"{program.command}.socket").read_text()


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_a_unit_exposes_little(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=15", str(unit)]
    judged = subprocess.run(words, capture_output=True, text=True, check=False)
    assert judged.returncode == 0, judged.stdout[-300:] + judged.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_gets_little_and_is_reachable_from_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert {"mem_limit", "cpus", "pids_limit"} <= service.keys()
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    program = BY_ROLE[name.removesuffix("-gpu")]
    if program.port:
        assert service["ports"] == [f"127.0.0.1:{program.port}:{program.port}"]
    assert service["volumes"] == [f"{program.role}:/data"], "its identity in the house would be lost"


def test_the_hub_is_reachable_for_members_of_the_house() -> None:
    assert [port.rpartition(":")[2] for port in SERVICES["hub"]["ports"]] == [str(SERVICE_PORT), "10901"]


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "command" in service])
def test_the_command_of_a_container_is_right(name: str) -> None:
    program, *flags = SERVICES[name]["command"]
    checked = subprocess.run([command(program), *flags, "--check-config"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("file", sorted((ROOT / "docker").glob("*.Dockerfile")), ids=lambda file: file.name)
def test_a_dockerfile_is_clean_and_runs_nothing_as_root(file: Path) -> None:
    linted = subprocess.run([command("hadolint"), str(file)], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout
    assert "\nUSER 10001\n" in file.read_text()
    assert "HEALTHCHECK" in file.read_text()
