"""`wyoming-rosie up`: the hub and all daemons of this machine in one terminal."""

import asyncio
import math
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter
from rich.console import Console

from wyoming_rosie import config
from wyoming_rosie.commands import processes
from wyoming_rosie.commands.launch_plan import (
    LaunchPlan,
    UpOptions,
    bridge_arguments,
    create_plan,
    find_page_problem,
    hub_arguments,
    page_address,
)
from wyoming_rosie.commands.processes import LogLine
from wyoming_rosie.errors import ConfigError, EngineError, RosieError
from wyoming_rosie.models import piper
from wyoming_rosie.protocol import network_interfaces
from wyoming_rosie.protocol.server import stop_signal
from wyoming_rosie.runtime import extras
from wyoming_rosie.runtime.backoff import Backoff

MAX_PAUSE_SECONDS = 30.0
STABLE_SECONDS = 60.0
"""Run time after which the pause before a restart is reset."""
_COLORS = {"warning": "yellow", "error": "red", "critical": "red"}
_DEFAULTS = UpOptions()
_HIDDEN_KEYS = frozenset({"event", "role", "level", "timestamp"})


_ClientArguments: TypeAlias = Callable[[Mapping[str, str]], list[str]]
"""Returns a program's arguments, given the addresses of the running ones by role."""


async def up(*, options: Annotated[UpOptions, Parameter(name="*")] = _DEFAULTS) -> None:
    """Run the hub and all daemons in this terminal until Ctrl-C; restart each one that ends unexpectedly.

    Each daemon listens at the address in its settings, where the hub connects to it. A program that cannot start is
    left out, with the reason. The hub conducts this machine's satellite and every satellite that it finds on the network.
    The table [up] of the configuration file holds these options as well.
    """
    get_setting = partial(config.read_setting, file=options.config)
    missing, names = await asyncio.gather(asyncio.to_thread(extras.missing_packages), asyncio.to_thread(_local_names))
    folder = Path(get_setting("tts", "data_dir") or config.data_folder())
    voices = [voice.name for voice in await asyncio.to_thread(piper.installed, folder) if voice.is_complete]
    plan = create_plan(options, get_setting, missing, names, voices)
    clients: dict[str, _ClientArguments] = {}
    if "hub" not in options.without:
        problem = await asyncio.to_thread(find_page_problem, page_address(get_setting), missing)
        clients["hub"] = partial(hub_arguments, options, get_setting, problem is None)
        if problem:
            plan.left_out["page"] = problem
    if "bridge" in options.with_ and "bridge" not in plan.left_out:
        clients["bridge"] = partial(bridge_arguments, options, get_setting)
    servers = _LocalServers(plan, clients)
    stop = stop_signal()
    running = asyncio.create_task(servers.run())
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
    """The programs of this terminal."""

    plan: LaunchPlan
    clients: Mapping[str, _ClientArguments]
    """Programs that start after the others, because they connect to them."""
    console: Console = field(default_factory=lambda: Console(soft_wrap=True, highlight=False))

    async def run(self) -> None:
        """Keep all programs running until cancelled. Raises ConfigError; EngineError if none of them can start."""
        self.console.print("Ctrl-C stops all.", style="dim")
        for role, reason in self.plan.left_out.items():
            self._print_status(role, f"left out: {reason}")
        missing = [
            "web" if role == "page" else role
            for role, reason in self.plan.left_out.items()
            if reason.startswith("not installed")
        ]
        if missing:
            self.console.print(f"To install what is missing: {extras.install_command(missing)}", markup=False)
        if self.plan.hint:
            self.console.print(self.plan.hint, style="dim", markup=False)
        async with AsyncExitStack() as stack:
            started = await self._start_all(self.plan.start, stack)
            uris = {server.role: server.uri for server in started}
            started += await self._start_all({role: create(uris) for role, create in self.clients.items()}, stack)
            if not started:
                raise EngineError("nothing can run here; the reasons are above")
            self._print_status("up", f"running: {', '.join(server.role for server in started)}")
            await asyncio.Event().wait()

    async def _start_all(self, arguments: Mapping[str, list[str]], stack: AsyncExitStack) -> "list[_SupervisedServer]":
        """Start programs concurrently, given their arguments by role; return those that have started."""
        servers = [
            _SupervisedServer(role, program_arguments, self._print_status, self._print_log_line)
            for role, program_arguments in arguments.items()
        ]
        tasks = [asyncio.create_task(server.run()) for server in servers]
        stack.push_async_callback(_cancel_tasks, tasks)
        await asyncio.gather(*(server.first_start.wait() for server in servers))
        return [server for server in servers if server.has_started]

    def _print_status(self, role: str, text: str, style: str = "yellow") -> None:
        self.console.print(f"{role:<10}{text}", style=style, markup=False)

    def _print_log_line(self, role: str, line: LogLine) -> None:
        fields = " ".join(f"{key}={_indent_lines(value)}" for key, value in line.items() if key not in _HIDDEN_KEYS)
        style = _COLORS.get(str(line.get("level")), "")
        self.console.print(f"{role:<10}{line.get('event', '')} {fields}".rstrip(), style=style, markup=False)


@dataclass
class _SupervisedServer:
    """A program that is restarted, with growing pauses, when it ends; if its first start fails, it is left out."""

    role: str
    arguments: list[str]
    print_status: Callable[[str, str], None]
    print_log_line: Callable[[str, LogLine], None]
    uri: str = ""
    has_started: bool = False
    first_start: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first start has succeeded or failed."""

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
            self.print_status(self.role, f"{reason}; restarting in {math.ceil(pause)} s")
            await asyncio.sleep(pause)

    async def _run_once(self) -> str:
        """Run the program until it ends; return the reason."""
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
