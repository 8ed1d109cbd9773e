"""The hub: a conductor, which runs turns between satellites and daemons in place of Home Assistant."""

from wyoming_rosie.runtime import without_rich as without_rich  # before this package imports structlog
