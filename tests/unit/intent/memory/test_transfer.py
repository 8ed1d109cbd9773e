"""Memories as JSON lines."""

import json
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.intent.memory.records import records
from wyoming_rosie_intent.memory import transfer
from wyoming_rosie_intent.memory.model import MemoryKind, MemoryRecord, MemoryStoreError
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.memory.transfer import MemoryImportError

HEADER = json.dumps({"format": transfer.FORMAT, "version": transfer.VERSION})
RECORD = json.dumps({"kind": "fact", "text": "a", "at": 1.0, "id": "1"})


@settings(max_examples=20)  # each makes two files
@given(st.lists(records, max_size=8))
def test_an_export_round_trips_to_the_row(given_records: list[MemoryRecord]) -> None:
    with TemporaryDirectory() as folder:
        first, second, file = (Path(folder, name) for name in ("a.db", "b.db", "export.jsonl"))
        with closing(sqlite.load(first)) as store:
            store.add(given_records)
            exported = list(store.export())
            assert transfer.write_file(file, store.export()) == len(given_records)
        with closing(sqlite.load(second)) as store:
            store.add(transfer.read_file(file))
            assert list(store.export()) == exported


def test_only_the_owner_may_read_an_export_and_no_file_is_overwritten(tmp_path: Path) -> None:
    transfer.write_file(tmp_path / "export", [])
    assert (tmp_path / "export").stat().st_mode & 0o777 == 0o600
    with pytest.raises(MemoryStoreError, match="File exists"):
        transfer.write_file(tmp_path / "export", [])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "line 1: Expecting value"),
        (["[]"], "line 1: no JSON object"),
        ([RECORD], "line 1: no export of memories"),
        ([json.dumps({"format": transfer.FORMAT, "version": 2})], "newer version 2"),
        ([HEADER, RECORD, "{"], "line 3: "),
        ([HEADER, "[" * 100_000], "line 2: "),
        ([HEADER, '{"kind": "fact", "text": "a", "at": 1}'], "line 2: the field 'id' is missing"),
        ([HEADER, RECORD.replace('"fact"', '"rumour"')], "line 2: 'rumour' is not a valid MemoryKind"),
        ([HEADER, RECORD.replace("1.0", "NaN")], "line 2: a memory needs an id and a finite time"),
        ([HEADER, RECORD.replace("1.0", '"now"')], "line 2: the field 'at' has a value of the wrong type"),
        ([HEADER, RECORD.replace('"a"', "7")], "line 2: the field 'text' has a value of the wrong type"),
        ([HEADER, RECORD.replace('"a"', r'"\u0000"')], "line 2: a memory has NUL"),
        ([HEADER, RECORD[:-1] + ', "tags": ["x", 1]}'], "line 2: the field 'tags' has a value of the wrong type"),
        ([HEADER, RECORD[:-1] + ', "weight": 1}'], "line 2: unknown field 'weight'"),
    ],
)
def test_what_is_no_export_is_refused_with_its_line(lines: list[str], said: str) -> None:
    with pytest.raises(MemoryImportError) as raised:
        list(transfer.read_lines(lines))
    assert said in str(raised.value)


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_line_is_a_record_or_an_import_error(line: str) -> None:
    try:
        found = list(transfer.read_lines([HEADER, line]))
    except MemoryImportError:
        return
    assert all(record.kind in MemoryKind for record in found)


def test_empty_lines_are_skipped() -> None:
    assert [record.text for record in transfer.read_lines([HEADER, "", RECORD, "\n"])] == ["a"]
