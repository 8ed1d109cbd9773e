"""`wyoming-rosie up`: addresses from the settings, programs that cannot start, and restarts."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.daemons import command

pytestmark = pytest.mark.long

ROSIE = command("wyoming-rosie")
SECONDS = 60.0


class Up:
    """A running `up`, and what it has printed."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen([ROSIE, "up", *arguments], stdout=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str, times: int = 1) -> str:
        """Return the line that matches for so many times."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = [line for line in list(self.lines) if re.search(pattern, line)]
            if len(found) >= times:
                return found[times - 1]
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} in {self.lines}")

    def close(self) -> int:
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(SECONDS)
        self._reader.join()
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self.lines.append(line.rstrip())


@contextmanager
def up(*arguments: str) -> Iterator[Up]:
    running = Up(*arguments)
    try:
        yield running
    finally:
        assert running.close() == 0


def test_programs_run_where_the_settings_say_without_those_that_cannot_and_come_back(tmp_path: Path) -> None:
    settings = tmp_path / "rosie.toml"
    settings.write_text(
        f"""
        [vad]
        uri = "tcp://127.0.0.1:0"
        [asr]
        home = "{tmp_path}/no-such-home.toml"
        [hub]
        intent_uri = "unix://{tmp_path}/intent.sock"
        tts_uri = "tcp://voices.invalid:10200"
        zeroconf = false
        adopt_all = false
        data_dir = "{tmp_path}"
        [hub.web]
        port = 0
        """
    )
    with up("--config", str(settings), "--without", "wake") as running:
        assert running.wait_for("running:").split("running: ")[1] == "vad, intent, hub"
        assert "excluded by --without" in running.wait_for("^wake ")
        assert "no-such-home" in running.wait_for("^asr .*left out")
        assert "voices.invalid" in running.wait_for("^tts .*left out")
        asked = subprocess.run(
            [ROSIE, "ask", "what time is it", "--uri", f"unix://{tmp_path}/intent.sock"], check=False, timeout=SECONDS
        )
        assert asked.returncode == 0
        vad = re.search(r"uri=(tcp://\S+)", running.wait_for("^vad .*ready"))
        assert vad is not None
        running.wait_for("^hub .*page uri=http://127.0.0.1:")
        running.wait_for("^hub .*ready")
        programs = psutil.Process(running.process.pid).children()
        hub = next(one for one in programs if "wyoming-rosie-hub" in " ".join(one.cmdline()))
        assert hub.cmdline()[-4:-2] == ["--vad-uri", vad[1]]
        hub.kill()
        running.wait_for("^hub .*restarting in 1 s")
        running.wait_for("^hub .*ready", times=2)


def test_the_bridge_runs_beside_the_daemons_that_it_asks(tmp_path: Path) -> None:
    settings = tmp_path / "rosie.toml"
    settings.write_text(
        f"""
        [up]
        with = ["bridge"]
        without = ["wake", "vad", "tts", "hub", "asr"]
        [intent]
        uri = "unix://{tmp_path}/intent.sock"
        """
    )
    with up("--config", str(settings)) as running:
        assert running.wait_for("running:").split("running: ")[1] == "intent, bridge"
        running.wait_for("^bridge +ready")
        programs = psutil.Process(running.process.pid).children()
        bridge = next(one for one in programs if "wyoming-rosie-bridge" in " ".join(one.cmdline()))
        intent = f"unix://{tmp_path}/intent.sock"
        assert bridge.cmdline()[-4:] == ["--voice.intent-uri", intent, "--mind.intent-uri", intent]


def test_nothing_that_can_run_is_an_error() -> None:
    everything = [word for role in ("wake", "vad", "asr", "intent", "tts", "hub") for word in ("--without", role)]
    ran = subprocess.run([ROSIE, "up", *everything], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert ran.returncode == 1
    assert "nothing" in ran.stderr
    assert os.linesep not in ran.stderr.strip()
