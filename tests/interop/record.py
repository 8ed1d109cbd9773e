"""Records of what Home Assistant and our daemons say to each other, compared with those in `records`.

A record has a section for each connection, `>` to the daemon and `<` from it, and one for the events of the pipeline.
Each side's order is compared; which of both spoke first is written down, but may differ. Times and pings are left out, ids
and scores are `*`.
WYOMING_ROSIE_RECORD=1 writes the records anew.
"""

import difflib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.interop.relay import Connection

RECORDS = Path(__file__).with_name("records")
LEFT_OUT = frozenset({"ping", "pong"})
RACING = {
    "[asr] >": {"audio-stop"},
    "[satellite] <": {"audio-stop"},
    "[satellite] >": {"voice-started", "voice-stopped"},
}
"""Ends of speech that Home Assistant, our satellite and our recogniser find independently: the first one counts."""
CHUNK = "audio-chunk"
"""An event whose number depends on time: a row of them is one line."""
TIMES = frozenset({"timestamp", "timeout"})
IDS = ("_id", "token", "url", "pipeline", "score")
MEANINGFUL = frozenset({"wake_word_id"})


@dataclass(frozen=True)
class Section:
    """The lines of one connection, or of the pipeline."""

    name: str
    lines: list[str] = field(default_factory=list)


def of_pipeline(events: Iterable[dict[str, Any]]) -> Section:
    return Section("pipeline", [_line(event["type"], event["data"] or {}) for event in events])


def of_connections(name: str, connections: Iterable[Connection]) -> Iterator[Section]:
    """Yield a section for each connection that did more than ask what there is."""
    for connection in connections:
        kinds = {event.type for _, event in connection.events}
        if not kinds <= {"describe", "info"}:
            yield Section(name, list(_lines(connection)))


def check(name: str, versions: str, sections: Iterable[Section], folder: Path = RECORDS) -> None:
    """Compare a record with the one of this name, or replace that."""
    path = folder / f"{name}.txt"
    found = f"# {versions}\n" + "".join(
        f"\n[{one.name}]\n" + "".join(f"{line}\n" for line in one.lines) for one in sections
    )
    if os.environ.get("WYOMING_ROSIE_RECORD"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert path.exists(), f"no record {path.name}: write it with WYOMING_ROSIE_RECORD=1 scripts/interop"
    expected = path.read_text("utf-8")
    difference = difflib.unified_diff(expected.splitlines(), found.splitlines(), "recorded", "found", lineterm="")
    assert by_speaker(found) == by_speaker(expected), "\n".join(difference)


def by_speaker(text: str) -> dict[str, list[list[str]]]:
    """Return the lines of each side but those of a race, by section name and direction, a list for each connection."""
    spoken: dict[str, list[list[str]]] = defaultdict(list)
    for section in text.split("\n\n")[1:]:
        name, *lines = section.splitlines()
        for direction in ("<", ">", ""):
            side = f"{name} {direction}"
            spoken[side].append([line for line in lines if _direction(line) == direction and not _races(side, line)])
    return spoken


def _direction(line: str) -> str:
    return line[0] if line[0] in "<>" else ""


def _races(side: str, line: str) -> bool:
    return line.partition(" ")[2].partition(" ")[0] in RACING.get(side, ())


def _lines(connection: Connection) -> Iterator[str]:
    last: dict[str, str] = {}
    for direction, event in connection.events:
        if event.type in LEFT_OUT:
            continue
        if event.type != CHUNK or last.get(direction) != CHUNK:
            yield f"{direction} {_line(event.type, event.data)}"
        last[direction] = event.type


def _line(kind: str, fields: dict[str, Any]) -> str:
    known = {"programs": sorted(name for name in fields if fields[name])} if kind == "info" else _stable(fields)
    return f"{kind} {json.dumps(known, ensure_ascii=False, sort_keys=True)}" if known else kind


def _stable(value: Any, name: str = "") -> Any:
    """Return a value without times, and with its ids as `*`."""
    match value:
        case dict():
            return {key: _stable(one, key) for key, one in value.items() if key not in TIMES}
        case list():
            return [_stable(one, name) for one in value]
        case str() | int() | float() if (name == "id" or name.endswith(IDS)) and name not in MEANINGFUL:
            return "*"
        case _:
            return value
