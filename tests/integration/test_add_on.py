"""An add-on's program: options become settings, the Supervisor learns the address, and a stop ends it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from addons.add_on import Surroundings, create_command, to_flags, to_variables
from tests.brokers import free_port
from wyoming_rosie.audio.formats import SPEECH, write_wav

ROOT = Path(__file__).parents[2]
WAIT = "import time; time.sleep(600)"
WAIT_SECONDS = 60


class Supervisor(HTTPServer):
    """Answers the Supervisor's request for discovery, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: Queue[tuple[str, str, Any]] = Queue()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Supervisor)
        self.server.told.put((self.path, self.headers["Authorization"], body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    server = Supervisor()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join(WAIT_SECONDS)
    server.server_close()


@pytest.mark.parametrize(
    ("role", "options"),
    [
        ("wake", {"model": ["okay_nabu"], "threshold": 0.9, "plain": ["homeassistant"], "debug": False}),
        ("satellite", {"name": "Kitchen", "mic": "wav:silence.wav", "snd": "wav:played.wav", "debug": False}),
    ],
)
def test_home_assistant_learns_the_address_of_a_program_that_serves(
    role: str, options: dict[str, Any], supervisor: Supervisor, tmp_path: Path
) -> None:
    (tmp_path / "options.json").write_text(json.dumps(options))
    write_wav(tmp_path / "silence.wav", SPEECH, bytes(SPEECH.bytes_in(1)))
    port, http_port = free_port(), free_port()
    place = f"add_on.Surroundings(pathlib.Path({str(tmp_path)!r}), 'http://127.0.0.1:{supervisor.server_port}', {port}, {http_port})"
    code = f"import pathlib, sys, add_on; sys.exit(add_on.main({role!r}, {place}))"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "SUPERVISOR_TOKEN": "canary", "PYTHONPATH": str(ROOT / "addons"), "PATH": path}
    add_on = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=tmp_path)
    try:
        where, authorization, message = supervisor.told.get(timeout=WAIT_SECONDS)
    finally:
        add_on.send_signal(signal.SIGTERM)
        status = add_on.wait(WAIT_SECONDS)
    assert (where, authorization, message["service"]) == ("/discovery", "Bearer canary", "wyoming")
    assert message["config"]["uri"].endswith(f":{port}")
    assert status == 0


@pytest.mark.parametrize(
    ("before", "program", "status"),
    [
        ("", "import time; time.sleep(0.2); raise SystemExit(7)", 7),
        ("signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); os.kill(os.getpid(), signal.SIGTERM)", WAIT, -15),
    ],
    ids=["its program ended", "it was stopped just before it waits"],
)
def test_an_add_on_ends_with_its_program(before: str, program: str, status: int) -> None:
    code = f"""
import add_on, os, signal, subprocess, sys
program = subprocess.Popen([sys.executable, "-c", {program!r}])
{before}
print(add_on.wait(program))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "addons")}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, timeout=WAIT_SECONDS, capture_output=True)
    assert ended.stdout.decode() == f"{status}\n", ended.stderr


def test_options_become_flags_and_secrets_do_not() -> None:
    options = {
        "model": ["a", "b"],
        "local": {"model": "qwen", "url": ""},
        "debug": True,
        "zeroconf": False,
        "nats_token": "x",
        "join": "69-8696-2628@hub",
    }
    assert list(to_flags(options)) == [
        "--model",
        "a",
        "--model",
        "b",
        "--local.model",
        "qwen",
        "--debug",
        "--no-zeroconf",
    ]
    assert to_variables("bridge", options) == {"NATS_TOKEN": "x", "WYOMING_ROSIE_BRIDGE_JOIN": "69-8696-2628@hub"}


def test_a_client_gets_no_address() -> None:
    assert create_command("bridge", {"role": ["voice"]}, Surroundings()) == [
        "wyoming-rosie-bridge", "--http-port", "9470", "--role", "voice"
    ]  # fmt: skip
