"""Tables of docs/bus.md, from the names and schemas in the source."""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from wyoming_rosie.bus import directory, messages, names
from wyoming_rosie.bus.nats_jetstream import STREAMS, StreamSpec
from wyoming_rosie.bus.schema import schema_of

PAGE = Path(__file__).parents[1] / "docs" / "bus.md"
BEGIN, END = "<!-- scripts/bus-docs writes what follows -->", "<!-- scripts/bus-docs ends here -->"
_HOUR, _DAY = 3_600, 86_400


def write_tables() -> str:
    """Return all that is between the marks."""
    return "\n".join(
        [
            "## MQTT", "", *table("topic | sender | schema | meaning | QoS | retained", map(topic_row, directory.TOPICS)),
            "## Redis Streams", "",
            *table("stream | sender | group | schema | meaning | limit", map(stream_row, directory.JOB_STREAMS)),
            "## NATS subjects", "",
            *table("subject | sender | schema | meaning | stream", map(subject_row, directory.SUBJECTS)),
            "## NATS streams", "",
            *table("stream | subjects | kept for | when it is full", map(jetstream_row, STREAMS)),
            "## Schemas", "",
            *(line for cls in message_classes() for line in describe(cls)),
        ]
    )  # fmt: skip


def table(head: str, rows: Iterator[Sequence[str]]) -> list[str]:
    """Return a table with the titles in `head`."""
    lines = [f"| {head} |", "|" + "---|" * len(head.split(" | "))]
    return [*lines, *(f"| {' | '.join(cells)} |" for cells in rows), ""]


def topic_row(topic: directory.Topic) -> list[str]:
    """Return the cells of a topic."""
    return [
        f"`{topic.name}`",
        topic.sender,
        link(topic.message),
        topic.meaning,
        str(topic.qos),
        yes(is_so=topic.retained),
    ]


def stream_row(stream: directory.JobStream) -> list[str]:
    """Return the cells of a stream of Redis."""
    is_dead = stream.name.startswith(f"{names.DEAD_STREAMS}:")
    group, limit = ("", "the oldest go") if is_dead else (names.group_of(stream.name), str(names.limit_of(stream.name)))
    return [f"`{stream.name}`", stream.sender, group, link(stream.message), stream.meaning, limit]


def subject_row(subject: directory.Subject) -> list[str]:
    """Return the cells of a subject."""
    stored = find_stream(subject) if subject.is_stored else "not stored"
    return [f"`{subject.name}`", subject.sender, link(subject.message), subject.meaning, stored]


def find_stream(subject: directory.Subject) -> str:
    """Return the stream that stores a subject."""
    return next(
        one.name for one in STREAMS if any(names.matches_subject(name, subject.pattern) for name in one.subjects)
    )


def jetstream_row(spec: StreamSpec) -> list[str]:
    """Return the cells of a stream of NATS."""
    kept = f"{spec.max_age / _DAY:g} d" if spec.max_age >= _DAY else f"{spec.max_age / _HOUR:g} h"
    if spec.is_work_queue:
        kept = f"until it is confirmed, at most {kept}"
    subjects = ", ".join(f"`{name}`" for name in spec.subjects)
    return [spec.name, subjects, kept, "new ones are refused" if spec.is_work_queue else "the oldest go"]


def message_classes() -> list[type[Any]]:
    """Return the messages in the order of the source."""
    return [
        thing for thing in vars(messages).values() if isinstance(thing, type) and thing.__module__ == messages.__name__
    ]


def describe(cls: type[Any]) -> Iterator[str]:
    """Yield the lines about a schema."""
    meanings = FIELD_MEANINGS[cls.__name__]
    yield f"### {schema_of(cls)}"
    yield ""
    yield str(cls.__doc__)
    yield ""
    hints = {part.name: part for part in fields(cls)}
    yield from table("field | type | default | meaning", (field_row(hints[name], meanings) for name in hints))


def field_row(part: Any, meanings: dict[str, tuple[str, str]]) -> list[str]:
    """Return the cells of a field."""
    kind, meaning = meanings[part.name]
    return [f"`{part.name}`", kind, describe_default(part), meaning]


def describe_default(part: Any) -> str:
    """Return a field's default in words."""
    if part.default is MISSING:
        return {MISSING: "required", dict: "empty"}.get(part.default_factory, "its defaults")
    return {None: "none", (): "empty", "": "empty"}.get(part.default, f"`{str(part.default).lower()}`")


def read_meanings(source: str) -> dict[str, dict[str, tuple[str, str]]]:
    """Return type and meaning of each field by its class: the text below a field is not there at run time."""
    return {node.name: dict(_read_fields(node)) for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def _read_fields(cls: ast.ClassDef) -> Iterator[tuple[str, tuple[str, str]]]:
    for node, after in zip(cls.body, [*cls.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = after.value if isinstance(after, ast.Expr) else None
            meaning = str(text.value) if isinstance(text, ast.Constant) else ""
            yield node.target.id, (name_type(node.annotation), meaning.rstrip("."))


def name_type(node: ast.expr) -> str:
    """Return a type hint in words."""
    if isinstance(node, ast.BinOp):  # X | None
        return name_type(node.left)
    if isinstance(node, ast.Subscript):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        kind = ast.unparse(node.value)
        if kind == "Literal":
            return ", ".join(f"`{ast.literal_eval(part)}`" for part in parts)
        return f"list of {name_type(parts[0])}" if kind == "tuple" else "object"
    name = ast.unparse(node)
    plain = {"str": "text", "float": "number", "int": "whole number", "bool": "true or false"}
    if name in plain:
        return plain[name]
    named = getattr(messages, name)
    return link(named) if isinstance(named, type) else ", ".join(f"`{value}`" for value in named.__args__)


def link(cls: type[Any] | None) -> str:
    """Return a link to a schema."""
    if cls is None:
        return ""
    name = schema_of(cls)
    return f"[{name.removeprefix('rosie.v1.')}](#{name.replace('.', '')})"


def yes(*, is_so: bool) -> str:
    """Return a cell."""
    return "yes" if is_so else ""


FIELD_MEANINGS = read_meanings(Path(messages.__file__).read_text("utf-8"))


def main() -> None:
    """Write the page, or check it."""
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    new = f"{before}{BEGIN}\n\n{write_tables()}{END}{rest.split(END)[1]}"
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(new, "utf-8")
    elif new != page:
        sys.exit("docs/bus.md is not up to date; run scripts/bus-docs")


if __name__ == "__main__":
    main()
