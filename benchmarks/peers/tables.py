"""Tables in Markdown that compare the figures of several servers."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Protocol, TypeAlias, TypeVar

OURS = "ours"
Points: TypeAlias = Mapping[str, list[tuple[float, float]]]
"""Measurements by server: pairs of the number of streams and the value."""


class ServerRun(Protocol):
    """One measurement of one server."""

    @property
    def server(self) -> str: ...


Run = TypeVar("Run", bound=ServerRun)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Figure:
    value: float
    remark: str = ""


@dataclass(frozen=True)
class TableRow:
    """A quantity with each server's figure, and the highest CPU usage of other programs meanwhile."""

    name: str
    figures: Mapping[str, Figure]
    others_percent: float | None = None
    higher_is_better: bool = False


def format_table(rows: Sequence[TableRow], peers: Sequence[str]) -> str:
    """Return the rows as Markdown, with the peers as (a), (b) and so on; ratios tell how many times better ours is."""
    names = [f"({letter})" for letter, _ in zip(ascii_lowercase, peers, strict=False)]
    ratios = [f"better than {name}, times" for name in names]
    head = ["", "ours", *names, *ratios, "others, % of a core"]
    return "\n".join((_join_cells(head), "|---" * len(head) + "|", *(_format_row(row, peers) for row in rows)))


def _format_row(row: TableRow, peers: Sequence[str]) -> str:
    figures = [row.figures.get(name) for name in (OURS, *peers)]
    cells = [f"{_format_number(figure.value)}{figure.remark}" if figure else "-" for figure in figures]
    ratios = [_format_ratio(row, name) for name in peers]
    others = "-" if row.others_percent is None else f"{row.others_percent:.0f}"
    return _join_cells([row.name, *cells, *ratios, others])


def _join_cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _format_number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _format_ratio(row: TableRow, peer: str) -> str:
    """Return the factor by which ours is better."""
    ours, theirs = row.figures.get(OURS), row.figures.get(peer)
    if ours is None or theirs is None or ours.value <= 0 or theirs.value <= 0:
        return "-"
    better = ours.value / theirs.value if row.higher_is_better else theirs.value / ours.value
    return _format_number(better)


def fit_lines(points: Points, unit: str) -> list[TableRow]:
    """Return a and b of the regression line a + b * streams for each server."""
    lines = {
        server: statistics.linear_regression(*zip(*some, strict=True))
        for server, some in points.items()
        if len(some) > 1
    }
    return [
        TableRow(f"a, {unit} (a + b * streams)", {server: Figure(line.intercept) for server, line in lines.items()}),
        TableRow(f"b, {unit} for each further stream", {server: Figure(line.slope) for server, line in lines.items()}),
    ]


def medians(runs: Sequence[Run], value: Callable[[Run], float]) -> dict[str, Figure]:
    found = defaultdict[str, list[float]](list)
    for run in runs:
        found[run.server].append(value(run))
    return {server: Figure(statistics.median(values)) for server, values in found.items()}


def distinct(values: Iterable[Value]) -> list[Value]:
    return list(dict.fromkeys(values))
