"""ALSA's plugins: PortAudio tries them all to see which devices there are, and one of them brings video codecs."""

import ctypes
from contextlib import suppress


def unload() -> None:
    """Let go of those that no open device needs, some 11 MB; ALSA loads them again when one does."""
    with suppress(OSError, AttributeError):  # not installed, or too old to do so
        ctypes.CDLL("libasound.so.2").snd_config_update_free_global()
