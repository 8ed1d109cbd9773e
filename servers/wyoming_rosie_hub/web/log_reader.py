"""Log reader: the hub's own last lines, or those of all programs of this machine where the journal can be read."""

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from wyoming_rosie.logging import LogLine, RecentLines, parse_line
from wyoming_rosie.runtime.fields import parse_number
from wyoming_rosie_hub.web.house import LogExcerpt

JOURNAL_SECONDS = 3.0
UNITS = "wyoming-rosie-*"
DEBUG_PRIORITY = 7
PRIORITIES = ("critical", "critical", "critical", "error", "warning", "info", "info")
"""Levels by syslog's priorities (RFC 5424)."""


async def read_log(recent: RecentLines, limit: int, program: str | None) -> LogExcerpt:
    """Return the last lines, the oldest first; of one program if it is named."""
    journal = await _read_journal(limit, program)
    if journal is not None and any(journal):
        return LogExcerpt(journal, "journal")
    lines = [line for line in recent.after(0) if program in (None, line.program)]
    return LogExcerpt(tuple(lines[-limit:]), "hub")


async def _read_journal(limit: int, program: str | None) -> tuple[LogLine, ...] | None:
    """Return the lines of the units of this machine; None where there is no journal that this user may read."""
    command = await asyncio.to_thread(shutil.which, "journalctl")
    if command is None:
        return None
    unit = UNITS if program is None else f"wyoming-rosie-{program}.service"
    flags = (f"--unit={unit}", f"--lines={limit}", "--output=json", "--no-pager", "--quiet")
    process = await asyncio.create_subprocess_exec(
        command, *flags, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(JOURNAL_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return tuple(parse_journal(output.decode(errors="replace"))) if process.returncode == 0 else None


def parse_journal(output: str) -> Iterator[LogLine]:
    """Yield the lines of journalctl's JSON; those of the level debug, which tell what people say, are left out."""
    for text in output.splitlines():
        entry = _parse_object(text)
        line = None if entry is None else _parse_entry(entry)
        if line is not None:
            yield line


def _parse_entry(entry: Mapping[str, Any]) -> LogLine | None:
    message, unit = str(entry.get("MESSAGE", "")), str(entry.get("_SYSTEMD_UNIT") or entry.get("UNIT") or "")
    at = (parse_number(_to_number(entry.get("__REALTIME_TIMESTAMP"))) or 0.0) / 1e6
    priority = parse_number(_to_number(entry.get("PRIORITY")))
    fields = _parse_object(message)
    if fields is None:
        level = PRIORITIES[int(priority)] if priority is not None and 0 <= priority < DEBUG_PRIORITY else "info"
        program = unit.removeprefix("wyoming-rosie-").removesuffix(".service")
        fields = {"level": level, "event": message, "role": program}
        return None if priority == DEBUG_PRIORITY else parse_line(fields, at)
    return None if fields.get("level") == "debug" else parse_line(fields, at)


def _parse_object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _to_number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() else value
