"""Records as rows of the table `memory`, and back."""

import json
from collections.abc import Sequence
from typing import Any

from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord, SpeakerRole
from wyoming_rosie_intent.memory.stores.sqlite.full_text import choose_tokenizer
from wyoming_rosie_intent.memory.stores.sqlite.schema import COLUMNS

SELECTED = ", ".join(f"memory.{column}" for column in COLUMNS)
INSERT = (
    f"INSERT OR IGNORE INTO memory (audience, tokenizer, {', '.join(COLUMNS)}) "
    f"VALUES ({', '.join('?' * (len(COLUMNS) + 2))})"
)


def to_row(record: MemoryRecord, audience: str) -> tuple[object, ...]:
    """Return the values of INSERT."""
    values = {column: getattr(record, column) for column in COLUMNS}
    values |= {name: json.dumps(values[name], ensure_ascii=False) for name in ("tools", "tags")}
    values |= {"kind": record.kind.value, "speaker": record.speaker.value, "is_private": int(record.is_private)}
    return (audience, choose_tokenizer(record.text, record.language), *values.values())


def to_record(row: Sequence[Any]) -> MemoryRecord:
    """Return the record of the columns SELECTED."""
    values = dict(zip(COLUMNS, row, strict=True))
    values |= {name: tuple(json.loads(values[name])) for name in ("tools", "tags")}
    values |= {"kind": MemoryKind(values["kind"]), "speaker": SpeakerRole(values["speaker"])}
    return MemoryRecord(**{**values, "is_private": bool(values["is_private"])})
