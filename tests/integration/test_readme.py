"""The README's commands run in a copy of the project, one after the other, and print the output shown there."""

import os
import re
import shutil
import subprocess
import sys
from itertools import chain, pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = 300
VARYING = (
    (re.compile(r"Es ist .*"), "Es ist ..."),
    (re.compile(r"[-+]?\d+(\.\d+)*"), "0"),
    (re.compile(r" +"), " "),
)
"""Times, versions and the columns that follow from them."""


def steps() -> list[tuple[str, list[str]]]:
    """Return each command behind a `$`, and the lines that it prints."""
    found: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall((ROOT / "README.md").read_text("utf-8")):
        lines = block.splitlines()
        begins = [at for at, line in enumerate(lines) if line.startswith("$ ")]
        for begin, end in pairwise([*begins, len(lines)]):
            found.append((lines[begin].removeprefix("$ "), lines[begin + 1 : end]))
    return found


def same(line: str) -> str:
    for pattern, instead in VARYING:
        line = pattern.sub(instead, line)
    return line.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A copy of what git would clone, whose environment is this one."""
    if not (Path(sys.prefix) / "installed").exists():
        pytest.skip("this environment was not made by scripts/setup, which would install everything again")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    folder = tmp_path / "wyoming-rosie"
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.mark.timeout(SECONDS + 20)
def test_every_command_runs_as_written_after_the_one_before_it(clone: Path, tmp_path: Path) -> None:
    assert len(steps()) > 8
    marks = [f"step {number}" for number in range(len(steps()))]
    script = "".join(f"echo {mark!r}\n{line}\n" for mark, (line, _) in zip(marks, steps(), strict=True))
    path = os.pathsep.join([str(Path(sys.executable).resolve().parent), "/usr/local/bin", "/usr/bin", "/bin"])
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PATH": path}
    ran = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    printed = [line for line in ran.stdout.splitlines() if line]
    expected = chain.from_iterable([mark, *lines] for mark, (_, lines) in zip(marks, steps(), strict=True))
    assert [same(line) for line in printed] == [same(line) for line in expected]
