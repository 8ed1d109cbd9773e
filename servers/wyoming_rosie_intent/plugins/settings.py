"""Settings of a plugin: its config.toml, the daemon's table for it, and secrets from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import toml_file

SETTINGS_FILE = "config.toml"
_FROM_ENVIRONMENT = "_env"


def load_settings(name: str, folder: Path | None, own: Mapping[str, Any]) -> dict[str, Any]:
    """Load a plugin's settings; those of the daemon win. `key_env = "NAME"` sets `key` to the value of the variable NAME.

    Raises ConfigError for a file that cannot be read and for a variable that is not set.
    """
    path = folder / SETTINGS_FILE if folder else None
    written = toml_file.read(path, "settings of a plugin") if path and path.is_file() else {}
    return dict(_resolve_value(name, key, value) for key, value in {**written, **own}.items())


def _resolve_value(name: str, key: str, value: Any) -> tuple[str, Any]:
    if not key.endswith(_FROM_ENVIRONMENT):
        return key, value
    if not isinstance(value, str) or value not in os.environ:
        raise ConfigError(f"the plugin {name} needs the environment variable {value!r}, which is not set")
    return key.removesuffix(_FROM_ENVIRONMENT), os.environ[value]
