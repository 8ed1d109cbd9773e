"""Errors of the buses."""

from wyoming_rosie.errors import RosieError


class BusError(RosieError):
    """A broker cannot be reached, or did not confirm in time; try again."""

    code = "bus"


class BacklogFullError(BusError):
    """A stream has as many entries as it may have: the producer must wait."""

    code = "backlog-full"


class BadMessageError(RosieError):
    """A message is not valid; trying again cannot help."""

    code = "bad-message"
