"""Log lines by a format of Python's logging, as wyoming-satellite writes them."""

import logging
from typing import Any

import structlog

from wyoming_rosie.errors import ConfigError

FLAG = "--log-format"
JSON = "json"
NAME = "wyoming_rosie_satellite"


def configure(form: str) -> None:
    """Write log lines in a format such as '%(levelname)s:%(name)s:%(message)s', or as `json`. Raises ConfigError."""
    before = structlog.get_config()["processors"][:-1]  # the last one writes the line
    others = [processor for processor in before if processor is not structlog.processors.format_exc_info]
    render = structlog.processors.JSONRenderer(ensure_ascii=False) if form == JSON else create_renderer(form)
    structlog.configure(processors=[*others, structlog.processors.format_exc_info, render])


def create_renderer(form: str) -> structlog.typing.Processor:
    """Return a structlog renderer that writes an event and its keys in this format. Raises ConfigError."""
    try:
        formatter = logging.Formatter(form)
        formatter.format(_log_record("info", "a try"))
    except (ValueError, KeyError, TypeError) as err:
        raise ConfigError(
            f"{FLAG} must be a format of Python's logging, such as '%(levelname)s:%(name)s:%(message)s', or {JSON}"
        ) from err

    def render(_logger: Any, _method: str, event: structlog.typing.EventDict) -> str:
        known = dict(event)
        level, exception = str(known.pop("level", "info")), known.pop("exception", None)
        known.pop("timestamp", None)
        words = [str(known.pop("event", "")), *(f"{key}={value}" for key, value in known.items())]
        line = formatter.format(_log_record(level, " ".join(words)))
        return line if exception is None else f"{line}\n{exception}"

    return render


def _log_record(level: str, message: str) -> logging.LogRecord:
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    return logging.LogRecord(NAME, number, __file__, 0, message, None, None)
