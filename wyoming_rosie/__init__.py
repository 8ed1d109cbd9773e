"""Shared library of the wyoming-rosie programs, and the `wyoming-rosie` command."""

from wyoming_rosie import plain_tracebacks as plain_tracebacks  # before anything imports structlog

__version__ = "0.1.0"
