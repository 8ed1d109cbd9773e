"""`wyoming-rosie backup` and `wyoming-rosie restore`: one file with everything of a house that cannot be fetched again."""

import asyncio
import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wyoming_rosie.backup import archive, parts
from wyoming_rosie.backup.archive import BackupManifest
from wyoming_rosie.backup.parts import BackupError, BackupPlaces
from wyoming_rosie.backup.restore import RestoreResult, restore_backup
from wyoming_rosie.commands.progress import print_line
from wyoming_rosie.runtime.secrets import read_secret_variable

PASSPHRASE = "BACKUP_PASSPHRASE"  # noqa: S105 - the variable's name
PREFIX = "rosie-"
System = Annotated[
    bool, Parameter(negative=(), help="the services of this machine, as root, instead of this user's programs")
]


async def backup(
    file: Path,
    /,
    *,
    secrets: Annotated[bool, Parameter(negative=(), help="tokens and keys too; encrypts by a passphrase")] = False,
    system: System = False,
    keep: Annotated[int, Parameter(help="in a folder: how many backups to keep there")] = 7,
) -> None:
    """Write a backup: settings, home, timers, keys' hashes, wake words of your own, satellites. Programs may run meanwhile.

    FILE may be a folder: the backup then gets a name with the time, and the oldest beyond --keep are deleted.
    The passphrase is asked for, or read from BACKUP_PASSPHRASE.
    """
    passphrase = await asyncio.to_thread(_read_passphrase, is_new=True) if secrets else None
    await asyncio.to_thread(_back_up, file, passphrase, _find_places(system=system), keep)


async def restore(file: Path, /, *, system: System = False) -> None:
    """Restore a backup; what it replaces is kept as a backup of its own. Stop the programs before, and start them again.

    Only the memory may be restored while the intent daemon runs.
    """
    result = await asyncio.to_thread(_restore, file, _find_places(system=system))
    for name in result.restored:
        print_line(f"restored {name}")
    for name in result.encrypted:
        print_line(
            f"{name} is encrypted: it was checked without its key; --memory.key-file must name the key of that time"
        )
    for name, reason in result.left_out:
        print_line(f"left out {name}: {reason}")
    for name, path in result.moved:
        print_line(f"{name} is now {path}; name it so in the settings")
    if result.replaced:
        print_line(f"What was there before: {result.replaced}")
    if result.needs_restart:
        print_line(f"Restart: {', '.join(result.needs_restart)}")


def _find_places(*, system: bool) -> BackupPlaces:
    return parts.service_places() if system else parts.user_places()


def _back_up(file: Path, passphrase: str | None, places: BackupPlaces, keep: int) -> None:
    if keep < 1:
        raise BackupError("--keep is at least 1")
    found = places.find_parts()
    target = file / f"{PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz" if file.is_dir() else file
    manifest = archive.write_backup(found, target, with_secrets=passphrase is not None, passphrase=passphrase)
    _report(target, manifest)
    if file.is_dir():
        delete_oldest(file, keep)


def delete_oldest(folder: Path, keep: int) -> None:
    """Delete the oldest backups of a folder that were named by their time."""
    for old in sorted(folder.glob(f"{PREFIX}*Z.tar.gz"))[:-keep]:
        old.unlink()


def _report(target: Path, manifest: BackupManifest) -> None:
    for part in manifest.parts:
        print_line(f"{part.name}  {part.bytes} bytes")
    for name, reason in manifest.left_out:
        print_line(f"left out {name}: {reason}")
    sys.stdout.write(f"{target}\n")


def _restore(file: Path, places: BackupPlaces) -> RestoreResult:
    passphrase = _read_passphrase(is_new=False) if archive.is_encrypted(file) else None
    with archive.open_backup(file, passphrase) as opened:
        return restore_backup(opened, places)


def _read_passphrase(*, is_new: bool) -> str:
    """Return the passphrase from the environment, a credential of systemd, the terminal or the standard input."""
    if found := read_secret_variable(PASSPHRASE):
        return found
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    given = getpass.getpass("Passphrase of the backup: ")
    if is_new and getpass.getpass("Again: ") != given:
        raise BackupError("these are two different passphrases")
    return given
