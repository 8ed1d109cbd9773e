"""Commands that add extras to an installation."""

import json
from pathlib import Path

from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.runtime.extras import apt_command, pip_command

IN_DEBIAN_PACKAGES = (
    *("all", "bus", "calendar", "esphome", "files", "memory", "mqtt", "openwakeword", "piper", "speaker", "tls", "web"),
    *("webrtc", "whisper"),
)
"""Extras besides the programs' own."""


def noted(path: Path, **more: object) -> str:
    return json.dumps({"url": path.as_uri(), **more})


def test_what_came_from_a_folder_or_a_file_is_added_from_there(tmp_path: Path) -> None:
    folder = pip_command(["wake", "asr"], noted(tmp_path, dir_info={"editable": True}), "/venv")
    assert folder == f'/venv/bin/python -m pip install --editable "{tmp_path}[asr,wake]"'
    wheel = tmp_path / "a wheel.whl"
    wheel.touch()
    assert pip_command(["wake"], noted(wheel), "/venv") == f'/venv/bin/python -m pip install "{wheel}[wake]"'


def test_what_came_from_an_index_or_is_gone_is_added_by_its_name(tmp_path: Path) -> None:
    by_name = '/venv/bin/python -m pip install "wyoming-rosie[wake]"'
    assert pip_command(["wake"], None, "/venv") == by_name
    assert pip_command(["wake"], noted(tmp_path / "gone.whl"), "/venv") == by_name


def test_pipx_installs_what_pipx_has_installed() -> None:
    prefix = str(Path.home() / ".local/share/pipx/venvs/wyoming-rosie")
    assert pip_command(["wake"], None, prefix) == 'pipx install --force "wyoming-rosie[wake]"'


def test_the_users_name_is_not_in_it() -> None:
    assert pip_command(["wake"], None, f"{Path.home()}/venv").startswith("$HOME/venv/bin/python")


def test_debian_packages_are_added_by_apt_and_what_has_no_package_by_pipx() -> None:
    assert apt_command(["wake", "asr"]) == "sudo apt install wyoming-rosie-asr wyoming-rosie-wake"
    assert apt_command(["all"]) == "sudo apt install wyoming-rosie"
    assert apt_command(["asr", "whisper"]) == "sudo apt install wyoming-rosie-asr wyoming-rosie-whisper"
    assert apt_command(["bus", "mqtt"]) == "sudo apt install wyoming-rosie-bridge"
    assert apt_command(["speaker", "web"]) == "sudo apt install wyoming-rosie-onnx wyoming-rosie-hub"
    assert apt_command(["asr", "cloud"]) == 'pipx install "wyoming-rosie[asr,cloud]"'


def test_every_debian_package_that_is_named_exists() -> None:
    control = (Path(__file__).parents[3] / "debian/control").read_text()
    for extra in (*BY_ROLE, *IN_DEBIAN_PACKAGES):
        assert f"Package: {apt_command([extra]).split()[-1]}\n" in control
