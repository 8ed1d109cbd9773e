"""The hub and all daemons of this machine in one terminal."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie.commands import processes
from wyoming_rosie.commands.processes import LogLine, Process
from wyoming_rosie.errors import RosieError
from wyoming_rosie.programs import BY_ROLE, DAEMONS, Program
from wyoming_rosie.service import stop_signal

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
_COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}
_UNSHOWN = frozenset({"event", "role", "level", "timestamp"})


async def up(
    *,
    config: Annotated[Path | None, Parameter(help="read this TOML file instead of the user's and the system's")] = None,
    home: Annotated[Path | None, Parameter(help="home file for asr and intent")] = None,
    satellite: Annotated[
        bool, Parameter(help="also run a satellite with this machine's microphone and speaker")
    ] = False,
    debug: Annotated[bool, Parameter(help="log more, including what people say")] = False,
) -> None:
    """Run the hub and all daemons in this terminal until Ctrl-C; what ends unexpectedly is started again.

    The hub conducts every satellite that it finds on the network, and this machine's own.
    """
    stop = stop_signal()
    console = Console()
    roles = [*DAEMONS, *([BY_ROLE["satellite"]] if satellite else []), BY_ROLE["hub"]]
    async with AsyncExitStack() as stack:
        kept = [
            asyncio.create_task(_keep_running(one, _arguments(one.role, config, home, debug), console)) for one in roles
        ]
        stack.push_async_callback(_end, kept)
        console.print("Ctrl-C ends all.", style="dim")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped, *kept], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in kept:
            if task.done():
                task.result()


def _arguments(role: str, config: Path | None, home: Path | None, debug: bool) -> list[str]:
    arguments = ["--config", str(config)] if config else []
    arguments += ["--debug"] if debug else []
    if home and role in ("asr", "intent"):
        arguments += ["--home", str(home)]
    if role == "hub":
        arguments += ["--adopt-all", "--satellite", f"tcp://127.0.0.1:{BY_ROLE['satellite'].port}"]
    return arguments


async def _keep_running(program: Program, arguments: list[str], console: Console) -> None:
    """Run a program again and again. Raises EngineError when it cannot even start once."""
    pause = FIRST_PAUSE_SECONDS
    started_once = False
    while True:
        process = await processes.start(
            program.role, *arguments, on_line=lambda line: _show(console, program.role, line)
        )
        try:
            await _ready(process, started_once)
            started_once = True
            await process.ended.wait()
        finally:
            await process.stop()
        console.print(f"{program.role:<10}ended; starting again in {pause:g} s", style="red")
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _ready(process: Process, started_once: bool) -> None:
    try:
        await process.ready()
    except RosieError:
        if not started_once:
            raise


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _show(console: Console, role: str, line: LogLine) -> None:
    fields = " ".join(f"{key}={_plain(value)}" for key, value in line.items() if key not in _UNSHOWN)
    style = _COLOURS.get(str(line.get("level")), "")
    console.print(f"{role:<10}{line.get('event', '')} {fields}".rstrip(), style=style, markup=False, highlight=False)


def _plain(value: Any) -> str:
    return str(value).replace("\n", "\n" + " " * 10)
