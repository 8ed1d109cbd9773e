"""Keeps ALSA and JACK from writing to standard error: they complain about each device that a machine does not have."""

import ctypes
from contextlib import suppress

SETTERS = {
    "libasound.so.2": ("snd_lib_error_set_handler",),
    "libjack.so.0": ("jack_set_error_function", "jack_set_info_function"),
}


def silence() -> None:
    """Let them say nothing from now on; what matters comes back as an error."""
    nothing = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)  # a C function that uses none of its arguments
    for library, setters in SETTERS.items():
        with suppress(OSError, AttributeError):  # not installed, or too old to be told
            loaded = ctypes.CDLL(library)
            for setter in setters:
                getattr(loaded, setter)(nothing)
