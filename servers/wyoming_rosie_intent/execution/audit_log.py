"""Audit log of refused actions and of actions on dangerous targets; it never contains what was said."""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import structlog

_LOG = structlog.get_logger()
MAX_FILE_SIZE = 1_000_000
"""Bytes; a larger file is rotated to FILE.1, which replaces the previous one."""
MAX_QUEUED = 256
_MAX_TEXT_LENGTH = 128
_OWNER_ONLY = 0o600


class AuditOutcome(StrEnum):
    REFUSED = "refused"
    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"
    UNASKED = "unasked"  # not executed: its confirmation was never requested


@dataclass(frozen=True)
class AuditEntry:
    """One action. The caller is the client that asked for it; the hub names those that it speaks for."""

    intent: str
    entities: tuple[str, ...]
    outcome: AuditOutcome
    room: str | None = None
    speaker: str | None = None
    turn: str | None = None
    caller: str | None = None


class AuditLog:
    """A file of JSON lines, written while `run` runs."""

    def __init__(self, path: Path, clock: Callable[[], datetime], largest: int = MAX_FILE_SIZE) -> None:
        self._path = path
        self._clock = clock
        self._largest = largest
        self._queue: asyncio.Queue[str] = asyncio.Queue(MAX_QUEUED)

    def write(self, entry: AuditEntry) -> None:
        """Queue an entry; a full queue drops its oldest one, which is logged."""
        if self._queue.full():
            _LOG.warning("audit entry dropped", lost=self._queue.get_nowait())
        self._queue.put_nowait(_format_line(entry, self._clock()))

    async def run(self) -> None:
        """Write entries until cancelled, then the remaining ones."""
        try:
            while True:
                await self._write_lines([await self._queue.get(), *self._drain()])
        finally:
            await self._write_lines(self._drain())

    def _drain(self) -> list[str]:
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]

    async def _write_lines(self, lines: Sequence[str]) -> None:
        try:
            if lines:
                await asyncio.to_thread(self._append, "".join(lines))
        except OSError as err:
            _LOG.error("audit log not written", problem=f"cannot write {self._path}: {err.strerror}", lost=lines)

    def _append(self, text: str) -> None:
        if self._path.exists() and self._path.stat().st_size + len(text) > self._largest:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        opened = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, _OWNER_ONLY)
        with os.fdopen(opened, "a", encoding="utf-8") as file:
            os.fchmod(opened, _OWNER_ONLY)
            file.write(text)


def _format_line(entry: AuditEntry, when: datetime) -> str:
    named = {"turn": entry.turn, "room": entry.room, "speaker": entry.speaker, "caller": entry.caller}
    named |= {"intent": entry.intent}
    short = {key: value[:_MAX_TEXT_LENGTH] if value else None for key, value in named.items()}
    whole = {"when": when.isoformat(), **short, "entities": entry.entities, "outcome": entry.outcome}
    return json.dumps(whole) + "\n"
