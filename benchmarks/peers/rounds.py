"""Rounds of measurements: order of the servers, progress on stderr, and the file of results."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

Server = TypeVar("Server")
Run = TypeVar("Run")


def alternate(servers: Sequence[Server], rounds: int) -> list[Server]:
    """Return the servers in alternating order: A B C C B A A B C."""
    return [server for turn in range(rounds) for server in (servers if turn % 2 == 0 else servers[::-1])]


def print_run(run: Run) -> Run:
    """Print a run on stderr and return it."""
    print(run, file=sys.stderr, flush=True)
    return run


def write_json(out: Path, found: dict[str, object]) -> None:
    out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def describe_machine() -> dict[str, object]:
    return {"cores": os.cpu_count(), "kernel": platform.platform(), "python": platform.python_version()}
