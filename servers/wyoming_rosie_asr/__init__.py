"""Speech to text over the Wyoming protocol."""

from wyoming_rosie.runtime import without_rich as without_rich  # before this package imports structlog
