"""Errors of microphones and speakers."""

from wyoming_rosie.errors import RosieError


class DeviceError(RosieError):
    """A device cannot be used, or has failed."""

    code = "device"
