"""Archive of a backup: a tar.gz that begins with a manifest. It is checked whole before anything of it is used."""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from wyoming_rosie import __version__
from wyoming_rosie.backup import encryption
from wyoming_rosie.backup.databases import copy_database, lock_databases
from wyoming_rosie.backup.parts import BackupError, BackupPart
from wyoming_rosie.runtime.fields import Fields

FORMAT = 1
PROGRAM = "wyoming-rosie"
MANIFEST = "manifest.json"
MAX_PARTS = 1_000
MAX_PART_BYTES = 256 << 20
MAX_BYTES = 512 << 20
"""Most that all parts together have, so that a small file cannot fill the disk."""
MAX_MANIFEST_BYTES = 1 << 20
MAX_NAME_LENGTH = 512
MAX_PATH_LENGTH = 4_096
TAR_BYTES = 1_024
"""Header and padding of a member."""
CHUNK_BYTES = 1 << 16
_INVALID = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, RecursionError)


@dataclass(frozen=True)
class ManifestPart:
    """A part as the manifest lists it; `path` is where a file of the user's own was."""

    name: str
    bytes: int
    sha256: str
    path: str | None = None
    is_secret: bool = False


@dataclass(frozen=True)
class BackupManifest:
    """Contents of a backup; `left_out` are parts that could not be read, with the reason."""

    version: str
    created_at: str
    parts: tuple[ManifestPart, ...]
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class BackupContents:
    """Contents of a backup that is made or was checked: its manifest, and the content of each part as a file."""

    manifest: BackupManifest
    files: dict[str, Path]


def write_backup(
    parts: Sequence[BackupPart],
    target: Path,
    *,
    with_secrets: bool = False,
    passphrase: str | None = None,
    is_locked: bool = False,
) -> BackupManifest:
    """Write the parts to a file that only its owner can read. Raises BackupError, ConfigError.

    Programs may run meanwhile: they replace their files whole, and databases are locked, unless they are already.
    """
    chosen = [part for part in parts if with_secrets or not part.is_secret]
    new = target.with_name(f".{target.name}.new")
    try:
        with tempfile.TemporaryDirectory(prefix="rosie-backup-") as name:
            with nullcontext() if is_locked else lock_databases(chosen):
                copies = _copy_parts(chosen, Path(name), with_secrets=with_secrets)
            _write_file(copies, Path(name) / "archive", new, passphrase)
        new.replace(target)
    except OSError as err:
        raise BackupError(f"cannot write {target}: {err.strerror or err}") from err
    finally:
        new.unlink(missing_ok=True)
    return copies.manifest


@contextmanager
def open_backup(source: Path, passphrase: str | None = None) -> Iterator[BackupContents]:
    """Check a backup and yield its contents during the block. Raises BackupError, ConfigError."""
    with tempfile.TemporaryDirectory(prefix="rosie-restore-") as name:
        yield _check_backup(source, Path(name), passphrase)


def is_encrypted(source: Path) -> bool:
    """Return whether a file is an encrypted backup. Raises BackupError."""
    try:
        with source.open("rb") as file:
            return encryption.is_encrypted(file)
    except OSError as err:
        raise BackupError(f"cannot read {source}: {err.strerror}") from err


def _digest_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_parts(parts: Sequence[BackupPart], folder: Path, *, with_secrets: bool) -> BackupContents:
    listed: list[ManifestPart] = []
    left_out: list[tuple[str, str]] = []
    files: dict[str, Path] = {}
    for part in parts:
        copy = folder / str(len(files))
        try:
            _copy_part(part, copy, with_secrets=with_secrets)
        except (OSError, ValueError, sqlite3.Error) as err:
            left_out.append((part.name, getattr(err, "strerror", None) or str(err)))
            continue
        files[part.name] = copy
        path = str(part.path) if part.is_own else None
        listed.append(ManifestPart(part.name, copy.stat().st_size, _digest_file(copy), path, part.is_secret))
    if not listed:
        raise BackupError("there is nothing to back up here; for the services of this machine, give --system as root")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return BackupContents(BackupManifest(__version__, now, tuple(listed), tuple(left_out)), files)


def _copy_part(part: BackupPart, copy: Path, *, with_secrets: bool) -> None:
    _refuse_large(part.path)
    if part.is_database:
        copy_database(part, copy)
        _refuse_large(copy)  # its log is in it now
        return
    content = part.path.read_bytes()
    copy.write_bytes(content if with_secrets or part.hide_secrets is None else part.hide_secrets(content))


def _refuse_large(file: Path) -> None:
    if file.stat().st_size > MAX_PART_BYTES:
        raise ValueError(f"it has more than {MAX_PART_BYTES >> 20} MB")


def _write_archive(copies: BackupContents, archive: Path) -> None:
    manifest = json.dumps({"format": FORMAT, "program": PROGRAM, **asdict(copies.manifest)}, indent=2).encode()
    with open(archive, "xb", opener=_open_private) as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
        _add(tar, MANIFEST, len(manifest), io.BytesIO(manifest))
        for part in copies.manifest.parts:
            with copies.files[part.name].open("rb") as copy:
                _add(tar, part.name, part.bytes, copy)


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    tar.addfile(member, content)


def _write_file(copies: BackupContents, archive: Path, target: Path, passphrase: str | None) -> None:
    """Write the archive, and the file at its place from it: what is to be encrypted never lies there as it is."""
    _write_archive(copies, archive)
    with archive.open("rb") as source, open(target, "xb", opener=_open_private) as file:
        if passphrase is None:
            shutil.copyfileobj(source, file)
        else:
            encryption.encrypt(source, file, passphrase)
        file.flush()
        os.fsync(file.fileno())


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _check_backup(source: Path, folder: Path, passphrase: str | None) -> BackupContents:
    try:
        with source.open("rb") as file:
            if not encryption.is_encrypted(file):
                return _read_archive(file, folder)
            if passphrase is None:
                raise BackupError("the backup is encrypted; give its passphrase")
            with open(folder / "decrypted", "x+b", opener=_open_private) as plain:
                encryption.decrypt(file, plain, passphrase)
                plain.seek(0)
                return _read_archive(plain, folder)
    except OSError as err:
        raise BackupError(f"cannot read {source}: {err.strerror or err}") from err


class _BoundedReader:
    """Reads what is unpacked, and no more than is allowed so far, whatever an archive says about itself."""

    def __init__(self, source: IO[bytes]) -> None:
        self.left = MAX_MANIFEST_BYTES + 2 * TAR_BYTES
        self._source = gzip.GzipFile(fileobj=source, mode="rb")

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.left:
            size = self.left + 1
        content = self._source.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise BackupError("the backup unpacks to more than its manifest says")
        return content


def _read_archive(file: IO[bytes], folder: Path) -> BackupContents:
    reader = _BoundedReader(file)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], reader), mode="r|", bufsize=tarfile.RECORDSIZE) as tar:
            manifest = _read_manifest(tar)
            total = sum(part.bytes for part in manifest.parts)
            reader.left += total + TAR_BYTES * len(manifest.parts) + 2 * tarfile.RECORDSIZE
            return BackupContents(manifest, _read_parts(tar, manifest, folder))
    except _INVALID as err:
        raise BackupError(f"this is no backup of wyoming-rosie, or it is damaged: {err}") from err


def _read_manifest(tar: tarfile.TarFile) -> BackupManifest:
    member = tar.next()
    content = tar.extractfile(member) if member is not None and member.name == MANIFEST and member.isreg() else None
    if member is None or content is None or member.size > MAX_MANIFEST_BYTES:
        raise ValueError("it does not begin with a manifest")
    return parse_manifest(json.loads(content.read()))


def parse_manifest(document: object) -> BackupManifest:
    """Return a manifest within its limits. Raises ValueError; BackupError for one of a newer version."""
    fields = Fields(document)
    if fields.text("program") != PROGRAM:
        raise ValueError(f"it is of another program, {fields.text('program')}")
    version = fields.text("version", 1, MAX_NAME_LENGTH)
    if fields.integer("format", 1) > FORMAT or _release(version) > _release(__version__):
        raise BackupError(f"the backup is of the newer version {version}; this is {__version__}: update first")
    parts = tuple(map(_parse_part, fields.objects("parts", MAX_PARTS)))
    if len({part.name for part in parts}) < len(parts):
        raise ValueError("its manifest lists a part twice")
    if sum(part.bytes for part in parts) > MAX_BYTES:
        raise BackupError(f"the backup has more than {MAX_BYTES >> 20} MB")
    return BackupManifest(version, fields.text("created_at", 0, MAX_NAME_LENGTH), parts)


def _parse_part(fields: Fields) -> ManifestPart:
    return ManifestPart(
        fields.text("name", 1, MAX_NAME_LENGTH),
        fields.integer("bytes", 0, MAX_PART_BYTES),
        fields.text("sha256", 64, 64),
        fields.optional_text("path", 1, MAX_PATH_LENGTH),
        fields.boolean("is_secret"),
    )


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a release for comparison: 1.2 of 1.2.dev3."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _read_parts(tar: tarfile.TarFile, manifest: BackupManifest, folder: Path) -> dict[str, Path]:
    expected = {part.name: part for part in manifest.parts}
    files: dict[str, Path] = {}
    while (member := tar.next()) is not None:
        part = expected.pop(member.name, None)
        if part is None or member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
            raise ValueError(f"{member.name!r} is no part of it")
        content = tar.extractfile(member)
        if content is None or member.size != part.bytes:
            raise ValueError(f"{part.name} has not the size that the manifest says")
        files[part.name] = folder / str(len(files))
        _read_part(content, files[part.name], part)
    if expected:
        raise ValueError(f"it lacks {', '.join(sorted(expected))}")
    return files


def _read_part(content: IO[bytes], target: Path, part: ManifestPart) -> None:
    digest = hashlib.sha256()
    with open(target, "xb", opener=_open_private) as file:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != part.sha256:
        raise ValueError(f"{part.name} was changed")
