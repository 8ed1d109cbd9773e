"""TOML files, read with errors for the operator."""

import tomllib
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError


def read(path: Path, kind: str) -> dict[str, Any]:
    """Return the file's tables; `kind` names it in errors: "home file". Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as err:
        raise ConfigError(f"cannot read the {kind} {path}: {err.strerror}") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise ConfigError(f"the {kind} {path} is not valid TOML: {err}") from err
