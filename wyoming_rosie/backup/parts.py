"""Parts of a backup: the files of each program that cannot be made or fetched again, and where they are on this machine."""

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from wyoming_rosie import config
from wyoming_rosie.audio.speakers.store import FOLDER, default_folder
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.http import access
from wyoming_rosie.runtime import toml_file
from wyoming_rosie.runtime.secrets import ESPHOME_KEY_FILE
from wyoming_rosie.trust.state_folders import SERVICES

SETTINGS = "settings/rosie.toml"
"""Name of the part with the settings."""
CREDENTIALS = "credentials"
SPEAKERS = "speakers"
"""Folder of the voices of persons, which only an encrypted backup has."""
MODEL_SUFFIXES = frozenset({".json", ".npz", ".onnx", ".tflite"})
FOLDER_KEYS = frozenset({"custom_model_dir"})
FILE_KEYS = frozenset({"home", "verifier"})
FILE_SUFFIXES = ("_wav",)
SECRET_FILE_SUFFIXES = ("token_file", "key_file", "mcp_file")
"""Keys of settings that name the user's own files: recordings, models, the home; and those with tokens."""


class BackupError(RosieError):
    """A backup cannot be made or restored."""

    code = "backup"


@dataclass(frozen=True)
class StateFile:
    """A file that a program keeps in its state folder."""

    role: str
    name: str
    is_secret: bool = False
    is_database: bool = False  # of SQLite
    is_encrypted: bool = False  # a database that is read with its key only
    is_live: bool = False  # a running program takes a change at once
    hide_secrets: Callable[[bytes], bytes] | None = None  # for a backup without secrets


@dataclass(frozen=True)
class BackupPart:
    """A file of a backup by its name there; `is_own` files are the user's, anywhere on the machine."""

    name: str
    path: Path
    is_secret: bool = False
    is_database: bool = False
    is_encrypted: bool = False
    is_live: bool = False
    is_own: bool = False
    hide_secrets: Callable[[bytes], bytes] | None = None

    @property
    def role(self) -> str | None:
        """The program that reads it; None for all."""
        first = PurePosixPath(self.name).parts[0]
        return first if first in {one.role for one in (*STATE_FILES, *SATELLITE_FILES)} else None


def end_sessions(content: bytes) -> bytes:
    """Return the file of keys and password with another secret for its sessions, whose owner could log in with the old one."""
    document = json.loads(content)
    return json.dumps({**document, "session_secret": secrets.token_hex(access.KEY_BYTES)}).encode()


STATE_FILES = (
    StateFile("hub", "timers.json"),
    StateFile("hub", access.FILE_NAME, is_live=True, hide_secrets=end_sessions),
    *(
        StateFile("hub", f"tls/{stem}.{kind}", is_secret=True)
        for stem in ("authority", "previous/authority", "house")
        for kind in ("crt", "key")
    ),
    StateFile("hub", "tls/members.json", is_secret=True, is_live=True),
    *(StateFile("hub", f"identity/{name}", is_secret=True) for name in ("member.pem", "house.pem", "roster.json")),
    StateFile("intent", "alarms.json"),
    StateFile("intent", "memory.db", is_database=True, is_live=True),
    StateFile("intent", "memory-encrypted.db", is_database=True, is_encrypted=True, is_live=True),
)  # fmt: skip
"""What each program keeps in its state folder: who keeps something new adds a line."""
SATELLITE_FILES = (
    StateFile("satellite", "state.json"),
    StateFile("satellite", "timers.json"),
    StateFile("satellite", "esphome.json"),
    StateFile("satellite", ESPHOME_KEY_FILE, is_secret=True),
)
"""What a satellite keeps in the folder of its name."""


@dataclass(frozen=True)
class BackupPlaces:
    """Where the programs of this machine keep their files."""

    settings: Path
    state: Mapping[str, Path]
    """State folder by role."""
    satellites: Path
    """Folder with a folder for each satellite."""
    backups: Path
    """Folder for what a restore replaces."""
    credentials: Path | None = None
    speakers: Path | None = None
    """Folder with a file for each person whose voice is known."""

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders of the suite."""
        known = (self.settings.parent, *self.state.values(), self.satellites)
        return (*known, *filter(None, (self.credentials, self.speakers)))

    def find_parts(self) -> list[BackupPart]:
        """Return the parts that there are on this machine. Raises ConfigError for settings that are no TOML."""
        state = (*self._state_parts(), *self._satellite_parts(), *self._voices())
        fixed = [BackupPart(SETTINGS, self.settings), *state, *self._tokens()]
        return [*filter(_is_there, fixed), *find_own_parts(self.settings)]

    def locate(self, name: str) -> BackupPart | None:
        """Return the part of this name, which need not be there; None if a backup of this version has none such."""
        if name == SETTINGS:
            return BackupPart(SETTINGS, self.settings)
        folder, *rest = PurePosixPath(name).parts or ("",)
        if folder == "satellite" and len(rest) == 2 and is_plain_name(rest[0]):
            return next((one for one in self._parts_of_satellite(rest[0]) if one.name == name), None)
        if folder == CREDENTIALS and len(rest) == 1 and self.credentials and is_plain_name(rest[0]):
            return BackupPart(name, self.credentials / rest[0], is_secret=True)
        if folder == SPEAKERS and len(rest) == 1 and self.speakers and is_plain_name(rest[0]):
            return _voice(self.speakers / rest[0])
        return next((part for part in self._state_parts() if part.name == name), None)

    def _state_parts(self) -> Iterator[BackupPart]:
        for one in STATE_FILES:
            if one.role in self.state:
                yield _state_part(one, f"{one.role}/{one.name}", self.state[one.role] / one.name)

    def _satellite_parts(self) -> Iterator[BackupPart]:
        for folder in sorted(_list_folder(self.satellites)):
            yield from self._parts_of_satellite(folder.name)

    def _parts_of_satellite(self, name: str) -> Iterator[BackupPart]:
        for one in SATELLITE_FILES:
            yield _state_part(one, f"satellite/{name}/{one.name}", self.satellites / name / one.name)

    def _voices(self) -> Iterator[BackupPart]:
        return map(_voice, sorted(_list_folder(self.speakers)) if self.speakers else ())

    def _tokens(self) -> Iterator[BackupPart]:
        for path in sorted(_list_folder(self.credentials)) if self.credentials else ():
            yield BackupPart(f"{CREDENTIALS}/{path.name}", path, is_secret=True)


def _voice(path: Path) -> BackupPart:
    return BackupPart(f"{SPEAKERS}/{path.name}", path, is_secret=True, is_live=True)


def user_places() -> BackupPlaces:
    """Return the places of this user's programs, as the settings say."""
    folders = {role: config.read_setting(role, "data_dir") for role in ("hub", "satellite")}
    state = {role: config.state_folder(role) for role in {one.role for one in STATE_FILES}}
    if folders["hub"]:
        state["hub"] = Path(folders["hub"])
    satellites = Path(folders["satellite"] or config.data_folder())
    return BackupPlaces(config.user_file(), state, satellites, config.state_folder("backup"), speakers=default_folder())


def service_places(state: Path = SERVICES, settings: Path = config.SYSTEM_FILE) -> BackupPlaces:
    """Return the places of the programs that run as services of this machine."""
    folders = {role: state / role for role in {one.role for one in STATE_FILES}}
    satellites = state / "satellite" / "wyoming-rosie"
    credentials, speakers = settings.parent / CREDENTIALS, state / "asr" / FOLDER
    return BackupPlaces(settings, folders, satellites, state / "backup", credentials, speakers)


def hub_places(settings: Path, folder: Path) -> BackupPlaces:
    """Return the places of the programs beside a running hub, by its settings and its folder."""
    found = service_places() if "STATE_DIRECTORY" in os.environ else user_places()
    return replace(found, settings=settings, state={**found.state, "hub": folder}, backups=folder / "backup")


def find_own_parts(settings: Path) -> list[BackupPart]:
    """Return the user's own files that the settings name and that are there. Raises ConfigError."""
    if not settings.is_file():
        return []
    found = dict.fromkeys(_named_files(toml_file.read(settings, "configuration file")))
    return [
        BackupPart(f"files/{number}/{path.name}", path, is_secret=is_secret, is_own=True)
        for number, (path, is_secret) in enumerate(found)
    ]


def _named_files(table: Mapping[str, Any]) -> Iterator[tuple[Path, bool]]:
    """Yield each file that a table names, and whether it is secret."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _named_files(value)
        elif key in FOLDER_KEYS:
            yield from (
                (path, False) for folder in _paths(value) for path in sorted(_list_folder(folder)) if _is_model(path)
            )
        elif key in FILE_KEYS or key.endswith(FILE_SUFFIXES):
            yield from ((path, False) for path in _paths(value) if path.is_file())
        elif key.endswith(SECRET_FILE_SUFFIXES):
            yield from ((path, True) for path in _paths(value) if path.is_file())


def _paths(value: object) -> Iterable[Path]:
    listed = value if isinstance(value, list) else [value]
    return [Path(one) for one in listed if isinstance(one, str) and Path(one).is_absolute()]


def _is_model(path: Path) -> bool:
    return path.suffix in MODEL_SUFFIXES and path.is_file()


def is_plain_name(name: str) -> bool:
    """Return whether this is the name of a file in a folder, and of no other."""
    return name not in ("", ".", "..") and name.isprintable() and not set(name) & {"/", "\\"}


def _state_part(one: StateFile, name: str, path: Path) -> BackupPart:
    return BackupPart(
        name, path, one.is_secret, one.is_database, one.is_encrypted, one.is_live, hide_secrets=one.hide_secrets
    )


def _is_there(part: BackupPart) -> bool:
    """Return whether there is such a file, also one that this user may not read."""
    try:
        return part.path.is_file()
    except PermissionError:
        return True


def _list_folder(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if it is not there, or of another user."""
    try:
        return [folder / name for name in os.listdir(folder)]  # noqa: PTH208 - names alone
    except OSError:
        return []


def check_settings(file: Path) -> None:
    """Raise BackupError if a file is no configuration file of this version."""
    try:
        config.load_tables(file)
    except ConfigError as err:
        raise BackupError(f"the settings of the backup cannot be used: {err}") from err
