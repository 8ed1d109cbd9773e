"""The file of the memory: what is forgotten is gone, and what can go wrong with a file."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.unit.intent.memory.embedding_models import SynonymModel
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_intent.memory.model import (
    ADMIN,
    EVERYTHING,
    CorruptMemoryError,
    MemoryFilter,
    MemoryKind,
    MemoryRecord,
    MemoryStoreError,
)
from wyoming_rosie_intent.memory.settings import MemorySettings, create_service
from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite
from wyoming_rosie_intent.memory.stores.sqlite.database import DatabaseFile
from wyoming_rosie_intent.memory.stores.sqlite.store import SqliteStore

NOW = 1_800_000_000.0
PAGE = 4096


def fact(text: str, **values: object) -> MemoryRecord:
    return MemoryRecord(MemoryKind.FACT, text, NOW, **values)  # type: ignore[arg-type]


def texts(store: SqliteStore) -> list[str]:
    return [record.text for record in store.find(ADMIN, EVERYTHING, 10_000)]


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes().lower() for file in folder.iterdir() if file.is_file())


def run_in_child(code: str, path: Path) -> subprocess.Popen[str]:
    """Run code that has `path`, `fact`, `sqlite` and `say` in another process."""
    prepared = (
        "import sys, pathlib\n"
        "from wyoming_rosie_intent.memory.model import *\n"
        "from wyoming_rosie_intent.memory.stores.sqlite import store as sqlite\n"
        "path = pathlib.Path(sys.argv[1])\n"
        f"fact = lambda text: MemoryRecord(MemoryKind.FACT, text, {NOW})\n"
        "say = lambda text: print(text, flush=True)\n"
    )
    return subprocess.Popen([sys.executable, "-c", prepared + code, str(path)], stdout=subprocess.PIPE, text=True)


def damage(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(b"\xff" * PAGE)


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_nothing_of_a_forgotten_memory_stays_in_any_file(tmp_path: Path, language: str) -> None:
    secret = {"en": "xylophone quarrel", "de": "Xylophonstreit", "ja": "木琴の喧嘩について"}[language]
    with closing(sqlite.load(tmp_path / "memory.db", SynonymModel())) as store:
        store.add([fact(f"other fact {number}", language=language) for number in range(300)])
        meant = fact(f"{secret} twice", id="secretid", language=language, tags=("secrettag",), source="secretfile")
        store.add([meant, fact("after", language=language)])
        store.find(ADMIN)
        while store.embed_pending():
            pass
        assert secret.lower().encode() in bytes_of(tmp_path)
        assert store.forget(ADMIN, MemoryFilter(ids=("secretid",))) == 1
        left = bytes_of(tmp_path)
        for trace in (secret.lower(), secret.lower().split()[0][:8], "quarrel", "secretid", "secrettag", "secretfile"):
            assert trace.encode() not in left, trace
        assert len(texts(store)) == 301


def test_old_talk_leaves_nothing_and_facts_of_its_turn_stay(tmp_path: Path) -> None:
    with closing(sqlite.load(tmp_path / "memory.db")) as store:
        store.add([MemoryRecord(MemoryKind.CONVERSATION, "xylophone", NOW - 10, turn="t"), fact("kept", turn="t")])
        assert store.expire(NOW - 5) == 1
        assert texts(store) == ["kept"]
        assert b"xylophone" not in bytes_of(tmp_path)


def test_an_erasure_that_was_interrupted_is_completed_at_the_next_start(tmp_path: Path) -> None:
    with closing(sqlite.load(tmp_path / "memory.db")) as store:
        store.add([fact("xylophone"), *(fact(f"fact {number}") for number in range(300))])
    with closing(sqlite3.connect(tmp_path / "memory.db")) as file, file:
        file.execute("DELETE FROM memory WHERE text = 'xylophone'")
        file.execute("UPDATE erasure SET is_due = 1")
    assert b"xylophone" in bytes_of(tmp_path)
    with closing(sqlite.load(tmp_path / "memory.db")):
        assert b"xylophone" not in bytes_of(tmp_path)


def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    with closing(sqlite.load(tmp_path / "new" / "memory.db")) as store:
        store.add([fact("a")])
        assert {file.stat().st_mode & 0o777 for file in (tmp_path / "new").iterdir()} == {0o600}


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    sqlite.load(tmp_path / "memory.db").close()
    with closing(sqlite3.connect(tmp_path / "memory.db")) as file:
        file.execute("PRAGMA user_version = 99")
    with pytest.raises(MemoryStoreError, match="newer version 99"):
        sqlite.load(tmp_path / "memory.db")
    assert not (tmp_path / "memory.broken").exists()


def test_a_file_that_is_no_database_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "memory.db").write_bytes(b"no database, but somebody's notes" * 100)
    with closing(sqlite.load(tmp_path / "memory.db")) as store:
        assert "is kept as memory.broken" in (store.notice or "")
        store.add([fact("new")])
        assert texts(store) == ["new"]
    assert (tmp_path / "memory.broken").read_bytes().startswith(b"no database")


def test_what_can_be_read_of_a_damaged_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with closing(sqlite.load(path)) as store:
        store.add([fact(f"number {number} {'x' * 200}") for number in range(500)])
    damage(path, path.stat().st_size // PAGE // 2)
    with closing(sqlite.load(path)) as store:
        assert store.notice is not None
        assert 0 < len(texts(store)) <= 500


def test_damage_that_shows_while_running_is_mended_at_the_next_opening(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    store = sqlite.load(path)
    store.add([fact(f"number {number} {'x' * 200}") for number in range(500)])
    store.close()
    store = sqlite.load(path)
    for page in range(4, path.stat().st_size // PAGE):
        damage(path, page)
    with pytest.raises(CorruptMemoryError):
        texts(store)
    store.close()
    assert (tmp_path / "memory.broken").exists()
    with closing(sqlite.load(path)) as store:
        store.add([fact("goes on")])
        assert "goes on" in texts(store)


def test_forgetting_deletes_the_damaged_file_too(tmp_path: Path) -> None:
    (tmp_path / "memory.db").write_bytes(b"xylophone" * 1000)
    with closing(sqlite.load(tmp_path / "memory.db")) as store:
        store.add([fact("a")])
        store.forget(ADMIN, EVERYTHING)
    assert b"xylophone" not in bytes_of(tmp_path)


def test_two_processes_share_a_file(tmp_path: Path) -> None:
    writers = [
        run_in_child(
            f"store = sqlite.load(path)\nfor n in range(50): store.add([fact(f'{name} {{n}}')])", tmp_path / "m.db"
        )
        for name in ("a", "b")
    ]
    assert [writer.communicate(timeout=60)[0] for writer in writers] == ["", ""]
    with closing(sqlite.load(tmp_path / "m.db")) as store:
        assert len(texts(store)) == 100


def test_a_new_file_is_opened_once_another_process_has_begun_it(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "m.db", check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        end = threading.Timer(0.2, other.rollback)
        end.start()
        with closing(sqlite.load(tmp_path / "m.db")) as store:
            store.add([fact("a")])
            assert texts(store) == ["a"]
        end.join()


def test_a_new_file_that_stays_locked_is_refused_in_the_end(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "m.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryStoreError, match="locked"):
            SqliteStore(DatabaseFile(tmp_path / "m.db", busy_seconds=0.1))


def test_a_killed_writer_leaves_whole_records(tmp_path: Path) -> None:
    endless = "store = sqlite.load(path)\nn = 0\nwhile True:\n store.add([fact(f'{n}')]); say(n); n += 1"
    writer = run_in_child(endless, tmp_path / "m.db")
    assert writer.stdout is not None
    for _ in range(20):
        last = int(writer.stdout.readline())
    writer.kill()
    writer.wait(60)
    with closing(writer.stdout), closing(sqlite.load(tmp_path / "m.db")) as store:
        found = sorted(map(int, texts(store)))
    assert found == list(range(len(found)))
    assert len(found) > last


def test_a_full_disk_is_an_error_and_what_was_stored_stays(tmp_path: Path) -> None:
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "store = sqlite.load(path)\n"
        "store.add([fact('before')])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))\n"
        "try: store.add([fact('x' * 90_000) for _ in range(20)])\n"
        "except MemoryStoreError as error: say(error)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "store.add([fact('after')])\n"
        "say(sorted(record.text for record in store.find(ADMIN)))\n"
    )
    said, _ = run_in_child(code, tmp_path / "m.db").communicate(timeout=60)
    assert said.splitlines()[0].startswith("the memory's file cannot be used: ")
    assert said.splitlines()[1] == "['after', 'before']"


def test_a_locked_file_is_an_error(tmp_path: Path) -> None:
    with closing(SqliteStore(DatabaseFile(tmp_path / "m.db", busy_seconds=0.05))) as store:
        store.add([fact("before")])
        with closing(sqlite3.connect(tmp_path / "m.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(MemoryStoreError, match="locked"):
                store.add([fact("meanwhile")])
            assert texts(store) == ["before"]
        store.add([fact("after")])
        assert sorted(texts(store)) == ["after", "before"]


def test_a_file_that_may_not_be_written_is_an_error_and_left_alone() -> None:
    code = (
        "import os\n"
        "store = sqlite.load(path); store.add([fact('before')]); store.close()\n"
        "path.chmod(0o444); path.parent.chmod(0o555)\n"
        "os.geteuid() or os.setuid(65534)\n"  # root may write anywhere
        "try: sqlite.load(path)\n"
        "except MemoryStoreError as error: say(error)\n"
    )
    with TemporaryDirectory() as folder:
        path = Path(folder, "memory.db")
        said, _ = run_in_child(code, path).communicate(timeout=60)
        Path(folder).chmod(0o700)
        assert said.startswith("the memory's file cannot be used: ")
        path.chmod(0o600)
        with closing(sqlite.load(path)) as store:
            assert texts(store) == ["before"]


def test_a_folder_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m.db").mkdir()
    with pytest.raises(MemoryStoreError):
        sqlite.load(tmp_path / "m.db")


KEY = "0123456789abcdef" * 4


def load_encrypted(path: Path, key: str = KEY) -> SqliteStore:
    pytest.importorskip("sqlcipher3", reason="needs sqlcipher3: pip install '.[sqlcipher]'")
    return sqlite.load(path, SynonymModel(), key)


def test_an_encrypted_file_has_nothing_to_read_and_works_like_another(tmp_path: Path) -> None:
    with closing(load_encrypted(tmp_path / "memory.db")) as store:
        store.add([fact("xylophone quarrel", id="1"), fact("kept")])
        while store.embed_pending():
            pass
        assert [found.record.text for found in store.search("xylophone", ADMIN, NOW)] == ["xylophone quarrel"]
        store.backup(tmp_path / "backup.db")
    with closing(load_encrypted(tmp_path / "memory.db")) as store:
        assert sorted(texts(store)) == ["kept", "xylophone quarrel"]
        store.forget(ADMIN, MemoryFilter(ids=("1",)))
    assert not any(word in bytes_of(tmp_path) for word in (b"xylophone", b"kept", b"sqlite format"))


def test_a_wrong_key_is_refused_and_the_file_left_alone(tmp_path: Path) -> None:
    with closing(load_encrypted(tmp_path / "memory.db")) as store:
        store.add([fact("kept")])
    with pytest.raises(MemoryStoreError, match="cannot be read with this key"):
        load_encrypted(tmp_path / "memory.db", "f" * 64)
    with closing(load_encrypted(tmp_path / "memory.db")) as store:
        assert texts(store) == ["kept"]


def test_a_file_without_a_key_stays_beside_the_encrypted_one(tmp_path: Path) -> None:
    with closing(sqlite.load(tmp_path / "memory.db")) as store:
        store.add([fact("plain")])
    with closing(load_encrypted(tmp_path / "memory.db")) as store:
        assert texts(store) == []
    with closing(sqlite.load(tmp_path / "memory.db")) as store:
        assert texts(store) == ["plain"]


@pytest.mark.parametrize("key", ["", "secret words", "0" * 63, "0" * 65])
def test_a_key_of_another_form_is_refused_at_the_start(tmp_path: Path, key: str) -> None:
    (tmp_path / "key").write_text(key)
    with pytest.raises(ConfigError):
        create_service(MemorySettings(key_file=tmp_path / "key"), tmp_path, tmp_path, lambda: NOW)
