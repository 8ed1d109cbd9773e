"""Secrets: tokens and keys, read from a file or from the environment."""

import os
import stat
from functools import cache
from pathlib import Path

import structlog

from wyoming_rosie.errors import ConfigError

_LOG = structlog.get_logger()
MAX_SECRET_BYTES = 8_192
ESPHOME_KEY_FILE = "esphome-key"
"""File with the key of a satellite's encrypted connections, in the satellite's data folder."""


def read_secret_file(path: Path, setting: str) -> str:
    """Return a file's token or key without the spaces around it. Raises ConfigError, which names the setting.

    A file that all users may read is reported once.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
            if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
                _warn_world_readable(path)
    except OSError as err:
        raise ConfigError(f"{setting}: cannot read {path}: {err.strerror}") from err
    if len(content) > MAX_SECRET_BYTES:
        raise ConfigError(f"{setting}: {path} has more than {MAX_SECRET_BYTES} bytes; it must hold the secret alone")
    try:
        return _check(content.decode("utf-8-sig"), f"{setting}: {path}")
    except UnicodeDecodeError as err:
        raise ConfigError(f"{setting}: {path} is not a text file") from err


def read_secret_variable(variable: str) -> str | None:
    """Return the token or key in an environment variable, None when it is not set. Raises ConfigError.

    A service has it in a file of systemd's LoadCredential= instead: MQTT_PASSWORD is the credential mqtt-password, or
    rosie_mqtt-password, as `LoadCredential=rosie:FOLDER` names the file mqtt-password of a folder.
    """
    value = os.environ.get(variable)
    if value is not None:
        return _check(value, variable)
    if not (folder := os.environ.get("CREDENTIALS_DIRECTORY")):
        return None
    name = variable.lower().replace("_", "-")
    found = next((path for path in (Path(folder, name), Path(folder, f"rosie_{name}")) if path.is_file()), None)
    return read_secret_file(found, variable) if found else None


def _check(text: str, source: str) -> str:
    secret = text.strip()
    if not (secret and secret.isascii() and secret.isprintable()):
        raise ConfigError(f"{source} is empty or has characters that no token or key has")
    return secret


@cache
def _warn_world_readable(path: Path) -> None:
    _LOG.warning("all users of this machine can read a secret; run chmod o-r", file=str(path))
