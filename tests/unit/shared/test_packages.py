"""One name everywhere: folders, console scripts, extras and the wheel list the same programs."""

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from wyoming_rosie.programs import PROGRAMS, Program

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OTHER_EXTRAS = {
    "kafka",
    "languages",
    "memory",
    "speaker",
    "sqlcipher",
    "tls",
    "mqtt",
    "vision",
    "all",
    "bus",
    "buttons",
    "calendar",
    "chroma",
    "cloud",
    "dev",
    "files",
    "esphome",
    "mcp",
    "openwakeword",
    "piper",
    "respeaker",
    "satellite-basic",
    "web",
    "webrtc",
    "whisper",
}


def test_every_program_has_its_folder_and_every_folder_is_a_program() -> None:
    folders = {
        path.relative_to(ROOT) for root in ("servers", "satellite") for path in (ROOT / root).iterdir() if path.is_dir()
    }
    found = {path for path in folders if path.name != "__pycache__"}
    assert found == {Path(program.folder, program.package) for program in PROGRAMS}


def test_source_roots_are_no_packages() -> None:
    assert not [root for root in ("servers", "satellite") if (ROOT / root / "__init__.py").exists()]


def test_every_program_has_a_console_script() -> None:
    scripts = {program.command: f"{program.package}.__main__:main" for program in PROGRAMS}
    assert PROJECT["project"]["scripts"] == {"wyoming-rosie": "wyoming_rosie.commands.__main__:main", **scripts}


def test_every_program_has_an_extra_and_all_names_them() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    roles = [program.role for program in PROGRAMS]
    assert set(extras) - OTHER_EXTRAS == set(roles)
    assert extras["all"] == [f"wyoming-rosie[{','.join(roles)},files,web,tls]"]


def test_the_wheel_holds_every_package() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages == ["wyoming_rosie", *(f"{program.folder}/{program.package}" for program in PROGRAMS)]


def test_every_package_is_typed_and_has_a_main() -> None:
    for program in PROGRAMS:
        folder = ROOT / program.folder / program.package
        missing = [name for name in ("py.typed", "__init__.py", "__main__.py") if not (folder / name).is_file()]
        assert not missing, program.role
        assert find_spec(f"{program.package}.__main__") is not None


def test_no_daemon_imports_another() -> None:
    for program in PROGRAMS:
        others = [other.package for other in PROGRAMS if other is not program]
        for path in (ROOT / program.folder / program.package).rglob("*.py"):
            text = path.read_text()
            assert not [name for name in others if f"import {name}" in text or f"from {name}" in text], path
    shared = "".join(path.read_text() for path in (ROOT / "wyoming_rosie").rglob("*.py"))
    assert not [program.package for program in PROGRAMS if f"from {program.package}" in shared]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.role)
def test_a_program_imports_no_large_library_before_it_is_needed(program: Program) -> None:
    libraries = {"aiohttp", "numpy", "prometheus_client.core", "rich", "zeroconf"}
    code = f"import sys, {program.package}.__main__; print({libraries} & sys.modules.keys())"
    imported = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert imported.stdout.strip() == "set()"
