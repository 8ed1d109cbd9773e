"""pipx and uvx install the wheel as the README says, and what they installed works from another folder."""

import os
import re
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from wyoming_rosie.programs import PROGRAMS

pytestmark = [pytest.mark.install, pytest.mark.timeout(900)]
DEMO = Path(__file__).parents[2] / "wyoming_rosie" / "commands" / "demo.wav"


@pytest.fixture(scope="module")
def installers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of pipx's and uv's commands."""
    folder = tmp_path_factory.mktemp("installers")
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "pipx", "uv"], check=True)
    return folder / "bin"


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a user whose home is `folder`."""
    own = {"HOME": str(folder), "PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    return {**os.environ, **own, "PIPX_DEFAULT_PYTHON": sys.executable, "UV_PYTHON": sys.executable}


def run(folder: Path, *command: str | Path) -> str:
    return subprocess.run(
        command, env=environment(folder), cwd=folder, check=True, capture_output=True, text=True, timeout=600
    ).stdout


def test_every_program_has_help_without_extras(wheel: Path, installers: Path, tmp_path: Path) -> None:
    run(tmp_path, installers / "pipx", "install", wheel)
    for program in ("wyoming-rosie", *(program.command for program in PROGRAMS)):
        assert program in run(tmp_path, tmp_path / "bin" / program, "--help")


def test_uvx_runs_a_command_once(wheel: Path, installers: Path, tmp_path: Path) -> None:
    assert "Usage: wyoming-rosie" in run(tmp_path, installers / "uvx", "--from", wheel, "wyoming-rosie", "--help")


def test_the_satellite_of_pipx_hears_its_wake_word(wheel: Path, installers: Path, tmp_path: Path) -> None:
    run(tmp_path, installers / "pipx", "install", f"{wheel}[satellite]")
    files = ("--mic", f"wav:{DEMO}", "--snd", "wav:played.wav")
    command: list[str | Path] = [
        tmp_path / "bin/wyoming-rosie-satellite",
        *files,
        "--uri",
        "tcp://127.0.0.1:0",
        "--no-zeroconf",
    ]
    satellite = subprocess.Popen(command, env=environment(tmp_path), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert satellite.stderr is not None
        uri = next(found[0] for line in satellite.stderr if (found := re.search(r"tcp://127\.0\.0\.1:\d+", line)))
        heard = run(tmp_path, tmp_path / "bin/wyoming-rosie", "listen", uri, "--turns", "1", "--seconds", "60")
    finally:
        satellite.send_signal(signal.SIGTERM)
        satellite.communicate(timeout=60)
    assert "okay_nabu" in heard
    assert satellite.returncode == 0


def test_the_basic_satellite_says_what_it_lacks_and_runs_without_it(
    wheel: Path, installers: Path, tmp_path: Path
) -> None:
    run(tmp_path, installers / "pipx", "install", f"{wheel}[satellite-basic]")
    satellite = str(tmp_path / "bin/wyoming-rosie-satellite")
    files = ("--mic", f"wav:{DEMO}", "--snd", "wav:played.wav", "--uri", "tcp://127.0.0.1:0", "--no-zeroconf")
    remote = ("--wake-uri", "tcp://127.0.0.1:9")
    for flags, instead in (((), "--wake-uri"), (remote, "--no-ends-commands")):
        refused = subprocess.run(
            [satellite, *files, *flags],
            env=environment(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert "[satellite]" in refused.stderr
        assert instead in refused.stderr
    command = [satellite, *files, *remote, "--no-ends-commands"]
    running = subprocess.Popen(command, env=environment(tmp_path), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        assert any("ready" in line for line in running.stderr)
    finally:
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert running.returncode == 0
