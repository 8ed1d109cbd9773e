"""Secrets: tokens and keys, read from a file or from the environment."""

import asyncio
import os
import stat
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

import structlog

from wyoming_rosie.errors import ConfigError

_LOG = structlog.get_logger()
MAX_SECRET_BYTES = 8_192
READ_SECONDS = 1.0
"""Longest wait for a file that has perhaps changed; after that the former secret is used."""
SETTLE_SECONDS = 0.1
"""Time without a change after which a file counts as completely written."""
ESPHOME_KEY_FILE = "esphome-key"
"""File with the key of a satellite's encrypted connections, in the satellite's data folder."""
_Version: TypeAlias = tuple[int, int, int, int]


class Secret:
    """A token or key; one from a file is read again once the file has changed.

    The former secret is kept while the file is missing, being written, or holds no secret; the log says so once.
    """

    def __init__(self, value: str, file: Path | None = None) -> None:
        """Hold a value, which never changes unless it is from a file; see `from_file`."""
        self._value = value
        self._file = file
        self._setting = ""
        self._check: Callable[[str], None] | None = None
        self._version: _Version | None = None
        self._has_warned = False
        self._reading: asyncio.Future[str] | None = None

    def __repr__(self) -> str:
        return f"Secret({'given' if self._file is None else str(self._file)})"

    @classmethod
    def from_file(cls, file: Path, setting: str, check: Callable[[str], None] | None = None) -> "Secret":
        """Read a secret from a file. Blocks. Raises ConfigError, as `check` does for a value that cannot be right."""
        version = _find_version(file)
        value = read_secret_file(file, setting)
        if check is not None:
            check(value)
        secret = cls(value, file)
        secret._setting, secret._check, secret._version = setting, check, version
        return secret

    @classmethod
    def from_variable(cls, variable: str) -> "Secret | None":
        """Read a secret from an environment variable, or from systemd's credential for it; None without. Blocks.

        MQTT_PASSWORD is the credential mqtt-password, or rosie_mqtt-password, as `LoadCredential=rosie:FOLDER` names the
        file mqtt-password of a folder. Raises ConfigError.
        """
        if (value := os.environ.get(variable)) is not None:
            return cls(_validate(value, variable))
        file = _find_credential(variable)
        return None if file is None else cls.from_file(file, variable)

    async def get(self) -> str:
        """Return the present secret, or the former one if the file cannot be looked at within READ_SECONDS."""
        if self._file is None:
            return self._value
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(asyncio.to_thread(self.read))
        await asyncio.wait([self._reading], timeout=READ_SECONDS)
        return self._value

    def read(self) -> str:
        """Return the present secret. Blocks."""
        if self._file is not None and (version := _find_version(self._file)) != self._version:
            time.sleep(SETTLE_SECONDS)
            if _find_version(self._file) == version:
                self._read_again(self._file)
                self._version = version
        return self._value

    def _read_again(self, file: Path) -> None:
        try:
            value = read_secret_file(file, self._setting)
            if self._check is not None:
                self._check(value)
        except ConfigError as err:
            if not self._has_warned:
                _LOG.warning("a changed secret cannot be used, the former one is kept", reason=str(err))
            self._has_warned = True
            return
        if value != self._value:
            _LOG.info("a secret has changed", setting=self._setting, file=str(file))
        self._value = value
        self._has_warned = False


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
        return _validate(content.decode("utf-8-sig"), f"{setting}: {path}")
    except UnicodeDecodeError as err:
        raise ConfigError(f"{setting}: {path} is not a text file") from err


def read_secret_variable(variable: str) -> str | None:
    """Return the present value of `Secret.from_variable`. Raises ConfigError."""
    secret = Secret.from_variable(variable)
    return None if secret is None else secret.read()


def _find_credential(variable: str) -> Path | None:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    name = variable.lower().replace("_", "-")
    return next((path for path in (Path(folder, name), Path(folder, f"rosie_{name}")) if path.is_file()), None)


def _find_version(file: Path) -> _Version | None:
    """Return what differs after each change of a file; None without one."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _validate(text: str, source: str) -> str:
    secret = text.strip()
    if not (secret and secret.isascii() and secret.isprintable()):
        raise ConfigError(f"{source} is empty or has characters that no token or key has")
    return secret


@cache
def _warn_world_readable(path: Path) -> None:
    _LOG.warning("all users of this machine can read a secret; run chmod o-r", file=str(path))
