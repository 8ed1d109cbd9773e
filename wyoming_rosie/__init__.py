"""Shared library of the wyoming-rosie programs, and the `wyoming-rosie` command."""

from wyoming_rosie.runtime import without_rich as without_rich  # before anything imports structlog

__version__ = "0.1.0"
