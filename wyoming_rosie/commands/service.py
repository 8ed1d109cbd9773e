"""`wyoming-rosie service`: user units of systemd for an installation without apt."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from wyoming_rosie.commands.processes import find_command
from wyoming_rosie.errors import ConfigError, UsageError
from wyoming_rosie.programs import BY_ROLE

SYSTEMCTL_SECONDS = 60.0
Roles = Annotated[str, Parameter(help="programs, such as satellite, or asr intent tts hub")]
Start = Annotated[bool, Parameter(name="--start", help="only write the units with --no-start", negative="--no-start")]
service = App(name="service", help="Units of systemd for your user, where wyoming-rosie was installed by pip or pipx.")


@service.command
async def install(*roles: Roles, start: Start = True) -> None:
    """Write a unit for each program, and start it now and at each login.

    Settings come from the configuration file; check them before with `wyoming-rosie config check`.
    """
    console = Console(soft_wrap=True, highlight=False)
    units = {_unit_path(role): _create_unit(role) for role in _check_roles(roles)}
    for path, text in units.items():
        await asyncio.to_thread(_write, path, text)
        console.print(f"wrote {path}", markup=False)
    if start:
        await _systemctl("daemon-reload")
        await _systemctl("enable", "--now", *(path.name for path in units))
        console.print("started; to have them run before anybody logs in: loginctl enable-linger", markup=False)


@service.command
async def remove(*roles: Roles) -> None:
    """Stop the programs and remove their units; settings and data stay."""
    console = Console(soft_wrap=True, highlight=False)
    paths = [_unit_path(role) for role in _check_roles(roles)]
    there = [path for path in paths if path.is_file()]
    if not there:
        raise ConfigError(f"there is no unit {paths[0]}; nothing was removed")
    try:
        await _systemctl("disable", "--now", *(path.name for path in there))
    except ConfigError as err:  # the units go all the same
        console.print(f"not stopped: {err}", markup=False)
    for path in there:
        await asyncio.to_thread(path.unlink)
        console.print(f"removed {path}", markup=False)
    with suppress(ConfigError):
        await _systemctl("daemon-reload")


def _check_roles(roles: Sequence[str]) -> Sequence[str]:
    if not roles:
        raise UsageError(f"name the programs; there are: {', '.join(BY_ROLE)}")
    for role in roles:
        if role not in BY_ROLE:
            raise UsageError(f"there is no program '{role}'; there are: {', '.join(BY_ROLE)}")
    return roles


def _unit_path(role: str) -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "systemd" / "user" / f"{BY_ROLE[role].command}.service"


def _create_unit(role: str) -> str:
    """Return a unit that runs the command of this installation. Raises ConfigError if it is not installed."""
    lines = (
        "# Written by wyoming-rosie service install.",
        "[Unit]",
        f"Description=wyoming-rosie: {role}",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=notify",
        f'ExecStart="{find_command(role)}"',
        "Restart=always",
        "RestartSec=2",
        "RestartPreventExitStatus=2",
        "WatchdogSec=60",
        "TimeoutStopSec=40",
        "Environment=ORT_DISABLE_TELEMETRY=1",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    )
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def _systemctl(*words: str) -> None:
    """Run systemctl for the user's units. Raises ConfigError with its last line."""
    if shutil.which("systemctl") is None:
        raise ConfigError("systemd is not here: start the programs in another way, such as wyoming-rosie up")
    process = await asyncio.create_subprocess_exec(
        "systemctl", "--user", *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SYSTEMCTL_SECONDS):
        _, said = await process.communicate()
    if process.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:] or [f"status {process.returncode}"]
        raise ConfigError(f"systemctl --user {words[0]}: {last[0]}")
