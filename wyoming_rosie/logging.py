"""Log configuration: readable lines on a terminal, JSON elsewhere, always on stderr."""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO, cast

import structlog

MAX_RECENT_LINES = 500
MAX_DETAIL_CHARACTERS = 500
_DEBUG = "debug"
_FIELDS = frozenset({"level", "event", "timestamp", "exc_info"})


@dataclass(frozen=True)
class LogLine:
    """One line of a program's log; `at` is in seconds since the epoch."""

    at: float
    level: str
    program: str
    event: str
    details: dict[str, Any]


class RecentLines:
    """The last lines of this process, in memory. Those of the level debug, which tell what people say, are not kept."""

    def __init__(self, maximum: int = MAX_RECENT_LINES) -> None:
        self._lines = deque[LogLine](maxlen=maximum)
        self._lock = threading.Lock()
        self.count = 0  # of all lines so far

    def __call__(self, _logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Keep a line, as one of structlog's processors."""
        if line.get("level") != _DEBUG:
            with self._lock:
                self._lines.append(parse_line(line, time.time()))
                self.count += 1
        return line

    def after(self, count: int) -> Sequence[LogLine]:
        """Return the lines that came after the first `count`, as far as they are kept."""
        with self._lock:
            kept = list(self._lines)
            return kept[max(0, len(kept) - (self.count - count)) :]


def parse_line(line: MutableMapping[str, Any], at: float) -> LogLine:
    """Return a line of structlog's fields; long details are cut."""
    details = {key: _shorten(value) for key, value in line.items() if key not in _FIELDS and key != "role"}
    event, level = _shorten(line.get("event", "")), str(line.get("level", "info"))
    return LogLine(at, level, str(line.get("role", "")), str(event), details)


def _shorten(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:MAX_DETAIL_CHARACTERS]


recent_lines = RecentLines()
"""The last lines of this process."""


def configure(role: str, debug: bool = False, *, only_warnings: bool = False) -> None:
    """Log to stderr; each line has the program's role and, within a turn, its `turn_id`.

    Commands that print results of their own log only warnings.
    """
    level = logging.DEBUG if debug else logging.WARNING if only_warnings else logging.INFO
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("zeroconf").setLevel(logging.ERROR)  # a network that is away is no reason for tracebacks
    structlog.contextvars.bind_contextvars(role=role)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            recent_lines,
            *_renderers(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _SafeStream(sys.stderr))),
        cache_logger_on_first_use=True,
    )


class _SafeStream:
    """A stream whose write errors are ignored, so that a closed stderr ends no daemon."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream  # None when the program was started without standard error

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.flush()


def _renderers() -> list[structlog.typing.Processor]:
    if sys.stderr is not None and sys.stderr.isatty():
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
