"""Settings of a plugin: those of its folder and of the daemon, with secrets read from where they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import toml_file
from wyoming_rosie.runtime.secrets import Secret

SETTINGS_FILE = "config.toml"
_FROM_ENVIRONMENT = "_env"
_SECRET_FILE, _SECRET_VARIABLE = "secret_file", "secret_env"


@dataclass(frozen=True)
class PluginSettings:
    """The settings of one plugin; a secret from a file is read again once the file has changed."""

    _table: Mapping[str, Any]

    def read(self) -> dict[str, Any]:
        """Return the settings with the secrets as they are now. Blocks."""
        return _read_secrets(self._table)


def load_settings(name: str, folder: Path | None, overrides: Mapping[str, Any]) -> PluginSettings:
    """Load a plugin's settings; those of the daemon win. Blocks.

    `key = { secret_file = "PATH" }` sets `key` to the content of a file, `key = { secret_env = "NAME" }` and
    `key_env = "NAME"` to an environment variable or a credential of systemd. Raises ConfigError for what cannot be read.
    """
    path = folder / SETTINGS_FILE if folder else None
    written = toml_file.read(path, "settings of a plugin") if path and path.is_file() else {}
    return PluginSettings(_resolve_table(name, {**written, **overrides}))


def _resolve_table(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    return dict(_resolve_value(name, key, value) for key, value in table.items())


def _resolve_value(name: str, key: str, value: Any) -> tuple[str, Any]:
    if key.endswith(_FROM_ENVIRONMENT):
        return key.removesuffix(_FROM_ENVIRONMENT), _find_variable(name, value)
    if not isinstance(value, Mapping):
        return key, value
    if value.keys() == {_SECRET_FILE}:
        return key, Secret.from_file(Path(str(value[_SECRET_FILE])).expanduser(), f"[intent.plugins.{name}] {key}")
    if value.keys() == {_SECRET_VARIABLE}:
        return key, _find_variable(name, value[_SECRET_VARIABLE])
    return key, _resolve_table(name, value)


def _find_variable(name: str, variable: object) -> Secret:
    found = Secret.from_variable(variable) if isinstance(variable, str) else None
    if found is None:
        raise ConfigError(f"the plugin {name} needs the environment variable {variable!r}, which is not set")
    return found


def _read_secrets(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _read_value(value) for key, value in table.items()}


def _read_value(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.read()
    return _read_secrets(value) if isinstance(value, Mapping) else value
