"""MCP configuration: the servers and tools that a model may use, from a TOML file.

[weather]
url = "http://127.0.0.1:8000/mcp"
tools = ["get_forecast"]

[notes]
command = ["notes-server", "--folder", "/home/me/notes"]
tools = ["search_notes"]
environment = ["NOTES_KEY"]
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime import toml_file

CALL_SECONDS = 10.0
_TEXTS = frozenset({"command", "tools", "environment"})


@dataclass(frozen=True)
class McpServer:
    """A server that is started (`command`) or connected over HTTP (`url`), and its allowed tools."""

    name: str
    tools: tuple[str, ...]
    command: tuple[str, ...] = ()
    url: str = ""
    environment: tuple[str, ...] = ()  # variables that a command gets besides HOME, PATH and the like
    key_variable: str = ""  # name of the variable with the bearer token for a URL
    seconds: float = CALL_SECONDS  # for one call

    @property
    def key(self) -> str | None:
        return os.environ.get(self.key_variable) if self.key_variable else None


def load(path: Path) -> tuple[McpServer, ...]:
    """Read one table for each server. Raises ConfigError, which names the file and the table."""
    document = toml_file.read(path, "file of MCP servers")
    return tuple(_parse_server(name, table, f"{path}: [{name}]") for name, table in document.items())


def _parse_server(name: str, table: object, location: str) -> McpServer:
    if not isinstance(table, dict):
        raise ConfigError(f"{location} must be a table")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name):
        raise ConfigError(f"{location}: a server's name has up to 20 letters, digits, _ and -")
    known = {field.name for field in fields(McpServer)} - {"name"}
    for key in sorted(table.keys() - known):
        raise ConfigError(f"{location} has an unknown key '{key}'; there are: {', '.join(sorted(known))}")
    server = McpServer(
        name, **{"tools": (), **{key: _parse_value(key, value, location) for key, value in table.items()}}
    )
    _validate(server, location)
    return server


def _parse_value(key: str, value: object, location: str) -> Any:
    if key in _TEXTS:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(f"{location}: '{key}' must be a list of texts")
        return tuple(value)
    if key == "seconds":
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 60:
            raise ConfigError(f"{location}: 'seconds' must be a number up to 60")
        return float(value)
    if not isinstance(value, str):
        raise ConfigError(f"{location}: '{key}' must be a text")
    return value


def _validate(server: McpServer, location: str) -> None:
    if bool(server.command) == bool(server.url):
        raise ConfigError(f"{location} needs either 'command' or 'url'")
    if not server.tools:
        raise ConfigError(f'{location}: name the tools that are allowed: tools = ["..."]')
    if server.url and not server.url.startswith(("http://", "https://")):
        raise ConfigError(f"{location}: 'url' must begin with http:// or https://")
    for variable in filter(None, (*server.environment, server.key_variable)):
        if variable not in os.environ:
            raise ConfigError(f"{location}: the environment variable {variable} is not set")


def read_variables(server: McpServer) -> Mapping[str, str]:
    """Return the additional environment variables of a server's command."""
    return {variable: os.environ[variable] for variable in server.environment}
