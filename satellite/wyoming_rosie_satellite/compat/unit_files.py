"""Unit files: find the command that a systemd unit or a script starts."""

import re
import shlex
from collections.abc import Iterator

from wyoming_rosie.errors import ConfigError

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_PREFIXES = "-@:+!"
"""Prefixes that systemd allows before the program of ExecStart."""


def is_unit(text: str) -> bool:
    """Return whether a text is a unit and no command."""
    return re.search(r"^\s*(\[Service\]|ExecStart\s*=)", text, re.MULTILINE) is not None


def find_command(text: str, name: str) -> list[str]:
    """Return the arguments of the command that a unit or script starts. Raises ConfigError when it starts none."""
    lines = list(_join_lines(text))
    settings = [
        (key.strip(), value.strip())
        for key, equals, value in (candidate.partition("=") for candidate in lines)
        if equals
    ]
    if not is_unit(text):
        line = next((candidate for candidate in reversed(lines) if " --" in candidate), "")
    else:
        line = next((value for key, value in reversed(settings) if key == "ExecStart" and value), "").lstrip(_PREFIXES)
    if not line:
        raise ConfigError(
            f"{name} starts no program: a unit has a line ExecStart=..., with all flags of wyoming-satellite"
        )
    return _expand_variables(line, settings)


def _expand_variables(line: str, settings: list[tuple[str, str]]) -> list[str]:
    """Split a line into arguments, with the variables of the unit's Environment= lines expanded."""
    assignments = [word for key, value in settings if key == "Environment" for word in shlex.split(value)]
    variables = dict(word.split("=", 1) for word in assignments if "=" in word)

    def value(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[2], match[0])

    return [_VARIABLE.sub(value, word).replace("%%", "%") for word in shlex.split(line)]


def _join_lines(text: str) -> Iterator[str]:
    """Yield the lines without comments, each joined with its continuation lines."""
    command = ""
    for line in text.splitlines():
        if line.lstrip().startswith(("#", ";")):
            continue
        command += line.rstrip("\\") + " " if line.endswith("\\") else line
        if not line.endswith("\\"):
            yield command.strip()
            command = ""
    if command:
        yield command.strip()
