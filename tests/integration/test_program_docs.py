"""The pages of docs/programs are those that the programs would write, and name the events of the source."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wyoming_rosie.programs import BY_ROLE, PROGRAMS

ROOT = Path(__file__).parents[2]
EVENTS: dict[str, Any] = tomllib.loads((ROOT / "scripts" / "program_docs.toml").read_text("utf-8"))
HANDLERS = {"satellite": ("handler.py", "events.py", "storage/timers.py")}
"""The files that handle a peer's events; the daemons have one."""
LISTENING = [role for role, listed in EVENTS.items() if listed["takes"]]


def trees(role: str, *names: str) -> Iterator[ast.Module]:
    package = ROOT / BY_ROLE[role].folder / BY_ROLE[role].package
    for path in [package / name for name in names] or sorted(package.rglob("*.py")):
        yield ast.parse(path.read_text("utf-8"))


def handled(tree: ast.Module) -> set[str]:
    """Return the constants that `match event.type` compares with."""
    return {
        str(value.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Match) and ast.unparse(node.subject) == "event.type"
        for case in node.cases
        for value in ast.walk(case.pattern)
        if isinstance(value, ast.MatchValue) and isinstance(value.value, ast.Constant)
    }


def created(tree: ast.Module) -> set[str]:
    """Return the types of the events that are created, by Wyoming's classes or by name."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    named = {ast.unparse(call.func) for call in calls} | {
        str(call.args[0].value) for call in calls if call.args and isinstance(call.args[0], ast.Constant)
    }
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.removesuffix("Event")).lower() for name in named} | {
        "user-event" for name in named if name == "UserEvent"
    }


def test_the_pages_are_up_to_date() -> None:
    called = [sys.executable, str(ROOT / "scripts" / "program_docs.py"), "--check"]
    checked = subprocess.run(called, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert {page.stem for page in (ROOT / "docs/programs").glob("*.md")} == {program.role for program in PROGRAMS}


@pytest.mark.parametrize("role", LISTENING)
def test_the_events_it_takes_are_those_that_its_handler_knows(role: str) -> None:
    found = set().union(*map(handled, trees(role, *HANDLERS.get(role, ("handler.py",)))))
    assert set(EVENTS[role]["takes"]) == found


@pytest.mark.parametrize("role", LISTENING)
def test_the_events_it_sends_are_created_somewhere(role: str) -> None:
    found = set().union(*map(created, trees(role)))
    assert sorted(set(EVENTS[role]["sends"]) - found) == []


def test_every_page_that_is_linked_exists() -> None:
    assert [
        page for listed in EVENTS.values() for page in listed["pages"] if not (ROOT / "docs" / page).is_file()
    ] == []
