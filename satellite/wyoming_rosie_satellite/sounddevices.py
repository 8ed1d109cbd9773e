"""Microphones and speakers of the machine, through PortAudio."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import structlog

from wyoming_rosie.audio import AudioFormat, Converter
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.workers import ThreadWorker
from wyoming_rosie_satellite.errors import DeviceError

_LOG = structlog.get_logger()
DEFAULT = "default"
FRAME_SECONDS = 0.02
FRAMES_WAITING = 100
LONGEST_GAP_SECONDS = 5.0
WITHOUT = "or use --mic and --snd with wav:FILE, stdin and stdout, or --mic-command and --snd-command"


def library() -> Any:
    """Return the sounddevice module. Raises ConfigError, which says what to install and what works without."""
    try:
        import sounddevice
    except ImportError as err:
        raise ConfigError(f"microphones and speakers need: pip install 'wyoming-rosie[satellite]'; {WITHOUT}") from err
    except OSError as err:  # the module is there, the native library is not
        raise ConfigError(
            f"microphones and speakers need the system library PortAudio: apt install libportaudio2; {WITHOUT}"
        ) from err
    return sounddevice


class DeviceMicrophone:
    """A microphone by a part of its name, or `default`; in a format of its own when it does not offer the wanted one."""

    def __init__(self, sounddevice: Any, name: str, wanted: AudioFormat) -> None:
        self.format = wanted
        self._wanted = wanted
        self._sounddevice = sounddevice
        self._name = name
        self._dropped = 0

    async def frames(self) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[bytes] = asyncio.Queue(FRAMES_WAITING)

        def keep(pcm: Any, *_: object) -> None:  # on PortAudio's thread
            loop.call_soon_threadsafe(self._put, heard, bytes(pcm))

        worker = ThreadWorker("microphone")
        stream = None
        try:
            stream = await worker.run(self._open, keep)
            while True:
                async with asyncio.timeout(LONGEST_GAP_SECONDS):
                    frame = await heard.get()
                yield frame
        except TimeoutError as err:
            raise DeviceError(f"the microphone '{self._name}' gives no sound; is it still plugged in?") from err
        finally:
            if stream is not None:
                await worker.run(stream.close)
            worker.close()

    def _open(self, keep: Any) -> Any:
        try:
            self.format = _offered(self._sounddevice, self._name, self._wanted, "input")
            stream = self._sounddevice.RawInputStream(
                **_how(self._name, self.format), blocksize=round(self.format.rate * FRAME_SECONDS), callback=keep
            )
            stream.start()
        except (self._sounddevice.PortAudioError, ValueError) as err:
            raise DeviceError(f"cannot use the microphone '{self._name}': {err}") from err
        return stream

    def _put(self, heard: asyncio.Queue[bytes], pcm: bytes) -> None:
        if heard.full():
            heard.get_nowait()
            self._dropped += 1
            if self._dropped == 1:
                _LOG.warning("microphone audio is lost", reason="this machine is too busy")
        heard.put_nowait(pcm)


class DeviceSpeaker:
    """A speaker by a part of its name, or `default`."""

    def __init__(self, sounddevice: Any, name: str, audio: AudioFormat) -> None:
        self.format = audio
        self._sounddevice = sounddevice
        self._name = name
        self._worker = ThreadWorker("speaker")
        self._stream: Any = None
        self._converter: Converter | None = None

    async def play(self, pcm: bytes) -> None:
        await self._worker.run(self._play, pcm)

    async def drain(self) -> None:
        await self._worker.run(self._end, "stop")  # PortAudio waits for the last sample

    async def silence(self) -> None:
        await self._worker.run(self._end, "abort")

    async def close(self) -> None:
        await self.silence()
        self._worker.close()

    def _play(self, pcm: bytes) -> None:
        try:
            if self._stream is None:
                self._open()
            assert self._converter is not None
            self._stream.write(self._converter.convert(pcm))
        except (self._sounddevice.PortAudioError, ValueError) as err:
            self._stream = None
            raise DeviceError(f"cannot use the speaker '{self._name}': {err}") from err

    def _open(self) -> None:
        offered = _offered(self._sounddevice, self._name, self.format, "output")
        self._converter = Converter(self.format, offered)
        self._stream = self._sounddevice.RawOutputStream(**_how(self._name, offered))
        self._stream.start()

    def _end(self, way: str) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            if way == "stop" and self._converter is not None:
                stream.write(self._converter.finish())
            getattr(stream, way)()
            stream.close()
        except self._sounddevice.PortAudioError as err:
            raise DeviceError(f"the speaker '{self._name}' failed: {err}") from err


def _offered(sounddevice: Any, name: str, wanted: AudioFormat, kind: str) -> AudioFormat:
    """Return the wanted format if the device takes it, else the device's own."""
    check = sounddevice.check_input_settings if kind == "input" else sounddevice.check_output_settings
    try:
        check(**_how(name, wanted))
    except sounddevice.PortAudioError:
        about = sounddevice.query_devices(_device(name), kind)
        channels = min(wanted.channels, about[f"max_{kind}_channels"]) or 1
        return AudioFormat(int(about["default_samplerate"]), 2, channels)
    return AudioFormat(wanted.rate, 2, wanted.channels)


def _how(name: str, audio: AudioFormat) -> dict[str, Any]:
    return {"device": _device(name), "samplerate": audio.rate, "channels": audio.channels, "dtype": "int16"}


def _device(name: str) -> str | None:
    return None if name == DEFAULT else name
