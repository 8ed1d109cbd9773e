"""Runs programs of the operator's for what happens, outside of everything that has to do with sound."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import TypeAlias

import structlog
from wyoming.event import Event

from wyoming_rosie_satellite.audio.commands import words_of

_LOG = structlog.get_logger()
MOST_AT_ONCE = 4
MOST_WAITING = 64
LONGEST_SECONDS = 30.0
KILL_SECONDS = 1.0
STDERR = 2
"""What programs print goes there: standard output may be the speaker."""
STARTUP = "startup"
EVENT_OF = {
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
"""The event for which the program of each flag `--NAME-command` runs; STARTUP has none."""
_TOLD = {
    "detection": "name",
    "transcript": "text",
    "synthesize": "text",
    "error": "text",
    "timer-cancelled": "id",
    "timer-finished": "id",
}
_TOLD_ALL = frozenset({"timer-started", "timer-updated"})
Command: TypeAlias = list[str]


class EventCommands:
    """The program for each flag's name, such as `detection` or `startup`; raises ConfigError for what is none.

    A few run at the same time, each for a limited time; what happens while too many wait runs nothing.
    """

    def __init__(self, commands: Mapping[str, str], longest_seconds: float = LONGEST_SECONDS) -> None:
        words = {name: words_of(f"--{name}-command", line) for name, line in commands.items()}
        self.skipped = 0
        self._startup = words.pop(STARTUP, None)
        self._commands = {EVENT_OF[name]: command for name, command in words.items()}
        self._waiting: asyncio.Queue[tuple[Command, str]] = asyncio.Queue(MOST_WAITING)
        self._longest_seconds = longest_seconds

    def saw(self, event: Event) -> None:
        if event.type in self._commands:
            self._begin(self._commands[event.type], told(event))

    async def run(self) -> None:
        """Run the startup command, then one after the other until cancelled, which ends those that run."""
        startup, self._startup = self._startup, None
        if startup is not None:
            self._begin(startup, "")
        async with asyncio.TaskGroup() as tasks:
            for _ in range(MOST_AT_ONCE):
                tasks.create_task(self._run_all())

    def _begin(self, command: Command, text: str) -> None:
        try:
            self._waiting.put_nowait((command, text))
        except asyncio.QueueFull:
            self.skipped += 1
            if self.skipped == 1:
                _LOG.warning("commands take too long; some are not run", command=command[0], waiting=MOST_WAITING)

    async def _run_all(self) -> None:
        while True:
            command, text = await self._waiting.get()
            try:
                await _run(command, text, self._longest_seconds)
            except OSError as err:
                _LOG.warning("command failed", command=command[0], reason=err.strerror)


def lines(settings: object) -> dict[str, str]:
    """Return the command line of each name for which the settings have one."""
    found = {name: getattr(settings, f"{name.replace('-', '_')}_command") for name in (STARTUP, *EVENT_OF)}
    return {name: line for name, line in found.items() if line is not None}


def told(event: Event) -> str:
    """Return what a command reads on its standard input: a text, a name or JSON, as wyoming-satellite has it."""
    if event.type in _TOLD_ALL:
        return json.dumps(event.data, ensure_ascii=False)
    return str(event.data.get(_TOLD.get(event.type, "")) or "")


async def _run(command: Command, text: str, seconds: float) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=STDERR, process_group=0
    )
    try:
        async with asyncio.timeout(seconds):
            await process.communicate(text.encode(errors="replace"))
    except TimeoutError:
        _LOG.warning("command was ended: it took too long", command=command[0], seconds=seconds)
        return
    finally:
        await _end(process)
    if process.returncode:
        _LOG.warning("command failed", command=command[0], status=process.returncode)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command that has not ended, and what it has started."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(KILL_SECONDS):
            await process.wait()
