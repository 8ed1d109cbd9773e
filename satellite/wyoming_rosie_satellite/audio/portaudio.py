"""PortAudio, which microphone and speaker share: to see a device that was plugged in it has to let go of all of them."""

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.audio import alsa_errors, alsa_plugins
from wyoming_rosie_satellite.audio.errors import DeviceError

LOOK_SECONDS = 3.0
"""New devices are looked for no more often."""
WITHOUT = "or use --mic and --snd with wav:FILE, stdin and stdout, or --mic-command and --snd-command"


class Kind(StrEnum):
    """What a device is for; the names are the library's."""

    MICROPHONE = "input"
    SPEAKER = "output"


class PortAudio:
    """The library and its open streams. Calls may take long, so they belong on a worker's thread."""

    def __init__(self, library: Any, now: Callable[[], float] = time.monotonic) -> None:
        self.library = library
        self.looked = 0
        """So many times new devices were looked for, which has ended the microphones' streams."""
        self._now = now
        self._next_look = 0.0
        self._lock = threading.Lock()
        self._open: dict[Any, Kind] = {}

    def open(self, kind: Kind, name: str, make: Callable[[], Any]) -> Any:
        """Start the stream that `make` returns, looking for new devices if that fails at first. Raises DeviceError."""
        with self._lock:
            try:
                return self._started_after_a_look(kind, make)
            except self._errors as err:
                called = "microphone" if kind is Kind.MICROPHONE else "speaker"
                raise DeviceError(f"cannot use the {called} '{name}': {' '.join(str(err).split())}") from err

    def close(self, stream: Any) -> None:
        """Close a stream, if that has not been done."""
        with self._lock:
            if self._open.pop(stream, None) is not None:
                stream.close()

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        return self.library.PortAudioError, ValueError

    def _started_after_a_look(self, kind: Kind, make: Callable[[], Any]) -> Any:
        try:
            return self._started(kind, make)
        except self._errors:
            if not self._may_look():
                raise
        self._look()
        return self._started(kind, make)

    def _started(self, kind: Kind, make: Callable[[], Any]) -> Any:
        stream = make()
        try:
            stream.start()
        except self._errors:
            stream.close()
            raise
        self._open[stream] = kind
        return stream

    def _may_look(self) -> bool:
        return Kind.SPEAKER not in self._open.values() and self._now() >= self._next_look

    def _look(self) -> None:
        self._next_look = self._now() + LOOK_SECONDS
        self.looked += 1
        for stream in self._open:
            stream.close()
        self._open.clear()
        # sounddevice's own way closes standard error for a moment, and what is logged then is lost
        native = self.library._lib  # noqa: SLF001
        native.Pa_Terminate()
        self.library._check(native.Pa_Initialize())  # noqa: SLF001
        alsa_plugins.unload()


@cache
def shared() -> PortAudio:
    """Return the one PortAudio of this process. Raises ConfigError, which says what to install and what works without."""
    try:
        import sounddevice
    except ImportError as err:
        raise ConfigError(f"microphones and speakers need: {install_command(['satellite'])}; {WITHOUT}") from err
    except OSError as err:  # the module is there, the native library is not
        raise ConfigError(
            f"microphones and speakers need the system library PortAudio: apt install libportaudio2; {WITHOUT}"
        ) from err
    alsa_errors.silence()
    alsa_plugins.unload()
    return PortAudio(sounddevice)
