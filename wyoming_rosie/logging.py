"""Log configuration: readable lines on a terminal, JSON elsewhere, always on stderr."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


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
