"""Child programs of `wyoming-rosie` end with it, however it ends, and so do their own child processes."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.daemons import command
from wyoming_rosie.commands.demo import RECORDING

pytestmark = pytest.mark.long

ROSIE = command("wyoming-rosie")
SECONDS = 60.0
ROLES = ("wake", "vad", "asr", "intent", "tts")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return found


def pocketsphinx(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the grandchildren that a recogniser has started: its process and what Python starts beside it."""
    found: list[psutil.Process] = []
    for program in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # such as one that Python runs to learn about the machine
            found += program.children(recursive=True)
    return found


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=SECONDS)
    return not alive


def has_ended(pid: int) -> bool:
    """Return whether a process has ended by itself, as one that only asks may."""
    return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "rosie.toml"
    addresses = "".join(f'[{role}]\nuri = "unix://{tmp_path}/{role}.sock"\n' for role in ROLES)
    uris = "".join(f'{role}_uri = "unix://{tmp_path}/{role}.sock"\n' for role in ROLES)
    file.write_text(f'{addresses}[hub]\nzeroconf = false\nadopt_all = false\ndata_dir = "{tmp_path}"\n{uris}')
    return file


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM], ids=lambda one: one.name)
def test_up_leaves_nothing_behind_when_it_is_ended(number: signal.Signals, settings: Path) -> None:
    said = settings.with_suffix(".log")
    with said.open("wb") as log:
        process = subprocess.Popen([ROSIE, "up", "--config", str(settings)], stdout=log, stderr=log)

    def runs() -> bool:
        assert process.poll() is None, said.read_text()
        return bool(pocketsphinx(process)) and len(psutil.Process(process.pid).children()) == 6

    try:
        wait_until(runs)
        started = descendants(process)
        process.send_signal(number)
        process.wait(SECONDS)
        assert gone(started)
    finally:
        process.kill()
        process.wait()


def test_up_that_is_killed_before_its_programs_have_begun_leaves_nothing_behind(settings: Path) -> None:
    process = subprocess.Popen([ROSIE, "up", "--config", str(settings)], stdout=subprocess.DEVNULL)
    wait_until(lambda: bool(descendants(process)))
    started = descendants(process)
    process.kill()
    process.wait(SECONDS)
    assert gone(started)


@pytest.mark.parametrize(
    "arguments",
    [("up",), ("demo",), ("ask", "what time is it"), ("transcribe", str(RECORDING))],
    ids=lambda given: str(given[0]),
)
def test_a_closed_terminal_leaves_nothing_behind(arguments: tuple[str, ...], settings: Path) -> None:
    given = ("--config", str(settings)) if arguments == ("up",) else ()
    ours, theirs = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        os.login_tty(theirs)
        os.chdir(settings.parent)
        os.execv(ROSIE, [ROSIE, *arguments, *given])
    os.close(theirs)
    wait_until(lambda: bool(psutil.Process(pid).children()) or has_ended(pid))
    started = psutil.Process(pid).children(recursive=True)
    os.close(ours)
    os.waitpid(pid, 0)
    assert gone(started)


def test_a_program_that_is_started_by_hand_outlives_who_started_it(tmp_path: Path) -> None:
    line = f"{command('wyoming-rosie-vad')} --uri unix://{tmp_path}/vad.sock >/dev/null 2>&1 & echo $!"
    shell = subprocess.run(["sh", "-c", line], stdout=subprocess.PIPE, check=True, timeout=SECONDS)
    vad = psutil.Process(int(shell.stdout))
    try:
        wait_until((tmp_path / "vad.sock").exists)
        assert vad.is_running()
    finally:
        vad.terminate()
        vad.wait(SECONDS)
