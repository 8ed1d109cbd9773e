"""PortAudio, shared by microphone and speaker: it has to close all streams before it sees a device that was plugged in."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from typing import Any

import structlog

from wyoming_rosie.audio.device_errors import DeviceError, describe_device_error
from wyoming_rosie.errors import ConfigError, EngineError
from wyoming_rosie.runtime.exit_status import start_exit_deadline
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.audio.devices import alsa

_LOG = structlog.get_logger()
REFRESH_SECONDS = 3.0
"""Shortest interval between two refreshes of the devices."""
STUCK_SECONDS = 30.0
"""Opening a USB device takes a second or two; a sound server that hangs never answers."""
CHECK_SECONDS = 2.0
ALTERNATIVES = "or use --mic and --snd with wav:FILE, stdin and stdout, or --mic-command and --snd-command"


class DeviceKind(StrEnum):
    """Direction of a device; the values are the library's."""

    MICROPHONE = "input"
    SPEAKER = "output"


class PortAudio:
    """The library and its open streams. Its calls block, so they belong on a worker thread."""

    def __init__(self, library: Any, now: Callable[[], float] = time.monotonic) -> None:
        self.library = library
        self.refreshes = 0
        """Number of refreshes; each has ended the microphones' streams."""
        self._now = now
        self._next_refresh = 0.0
        self._lock = threading.Lock()
        self._call_began: float | None = None
        self._open: dict[Any, DeviceKind] = {}

    def open(self, kind: DeviceKind, name: str, make: Callable[[], Any]) -> Any:
        """Start the stream that `make` returns; after a failure, refresh the devices and retry. Raises DeviceError."""
        with self._native_call():
            try:
                return self._start_with_refresh(kind, make)
            except self._errors as err:
                called = "microphone" if kind is DeviceKind.MICROPHONE else "speaker"
                reason = describe_device_error(self.library, kind, name, err)
                raise DeviceError(f"cannot use the {called} '{name}': {reason}") from err

    def close(self, stream: Any) -> None:
        """Close a stream, unless it is closed."""
        with self._native_call():
            if self._open.pop(stream, None) is not None:
                stream.close()

    @property
    def call_seconds(self) -> float:
        """Seconds since the pending call that opens or closes a device started; 0 when there is none."""
        began = self._call_began
        return 0.0 if began is None else self._now() - began

    @contextmanager
    def _native_call(self) -> Iterator[None]:
        with self._lock:
            self._call_began = self._now()
            try:
                yield
            finally:
                self._call_began = None

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        return self.library.PortAudioError, ValueError

    def _start_with_refresh(self, kind: DeviceKind, make: Callable[[], Any]) -> Any:
        try:
            return self._start(kind, make)
        except self._errors:
            if not self._can_refresh():
                raise
        self._refresh_devices()
        return self._start(kind, make)

    def _start(self, kind: DeviceKind, make: Callable[[], Any]) -> Any:
        stream = make()
        try:
            stream.start()
        except self._errors:
            stream.close()
            raise
        self._open[stream] = kind
        return stream

    def _can_refresh(self) -> bool:
        return DeviceKind.SPEAKER not in self._open.values() and self._now() >= self._next_refresh

    def _refresh_devices(self) -> None:
        self._next_refresh = self._now() + REFRESH_SECONDS
        self.refreshes += 1
        for stream in self._open:
            stream.close()
        self._open.clear()
        # sounddevice's own refresh closes standard error for a moment, which loses log lines
        native = self.library._lib  # noqa: SLF001
        native.Pa_Terminate()
        self.library._check(native.Pa_Initialize())  # noqa: SLF001
        alsa.unload_plugins()


@cache
def get_portaudio() -> PortAudio:
    """Return this process's PortAudio. Raises ConfigError when something has to be installed."""
    try:
        import sounddevice
    except ImportError as err:
        raise ConfigError(f"microphones and speakers need: {install_command(['satellite'])}; {ALTERNATIVES}") from err
    except OSError as err:  # the module is there, the native library is not
        raise ConfigError(
            f"microphones and speakers need the system library PortAudio: apt install libportaudio2; {ALTERNATIVES}"
        ) from err
    alsa.suppress_errors()
    alsa.unload_plugins()
    return PortAudio(sounddevice)


def loaded_portaudio() -> PortAudio | None:
    """Return this process's PortAudio, if a microphone or speaker uses it."""
    return get_portaudio() if get_portaudio.cache_info().currsize else None


async def watch_portaudio(portaudio: PortAudio, stuck_seconds: float = STUCK_SECONDS) -> None:
    """Never return, or raise EngineError for a call that hangs; the process then exits with a failure, even if the call never returns."""
    while (seconds := portaudio.call_seconds) < stuck_seconds:  # noqa: ASYNC110 - nothing happens when a call hangs
        await asyncio.sleep(min(CHECK_SECONDS, stuck_seconds / 2))
    _LOG.error("the sound system hangs: the satellite ends, to be started again", call_seconds=round(seconds))
    start_exit_deadline(EngineError.exit_status)
    raise EngineError("the sound system does not answer; start the satellite again")
