"""Wait for a child daemon that downloads its model, with the progress from its log."""

import asyncio
from typing import Any

from wyoming.event import Event

from wyoming_rosie.commands.conformance.info import get_models
from wyoming_rosie.commands.processes import LogLine
from wyoming_rosie.commands.progress import MEGABYTE, ProgressCallback, show_progress
from wyoming_rosie.errors import EngineError
from wyoming_rosie.models import background_fetch
from wyoming_rosie.protocol.client import fetch_info

POLL_SECONDS = 0.5
"""Pause between two requests for the daemon's info."""


class ModelFetchMonitor:
    """Progress of a daemon's download, from its log."""

    def __init__(self) -> None:
        self._step: LogLine = {}
        self._problem = ""
        self._failure: LogLine | None = None
        self._changed = asyncio.Event()

    def on_log_line(self, line: LogLine) -> None:
        """Record a line of the log."""
        match line.get("event"):
            case background_fetch.PROGRESS_EVENT:
                self._step, self._problem = line, ""
            case background_fetch.STALLED_EVENT:
                self._step, self._problem = {**self._step, "file": line.get("file")}, str(line.get("reason", ""))
            case background_fetch.FAILED_EVENT:
                self._failure = line
            case _:
                return
        self._changed.set()

    async def wait_until_installed(self, uri: str, role: str) -> None:
        """Wait until all models of the daemon are installed; after a failed download, any of them is enough.

        Raises EngineError when a download fails and there is no model.
        """
        with show_progress() as show:
            while not all(installed := _list_installed(role, await fetch_info(uri, role=role))):
                if self._failure is not None:
                    if any(installed):
                        return
                    raise EngineError(str(self._failure.get("reason", "the model could not be fetched")))
                self._show(show)
                await self._wait_for_change()

    def _show(self, show: ProgressCallback) -> None:
        mb, of_mb = self._step.get("mb", 0), self._step.get("of_mb")
        name = str(self._step.get("file") or "the model")
        show(name, MEGABYTE * int(mb), MEGABYTE * int(of_mb) if of_mb else None, self._problem)

    async def _wait_for_change(self) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return


def _list_installed(role: str, info: Event) -> list[bool]:
    offered: list[dict[str, Any]] = get_models(role, info.data)
    return [bool(item.get("installed")) for item in offered]
