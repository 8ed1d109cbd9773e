"""Inspection of files, members, keys and settings for the security report."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from wyoming_rosie import config
from wyoming_rosie.bus.connection import SECRETS, find_configured
from wyoming_rosie.commands.diagnostics.security.listeners import RunningProgram, find_listeners, find_programs
from wyoming_rosie.commands.diagnostics.security.report import ApiKey, PrivateFile, SecurityReport, StoredIdentity
from wyoming_rosie.errors import RosieError
from wyoming_rosie.http import access
from wyoming_rosie.models.pinned import find_unpinned
from wyoming_rosie.programs import PROGRAMS
from wyoming_rosie.trust import group_key
from wyoming_rosie.trust import identity as identities
from wyoming_rosie.trust.members import AUTHORITY_FOLDER, REGISTRY_FILE, load_registry
from wyoming_rosie.trust.state_folders import find_hub_folder, find_state_folder

DAY_SECONDS = 86_400
SECRET_KEYS = ("token_file", "key_file", "password_file", "secret_file", "file", "credentials", "nkey")
"""Ends of the names of settings that name a file with a secret; `file` is that of a plugin's secret."""
PRIVATE_PATTERNS = (
    "*.db", "access.json", "esphome-key", "identity/member.pem", f"identity/{group_key.FILE_NAME}", f"{AUTHORITY_FOLDER}/*.key",
    f"{AUTHORITY_FOLDER}/{group_key.FILE_NAME}",
)  # fmt: skip
"""Files of a state folder that nobody but the program reads."""
ACTORS_WITHOUT_HOME = (None, "demo", "none")


async def create_report() -> SecurityReport:
    """Return the report of this machine, as far as this user may see it."""
    programs = await asyncio.to_thread(find_programs)
    listeners = await find_listeners(programs)
    return await asyncio.to_thread(_inspect, programs, listeners)


def _inspect(programs: list[RunningProgram], listeners: tuple[Any, ...]) -> SecurityReport:
    troubles: list[str] = []
    tables = _load_tables(troubles)
    now = time.time()
    hidden = sorted({program.role for program in programs if program.sockets is None})
    troubles += [f"{role} runs as another user: its ports cannot be seen" for role in hidden]
    files = (*_find_secret_files(tables, now), *_find_state_files(now))
    return SecurityReport(
        listeners,
        tuple({file.path: file for file in files}.values()),
        tuple(_find_identities(now)),
        tuple(_find_members(troubles)),
        tuple(_find_keys(now, troubles)),
        tuple(_find_brokers()),
        tuple(sorted({program.role for program in programs if program.is_debugging})),
        _acts_without_audit(programs),
        tuple(model.name for model in find_unpinned(config.data_folder())),
        tuple(troubles),
    )


def _load_tables(troubles: list[str]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for path in (config.SYSTEM_FILE, config.user_file()):
        if path.is_file():
            try:
                tables |= config.load_tables(path)
            except RosieError:  # its sentence may quote the line that is wrong
                troubles.append(f"{path} cannot be read as settings; wyoming-rosie config check tells why")
    return tables


def _find_secret_files(tables: Mapping[str, Any], now: float, prefix: str = "") -> Iterator[PrivateFile]:
    for key, value in tables.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _find_secret_files(value, now, f"{name}.")
        elif isinstance(value, str) and key.endswith(SECRET_KEYS) and not key.endswith(("ca_file", "audit_file")):
            yield from _describe_file(name, Path(value).expanduser(), now, is_secret=True)


def _find_state_files(now: float) -> Iterator[PrivateFile]:
    for role in (program.role for program in PROGRAMS):
        folder = _folder(role)
        for pattern in PRIVATE_PATTERNS:
            for path in sorted(folder.glob(pattern)):
                yield from _describe_file(f"state of {role}", path, now, is_secret=False)


def _describe_file(setting: str, path: Path, now: float, *, is_secret: bool) -> Iterator[PrivateFile]:
    with suppress(OSError):
        found = path.stat()
        yield PrivateFile(setting, str(path), found.st_mode & 0o777, (now - found.st_mtime) / DAY_SECONDS, is_secret)


def _folder(role: str) -> Path:
    if role == "hub":
        with suppress(RosieError):  # settings that cannot be read are in the report
            return find_hub_folder(None)
    return find_state_folder(role)


def _find_identities(now: float) -> Iterator[StoredIdentity]:
    for role in (program.role for program in PROGRAMS):
        try:
            found = identities.load_identity(_folder(role) / identities.FOLDER)
        except (RosieError, OSError) as err:
            yield StoredIdentity(role, "", None, str(err))
            continue
        if found is not None:
            yield StoredIdentity(role, found.certificate.member.name, (found.certificate.not_after - now) / DAY_SECONDS)


def _find_members(troubles: list[str]) -> Iterator[str]:
    try:
        registry = load_registry(_folder("hub") / AUTHORITY_FOLDER / REGISTRY_FILE)
    except (RosieError, OSError):
        troubles.append("the list of members cannot be read")
        return
    for member in registry.members:
        room = f", room {member.room}" if member.room else ""
        yield f"{member}{room}, may: {', '.join(sorted(member.scopes))}"


def _find_keys(now: float, troubles: list[str]) -> Iterator[ApiKey]:
    try:
        found = access.load(_folder("hub") / access.FILE_NAME)
    except (RosieError, OSError):
        troubles.append("the keys of the API cannot be read")
        return
    for key in found.keys:
        yield ApiKey(key.name, None if key.created_at is None else (now - key.created_at) / DAY_SECONDS)


def _find_brokers() -> Iterator[tuple[str, str, str]]:
    for bus in SECRETS:
        with suppress(RosieError, ValueError):  # `doctor` tells what is wrong with it
            if url := find_configured(bus):
                parts = urlsplit(url)
                yield bus, parts.scheme, parts.hostname or ""


def _acts_without_audit(programs: list[RunningProgram]) -> bool:
    """Return whether an intent daemon that runs, or that the settings describe, acts and writes nothing down."""
    configured = RunningProgram("intent", (), None)
    return any(
        (program.setting("actor") or (None,))[0] not in ACTORS_WITHOUT_HOME and program.setting("audit_file") is None
        for program in (configured, *programs)
        if program.role == "intent"
    )
