"""Wake word detection over the Wyoming protocol, in many streams at once."""

from wyoming_rosie.runtime import without_rich as without_rich  # before this package imports structlog
