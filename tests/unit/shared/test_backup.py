"""Backups: what goes in comes back, and nothing of a file that is wrong in any way is used."""

import gzip
import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wyoming_rosie import __version__
from wyoming_rosie.backup import archive, encryption
from wyoming_rosie.backup.archive import BackupManifest, open_backup, write_backup
from wyoming_rosie.backup.parts import SETTINGS, BackupError, BackupPart, BackupPlaces, service_places
from wyoming_rosie.backup.restore import RestoreResult, restore_backup
from wyoming_rosie.commands.backup import delete_oldest
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.http import access
from wyoming_rosie.http.access import Access
from wyoming_rosie.trust.scopes import Scope

PASSPHRASE = "correct horse"
TIMERS = "hub/timers.json"
MEMORY = "intent/memory.db"


@pytest.fixture
def house(tmp_path: Path) -> BackupPlaces:
    """A machine with services, and everything that they keep."""
    places = machine(tmp_path / "old")
    model, home = tmp_path / "old" / "models" / "sesame.json", tmp_path / "old" / "etc" / "home.toml"
    write(model, b"{}")
    write(home, b"[[areas]]")
    write(model.with_name("README"), b"no model")
    table = f'[wake]\ncustom_model_dir = ["{model.parent}"]\n[asr]\nhome = "{home}"\n[intent]\nhome = "{home}"\n'
    write(places.settings, table.encode())
    write(places.state["hub"] / "timers.json", b'{"timers": []}')
    changed, _ = Access().add_key("tablet", {Scope.TEXT}, "Kitchen")
    access.save(places.state["hub"] / access.FILE_NAME, changed)
    write(places.state["hub"] / "tls" / "authority.key", b"the authority's key")
    write(places.state["hub"] / "tls" / "members.json", b'{"members": []}')
    write(places.state["hub"] / "identity" / "member.pem", b"the hub's key")
    assert places.speakers is not None
    write(places.speakers / "0123456789abcdef.json", b'{"name": "Ada"}')
    write(places.state["intent"] / "alarms.json", b"[]")
    write(places.satellites / "Kitchen" / "state.json", b'{"volume": 40}')
    assert places.credentials is not None
    write(places.credentials / "home-assistant-token", b"a token")
    return places


def machine(folder: Path) -> BackupPlaces:
    return service_places(folder / "state", folder / "etc" / "rosie.toml")


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def files_below(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def restore_file(file: Path, places: BackupPlaces, passphrase: str | None = None) -> RestoreResult:
    with open_backup(file, passphrase) as opened:
        return restore_backup(opened, places)


def names(manifest: BackupManifest) -> set[str]:
    return {part.name for part in manifest.parts}


def test_a_backup_without_secrets_has_everything_else(house: BackupPlaces, tmp_path: Path) -> None:
    manifest = write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    assert names(manifest) == {
        SETTINGS, TIMERS, "hub/access.json", "intent/alarms.json", "satellite/Kitchen/state.json",
        "files/0/sesame.json", "files/1/home.toml",
    }  # fmt: skip
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
    assert sorted(tmp_path.iterdir()) == [tmp_path / "b.tar.gz", tmp_path / "old"]


def test_keys_hold_after_a_restore_without_secrets_but_no_session_can_be_forged(
    house: BackupPlaces, tmp_path: Path
) -> None:
    write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    new = machine(tmp_path / "new")
    restore_file(tmp_path / "b.tar.gz", new)
    before, after = (access.load(places.state["hub"] / access.FILE_NAME) for places in (house, new))
    assert after.keys == before.keys
    assert len(after.session_secret) == len(before.session_secret)
    assert after.session_secret != before.session_secret
    unpacked = gzip.decompress((tmp_path / "b.tar.gz").read_bytes())
    assert before.session_secret.encode() not in unpacked


def test_a_backup_with_secrets_brings_a_new_machine_to_where_the_old_one_was(
    house: BackupPlaces, tmp_path: Path
) -> None:
    file = tmp_path / "b.tar.gz"
    manifest = write_backup(house.find_parts(), file, with_secrets=True, passphrase=PASSPHRASE)
    assert names(manifest) >= {"hub/tls/members.json", "hub/identity/member.pem", "speakers/0123456789abcdef.json"}
    assert len(names(manifest)) == len(manifest.parts)
    assert b"a token" not in file.read_bytes()
    new = machine(tmp_path / "new")
    result = restore_file(file, new, PASSPHRASE)
    old_files, new_files = files_below(tmp_path / "old" / "state"), files_below(tmp_path / "new" / "state")
    assert new_files == old_files
    assert new.settings.read_bytes() == house.settings.read_bytes()
    assert new.credentials is not None
    assert (new.credentials / "home-assistant-token").read_bytes() == b"a token"
    assert (new.credentials / "home-assistant-token").stat().st_mode & 0o777 == 0o600
    assert dict(result.moved) == {
        "files/0/sesame.json": str(tmp_path / "new" / "etc" / "restored" / "sesame.json"),
        "files/1/home.toml": str(tmp_path / "new" / "etc" / "restored" / "home.toml"),
    }
    assert result.needs_restart == ("wake", "vad", "asr", "intent", "tts", "hub", "bridge", "satellite")
    assert result.replaced is None


def test_own_files_go_back_to_where_the_settings_have_them(house: BackupPlaces, tmp_path: Path) -> None:
    write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    model = tmp_path / "old" / "models" / "sesame.json"
    model.write_bytes(b"changed")
    result = restore_file(tmp_path / "b.tar.gz", house)
    assert result.moved == ()
    assert model.read_bytes() == b"{}"


def test_what_a_restore_replaced_can_be_restored_in_turn(house: BackupPlaces, tmp_path: Path) -> None:
    write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    timers = house.state["hub"] / "timers.json"
    timers.write_bytes(b'{"timers": ["newer"]}')
    result = restore_file(tmp_path / "b.tar.gz", house)
    assert timers.read_bytes() == b'{"timers": []}'
    assert result.replaced is not None
    assert Path(result.replaced).stat().st_mode & 0o777 == 0o600
    restore_file(Path(result.replaced), house)
    assert timers.read_bytes() == b'{"timers": ["newer"]}'


def test_a_restore_that_fails_puts_back_what_it_has_replaced(house: BackupPlaces, tmp_path: Path) -> None:
    write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    house.settings.write_bytes(b"# newer\n" + house.settings.read_bytes())
    (house.satellites / "Kitchen" / ".state.json.new").mkdir()  # in the way of the last part but the own files
    before = files_below(tmp_path / "old")
    with pytest.raises(BackupError, match="nothing was changed"):
        restore_file(tmp_path / "b.tar.gz", house)
    after = files_below(tmp_path / "old")
    assert {name: content for name, content in after.items() if "before-restore" not in name} == before


def test_a_part_that_cannot_be_read_is_named_and_the_rest_is_kept(house: BackupPlaces, tmp_path: Path) -> None:
    (house.state["hub"] / access.FILE_NAME).write_bytes(b"no JSON")
    manifest = write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    assert [name for name, _ in manifest.left_out] == ["hub/access.json"]
    assert TIMERS in names(manifest)


def test_a_part_without_a_place_is_left_out_and_the_rest_is_restored(house: BackupPlaces, tmp_path: Path) -> None:
    write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    new = machine(tmp_path / "new")
    write(new.state["intent"], b"a file where a folder should be")
    result = restore_file(tmp_path / "b.tar.gz", new)
    assert [name for name, _ in result.left_out] == ["intent/alarms.json"]
    assert TIMERS in result.restored


def test_a_link_is_not_followed(house: BackupPlaces, tmp_path: Path) -> None:
    write_backup(house.find_parts(), tmp_path / "b.tar.gz")
    precious = write(tmp_path / "precious", b"precious")
    timers = house.state["hub"] / "timers.json"
    timers.unlink()
    timers.symlink_to(precious)
    result = restore_file(tmp_path / "b.tar.gz", house)
    assert TIMERS in dict(result.left_out)
    assert precious.read_bytes() == b"precious"


def test_a_database_is_copied_while_a_program_writes_it(tmp_path: Path) -> None:
    path = write(machine(tmp_path).state["intent"] / "memory.db", b"")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE facts (text)")
        writer.execute("INSERT INTO facts VALUES ('committed')")
        writer.commit()
        writer.execute("INSERT INTO facts VALUES ('not yet')")
        write_backup(machine(tmp_path).find_parts(), tmp_path / "b.tar.gz")
    with open_backup(tmp_path / "b.tar.gz") as opened, closing(sqlite3.connect(opened.files[MEMORY])) as copy:
        assert copy.execute("SELECT text FROM facts").fetchall() == [("committed",)]


def test_nothing_to_back_up_is_said(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nothing to back up"):
        write_backup(machine(tmp_path).find_parts(), tmp_path / "b.tar.gz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("passphrase", "error"),
    [(None, "give its passphrase"), ("wrong horse", "the passphrase is wrong")],
    ids=["none", "wrong"],
)
def test_an_encrypted_backup_opens_with_its_passphrase_alone(
    house: BackupPlaces, tmp_path: Path, passphrase: str | None, error: str
) -> None:
    write_backup(house.find_parts(), tmp_path / "b", with_secrets=True, passphrase=PASSPHRASE)
    with pytest.raises(BackupError, match=error):
        restore_file(tmp_path / "b", house, passphrase)


def test_a_short_passphrase_is_refused_and_nothing_is_written(house: BackupPlaces, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 8"):
        write_backup(house.find_parts(), tmp_path / "b", with_secrets=True, passphrase="short")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_the_oldest_backups_of_a_folder_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    days = [write(tmp_path / f"rosie-2026110{day}T030000Z.tar.gz", b"") for day in range(1, 6)]
    mine = write(tmp_path / "rosie-before-the-move.tar.gz", b"")
    delete_oldest(tmp_path, 2)
    assert sorted(tmp_path.iterdir()) == sorted([*days[-2:], mine])


# Files that are wrong

CONTENT = b'{"timers": []}'
GOOD_PART = {"name": TIMERS, "bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest(), "is_secret": False}


def make_archive(
    members: Mapping[str, bytes] | None = None, parts: list[object] | None = None, **manifest: object
) -> bytes:
    """Return an archive with one part, and what is wrong with it."""
    document = {"format": 1, "program": "wyoming-rosie", "version": __version__, "created_at": ""}
    document |= {"parts": [GOOD_PART] if parts is None else parts, **manifest}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {"manifest.json": json.dumps(document).encode(), **(members or {})}.items():
            add(tar, name, content)
    return packed.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes, kind: bytes = tarfile.REGTYPE, link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.size, member.type, member.linkname = len(content), kind, link
    tar.addfile(member, io.BytesIO(content))


def make_link(kind: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        document = {"format": 1, "program": "wyoming-rosie", "version": __version__, "created_at": ""}
        add(tar, "manifest.json", json.dumps({**document, "parts": [GOOD_PART]}).encode())
        add(tar, TIMERS, b"", kind, "/etc/passwd")
    return packed.getvalue()


def bomb_of_headers() -> bytes:
    """Return a manifest whose extended header unpacks to a hundred megabytes."""
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 100 << 20
    return gzip.compress(header.tobuf(tarfile.USTAR_FORMAT) + bytes(100 << 20), 1)


WRONG = {
    "no archive": b"hello",
    "empty": b"",
    "no manifest": gzip.compress(bytes(1024)),
    "another program": make_archive({TIMERS: CONTENT}, program="other"),
    "newer version": make_archive({TIMERS: CONTENT}, version="999.0"),
    "newer format": make_archive({TIMERS: CONTENT}, format=2),
    "no parts in the manifest": make_archive({TIMERS: CONTENT}, parts=[]),
    "a part is missing": make_archive(),
    "a part was changed": make_archive({TIMERS: b'{"timers": 12}'}),
    "a part is longer": make_archive({TIMERS: CONTENT + b" "}),
    "one part more": make_archive({TIMERS: CONTENT, "hub/access.json": b"{}"}),
    "a path outside": make_archive({"../../etc/passwd": CONTENT}),
    "an absolute path": make_archive({"/etc/passwd": CONTENT}),
    "a part twice": make_archive({TIMERS: CONTENT}, parts=[GOOD_PART, GOOD_PART]),
    "more than the limit": make_archive({TIMERS: CONTENT}, parts=[{**GOOD_PART, "bytes": 1 << 40}]),
    "a negative size": make_archive({TIMERS: CONTENT}, parts=[{**GOOD_PART, "bytes": -1}]),
    "too many parts": make_archive({}, parts=[{**GOOD_PART, "name": str(number)} for number in range(1001)]),
    "a manifest that is no object": make_archive({TIMERS: CONTENT}, parts=[[[]]]),
    "a bomb in a part": make_archive({TIMERS: bytes(100 << 20)}),
    "a bomb of headers": bomb_of_headers(),
    "a symbolic link": make_link(tarfile.SYMTYPE),
    "a hard link": make_link(tarfile.LNKTYPE),
    "a device": make_link(tarfile.CHRTYPE),
    "a pipe": make_link(tarfile.FIFOTYPE),
    "settings that are none": make_archive(
        {SETTINGS: b"["}, parts=[{"name": SETTINGS, "bytes": 1, "sha256": hashlib.sha256(b"[").hexdigest(), "is_secret": False}]
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_wrong_changes_nothing(house: BackupPlaces, tmp_path: Path, content: bytes) -> None:
    file = write(tmp_path / "wrong.tar.gz", content)
    before = files_below(tmp_path / "old")
    with pytest.raises(BackupError):
        restore_file(file, house)
    assert files_below(tmp_path / "old") == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a bomb in a part", "has not the size"),
        ("a bomb of headers", "unpacks to more"),
        ("a symbolic link", "is no part"),
        ("a hard link", "is no part"),
        ("a device", "is no part"),
        ("newer version", "update first"),
    ],
)
def test_a_file_that_is_wrong_is_refused_before_it_is_unpacked(tmp_path: Path, name: str, message: str) -> None:
    file = write(tmp_path / "wrong.tar.gz", WRONG[name])
    with pytest.raises(BackupError, match=message), open_backup(file):
        pass


@pytest.mark.parametrize(
    "name",
    [
        "hub/../../x",
        "satellite/../state.json",
        "satellite/a/b/state.json",
        "satellite/a\\b/state.json",
        "credentials/..",
        "x",
    ],
)
def test_a_name_that_no_part_has_goes_nowhere(house: BackupPlaces, tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "b.tar.gz", make_archive({name: CONTENT}, parts=[{**GOOD_PART, "name": name}]))
    before = files_below(tmp_path)
    with pytest.raises(BackupError, match="no place here"):
        restore_file(file, house)
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("path", ["/etc/cron.d/evil", "../evil", "{etc}/../../evil"])
def test_an_own_file_from_elsewhere_goes_beside_the_settings(house: BackupPlaces, tmp_path: Path, path: str) -> None:
    path = path.replace("{etc}", str(house.settings.parent))
    part = {**GOOD_PART, "name": "files/0/evil", "path": path}
    file = write(tmp_path / "b.tar.gz", make_archive({"files/0/evil": CONTENT}, parts=[part]))
    result = restore_file(file, house)
    assert result.moved == (("files/0/evil", str(house.settings.parent / "restored" / path.rpartition("/")[2])),)
    assert not (tmp_path / "evil").exists()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup."""
    folder = tmp_path_factory.mktemp("plain")
    part = BackupPart(TIMERS, write(folder / "timers.json", CONTENT))
    write_backup([part], folder / "b.tar.gz")
    return (folder / "b.tar.gz").read_bytes()


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """A cut at either end, or another byte, at a share of the length."""
    share, kind = draw(st.floats(0, 1, exclude_max=True)), draw(st.sampled_from(["begin", "end", "byte"]))

    def damage(content: bytes) -> bytes:
        at = int(share * len(content))
        cut = {"begin": content[:at], "end": content[at + 1 :]}
        return cut.get(kind, content[:at] + bytes([content[at] ^ 0x41]) + content[at + 1 :])

    return damage


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=damages())
def test_a_damaged_file_gives_what_was_saved_or_an_error(
    plain: bytes, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    file = write(tmp_path / "damaged", damage(plain))
    with suppress(BackupError), open_backup(file) as opened:
        assert opened.files[TIMERS].read_bytes() == CONTENT


@settings(deadline=None)
@given(content=st.binary(max_size=100), damage=damages())
def test_an_encrypted_file_that_was_changed_is_refused(content: bytes, damage: Callable[[bytes], bytes]) -> None:
    sealed, opened = io.BytesIO(), io.BytesIO()
    encryption.encrypt(io.BytesIO(content), sealed, PASSPHRASE, cost=2)
    encryption.decrypt(io.BytesIO(sealed.getvalue()), opened, PASSPHRASE, cost=2)
    assert opened.getvalue() == content
    with pytest.raises(BackupError):
        encryption.decrypt(io.BytesIO(damage(sealed.getvalue())), io.BytesIO(), PASSPHRASE, cost=2)


@settings(max_examples=40, deadline=None)
@given(
    contents=st.dictionaries(
        st.sampled_from(
            ["hub/timers.json", "intent/alarms.json", "satellite/Küche/state.json", "satellite/a b/timers.json"]
        ),
        st.binary(max_size=200),
        min_size=1,
    )
)
def test_what_goes_in_comes_back(tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("any")
    old, new = machine(folder / "old"), machine(folder / "new")
    for name, content in contents.items():
        part = old.locate(name)
        assert part is not None
        write(part.path, content)
    write_backup(old.find_parts(), folder / "b")
    assert set(restore_file(folder / "b", new).restored) == set(contents)
    assert files_below(folder / "new") == files_below(folder / "old")


def test_a_part_that_another_program_adds_comes_back(house: BackupPlaces, tmp_path: Path) -> None:
    part = BackupPart(TIMERS, write(tmp_path / "elsewhere", b"[]"))
    write_backup([part], tmp_path / "b.tar.gz")
    moved = replace(house, state={**house.state, "hub": tmp_path / "hub"})
    assert restore_file(tmp_path / "b.tar.gz", moved).needs_restart == ("hub",)
    assert (tmp_path / "hub" / "timers.json").read_bytes() == b"[]"


def test_a_manifest_is_within_its_limit() -> None:
    assert archive.MAX_PARTS * (archive.MAX_NAME_LENGTH // 2 + 200) < archive.MAX_MANIFEST_BYTES
