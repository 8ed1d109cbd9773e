"""Export and import of memories as JSON lines: a header with the version of the format, then a record in each line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import RosieError
from wyoming_rosie_intent.memory.model import (
    InvalidMemoryError,
    MemoryKind,
    MemoryRecord,
    MemoryStoreError,
    SpeakerRole,
)

FORMAT = "wyoming-rosie-memory"
VERSION = 1
MAX_LINE_CHARACTERS = 4_000_000
_FIELDS = {field.name: field for field in fields(MemoryRecord)}
_LISTS = ("tools", "tags")
_TEXTS = _FIELDS.keys() - {*_LISTS, "kind", "speaker", "at", "is_private"}
_REQUIRED = ("kind", "text", "at", "id")


class MemoryImportError(RosieError):
    """A file is no export of memories; nothing of it was imported."""

    code = "memory-import"


def write_file(path: Path, records: Iterable[MemoryRecord]) -> int:
    """Write a new file, whole or not at all, that only the owner may read; return the number of records.

    Raises MemoryStoreError.
    """
    try:
        path.touch(0o600, exist_ok=False)
        try:
            return _write_lines(path, records)
        except BaseException:
            path.unlink()
            raise
    except OSError as err:
        raise MemoryStoreError(f"{path} cannot be written: {err.strerror}") from err


def read_file(path: Path) -> list[MemoryRecord]:
    """Return the records of a file, all or none. Raises MemoryImportError."""
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            return list(read_lines(file))
    except (OSError, UnicodeDecodeError) as err:
        raise MemoryImportError(f"{path} cannot be read: {getattr(err, 'strerror', None) or 'no UTF-8 text'}") from err


def read_lines(lines: Iterable[str]) -> Iterator[MemoryRecord]:
    """Yield the records of an export. Raises MemoryImportError, which names the line."""
    numbered = enumerate(lines, 1)
    number, header = next(numbered, (1, ""))
    try:
        _check_header(_parse_object(header))
        for next_number, line in numbered:
            number = next_number
            if line.strip():
                yield from_line(line)
    except (ValueError, InvalidMemoryError) as err:
        raise MemoryImportError(f"line {number}: {err}") from err


def _write_lines(path: Path, records: Iterable[MemoryRecord]) -> int:
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps({"format": FORMAT, "version": VERSION}) + "\n")
        return sum(1 for record in records if file.write(to_line(record) + "\n"))


def to_line(record: MemoryRecord) -> str:
    """Return a record as a line of JSON."""
    return json.dumps(asdict(record), ensure_ascii=False)


def from_line(line: str) -> MemoryRecord:
    """Return the record of a line. Raises ValueError, InvalidMemoryError."""
    values = _parse_object(line)
    for name in values:
        if name not in _FIELDS:
            raise ValueError(f"unknown field {name[:40]!r}")
    for name in _REQUIRED:
        if name not in values:
            raise ValueError(f"the field {name!r} is missing")
    return MemoryRecord(**{name: _parse_value(name, value) for name, value in values.items()})


def _check_header(header: Mapping[str, Any]) -> None:
    version = header.get("version")
    if header.get("format") != FORMAT or not isinstance(version, int):
        raise ValueError(f"no export of memories: the first line must be of the format {FORMAT}")
    if version > VERSION:
        raise ValueError(
            f"an export of the newer version {version}, and this program knows {VERSION}: update wyoming-rosie"
        )


def _parse_object(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE_CHARACTERS:
        raise ValueError(f"longer than {MAX_LINE_CHARACTERS} characters")
    try:
        values = json.loads(line)
    except RecursionError as err:
        raise ValueError("nested too deep") from err
    if not isinstance(values, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - the file is wrong, not a call
    return values


def _parse_value(name: str, value: Any) -> Any:
    """Return a field's value in its type. Raises ValueError."""
    if name == "kind":
        return MemoryKind(value)
    if name == "speaker":
        return SpeakerRole(value)
    if name == "at" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if name == "is_private" and isinstance(value, bool):
        return value
    if name in _LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if name in _TEXTS and (isinstance(value, str) or (value is None and _FIELDS[name].default is None)):
        return value
    raise ValueError(f"the field {name!r} has a value of the wrong type")
