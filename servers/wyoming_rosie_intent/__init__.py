"""The intent daemon: recognizes intents and executes them, or hands them to the conductor."""

from wyoming_rosie.runtime import without_rich as without_rich  # before this package imports structlog
