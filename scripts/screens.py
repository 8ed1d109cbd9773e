"""Pictures of a terminal, docs/images/NAME.svg, made from what the real commands print."""

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich.text import Text

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
COLUMNS = 96
ADDRESS = "tcp://127.0.0.1:10400"
TIMEOUT_SECONDS = 120
_ELSEWHERE = re.compile(r"@font-face \{\{.*?\}\}|<!--.*?-->", re.DOTALL)
"""Rich's template fetches its font."""


@dataclass(frozen=True)
class Screen:
    """A picture of one command; `daemon` runs meanwhile, and its address takes the place of URI in the command."""

    name: str
    command: str
    daemon: str = ""
    has_colours: bool = False  # with them, commands draw their progress too
    last_line: str = ""  # where the picture ends; all of it without


SCREENS = (
    Screen("demo", "wyoming-rosie demo", last_line="reply.wav"),
    Screen(
        "check", "wyoming-rosie check URI", daemon="wyoming-rosie-wake --name Kitchen", last_line="describe is answered"
    ),
    Screen("help", "wyoming-rosie --help", has_colours=True),
)


def draw(screen: Screen, folder: Path) -> str:
    """Return the picture; the command runs in `folder`."""
    with running(screen, folder) as uri:
        output = run(screen.command.replace("URI", uri), environment(folder, screen), folder)
    lines = (output.replace(uri, ADDRESS) if uri else output).splitlines()
    end = next((at for at, line in enumerate(lines) if screen.last_line and screen.last_line in line), len(lines))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (screen.command.replace("URI", ADDRESS), "bold")))
    console.print(Text.from_ansi("\n".join(lines[: end + 1])))
    template = _ELSEWHERE.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code", "ui-monospace, DejaVu Sans Mono")
    return str(console.export_svg(title="", theme=DIMMED_MONOKAI, code_format=template, unique_id=screen.name))


def run(command: str, variables: dict[str, str], folder: Path) -> str:
    """Return what a command prints."""
    done = subprocess.run(  # noqa: S603 - a command of SCREENS
        shlex.split(command), cwd=folder, env=variables, capture_output=True, text=True,
        timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stderr}")
    return done.stdout


@contextmanager
def running(screen: Screen, folder: Path) -> Iterator[str]:
    """Run the screen's daemon, if it has one, on a free port during the block; yield its address."""
    if not screen.daemon:
        yield ""
        return
    command = [*shlex.split(screen.daemon), "--uri", "tcp://127.0.0.1:0"]
    process = subprocess.Popen(  # noqa: S603 - a command of SCREENS
        command, cwd=folder, env=environment(folder, screen), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        found = (re.search(r"tcp://127\.0\.0\.1:\d+", line) for line in process.stderr)
        yield next(match[0] for match in found if match)
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_SECONDS)


def environment(folder: Path, screen: Screen) -> dict[str, str]:
    """Return the environment of a user without settings, whose terminal is as wide as the picture."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    terminal = {
        "COLUMNS": str(COLUMNS),
        "TERM": "xterm-256color",
        **({"FORCE_COLOR": "1"} if screen.has_colours else {}),
    }
    return {"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8", **terminal}


def main() -> None:
    """Write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    for screen in SCREENS:
        if sys.argv[1:] in ([], [screen.name]):
            with tempfile.TemporaryDirectory() as folder:
                (IMAGES / f"{screen.name}.svg").write_text(draw(screen, Path(folder)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
