#!/usr/bin/env python3
"""Runs a program as an add-on of Home Assistant: its options become flags, and Home Assistant learns its address.

add_on.py ROLE     in the image of addons/add-on.Dockerfile, started as root; the program itself runs as another user
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_rosie.programs import BY_ROLE

USER = 10001
POLL_SECONDS = 0.5
REQUEST_SECONDS = 10.0
SECRETS = ("_password", "_token")
JOIN = "join"
"""Options with these endings, and this one, go into the environment: flags can be read by everyone."""


@dataclass(frozen=True)
class Surroundings:
    """Where an add-on finds its data, the Supervisor, and free ports; 0 stands for the program's own port."""

    data: Path = Path("/data")
    supervisor: str = "http://supervisor"
    port: int = 0
    http_port: int = 9470


def to_flags(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the flags for an add-on's options; options without a value are left to the program."""
    for key, value in options.items():
        name = key.replace("_", "-")
        match value:
            case dict():
                yield from to_flags(value, f"{prefix}{name}.")
            case bool():
                yield f"--{prefix}{name}" if value else f"--{prefix}no-{name}"
            case list():
                yield from (part for one in value for part in (f"--{prefix}{name}", str(one)))
            case None | "":
                pass
            case _ if not _is_secret(key):
                yield from (f"--{prefix}{name}", str(value))


def to_variables(role: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment variables for an add-on's passwords, tokens and code."""
    names = {key: key.upper() for key in options} | {JOIN: f"WYOMING_ROSIE_{role.upper()}_JOIN"}
    return {names[key]: str(value) for key, value in options.items() if _is_secret(key) and value}


def _is_secret(key: str) -> bool:
    return key == JOIN or key.endswith(SECRETS)


def create_command(role: str, options: Mapping[str, Any], place: Surroundings) -> list[str]:
    """Return the program's command line."""
    program = BY_ROLE[role]
    network = [f"--uri=tcp://0.0.0.0:{place.port or program.port}", "--no-zeroconf"] if program.port else []
    return [program.command, *network, "--http-port", str(place.http_port), *to_flags(options)]


def start(role: str, place: Surroundings) -> "subprocess.Popen[bytes]":
    """Start the program with the add-on's options, without rights."""
    options = json.loads((place.data / "options.json").read_text("utf-8"))
    environment = {name: value for name, value in os.environ.items() if name != "SUPERVISOR_TOKEN"}
    environment |= {"HOME": str(place.data), **to_variables(role, options)}
    return subprocess.Popen(create_command(role, options, place), env=environment, **_drop_rights(place.data))


def _drop_rights(data: Path) -> dict[str, Any]:
    """Return the user to run as, who gets the data folder; nobody else where the image has no such user."""
    try:
        name = pwd.getpwuid(USER).pw_name
    except KeyError:
        return {}
    os.chown(data, USER, USER)
    return {"user": USER, "group": USER, "extra_groups": os.getgrouplist(name, USER)}


def wait_until_healthy(program: "subprocess.Popen[bytes]", http_port: int) -> bool:
    """Wait until the program serves, with a model; return False if it ends before."""
    while program.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/health/model", timeout=REQUEST_SECONDS):
                return True
        except OSError:
            time.sleep(POLL_SECONDS)
    return False


def announce(place: Surroundings, port: int, token: str) -> None:
    """Tell the Supervisor the program's address, which it passes to Home Assistant."""
    message = {"service": "wyoming", "config": {"uri": f"tcp://{socket.gethostname()}:{port}"}}
    request = urllib.request.Request(
        f"{place.supervisor}/discovery",
        json.dumps(message).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        urllib.request.urlopen(request, timeout=REQUEST_SECONDS).close()
    except OSError as err:
        print(f"Home Assistant was not told of this add-on ({err}); add it by its address", file=sys.stderr)


def main(role: str, place: Surroundings | None = None) -> int:
    """Run the program until it ends; return its exit status."""
    place = place or Surroundings()
    program = start(role, place)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    port, token = place.port or BY_ROLE[role].port, os.environ.get("SUPERVISOR_TOKEN")
    if port and token and wait_until_healthy(program, place.http_port):
        announce(place, port, token)
    return wait(program)


def wait(program: "subprocess.Popen[bytes]") -> int:
    """Pass SIGTERM on until the program ends; return its exit status.

    The signals are blocked: one that comes just before a call of `waitpid` would have its handler called after it.
    """
    signals = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    while (status := program.poll()) is None:
        if signal.sigwait(signals) == signal.SIGTERM:
            program.terminate()
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
