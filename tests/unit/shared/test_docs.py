"""The maps are true: paths, classes and links that the documentation names are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MAPS = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
SOURCES = [ROOT / "wyoming_rosie", ROOT / "servers", ROOT / "satellite"]
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"[\w.-]+/[\w./-]*|\w+\.py")
_CLASS = re.compile(r"(?:[A-Z][a-z0-9]+){2,}")
_NOT_OURS = frozenset({"HassTurnOn"})
PLACEHOLDERS = ("LANGUAGE", "NAME", "dist/")


def prose_of(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)


def code_in(page: Path) -> list[str]:
    return _CODE.findall(prose_of(page))


@pytest.mark.parametrize("page", MAPS, ids=lambda page: page.name)
def test_paths_on_the_maps_exist(page: Path) -> None:
    named = {path for code in code_in(page) for path in _PATH.findall(code) if not path.startswith(PLACEHOLDERS)}
    files = {
        str(path.relative_to(ROOT))
        for source in [*SOURCES, ROOT / "docs", ROOT / "tests"]
        for path in source.rglob("*")
    }
    top = {path.name for path in ROOT.iterdir()}

    def exists(path: str) -> bool:
        path = path.rstrip("/").split("LANGUAGE")[0].rstrip("/")
        return path in top or (ROOT / path).exists() or any(f"/{file}".endswith(f"/{path}") for file in files)

    assert named
    assert sorted(path for path in named if not exists(path)) == []


@pytest.mark.parametrize("page", MAPS, ids=lambda page: page.name)
def test_classes_on_the_maps_exist(page: Path) -> None:
    named = {code for code in code_in(page) if _CLASS.fullmatch(code)} - _NOT_OURS
    defined = {
        node.name
        for source in SOURCES
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert sorted(named - defined) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(_CODE.sub("", prose_of(page))) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_each_decision_has_its_own_number() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in decisions]
    assert numbers == sorted(set(numbers))
    titles = [page.read_text("utf-8").split(":")[0] for page in decisions]
    assert titles == [f"# {page.name[:4]}" for page in decisions]
