"""The box in the room: microphone, wake word, speaker."""

from wyoming_rosie.runtime import without_rich as without_rich  # before this package imports structlog
