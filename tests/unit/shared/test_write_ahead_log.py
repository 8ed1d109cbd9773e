"""A log of SQLite that is written into a copy of its database gives what SQLite reads, also when it is encrypted or cut."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wyoming_rosie.backup.write_ahead_log import apply_log

KEY = "0123456789abcdef" * 4
operations = st.lists(
    st.one_of(
        st.tuples(st.just("INSERT INTO facts (text) VALUES (?)"), st.text(max_size=3000)),
        st.tuples(st.just("DELETE FROM facts WHERE id % 3 = ?"), st.integers(0, 2)),
        st.tuples(st.just("UPDATE facts SET text = ?"), st.text(max_size=300)),
        st.sampled_from(["BEGIN", "COMMIT", "ROLLBACK", "VACUUM", "PRAGMA wal_checkpoint(PASSIVE)"]),
    ),
    max_size=25,
)


def connect(driver: Any, path: Path, key: str | None = None) -> Any:
    database = driver.connect(str(path), isolation_level=None)
    if key is not None:
        database.execute(f"PRAGMA key = \"x'{key}'\"")
    return database


def read_facts(driver: Any, path: Path, key: str | None = None) -> list[Any]:
    with closing(connect(driver, path, key)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return list(database.execute("SELECT id, text FROM facts ORDER BY id"))


def execute(database: Any, operation: Any) -> None:
    statement, values = (operation, ()) if isinstance(operation, str) else (operation[0], operation[1:])
    if statement in {"BEGIN", "VACUUM"} or statement.startswith("PRAGMA"):
        if not database.in_transaction:
            database.execute(statement).fetchall()
    elif statement in {"COMMIT", "ROLLBACK"}:
        getattr(database, statement.lower())()
    else:
        database.execute(statement, values)


def copy_with_log(path: Path, copy: Path, kept: float = 1.0) -> None:
    """Copy a database as it is while it is open, and write a share of its log into the copy."""
    shutil.copyfile(path, copy)
    log = path.with_name(f"{path.name}-wal").read_bytes()
    (copy.parent / "log").write_bytes(log[: int(len(log) * kept)])
    apply_log(copy.parent / "log", copy)


def check_copy(driver: Any, done: list[Any], key: str | None = None) -> None:
    with TemporaryDirectory() as folder, closing(connect(driver, Path(folder, "m.db"), key)) as database:
        database.execute("PRAGMA journal_mode = WAL").fetchall()
        database.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, text)")
        for operation in done:
            execute(database, operation)
        copy_with_log(Path(folder, "m.db"), Path(folder, "copy.db"))
        assert read_facts(driver, Path(folder, "copy.db"), key) == read_facts(driver, Path(folder, "m.db"), key)


@settings(deadline=None)
@given(done=operations)
def test_a_copy_has_what_was_committed(done: list[Any]) -> None:
    check_copy(sqlite3, done)


@settings(max_examples=25, deadline=None)
@given(done=operations)
def test_an_encrypted_copy_has_what_was_committed(done: list[Any]) -> None:
    driver = pytest.importorskip("sqlcipher3", reason="needs sqlcipher3: pip install '.[sqlcipher]'").dbapi2
    check_copy(driver, done, KEY)


@settings(deadline=None)
@given(kept=st.floats(0, 1), texts=st.lists(st.text(min_size=1, max_size=2000), max_size=10))
def test_a_log_that_was_cut_gives_whole_transactions(kept: float, texts: list[str]) -> None:
    with TemporaryDirectory() as folder, closing(connect(sqlite3, Path(folder, "m.db"))) as database:
        database.execute("CREATE TABLE facts (id INTEGER PRIMARY KEY, text)")
        database.execute("PRAGMA journal_mode = WAL").fetchall()
        for text in texts:
            database.execute("INSERT INTO facts (text) VALUES (?)", (text,))
        database.execute("PRAGMA user_version = 1")  # a log at least
        copy_with_log(Path(folder, "m.db"), Path(folder, "copy.db"), kept)
        found = [text for _, text in read_facts(sqlite3, Path(folder, "copy.db"))]
    assert found == texts[: len(found)]
    assert kept < 1 or found == texts


@given(log=st.binary(max_size=200))
def test_what_is_no_log_changes_nothing(tmp_path_factory: pytest.TempPathFactory, log: bytes) -> None:
    folder = tmp_path_factory.mktemp("log")
    (folder / "log").write_bytes(log)
    (folder / "copy.db").write_bytes(b"a database")
    apply_log(folder / "log", folder / "copy.db")
    assert (folder / "copy.db").read_bytes() == b"a database"
