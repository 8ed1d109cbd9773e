"""The hub and all daemons of this machine in one terminal."""

import asyncio
import math
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie import config as settings
from wyoming_rosie.commands import processes
from wyoming_rosie.commands.launch_plan import LaunchPlan, UpOptions, create_plan, hub_arguments
from wyoming_rosie.commands.processes import LogLine
from wyoming_rosie.errors import ConfigError, EngineError, RosieError
from wyoming_rosie.protocol import network_interfaces
from wyoming_rosie.protocol.server import stop_signal
from wyoming_rosie.runtime import extras
from wyoming_rosie.runtime.backoff import Backoff

MAX_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 60.0
"""A program that ran for so long has begun well: the next pause is a first one again."""
_COLOURS = {"warning": "yellow", "error": "red", "critical": "red"}
_HIDDEN_KEYS = frozenset({"event", "role", "level", "timestamp"})


async def up(
    *,
    config: Annotated[Path | None, Parameter(help="read this TOML file instead of the user's and the system's")] = None,
    home: Annotated[Path | None, Parameter(help="home file for asr and intent")] = None,
    satellite: Annotated[
        bool, Parameter(help="also run a satellite with this machine's microphone and speaker")
    ] = False,
    without: Annotated[
        tuple[Literal["wake", "vad", "asr", "intent", "tts", "hub"], ...],
        Parameter(help="leave this program out; may be given again"),
    ] = (),
    debug: Annotated[bool, Parameter(help="log more, including what people say")] = False,
) -> None:
    """Run the hub and all daemons in this terminal until Ctrl-C; what ends unexpectedly is started again.

    Each listens where its settings say, and the hub asks it there. What cannot begin is left out, with the reason. The
    hub conducts every satellite that it finds on the network, and this machine's own.
    """
    wish = UpOptions(config, home, satellite, without, debug)
    given = partial(settings.read_setting, file=config)
    lacking, names = await asyncio.gather(asyncio.to_thread(extras.missing_packages), asyncio.to_thread(_local_names))
    house = _LocalServers(
        create_plan(wish, given, lacking, names), lambda uris: hub_arguments(wish, given, uris), "hub" not in without
    )
    stop = stop_signal()
    running = asyncio.create_task(house.run())
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopped, running], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        for task in (stopped, running):
            task.cancel()
        await asyncio.wait([stopped, running])


@dataclass
class _LocalServers:
    """The programs that run in this terminal."""

    plan: LaunchPlan
    for_hub: Callable[[dict[str, str]], list[str]]
    has_hub: bool
    console: Console = field(default_factory=lambda: Console(soft_wrap=True, highlight=False))

    async def run(self) -> None:
        """Keep all programs running until cancelled. Raises ConfigError, EngineError when not one of them can begin."""
        self.console.print("Ctrl-C ends all.", style="dim")
        for role, reason in self.plan.left_out.items():
            self._print_status(role, f"left out: {reason}")
        missing = [role for role, reason in self.plan.left_out.items() if reason.startswith("not installed")]
        if missing:
            self.console.print(f"To get what is not installed: {extras.install_command(missing)}", markup=False)
        async with AsyncExitStack() as stack:
            kept = [
                _SupervisedServer(role, arguments, self._print_status, self._print_log_line)
                for role, arguments in self.plan.start.items()
            ]
            begun = await self._start_all(kept, stack)
            uris = {one.role: one.uri for one in begun}
            if self.has_hub:
                begun += await self._start_all(
                    [_SupervisedServer("hub", self.for_hub(uris), self._print_status, self._print_log_line)], stack
                )
            if not begun:
                raise EngineError("nothing of it can run here; the reasons are above")
            self._print_status("up", f"running: {', '.join(one.role for one in begun)}")
            await asyncio.Event().wait()

    async def _start_all(self, programs: "list[_SupervisedServer]", stack: AsyncExitStack) -> "list[_SupervisedServer]":
        """Start programs, all at once; return those that have begun."""
        tasks = [asyncio.create_task(one.run()) for one in programs]
        stack.push_async_callback(_cancel_tasks, tasks)
        await asyncio.gather(*(one.first_start.wait() for one in programs))
        return [one for one in programs if one.has_started]

    def _print_status(self, role: str, text: str, style: str = "yellow") -> None:
        self.console.print(f"{role:<10}{text}", style=style, markup=False)

    def _print_log_line(self, role: str, line: LogLine) -> None:
        fields = " ".join(f"{key}={_indent_lines(value)}" for key, value in line.items() if key not in _HIDDEN_KEYS)
        style = _COLOURS.get(str(line.get("level")), "")
        self.console.print(f"{role:<10}{line.get('event', '')} {fields}".rstrip(), style=style, markup=False)


@dataclass
class _SupervisedServer:
    """One program, which is started again when it ends; one that has never begun is given up."""

    role: str
    arguments: list[str]
    print_status: Callable[[str, str], None]
    print_log_line: Callable[[str, LogLine], None]
    uri: str = ""
    has_started: bool = False
    first_start: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has begun, or cannot."""

    async def run(self) -> None:
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            reason = await self._run_once()
            if not self.has_started:
                self.print_status(self.role, f"left out: {reason}")
                self.first_start.set()
                return
            if loop.time() - began >= STABLE_SECONDS:
                backoff.reset()
            pause = backoff.next_pause()
            self.print_status(self.role, f"{reason}; starting again in {math.ceil(pause)} s")
            await asyncio.sleep(pause)

    async def _run_once(self) -> str:
        """Run the program until it ends; return why it has."""
        try:
            process = await processes.start_server(
                self.role, *self.arguments, on_line=partial(self.print_log_line, self.role)
            )
        except ConfigError as err:
            return str(err)
        try:
            await process.wait_until_ready()
            self.uri, self.has_started = process.uri, True
            self.first_start.set()
            await process.ended.wait()
        except RosieError as err:
            return str(err)
        finally:
            status = await process.stop()
        return f"ended with status {status}"


async def _cancel_tasks(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _local_names() -> frozenset[str]:
    host = socket.gethostname()
    return frozenset({host, f"{host.partition('.')[0]}.local", *network_interfaces.local_addresses()})


def _indent_lines(value: Any) -> str:
    return str(value).replace("\n", "\n" + " " * 10)
