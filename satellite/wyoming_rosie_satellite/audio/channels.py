"""Channels of a microphone: select some of them."""

from collections.abc import Sequence

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie_satellite.audio.devices.errors import DeviceError


def select_channels(pcm: bytes, audio: AudioFormat, channels: Sequence[int]) -> bytes:
    """Return these channels of whole frames, in this order; the first is 0."""
    import numpy as np

    samples = np.frombuffer(pcm, np.uint8).reshape(-1, audio.channels, audio.width)
    return samples[:, list(channels)].tobytes()


def check_channels(audio: AudioFormat, channels: Sequence[int]) -> None:
    """Raise DeviceError when the microphone lacks one of these channels."""
    missing = [channel for channel in channels if channel not in range(audio.channels)]
    if missing:
        raise DeviceError(
            f"--mic-channel-index {missing[0]}: the microphone has {audio.channels} channels; "
            f"name one from 0 to {audio.channels - 1}, or give --mic-command-channels"
        )
