"""Errors of sounddevice as text, with similar names for a device that does not exist."""

from typing import Any

from wyoming_rosie.errors import RosieError
from wyoming_rosie.text.suggestions import describe_unknown_name

LIST_COMMAND = "wyoming-rosie devices"
_TITLES = {"input": "microphone", "output": "speaker"}


def describe_device_error(library: Any, direction: str, name: str | None, error: Exception) -> str:
    """Return an error of sounddevice on one line; for an unknown name, with the closest names of its devices."""
    text = " ".join(str(error).split())
    if name is None or not text.startswith(f"No {direction} device matching"):
        return text
    names = [device["name"] for device in library.query_devices() if device[f"max_{direction}_channels"]]
    return describe_unknown_name(_TITLES[direction], name, names, LIST_COMMAND)


class DeviceError(RosieError):
    """A device cannot be used, or has failed."""

    code = "device"
