"""Installed daemons as child processes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from wyoming.info import Info

from wyoming_rosie.protocol import client
from wyoming_rosie.runtime.child_processes import send_signal

READY_SECONDS = 60.0
CLIENTS = ("hub", "bridge")
"""Programs without an address of their own."""
STOP_SECONDS = 60.0


async def describe(uri: str) -> Info:
    """Return a daemon's info, however long a busy machine takes."""
    return await client.describe(uri, READY_SECONDS)


def command(name: str) -> str:
    """Return the path of an installed console script."""
    return str(Path(sys.executable).with_name(name))


class Daemon:
    """A running daemon: its address, its log so far, and its process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.uri = ""
        self.log: list[dict[str, Any]] = []
        self.was_killed = False
        self._reading = asyncio.create_task(self._read())
        self._ready = asyncio.Event()

    @classmethod
    async def start(
        cls, role: str, *arguments: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
    ) -> Self:
        given = [] if "--uri" in arguments or role in CLIENTS else ["--uri", "tcp://127.0.0.1:0"]
        process = await asyncio.create_subprocess_exec(
            *prefix,
            command(f"wyoming-rosie-{role}"),
            *given,
            *arguments,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )
        daemon = cls(process)
        try:
            async with asyncio.timeout(READY_SECONDS):
                await daemon._ready.wait()
        except TimeoutError:
            send_signal(process, signal.SIGKILL)
            raise AssertionError(f"{role} was not ready: {daemon.log}") from None
        assert daemon.uri or (role in CLIENTS and daemon._ready.is_set()), f"{role} ended: {daemon.log}"
        return daemon

    async def stop(self) -> int:
        """Stop the daemon as systemd does; return its exit status."""
        send_signal(self.process, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                status = await self.process.wait()
        except TimeoutError:
            send_signal(self.process, signal.SIGKILL)
            raise AssertionError("the daemon did not stop") from None
        await self._reading
        return status

    async def kill(self) -> None:
        """End the daemon as the kernel does when memory is short."""
        self.was_killed = True
        send_signal(self.process, signal.SIGKILL)
        await self.process.wait()

    async def wait_for_line(self, event: str, seconds: float = 60, **fields: Any) -> dict[str, Any]:
        """Return the first log line of this event with these fields."""
        async with asyncio.timeout(seconds):
            while True:
                for line in self.lines(event):
                    if fields.items() <= line.items():
                        return line
                await asyncio.sleep(0.02)

    def lines(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line.get("event") == event]

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"event": raw.decode(errors="replace").rstrip()}
            self.log.append(line)
            if line.get("event") == "ready":
                self.uri = line.get("uri", "")
                self._ready.set()
        self._ready.set()
