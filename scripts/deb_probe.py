"""Starts an installed program inside a chroot or container and asks it for `describe`; needs Debian's Python only.

deb_probe.py start COMMAND ARGUMENT...   start a program, ask it when it is ready, stop it
deb_probe.py ask PORT                    ask a program that runs
"""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS = 60.0
STOP_SECONDS = 40.0


def describe(port: int) -> str:
    """Return what a program on this machine says that it is, and how long that took."""
    began = time.monotonic()
    with (
        socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as connection,
        connection.makefile("rb") as answers,
    ):
        connection.sendall(b'{"type": "describe"}\n')
        event = json.loads(answers.readline())
        data = event.get("data") or {}
        if length := event.get("data_length"):
            data |= json.loads(answers.read(length))
    seconds = time.monotonic() - began
    if event["type"] != "info":
        raise SystemExit(f"describe was answered with {event['type']}")
    return f"{', '.join(_names(data))} in {seconds:.2f} s"


def _names(info: dict[str, Any]) -> list[str]:
    found = [
        (kind, program)
        for kind, programs in info.items()
        for program in ([programs] if isinstance(programs, dict) else programs or ())
    ]
    return [f"{kind} {program['name']}" for kind, program in found]


def start(command: list[str]) -> str:
    """Start a program, return what it answers, stop it."""
    began = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603 - a command of ours
    try:
        ready = _wait_until_ready(process)
        seconds = time.monotonic() - began
        port = urlsplit(ready.get("uri") or "").port
        answer = describe(port) if port else _health(command)
    finally:
        process.terminate()
        status = process.wait(STOP_SECONDS)
    if status != 0:
        raise SystemExit(f"it ended with status {status}")
    return f"ready in {seconds:.1f} s; {answer}"


def _health(command: list[str]) -> str:
    port = command[command.index("--http-port") + 1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=ANSWER_SECONDS) as answer:
        return f"/health {answer.status}"


def _wait_until_ready(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("event") == "ready":
            return dict(event)
    raise SystemExit("it ended before it was ready: " + "".join(lines[-3:]).strip())


if __name__ == "__main__":
    print(describe(int(sys.argv[2])) if sys.argv[1] == "ask" else start(sys.argv[2:]))
