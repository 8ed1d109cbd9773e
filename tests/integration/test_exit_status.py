"""Exit status of every command: 0 done, 1 failed, 2 the command line is wrong, 3 nothing was understood; no traceback."""

import os
import re
import signal
import subprocess
import time
from array import array
from pathlib import Path

import psutil
import pytest

from tests.daemons import command
from wyoming_rosie.audio.formats import SPEECH, write_wav
from wyoming_rosie.commands.__main__ import app
from wyoming_rosie.programs import PROGRAMS

pytestmark = pytest.mark.long

ROSIE = command("wyoming-rosie")
COMMANDS = sorted(name for name in app if not name.startswith("-"))
NOBODY = "tcp://127.0.0.1:9"
MISUSED = {
    "check": (NOBODY, "--seconds", "soon"),
    "listen": ("nowhere",),
    "backup": (),
    "restore": (),
    "check-model": (),
    "train-verifier": ("--word", "alexa"),
    "detect": (),
    "transcribe": (),
    "ask": ("hello", "--engine", "nonsense"),
    "say": ("hello", "--engine", "nonsense"),
    "explain": (),
    "models": ("fetch", "nonsense"),
    "voices": ("--language", "klingon"),
    "languages": ("wake",),
}
"""Wrong command lines besides an unknown flag."""
FAILING = {
    "prompt": ("why?", "--redis", "redis://127.0.0.1:1", "--nats", "nats://127.0.0.1:1"),
    "check": (NOBODY,),
    "listen": (NOBODY,),
    "backup": ("/no/such/folder/rosie.backup",),
    "restore": ("/no/such/rosie.backup",),
    "detect": ("/no/such.wav",),
    "transcribe": ("{folder}",),
    "ask": ("hello", "--uri", NOBODY),
    "explain": ("hello", "--home", "/no/such.toml"),
    "say": ("hello", "--output", "/no/such/folder.wav"),
    "demo": ("/no/such.wav",),
    "up": ("--config", "/no/such.toml"),
    "check-model": ("{folder}/empty.onnx",),
    "fetch-models": ("--from", NOBODY.replace("tcp", "http"), "--to", "{folder}/models"),
    "voices": ("--uri", NOBODY),
    "languages": ("--uri", NOBODY),
    "models": ("fetch", "tiny.en", "--from", NOBODY.replace("tcp", "http"), "--data-dir", "{folder}/models"),
    "train-verifier": (
        "{folder}/none",
        "--word",
        "alexa",
        "--user",
        "a",
        "--output",
        "{folder}/a",
        "--other",
        "{folder}",
    ),
}
NOTHING_UNDERSTOOD = {
    "detect": ("{folder}/noise.wav",),
    "transcribe": ("{folder}/noise.wav",),
    "ask": ("colourless green ideas sleep furiously",),
    "demo": ("{folder}/noise.wav", "--output", "{folder}/reply.wav", "--seconds", "1"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    hiss = array("h", [(7919 * index) % 601 - 300 for index in range(SPEECH.rate)])
    write_wav(tmp_path / "noise.wav", SPEECH, hiss.tobytes())
    (tmp_path / "empty.onnx").touch()
    return tmp_path


def ended(*arguments: str, shell: str = "") -> tuple[int, str]:
    """Return the status and what was complained about on stderr; `shell` goes behind the command."""
    words = ["bash", "-c", f'"$@" {shell}', "bash", *arguments] if shell else list(arguments)
    ran = subprocess.run(words, stderr=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL, timeout=120, check=False)
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
    return ran.returncode, re.sub(r"^asking .*\n", "", ran.stderr)  # by which `ask` says who answers


@pytest.mark.parametrize("name", COMMANDS)
def test_a_flag_that_does_not_exist_is_misuse(name: str) -> None:
    status, said = ended(ROSIE, name, *MISUSED.get(name, ()), "--no-such-flag")
    assert (status, said.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", MISUSED)
def test_a_wrong_value_is_misuse(name: str) -> None:
    status, said = ended(ROSIE, name, *MISUSED[name])
    assert (status, said.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", FAILING)
def test_what_cannot_be_done_is_failure(name: str, folder: Path) -> None:
    status, said = ended(ROSIE, name, *(one.format(folder=folder) for one in FAILING[name]))
    lines = [line for line in said.splitlines() if not line.startswith("fetching ")]
    assert (status, len(lines)) == (1, 1)


@pytest.mark.parametrize("name", NOTHING_UNDERSTOOD)
def test_what_is_not_understood_has_a_status_of_its_own(name: str, folder: Path) -> None:
    status, said = ended(ROSIE, name, *(one.format(folder=folder) for one in NOTHING_UNDERSTOOD[name]))
    assert (status, said.count("\n")) == (3, 1)


def test_an_unknown_command_is_misuse() -> None:
    assert ended(ROSIE, "nonsense")[0] == 2
    assert ended(ROSIE, "")[0] == 2


def test_every_command_is_in_a_table_or_cannot_fail() -> None:
    groups = {"calendar", "config", "key", "memory", "plugin", "service"}  # of commands, which have tests of their own
    told_elsewhere = {"enroll", "join", "pair"}  # test_speakers.py and test_pairing.py
    assert set(COMMANDS) - FAILING.keys() == {"devices", "discover", "doctor", *groups, *told_elsewhere}


@pytest.mark.parametrize("program", [program.command for program in PROGRAMS])
def test_a_daemon_is_misused_alike(program: str) -> None:
    status, said = ended(command(program), "--no-such-flag")
    assert (status, said.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("shell", "status", "lines"),
    [("> /dev/full", 1, 1), (">&-", 0, 0), ("| true; exit ${PIPESTATUS[0]}", 141, 0), ("2>&-", 0, 0)],
    ids=["full disk", "no output", "nobody reads", "no stderr"],
)
@pytest.mark.parametrize("arguments", [["--help"], ["ask", "is the kitchen light on"]], ids=["help", "ask"])
def test_output_that_cannot_be_written(arguments: list[str], shell: str, status: int, lines: int) -> None:
    ran, said = ended(ROSIE, *arguments, shell=shell)
    assert (ran, said.count("\n")) == (status, lines)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_interrupted_ends_in_silence(number: signal.Signals, status: int) -> None:
    process = subprocess.Popen(
        [ROSIE, "demo"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ, cwd="/"
    )
    deadline = time.monotonic() + 60
    while not psutil.Process(process.pid).children():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (status, b"")
