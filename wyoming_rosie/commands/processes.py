"""The suite's programs as child processes."""

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from wyoming_rosie.errors import ConfigError, EngineError, UsageError
from wyoming_rosie.programs import BY_ROLE
from wyoming_rosie.runtime import child_processes
from wyoming_rosie.runtime.child_processes import send_signal
from wyoming_rosie.runtime.extras import install_command

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
LogLine: TypeAlias = dict[str, Any]


def _ignore(_: LogLine) -> None:
    """Discard a log line."""


class ServerProcess:
    """A running program. `uri` is set once it is ready; `on_line` is called with each log line."""

    def __init__(self, role: str, child: asyncio.subprocess.Process, on_line: Callable[[LogLine], None]) -> None:
        self.role = role
        self.uri = ""
        self.ended = asyncio.Event()
        self._child = child
        self._on_line = on_line
        self._ready = asyncio.Event()
        self._last = ""
        self._reading = asyncio.create_task(self._read_log())

    async def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until the program is ready. Raises EngineError or UsageError with its last log line if it fails."""
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError as err:
            raise EngineError(f"{BY_ROLE[self.role].command} was not ready after {seconds:g} s: {self._last}") from err
        if self.ended.is_set():
            status = await self._child.wait()
            error = UsageError if status == UsageError.exit_status else EngineError
            raise error(self._last or f"{BY_ROLE[self.role].command} ended at once")

    async def stop(self) -> int:
        """Stop the program as systemd does, by SIGTERM and later SIGKILL; return its exit status."""
        send_signal(self._child, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._child.wait()
        except TimeoutError:
            send_signal(self._child, signal.SIGKILL)
        await self._reading
        return await self._child.wait()

    async def _read_log(self) -> None:
        assert self._child.stderr is not None
        async for raw in self._child.stderr:
            line = _parse_log_line(raw)
            self._last = str(line.get("event", ""))
            if line.get("event") == "ready":
                self.uri = str(line.get("uri", ""))
                self._ready.set()
            with suppress(OSError):  # the terminal is closed, but the program must still stop in order
                self._on_line(line)
        self.ended.set()
        self._ready.set()


async def start_server(role: str, *arguments: str, on_line: Callable[[LogLine], None] = _ignore) -> ServerProcess:
    """Start a program of the suite. Raises ConfigError when it is not installed."""
    child = await asyncio.create_subprocess_exec(
        find_command(role),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=child_processes.child_environment(),
        start_new_session=True,  # Ctrl-C reaches only this process, which stops the others in order
    )
    return ServerProcess(role, child, on_line)


@asynccontextmanager
async def run_server(
    role: str, *arguments: str, on_line: Callable[[LogLine], None] = _ignore
) -> AsyncIterator[ServerProcess]:
    """Run a program during the block, on a free port unless `arguments` have --uri. Raises ConfigError, EngineError."""
    uri = () if "--uri" in arguments or BY_ROLE[role].port is None else ("--uri", "tcp://127.0.0.1:0")
    process = await start_server(role, *uri, *arguments, on_line=on_line)
    try:
        await process.wait_until_ready()
        yield process
    finally:
        await process.stop()


def find_command(role: str) -> str:
    """Return the path of a program's command. Raises ConfigError when it is not installed."""
    command = BY_ROLE[role].command
    sibling = Path(sys.executable).with_name(command)
    found = str(sibling) if sibling.is_file() else shutil.which(command)
    if found is None:
        raise ConfigError(f"{command} is not installed; run: {install_command([role])}")
    return found


def _parse_log_line(raw: bytes) -> LogLine:
    try:
        line = json.loads(raw)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"event": raw.decode(errors="replace").rstrip()}
