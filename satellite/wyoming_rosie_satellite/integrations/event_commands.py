"""Event commands: run a command of the operator for each event of a type."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeAlias

import structlog
from wyoming.event import Event

from wyoming_rosie_satellite.subprocesses import split_command

_LOG = structlog.get_logger()
MAX_CONCURRENT = 4
MAX_QUEUED = 64
TIMEOUT_SECONDS = 30.0
KILL_TIMEOUT_SECONDS = 1.0
STDERR = 2
"""Standard output of the commands: ours may be the speaker."""
STARTUP = "startup"
EVENT_TYPES = {
    "detect": "detect",
    "detection": "detection",
    "transcript": "transcript",
    "stt-start": "voice-started",
    "stt-stop": "voice-stopped",
    "synthesize": "synthesize",
    "tts-start": "audio-start",
    "tts-stop": "audio-stop",
    "tts-played": "played",
    "streaming-start": "streaming-started",
    "streaming-stop": "streaming-stopped",
    "error": "error",
    "connected": "satellite-connected",
    "disconnected": "satellite-disconnected",
    "timer-started": "timer-started",
    "timer-updated": "timer-updated",
    "timer-cancelled": "timer-cancelled",
    "timer-finished": "timer-finished",
}
"""The event type for each flag `--NAME-command`; STARTUP has none."""
_STDIN_FIELDS = {
    "detection": "name",
    "transcript": "text",
    "synthesize": "text",
    "error": "text",
    "timer-cancelled": "id",
    "timer-finished": "id",
}
_STDIN_JSON = frozenset({"timer-started", "timer-updated"})
Command: TypeAlias = list[str]


class EventCommands:
    """Runs the command of each flag, such as `detection` or `startup`. Raises ConfigError for an invalid command line.

    Up to MAX_CONCURRENT run at a time, each with a timeout; events beyond MAX_QUEUED are skipped.
    """

    def __init__(self, commands: Mapping[str, str], longest_seconds: float = TIMEOUT_SECONDS) -> None:
        words = {name: split_command(f"--{name}-command", line) for name, line in commands.items()}
        self.skipped = 0
        self._startup = words.pop(STARTUP, None)
        self._commands = {EVENT_TYPES[name]: command for name, command in words.items()}
        self._queue: asyncio.Queue[tuple[Command, str]] = asyncio.Queue(MAX_QUEUED)
        self._longest_seconds = longest_seconds

    def on_event(self, event: Event) -> None:
        if event.type in self._commands:
            self._enqueue(self._commands[event.type], format_stdin(event))

    async def run(self) -> None:
        """Run the startup command, then the queued ones until cancelled, which kills those that run."""
        startup, self._startup = self._startup, None
        if startup is not None:
            self._enqueue(startup, "")
        async with asyncio.TaskGroup() as tasks:
            for _ in range(MAX_CONCURRENT):
                tasks.create_task(self._run_queue())

    def _enqueue(self, command: Command, text: str) -> None:
        try:
            self._queue.put_nowait((command, text))
        except asyncio.QueueFull:
            self.skipped += 1
            if self.skipped == 1:
                _LOG.warning("commands take too long; some are not run", command=command[0], waiting=MAX_QUEUED)

    async def _run_queue(self) -> None:
        while True:
            command, text = await self._queue.get()
            try:
                await _run_command(command, text, self._longest_seconds)
            except OSError as err:
                _LOG.warning("command failed", command=command[0], reason=err.strerror)


def find_command_lines(settings: object) -> dict[str, str]:
    """Return the command lines in the settings, by flag."""
    found = {name: getattr(settings, f"{name.replace('-', '_')}_command") for name in (STARTUP, *EVENT_TYPES)}
    return {name: line for name, line in found.items() if line is not None}


def format_stdin(event: Event) -> str:
    """Return a command's standard input: a text, a name or JSON, as wyoming-satellite writes it."""
    if event.type in _STDIN_JSON:
        return json.dumps(event.data, ensure_ascii=False)
    return str(event.data.get(_STDIN_FIELDS.get(event.type, "")) or "")


async def _run_command(command: Command, text: str, seconds: float) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=STDERR, process_group=0
    )
    try:
        async with asyncio.timeout(seconds):
            await process.communicate(text.encode(errors="replace"))
    except TimeoutError:
        _LOG.warning("command was killed: it took too long", command=command[0], seconds=seconds)
        return
    finally:
        await _kill_group(process)
    if process.returncode:
        _LOG.warning("command failed", command=command[0], status=process.returncode)


async def _kill_group(process: asyncio.subprocess.Process) -> None:
    """Kill a command that still runs, and its children."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(KILL_TIMEOUT_SECONDS):
            await process.wait()
