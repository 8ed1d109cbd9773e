"""`wyoming-rosie config check`: read the settings of every installed program, as it would at its start."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from wyoming_rosie import config as settings
from wyoming_rosie.commands.processes import find_command
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.programs import PROGRAMS, Program

CHECK_SECONDS = 60.0
config = App(name="config", help="Settings of the programs: check them before a restart.")


@dataclass(frozen=True)
class SettingsResult:
    """What a program says about its settings; no problem is an empty text."""

    role: str
    problem: str
    is_installed: bool = True


@config.command
async def check(
    *, config: Annotated[Path | None, Parameter(help="this file instead of the user's and the system's")] = None
) -> None:
    """Check the configuration file, the environment and each program's table; change nothing and start nothing.

    Run it before `systemctl restart`: what is wrong is one line with the file and the key.
    """
    files = [config] if config else [path for path in (settings.user_file(), settings.SYSTEM_FILE) if path.is_file()]
    for file in files:
        await asyncio.to_thread(settings.load_tables, file)
    results = await asyncio.gather(*(_check_program(program, config) for program in PROGRAMS))
    console = Console(soft_wrap=True, highlight=False)
    for result in results:
        state = "not installed" if not result.is_installed else result.problem or "ok"
        console.print(f"{result.role:<11}{state}", markup=False)
    console.print(f"files: {', '.join(map(str, files)) or 'none, so that the defaults hold'}", markup=False)
    wrong = [result.role for result in results if result.problem]
    if wrong:
        raise ConfigError(f"the settings of {', '.join(wrong)} are wrong; running programs keep theirs until a restart")


async def _check_program(program: Program, file: Path | None) -> SettingsResult:
    try:
        command = find_command(program.role)
    except ConfigError:
        return SettingsResult(program.role, "", is_installed=False)
    flags = ("--config", str(file)) if file else ()
    process = await asyncio.create_subprocess_exec(
        command, settings.CHECK_FLAG, *flags, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={**os.environ},
    )  # fmt: skip
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        return SettingsResult(program.role, f"it has not read them within {CHECK_SECONDS:g} s")
    problem = said.decode(errors="replace").strip().splitlines()
    last = problem[-1].removeprefix(f"{program.command}: ") if problem else f"it ended with status {process.returncode}"
    return SettingsResult(program.role, last if process.returncode else "")
