"""Settings of every program that is installed here, and the editors of their tables in the configuration file."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wyoming_rosie import config
from wyoming_rosie.errors import RosieError
from wyoming_rosie.programs import BY_ROLE, PROGRAMS
from wyoming_rosie_hub.web.config_editor import ConfigEditor
from wyoming_rosie_hub.web.house import ConfigChange, ConfigDocument

HUB = "hub"


class UnknownProgramError(RosieError):
    """No program of that name is installed here."""

    code = "program"


@dataclass
class LiveConfig:
    """The settings that the hub runs with, and the editor of their file; `apply` takes over what can change."""

    editor: ConfigEditor
    settings: Any
    apply: Callable[[Any], None]


@dataclass
class ProgramSettings:
    """The hub's settings, and those of the other programs, which take a change at their next start.

    `arguments` are those with which a program reads the hub's file.
    """

    hub: LiveConfig
    arguments: Sequence[str] = ()
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def describe(self, program: str) -> ConfigDocument:
        """Return the settings of a program. Raises ConfigError, UnknownProgramError."""
        if program == HUB:
            return self.hub.editor.describe(self.hub.settings)
        editor = await asyncio.to_thread(self._create_editor, program)
        return await asyncio.to_thread(lambda: editor.describe(editor.read()))

    async def change(self, program: str, changes: Mapping[str, Any]) -> ConfigChange:
        """Write the changes and apply what can change at once, one request at a time. Raises ConfigError."""
        async with self._lock:
            if program == HUB:
                change, self.hub.settings = await asyncio.to_thread(self.hub.editor.change, changes, self.hub.settings)
                self.hub.apply(self.hub.settings)
                return change
            return await asyncio.to_thread(self._change, program, changes)

    def _change(self, program: str, changes: Mapping[str, Any]) -> ConfigChange:
        editor = self._create_editor(program)
        return editor.change(changes, editor.read())[0]

    def _create_editor(self, program: str) -> ConfigEditor:
        kind = find_settings_class(program)

        def read() -> Any:
            return config.read(program, kind, self.arguments)

        return ConfigEditor(program, kind, self.hub.editor.file, frozenset(), read, lambda _: None)


@cache
def installed_programs() -> tuple[str, ...]:
    """Return the programs that are installed here."""
    return tuple(program.role for program in PROGRAMS if find_spec(program.package) is not None)


@cache
def find_settings_class(program: str) -> type[Any]:
    """Return the class of a program's settings; imports the program, not its engines. Raises UnknownProgramError."""
    if program not in installed_programs():
        there_are = ", ".join(installed_programs())
        raise UnknownProgramError(f"no program '{program}' is installed here; there are: {there_are}")
    module = import_module(f"{BY_ROLE[program].package}.__main__")
    name = f"{program.capitalize()}Config"
    kind: type[Any] = getattr(module, name)
    return kind


def arguments_of(file: Path | None) -> tuple[str, ...]:
    """Return the arguments with which another program reads the same file as the hub."""
    return () if file is None else ("--config", str(file))
