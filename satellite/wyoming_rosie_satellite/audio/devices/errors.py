"""What can go wrong with microphones and speakers."""

from wyoming_rosie.errors import RosieError


class DeviceError(RosieError):
    """A microphone or speaker is not there, or not any more."""

    code = "device"
