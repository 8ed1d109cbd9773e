"""ALSA and JACK: keep them off standard error, and unload ALSA's plugins after PortAudio has tried them all."""

import ctypes
from contextlib import suppress

ALSA = "libasound.so.2"
ERROR_HANDLER_SETTERS = {
    ALSA: ("snd_lib_error_set_handler",),
    "libjack.so.0": ("jack_set_error_function", "jack_set_info_function"),
}


def suppress_errors() -> None:
    """Stop the libraries from writing to standard error about devices that the machine does not have.

    Errors that matter are returned by the calls.
    """
    ignore = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)  # a C function that uses none of its arguments
    for name, setters in ERROR_HANDLER_SETTERS.items():
        with suppress(OSError, AttributeError):  # not installed, or too old
            library = ctypes.CDLL(name)
            for setter in setters:
                getattr(library, setter)(ignore)


def unload_plugins() -> None:
    """Unload the plugins that no open device needs, some 11 MB; one brings video codecs. ALSA loads them again on demand."""
    with suppress(OSError, AttributeError):  # not installed, or too old
        ctypes.CDLL(ALSA).snd_config_update_free_global()
