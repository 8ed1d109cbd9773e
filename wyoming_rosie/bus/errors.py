"""Errors of the buses."""

import asyncio

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


def raise_if_cancelled() -> None:
    """Raise CancelledError in a task that is cancelled: a client library may turn that into an error of its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
