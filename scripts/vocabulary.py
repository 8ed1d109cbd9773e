"""Measures the names and the layout of the source code against limits, and fails when one is exceeded.

The words of the field are those in the names of functions, classes and files of the projects listed in
`field-words.txt` (voice) and `field-words-bus.txt` (messages and cameras); `--learn FOLDER... --output FILE` writes such a
file from folders that hold one project each.
"""

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIELD_WORDS = Path(__file__).with_name("field-words.txt")
SOURCE_ROOTS = (ROOT, ROOT / "servers", ROOT / "satellite")
LONGEST_LINE = 120

MAX_QUESTION_PERCENT = 2.0
"""Share of module docstrings that begin with an interrogative."""
MAX_FOREIGN_PERCENT = 10.0
"""Share of the words in names, by use, that no other project of the field uses."""
MAX_SHORT_PERCENT = 10.0
"""Share of modules of fewer than 40 lines; files that only mark a package are not counted."""
SHORT_LINES = 40
MAX_ENTRIES = {
    "wyoming_rosie": 20,
    "wyoming_rosie_wake": 8,
    "wyoming_rosie_vad": 6,
    "wyoming_rosie_asr": 14,
    "wyoming_rosie_tts": 13,
    "wyoming_rosie_intent": 19,
    "wyoming_rosie_hub": 18,
    "wyoming_rosie_bridge": 14,
    "wyoming_rosie_satellite": 24,
}
"""Files and folders at the top of each package, the marker files apart."""
_QUESTION = re.compile(r"(What|Who|Whose|Where|When|Which|How|Why)\b")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MAY_REPEAT = frozenset({"Settings"})
_MARKERS = frozenset({"__init__.py", "py.typed", "__pycache__"})


@dataclass(frozen=True)
class Module:
    name: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def definitions(self) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@dataclass(frozen=True)
class Measure:
    name: str
    value: float
    limit: float
    details: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        return self.value <= self.limit


def main() -> None:
    """Print each measure beside its limit; exit with status 1 when one is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learn", nargs="+", type=Path, metavar="FOLDER", help="write the words of these projects")
    parser.add_argument("--output", type=Path, default=FIELD_WORDS, help="the file for --learn")
    parser.add_argument("--details", action="store_true", help="list the names behind each measure")
    parser.add_argument("--only", default="", metavar="MODULE", help="measure the modules whose names begin so")
    options = parser.parse_args()
    if options.learn:
        options.output.write_text(learned(options.learn), "utf-8")
        return
    measures = list(measured([module for module in modules() if module.name.startswith(options.only)]))
    for measure in measures:
        verdict = "ok  " if measure.is_kept else "OVER"
        print(f"{verdict} {measure.value:7.1f} of at most {measure.limit:5.1f}  {measure.name}")
        for line in measure.details if options.details or not measure.is_kept else ():
            print(f"       {line}")
    sys.exit(not all(measure.is_kept for measure in measures))


def measured(source: list[Module]) -> Iterator[Measure]:
    """Yield all measures of the source code."""
    yield _questions(source)
    yield _foreign_words(source)
    yield _repeated_classes(source)
    yield _circles(source)
    yield from _tops()
    yield _short_modules([module for module in source if not _is_marker(module)])


def modules() -> Iterator[Module]:
    """Yield all modules of the packages."""
    for root in SOURCE_ROOTS:
        for package in sorted(root.glob("wyoming_rosie*")):
            for path in sorted(package.rglob("*.py")):
                text = path.read_text("utf-8")
                parts = path.relative_to(root).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                yield Module(name, path, ast.parse(text), len(text.splitlines()))


def words_of(name: str) -> list[str]:
    """Split a name in snake_case or CamelCase into lower-case words."""
    return [word.lower() for word in _WORD.findall(name)]


def learned(projects: Iterable[Path]) -> str:
    """Return the text of field-words.txt: the projects in a comment, then all words of their names."""
    found: set[str] = set()
    names = []
    for project in projects:
        names.append(project.name)
        for path in project.rglob("*.py"):
            found.update(words_of(path.stem))
            try:
                tree = ast.parse(path.read_text("utf-8"))
            except (SyntaxError, UnicodeDecodeError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    found.update(words_of(node.name))
    lines = [f"# Words in the names of functions, classes and files of: {', '.join(sorted(names))}", ""]
    for word in sorted(found):
        if len(lines[-1]) + len(word) >= LONGEST_LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines) + "\n"


def field_words() -> frozenset[str]:
    """Return the words that other projects of the field use in names."""
    files = sorted(FIELD_WORDS.parent.glob("field-words*.txt"))
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _questions(source: list[Module]) -> Measure:
    told = {module.name: ast.get_docstring(module.tree) or "" for module in source}
    asking = tuple(f"{name}: {text.splitlines()[0]}" for name, text in told.items() if _QUESTION.match(text))
    return Measure(
        "% of module docstrings begin with an interrogative",
        100 * len(asking) / len(source),
        MAX_QUESTION_PERCENT,
        asking,
    )


def _foreign_words(source: list[Module]) -> Measure:
    known = field_words()
    uses = Counter(
        word
        for module in source
        for node in module.definitions
        if not node.name.startswith("__")
        for word in words_of(node.name)
    )
    foreign = Counter({word: count for word, count in uses.items() if word not in known})
    details = (", ".join(f"{word} {count}" for word, count in foreign.most_common(200)),)
    share = 100 * foreign.total() / uses.total()
    return Measure("% of the words in names are used by no other project", share, MAX_FOREIGN_PERCENT, details)


def _short_modules(source: list[Module]) -> Measure:
    short = tuple(f"{module.lines:3} {module.name}" for module in source if module.lines < SHORT_LINES)
    share = 100 * len(short) / max(1, len(source))
    return Measure(f"% of modules have fewer than {SHORT_LINES} lines", share, MAX_SHORT_PERCENT, short)


def _repeated_classes(source: list[Module]) -> Measure:
    places: dict[str, list[str]] = {}
    for module in source:
        for node in module.definitions:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and node.name not in _MAY_REPEAT:
                places.setdefault(node.name, []).append(module.name)
    repeated = tuple(f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1)
    return Measure("class names are used more than once", len(repeated), 0, repeated)


def _circles(source: list[Module]) -> Measure:
    names = {module.name for module in source}
    graph = {module.name: set(_imports(module, names)) for module in source}
    circles = tuple(" - ".join(sorted(circle)) for circle in _strongly_connected(graph) if len(circle) > 1)
    return Measure("circles of imports", len(circles), 0, circles)


def _imports(module: Module, known: set[str]) -> Iterator[str]:
    """Yield the modules of ours that a module imports, those for type checking apart."""
    skipped = {
        id(inner)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(module.tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                target = full if full in known else node.module
                if target in known and target != module.name:
                    yield target


def _strongly_connected(graph: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Yield the sets of modules that import each other: repeatedly those that a module reaches and that reach it."""
    left = set(graph)
    while left:
        start = min(left)
        circle = _reached(graph, start) & {name for name in left if start in _reached(graph, name)} | {start}
        yield circle
        left -= circle


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        for name in graph.get(ahead.pop(), ()):
            if name not in found:
                found.add(name)
                ahead.append(name)
    return found


def _tops() -> Iterator[Measure]:
    for package, limit in MAX_ENTRIES.items():
        folder = next(root / package for root in SOURCE_ROOTS if (root / package).is_dir())
        entries = tuple(sorted(path.name for path in folder.iterdir() if path.name not in _MARKERS))
        yield Measure(f"entries at the top of {package}", len(entries), limit, (" ".join(entries),))


def _is_marker(module: Module) -> bool:
    return module.path.name == "__init__.py" and not any(module.definitions)


if __name__ == "__main__":
    main()
