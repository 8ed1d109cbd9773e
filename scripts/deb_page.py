"""Runs the commands of the page about the Raspberry Pi on an emulated one, and looks for the output that it shows.

They stand after `$ ` in blocks of the language `console`, except in those below a line `Not run: REASON`.
"""

import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scripts.deb_suite import ROOT, Chroot, Suite, require

PAGE = ROOT / "docs" / "raspberry-pi.md"
CREATE_USER = """
useradd --create-home --shell /bin/bash --groups audio,sudo pi
echo 'pi ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/pi
echo 'APT::Get::Assume-Yes "true";' > /etc/apt/apt.conf.d/yes
install --owner=pi --target-directory=/home/pi /tmp/debs/*
"""
"""What Raspberry Pi OS and the reader have done before; the reader answers yes to apt."""
_BLOCK = re.compile(r"(?P<reason>^Not run: [^\n]+\n\n)?^```console\n(?P<lines>.*?)```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class PageCommand:
    """A command, and the lines of its output that the page shows."""

    command: str
    shown: tuple[str, ...]


def check_page(suite: Suite) -> Iterator[tuple[str, str]]:
    """Run the commands of the page as the user of a board."""
    if suite.name != "trixie" or os.environ["ARCHITECTURE"] != "arm64":
        return
    with suite.chroot() as chroot:
        chroot.install("python3", "sudo")
        chroot.run("sh", "-c", CREATE_USER)
        for found in commands_to_run(PAGE.read_text("utf-8")):
            began = time.monotonic()
            output = _run_as_user(chroot, found.command)
            missing = find_missing_lines(found.shown, output)
            require(not missing, f"{found.command}: the page shows {missing}, but it prints:\n{output}")
            yield f"$ {found.command}", f"{len(found.shown)} lines as shown, {time.monotonic() - began:.0f} s"


def _run_as_user(chroot: Chroot, command: str) -> str:
    user = ("runuser", "-u", "pi", "--", "env", "HOME=/home/pi", "USER=pi")
    return chroot.run(*user, "bash", "-c", f"cd && {command} 2>&1")


def commands_to_run(page: str) -> Iterator[PageCommand]:
    """Yield the commands of a page in their order."""
    for block in _BLOCK.finditer(page):
        if block["reason"]:
            continue
        for part in re.split(r"^\$ ", block["lines"], flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield PageCommand(command, tuple(shown))


def find_missing_lines(shown: Sequence[str], output: str) -> list[str]:
    """Return the shown lines that the output does not have; numbers and spaces may differ, `...` stands for more lines."""
    found = {_without_numbers(line) for line in output.splitlines()}
    return [line for line in shown if line not in ("", "...") and _without_numbers(line) not in found]


def _without_numbers(line: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)?", "0", line)).strip()
