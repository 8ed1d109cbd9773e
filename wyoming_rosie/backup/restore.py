"""Restore of a backup: each part to its place on this machine, with a backup of what it replaces."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from wyoming_rosie.backup.archive import BackupContents, ManifestPart, write_backup
from wyoming_rosie.backup.databases import check_encrypted, copy_database, delete_log, lock_databases
from wyoming_rosie.backup.parts import (
    SETTINGS,
    BackupError,
    BackupPart,
    BackupPlaces,
    check_settings,
    find_own_parts,
    is_plain_name,
)
from wyoming_rosie.programs import PROGRAMS

RESTORED = "restored"
"""Folder beside the settings for the user's own files that may not go where they were."""
READABLE_MODE, PRIVATE_MODE = 0o644, 0o600


@dataclass(frozen=True)
class RestoreResult:
    """What a restore did, by the names of the parts; `replaced` is a backup of what was there before.

    Those that are `encrypted` were checked without their keys.
    """

    restored: tuple[str, ...]
    needs_restart: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    replaced: str | None = None
    encrypted: tuple[str, ...] = ()


@dataclass
class _Plan:
    """Where each part goes."""

    targets: dict[str, BackupPart] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)


def restore_backup(opened: BackupContents, places: BackupPlaces) -> RestoreResult:
    """Replace this machine's files by those of a backup; a failure puts back what was there. Raises BackupError.

    What is replaced is kept as a backup, which can be restored in turn.
    """
    if SETTINGS in opened.files:
        check_settings(opened.files[SETTINGS])
    plan = _create_plan(opened.manifest.parts, places)
    if not plan.targets:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in plan.left_out.items()) or "it is empty"
        raise BackupError(f"nothing of the backup can be restored here: {reasons}")
    encrypted = tuple(name for name, part in plan.targets.items() if part.is_encrypted)
    for name in encrypted:
        check_encrypted(name, opened.files[name])
    with lock_databases(plan.targets.values()):
        replaced = _keep_replaced(list(plan.targets.values()), places.backups)
        _replace_all(plan.targets, opened)
    restart = {role for part in plan.targets.values() if not part.is_live for role in _roles_of(part)}
    return RestoreResult(
        tuple(plan.targets),
        tuple(program.role for program in PROGRAMS if program.role in restart),
        tuple(plan.left_out.items()),
        tuple(plan.moved.items()),
        str(replaced) if replaced else None,
        encrypted,
    )


def _create_plan(listed: Sequence[ManifestPart], places: BackupPlaces) -> _Plan:
    plan = _Plan()
    present = {part.path for part in find_own_parts(places.settings)} if places.settings.exists() else set()
    for one in listed:
        part = places.locate(one.name) if one.path is None else _locate_own(one, places, present)
        if part is None:
            plan.left_out[one.name] = "it has no place here"
        elif problem := _find_problem(part.path):
            plan.left_out[one.name] = problem
        else:
            plan.targets[one.name] = part
            if one.path is not None and str(part.path) != one.path:
                plan.moved[one.name] = str(part.path)
    return plan


def _locate_own(one: ManifestPart, places: BackupPlaces, present: set[Path]) -> BackupPart | None:
    """Return where a file of the user's own goes: to its old path only in folders of ours, or where one is in use."""
    path = Path(one.path or "")
    if not is_plain_name(path.name):
        return None
    if path not in present and not _is_within(path, places.roots):
        path = places.settings.parent / RESTORED / path.name
    return BackupPart(one.name, path, is_secret=one.is_secret, is_own=True)


def _is_within(path: Path, roots: Sequence[Path]) -> bool:
    return path.is_absolute() and any(path.resolve().is_relative_to(root.resolve()) for root in roots)


def _find_problem(path: Path) -> str | None:
    """Return why a file cannot be written here."""
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            return f"{path} is no plain file"
        folder = _existing_parent(path)
    except OSError as err:
        return f"{path}: {err.strerror}"
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return f"{folder} is not writable for this user"
    return None


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())


def _keep_replaced(parts: Sequence[BackupPart], folder: Path) -> Path | None:
    """Write a backup of what is there now, secrets too; None if nothing is."""
    there = [part for part in parts if part.path.is_file()]
    if not there:
        return None
    path = folder / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.tar.gz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = write_backup(there, path, with_secrets=True, is_locked=True)
    except OSError as err:
        raise BackupError(f"cannot keep what is replaced in {folder}: {err.strerror}") from err
    if kept.left_out:
        path.unlink()
        raise BackupError(f"cannot keep what is replaced: {kept.left_out[0][0]}: {kept.left_out[0][1]}")
    return path


def _replace_all(targets: dict[str, BackupPart], opened: BackupContents) -> None:
    done: list[tuple[BackupPart, Path | None]] = []
    try:
        for name, part in targets.items():
            before = part.path.with_name(f".{part.path.name}.before") if part.path.exists() else None
            if before is not None:
                _save(part, before)
            done.append((part, before))
            _replace(part, opened.files[name])
    except (OSError, sqlite3.Error) as err:
        for part, before in done:
            _put_back(part, before)
        reason = f"{err.filename}: {err.strerror}" if isinstance(err, OSError) else str(err)
        raise BackupError(f"{reason}; nothing was changed") from err
    for _, before in done:
        if before is not None:
            before.unlink(missing_ok=True)


def _save(part: BackupPart, before: Path) -> None:
    """Copy a file as it is now, with its mode and owner."""
    before.unlink(missing_ok=True)
    before.touch(PRIVATE_MODE)
    if part.is_database:
        copy_database(part, before)
        shutil.copystat(part.path, before)
    else:
        shutil.copy2(part.path, before)
    _give_to_owner_of(part.path, before)


def _put_back(part: BackupPart, before: Path | None) -> None:
    with suppress(OSError):  # the file was not replaced yet
        if before is None:
            part.path.unlink()
        else:
            if part.is_database:
                delete_log(part.path)
            before.replace(part.path)


def _replace(part: BackupPart, content: Path) -> None:
    """Replace a file at once; root gives it to the owner of the file before, or of the folder."""
    path = part.path
    known = path if path.exists() else _existing_parent(path)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() and not part.is_database else _mode_of(part)
    created = [parent for parent in path.parents if not parent.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(PRIVATE_MODE)
    shutil.copyfile(content, new)
    new.chmod(mode)
    _give_to_owner_of(known, new, *created)
    with new.open("rb") as file:
        os.fsync(file.fileno())
    if part.is_database:  # before it is replaced: SQLite would write an old log into the new file
        delete_log(path)
    new.replace(path)


def _give_to_owner_of(known: Path, *files: Path) -> None:
    """Let root give files to the owner of another."""
    for one in files if os.geteuid() == 0 else ():
        os.chown(one, known.stat().st_uid, known.stat().st_gid)


def _mode_of(part: BackupPart) -> int:
    """Return the mode of a new file: each program has a user of its own, and all read the settings and the user's files."""
    return READABLE_MODE if part.name == SETTINGS or (part.is_own and not part.is_secret) else PRIVATE_MODE


def _roles_of(part: BackupPart) -> set[str]:
    return {part.role} if part.role else {program.role for program in PROGRAMS}
