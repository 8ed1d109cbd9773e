"""Config editor: changes a program's table in its TOML file, keeping comments, and says what holds now."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import tomlkit
from tomlkit.items import Table

from wyoming_rosie import config
from wyoming_rosie.errors import ConfigError
from wyoming_rosie_hub.web.house import ConfigChange, ConfigDocument, ConfigSetting

SECRET_WORDS = frozenset({"password", "token", "secret", "key"})
NOT_SECRET_ENDINGS = ("_file", "_variable", "_seconds", "_tokens")
"""Ends of names of settings that say where a secret is."""
_PASSWORD_IN_ADDRESS = re.compile(r"://[^/@\s]*:[^/@\s]*@")
NOT_CHANGEABLE = frozenset({"config", "data_dir", "plugin_folder", "mcp_file"})
"""Settings that say where everything else is, or which programs run: they cannot be changed from outside."""
COMMAND_ENDING = "_command"
"""End of the names of settings that are commands, which cannot be changed from outside either."""


@dataclass(frozen=True)
class ConfigEditor:
    """Edits the file of one program. `read` returns its settings as a start now would have them; `check` raises ConfigError."""

    role: str
    kind: type[Any]
    file: Path
    live_keys: frozenset[str]
    read: Callable[[], Any]
    check: Callable[[Any], None]

    def describe(self, settings: Any) -> ConfigDocument:
        """Return all settings that may be changed, with their values in `settings`."""
        return ConfigDocument(str(self.file), tuple(self._describe(settings, self.kind())))

    def change(self, changes: Mapping[str, Any], running: Any) -> tuple[ConfigChange, Any]:
        """Write changes by key, null for the default; return what holds now and the settings. Raises ConfigError.

        The old file is kept beside the new one, as `rosie.toml.old`.
        """
        known = {setting.key for setting in self.describe(running).settings}
        if unknown := sorted(set(changes) - known):
            raise ConfigError(
                f"'{unknown[0]}' is no setting of [{self.role}] that can be changed here; see {self.file}"
            )
        self._write(changes)
        settings = self.read()
        return self._compare(changes, settings), settings

    def _compare(self, changes: Mapping[str, Any], settings: Any) -> ConfigChange:
        overridden = [key for key, value in changes.items() if value is not None and not _equals(settings, key, value)]
        held = [key for key in changes if key not in overridden]
        applied = [key for key in held if self._is_live(key)]
        return ConfigChange(tuple(applied), tuple(key for key in held if key not in applied), tuple(overridden))

    def _is_live(self, key: str) -> bool:
        return key in self.live_keys or key.partition(".")[0] in self.live_keys

    def _write(self, changes: Mapping[str, Any]) -> None:
        new = self.file.with_suffix(".toml.new")
        try:
            old = self.file.read_text("utf-8") if self.file.exists() else ""
            self.file.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(_edit(old, self.role, changes), "utf-8")
            self._check_file(new)
            if old:
                new.chmod(self.file.stat().st_mode)
                self.file.with_suffix(".toml.old").write_text(old, "utf-8")
            os.replace(new, self.file)  # noqa: PTH105 - atomic, as the name says
        except OSError as err:
            raise ConfigError(f"cannot write {self.file}: {err.strerror}; change it there by hand") from err
        finally:
            new.unlink(missing_ok=True)

    def _check_file(self, file: Path) -> None:
        try:
            settings = config.read(self.role, self.kind, ["--config", str(file)])
        except ConfigError as err:
            raise ConfigError(str(err).replace(str(file), str(self.file))) from err
        self.check(settings)

    def _describe(self, settings: Any, defaults: Any, prefix: str = "") -> Iterator[ConfigSetting]:
        hints = get_type_hints(type(defaults))
        for one in fields(defaults):
            key = f"{prefix}{one.name}"
            value, default = getattr(settings, one.name), getattr(defaults, one.name)
            if is_dataclass(default):
                yield from self._describe(value, default, f"{key}.")
            elif one.name not in NOT_CHANGEABLE and not one.name.endswith(COMMAND_ENDING):
                known = ConfigSetting(
                    key,
                    _plain(value),
                    _plain(default),
                    _name_of(hints[one.name]),
                    one.metadata.get("help", ""),
                    not self._is_live(key),
                    key.rpartition(".")[0],
                    _choices_of(hints[one.name]),
                    one.metadata.get("minimum"),
                    one.metadata.get("maximum"),
                )
                yield _hide(known) if _is_secret(one.name, value) else known


def _edit(text: str, role: str, changes: Mapping[str, Any]) -> str:
    """Return the file with the changes in the program's table; all else stays as it is."""
    document = tomlkit.parse(text)
    table = document.setdefault(role, tomlkit.table())
    for key, value in changes.items():
        _set(table, key.split("."), value)
    return tomlkit.dumps(document)


def _set(table: Table, path: list[str], value: Any) -> None:
    if len(path) > 1:
        _set(table.setdefault(path[0], tomlkit.table()), path[1:], value)
    elif value is None:
        table.pop(path[0], None)
    else:
        table[path[0]] = value


def _equals(settings: Any, key: str, value: Any) -> bool:
    found = settings
    for name in key.split("."):
        found = getattr(found, name)
    return bool(_plain(found) == _plain(value))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, tuple | list | set | frozenset) else value


def _hide(setting: ConfigSetting) -> ConfigSetting:
    return replace(setting, value=None, default=None, secret=True)


def _is_secret(name: str, value: object) -> bool:
    """Return whether a setting may hold a password or token: by its name, as an address with one, or as a plugin's settings."""
    if isinstance(value, Path):
        return False  # of a file that holds it
    named = not SECRET_WORDS.isdisjoint(name.split("_")) and not name.endswith(NOT_SECRET_ENDINGS)
    return named or (isinstance(value, dict) and name == "plugins") or bool(_PASSWORD_IN_ADDRESS.search(str(value)))


def _choices_of(hint: Any) -> tuple[str, ...] | None:
    """Return the values of a Literal or an enumeration, of an optional one as well; None for any other type."""
    if get_origin(hint) is Literal:
        return tuple(str(value) for value in get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return tuple(str(member.value) for member in hint)
    alternatives = (
        [one for one in get_args(hint) if one is not NoneType] if get_origin(hint) in (UnionType, Union) else []
    )
    return _choices_of(alternatives[0]) if len(alternatives) == 1 else None


def _name_of(hint: Any) -> str:
    """Return a type as people read it: `text`, `number`, `list`, whose entries have types of their own."""
    names = {
        "tuple": "list",
        "dict": "table",
        "bool": "boolean",
        "int": "whole number",
        "float": "number",
        "str": "text",
        "Path": "text",
    }
    written = str(getattr(hint, "__name__", hint)) if isinstance(hint, type) else str(hint)
    return next((name for word, name in names.items() if word in written), written)
