"""Databases in a backup: an encrypted one is copied without its key, and a restore that fails leaves each as it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from wyoming_rosie.backup import databases
from wyoming_rosie.backup.archive import open_backup, write_backup
from wyoming_rosie.backup.databases import lock_databases
from wyoming_rosie.backup.parts import BackupError, BackupPart, BackupPlaces, service_places
from wyoming_rosie.backup.restore import RestoreResult, restore_backup
from wyoming_rosie.runtime.folder_lock import lock_folder

PLAIN, ENCRYPTED = "intent/memory.db", "intent/memory-encrypted.db"
KEY = "0123456789abcdef" * 4


@pytest.fixture
def places(tmp_path: Path) -> BackupPlaces:
    made = service_places(tmp_path / "state", tmp_path / "etc" / "rosie.toml")
    made.state["intent"].mkdir(parents=True)
    return made


@pytest.fixture
def encrypted(places: BackupPlaces) -> Iterator[Any]:
    """An encrypted database that is open, with "kept" in its log alone."""
    driver = pytest.importorskip("sqlcipher3", reason="needs sqlcipher3: pip install '.[sqlcipher]'").dbapi2
    with closing(fill(driver, places.state["intent"] / "memory-encrypted.db", KEY)) as database:
        yield database


def fill(driver: Any, path: Path, key: str | None = None) -> Any:
    database = connect(driver, path, key)
    database.execute("PRAGMA journal_mode = WAL").fetchall()
    database.execute("CREATE TABLE facts (text)")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database.execute("INSERT INTO facts VALUES ('kept')")
    return database


def connect(driver: Any, path: Path, key: str | None = None) -> Any:
    database = driver.connect(str(path), isolation_level=None)
    if key is not None:
        database.execute(f"PRAGMA key = \"x'{key}'\"")
    return database


def read_facts(driver: Any, path: Path, key: str | None = None) -> list[str]:
    with closing(connect(driver, path, key)) as database:
        return [text for (text,) in database.execute("SELECT text FROM facts")]


def restore_file(file: Path, places: BackupPlaces) -> RestoreResult:
    with open_backup(file) as opened:
        return restore_backup(opened, places)


def test_an_encrypted_database_is_copied_with_its_log_and_comes_back(
    places: BackupPlaces, encrypted: Any, tmp_path: Path
) -> None:
    from sqlcipher3 import dbapi2

    write_backup(places.find_parts(), tmp_path / "b")
    with open_backup(tmp_path / "b") as opened:
        assert b"kept" not in opened.files[ENCRYPTED].read_bytes()
    encrypted.execute("DELETE FROM facts")
    result = restore_file(tmp_path / "b", places)
    assert (result.encrypted, result.needs_restart) == ((ENCRYPTED,), ())
    path = places.state["intent"] / "memory-encrypted.db"
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_facts(dbapi2, path, KEY) == ["kept"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(databases.PLAIN_START + bytes(4080), "not encrypted"), (b"", "not whole"), (b"x" * 5000, "not whole")],
    ids=["plain", "empty", "cut"],
)
def test_what_cannot_be_an_encrypted_database_changes_nothing(
    places: BackupPlaces, tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "wrong").write_bytes(content)
    write_backup([BackupPart(ENCRYPTED, tmp_path / "wrong")], tmp_path / "b")
    present = places.state["intent"] / "memory-encrypted.db"
    present.write_bytes(b"present")
    with pytest.raises(BackupError, match=reason):
        restore_file(tmp_path / "b", places)
    assert present.read_bytes() == b"present"


def test_a_restore_that_fails_puts_back_a_database_with_its_log(places: BackupPlaces, tmp_path: Path) -> None:
    path = places.state["intent"] / "memory.db"
    with closing(fill(sqlite3, path)) as database:
        state = places.satellites / "Kitchen" / "state.json"
        state.parent.mkdir(parents=True)
        state.write_bytes(b"{}")
        write_backup(places.find_parts(), tmp_path / "b")
        database.execute("INSERT INTO facts VALUES ('newer')")
        (state.parent / ".state.json.new").mkdir()  # in the way of the part after the memory
        with pytest.raises(BackupError, match="nothing was changed"):
            restore_file(tmp_path / "b", places)
    assert read_facts(sqlite3, path) == ["kept", "newer"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_database_that_a_program_writes_for_too_long_is_not_copied(places: BackupPlaces) -> None:
    folder = places.state["intent"]
    fill(sqlite3, folder / "memory.db").close()
    with (
        lock_folder(folder, 1, is_shared=True),
        pytest.raises(BackupError, match=r"another program has locked .*intent; try again"),
        lock_databases(places.find_parts(), 0.05),
    ):
        pass
    with lock_databases(places.find_parts(), 0.05), pytest.raises(TimeoutError), lock_folder(folder, 0.05):
        pass
