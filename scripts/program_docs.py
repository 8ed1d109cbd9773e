"""Pages of docs/programs: port, engines, events, metrics and settings of each program, as it is."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "servers"), str(ROOT / "satellite")]

from debian.commands import WIDE, Entry, Help, parse_help  # noqa: E402
from wyoming_rosie.metrics import PREFIX  # noqa: E402
from wyoming_rosie.programs import PROGRAMS, Program  # noqa: E402

PAGES = ROOT / "docs" / "programs"
EVENTS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
"""Pages and events of each role."""
COMMON_METRICS = {
    "create_turn_metrics": ROOT / "wyoming_rosie/metrics.py",
    "DaemonServer": ROOT / "wyoming_rosie/protocol/server.py",
}
"""The metrics of these shared modules belong to a program that calls this."""
_KINDS = {"counter": "_total", "histogram": "", "gauge": "", "labelled_gauge": ""}
_DEFAULT = re.compile(r"\s*\[default: (?P<value>.*?)\](?: \[default: .*\])?$")
_INTRODUCTION = """\
# {command}

{about}

*`scripts/program-docs` writes this page from the program; a test compares them.*

{facts}
"""


@dataclass(frozen=True)
class Metric:
    """A metric as the source creates it; labels in the order of its call."""

    name: str
    kind: str
    meaning: str
    labels: tuple[str, ...]


def write_page(program: Program) -> str:
    """Return the page of a program."""
    help_text = read_help(program)
    sections = [
        _INTRODUCTION.format(
            command=program.command, about=help_text.paragraphs[0], facts="\n".join(list_facts(program))
        ),
        *list_engines(program),
        *list_events(program),
        *list_metrics(program),
        *list_settings(program, help_text),
    ]
    return "\n".join(sections)


def read_help(program: Program) -> Help:
    """Return the program's --help, as it is without any settings of this machine."""
    environment = {**os.environ, "COLUMNS": WIDE, "NO_COLOR": "1", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    environment = {name: value for name, value in environment.items() if not name.startswith("WYOMING_ROSIE_")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path[:3])
    called = [sys.executable, "-m", program.package, "--help"]
    called_help = subprocess.run(called, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - its own programs
    return parse_help(called_help.stdout.replace(f"{ROOT}/", ""))


def list_facts(program: Program) -> Iterator[str]:
    """Yield the rows about where the program is and what it belongs to."""
    pages = ", ".join(
        f"[{page.removesuffix('.md').replace('-', ' ')}](../{page})" for page in EVENTS[program.role]["pages"]
    )
    port = (
        f"`tcp://127.0.0.1:{program.port}`, or another `--uri`"
        if program.port
        else "no port of its own: it is a client"
    )
    yield "| | |"
    yield "|---|---|"
    yield f"| more about it | {pages} |"
    yield f"| listens at | {port} |"
    yield f"| pip | `pipx install 'wyoming-rosie[{program.role}]'` |"
    yield f"| apt | `{program.command}`, with the service `{program.command}.service` |"
    yield f"| settings | table `[{program.role}]`, environment `WYOMING_ROSIE_{program.role.upper()}_…`, flags |"


def list_engines(program: Program) -> Iterator[str]:
    """Yield the section about the engines, if the program has any."""
    folder = ROOT / program.folder / program.package / "engines"
    if not folder.is_dir():
        return
    found = sorted(path for path in folder.iterdir() if not path.name.startswith("_"))
    rows = [(f"`{path.stem.replace('_', '-')}`", _first_sentence(path)) for path in found]
    yield from ("## Engines", "", *table(("`--engine`", "about"), rows), "")


def _first_sentence(path: Path) -> str:
    file = path / "engine.py" if path.is_dir() else path
    document = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return document.split("\n\n")[0].replace("\n", " ").rstrip(".")


def list_events(program: Program) -> Iterator[str]:
    """Yield the section about Wyoming events."""
    takes, sends = EVENTS[program.role]["takes"], EVENTS[program.role]["sends"]
    yield from ("## Events", "")
    if not takes:
        yield from (f"{program.command} is a client of the other programs; see [the protocol](../protocol.md).", "")
        return
    yield "It answers `describe` with `info`, `ping` with `pong`, and any fault with `error`; see [the protocol](../protocol.md)."
    for title, events in (("takes", takes), ("sends", sends)):
        yield from ("", *table((f"it {title}", ""), [(f"`{name}`", meaning) for name, meaning in events.items()]))
    yield ""


def list_metrics(program: Program) -> Iterator[str]:
    """Yield the section about metrics."""
    rows = [
        (
            f"`{PREFIX}{metric.name}{_KINDS[metric.kind]}{_format_labels(metric.labels)}`",
            metric.kind.split("_")[-1],
            metric.meaning,
        )
        for metric in find_metrics(program)
    ]
    yield from ("## Metrics", "", "With `--http-port`, at `/metrics`; see [health and metrics](../health.md).", "")
    yield from (*table(("metric", "kind", "meaning"), rows), "")


def _format_labels(labels: tuple[str, ...]) -> str:
    return f"{{{','.join(labels)}}}" if labels else ""


def find_metrics(program: Program) -> list[Metric]:
    """Return the metrics that the program's source creates, by name."""
    sources = sorted((ROOT / program.folder / program.package).rglob("*.py"))
    texts = {path: path.read_text("utf-8") for path in sources}
    shared = [path for name, path in COMMON_METRICS.items() if any(name in text for text in texts.values())]
    trees = [ast.parse(text) for text in [*texts.values(), *(path.read_text("utf-8") for path in shared)]]
    found = [metric for tree in trees for metric in _created_metrics(tree)]
    return sorted({metric.name: metric for metric in found}.values(), key=lambda metric: metric.name)


def _created_metrics(tree: ast.Module) -> Iterator[Metric]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _KINDS:
            texts = [text for text in map(_read_text, node.args) if text is not None]
            if len(texts) >= 2:
                yield Metric(texts[0], node.func.attr, texts[1], tuple(texts[2:]))


def _read_text(node: ast.expr) -> str | None:
    """Return the text of a constant; NAME stands for what is known at run time only."""
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "sink_NAME_spool" for part in parts)
    return None


def list_settings(program: Program, help_text: Help) -> Iterator[str]:
    """Yield the section about the settings, as --help groups them."""
    yield from (
        "## Settings",
        "",
        f"As `{program.command} --help` lists them. The flag `--idle-seconds` is the key `idle_seconds`.",
        "",
    )
    for title, entries in help_text.groups.items():
        if title != "Commands":
            yield from (f"### {title}", "", *table(("flag", "meaning", "default"), map(_setting_row, entries)), "")


def _setting_row(entry: Entry) -> tuple[str, str, str]:
    default = _DEFAULT.search(entry.text)
    meaning = _DEFAULT.sub("", entry.text)
    flags = re.sub(r"(--[\w.-]+)", r"`\1`", entry.flags)
    return flags, _escape(meaning), _escape(default["value"]) if default else ""


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("_", "\\_").replace("*", "\\*")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]


def main() -> None:
    """Write the pages, or check them."""
    with ThreadPoolExecutor(2) as pool:
        pages = dict(zip(PROGRAMS, pool.map(write_page, PROGRAMS), strict=True))
    PAGES.mkdir(exist_ok=True)
    for program, page in pages.items():
        path = PAGES / f"{program.role}.md"
        if sys.argv[1:] != ["--check"]:
            path.write_text(page, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != page:
            sys.exit(f"docs/programs/{path.name} is not up to date; run scripts/program-docs")


if __name__ == "__main__":
    main()
