"""PortAudio devices: the machine's microphones and speakers."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from itertools import product
from typing import Any

import structlog

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie_satellite.audio.devices.portaudio import DeviceKind, PortAudio

_LOG = structlog.get_logger()
DEFAULT = "default"
USUAL_RATES = (48_000, 44_100, SPEECH.rate)
FRAME_SECONDS = 0.04
"""Each frame wakes three threads: 5 % of a core with 20 ms, 3 % with 40 ms."""
MAX_QUEUED_FRAMES = 50
FRAME_TIMEOUT_SECONDS = 5.0
WIDTH = 2
BUFFERED_SECONDS = 0.1
"""Latency of the speaker: a machine that is busy for this long causes no gap."""
FIRST_SILENCE_SECONDS = 0.04
"""The first samples of a new stream may be lost."""
LAST_SILENCE_SECONDS = 0.05
"""PortAudio drops buffered audio when a stream is stopped."""
ENDED = b""


class DeviceMicrophone:
    """A microphone by a part of its name, or `default`. `rate` (Hz) is its own by default.

    `true_rate` is the rate that it really delivers, if that differs.
    """

    def __init__(
        self, portaudio: PortAudio, name: str, channels: int = 1, rate: int | None = None, true_rate: int | None = None
    ) -> None:
        self.format = SPEECH
        self._portaudio = portaudio
        self._name = name
        self._channels = channels
        self._rate = rate
        self._true_rate = true_rate
        self._refreshes = 0
        self._dropped = 0

    async def frames(self) -> AsyncGenerator[bytes, None]:
        while True:
            async with aclosing(self._read_stream()) as frames:
                async for frame in frames:
                    yield frame
            if self._refreshes == self._portaudio.refreshes:
                raise DeviceError(f"the microphone '{self._name}' has stopped; is it still plugged in?")

    async def _read_stream(self) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[bytes] = asyncio.Queue(MAX_QUEUED_FRAMES)

        def enqueue(pcm: bytes) -> None:  # on PortAudio's thread
            loop.call_soon_threadsafe(self._enqueue, queue, pcm)

        worker = ThreadWorker("microphone")
        stream = None
        try:
            stream = await worker.run(self._open, enqueue)
            while frame := await _next_frame(queue, self._name):
                yield frame
        finally:
            if stream is not None:
                await worker.run(self._portaudio.close, stream)
            worker.close()

    def _open(self, keep: Callable[[bytes], None]) -> Any:
        stream = self._portaudio.open(DeviceKind.MICROPHONE, self._name, lambda: self._create_stream(keep))
        self._refreshes = self._portaudio.refreshes
        return stream

    def _create_stream(self, keep: Callable[[bytes], None]) -> Any:
        library = self._portaudio.library
        rates = (self._rate or default_rate(library, self._name, DeviceKind.MICROPHONE), *USUAL_RATES)
        device_format = _find_format(library, self._name, DeviceKind.MICROPHONE, rates, self._channels)
        self.format = AudioFormat(self._true_rate or device_format.rate, WIDTH, device_format.channels)
        return library.RawInputStream(
            **_stream_options(self._name, device_format),
            blocksize=round(self.format.rate * FRAME_SECONDS),
            callback=lambda pcm, *_: keep(bytes(pcm)),
            finished_callback=lambda: keep(ENDED),
        )

    def _enqueue(self, queue: asyncio.Queue[bytes], pcm: bytes) -> None:
        if queue.full():
            queue.get_nowait()
            self._dropped += 1
            if self._dropped == 1:
                _LOG.warning("microphone audio is dropped", reason="this machine is too busy")
        queue.put_nowait(pcm)


class DeviceSpeaker:
    """A speaker by a part of its name, or `default`. After a failure it is tried again with the next clip."""

    def __init__(self, portaudio: PortAudio, name: str, audio: AudioFormat) -> None:
        self.format = audio
        self._portaudio = portaudio
        self._name = name
        self._worker = ThreadWorker("speaker")
        self._stream: Any = None
        self._device_format = audio
        self._converter = Converter(audio, audio)
        self._failure: DeviceError | None = None

    async def play(self, pcm: bytes) -> None:
        await self._worker.run(self._play, pcm)

    async def drain(self) -> None:
        await self._worker.run(self._close_stream, "stop")

    async def stop(self) -> None:
        await self._worker.run(self._close_stream, "abort")

    async def close(self) -> None:
        await self.stop()
        self._worker.close()

    def _play(self, pcm: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            if self._stream is None:
                self._stream = self._portaudio.open(DeviceKind.SPEAKER, self._name, self._create_stream)
                self._write_silence(self._stream, FIRST_SILENCE_SECONDS)
            self._stream.write(self._converter.convert(pcm))
        except self._portaudio.library.PortAudioError as err:
            self._failure = DeviceError(f"the speaker '{self._name}' failed: {err}")
            raise self._failure from err
        except DeviceError as err:
            self._failure = err
            raise

    def _create_stream(self) -> Any:
        library = self._portaudio.library
        rates = (self.format.rate, default_rate(library, self._name, DeviceKind.SPEAKER), *USUAL_RATES)
        device_format = _find_format(library, self._name, DeviceKind.SPEAKER, rates, self.format.channels)
        self._device_format = device_format
        self._converter = Converter(self.format, device_format)
        return library.RawOutputStream(**_stream_options(self._name, device_format), latency=BUFFERED_SECONDS)

    def _close_stream(self, method: str) -> None:
        stream, self._stream = self._stream, None
        self._failure, failure = None, self._failure
        if stream is None:
            return
        try:
            if failure is None:
                self._finish_stream(stream, method)
        except self._portaudio.library.PortAudioError as err:
            raise DeviceError(f"the speaker '{self._name}' failed: {err}") from err
        finally:
            self._portaudio.close(stream)

    def _finish_stream(self, stream: Any, method: str) -> None:
        if method == "stop":
            stream.write(self._converter.finish())
            self._write_silence(stream, stream.latency + LAST_SILENCE_SECONDS)
        getattr(stream, method)()

    def _write_silence(self, stream: Any, seconds: float) -> None:
        stream.write(bytes(self._device_format.bytes_in(seconds)))


def default_rate(library: Any, name: str, kind: DeviceKind) -> int:
    """Return a device's default rate in Hz. Raises ValueError when no device has this name."""
    return int(library.query_devices(_device_argument(name), kind.value)["default_samplerate"])


async def _next_frame(queue: asyncio.Queue[bytes], name: str) -> bytes:
    try:
        async with asyncio.timeout(FRAME_TIMEOUT_SECONDS):
            return await queue.get()
    except TimeoutError as err:
        raise DeviceError(f"the microphone '{name}' delivers no audio; is it still plugged in?") from err


def _find_format(library: Any, name: str, kind: DeviceKind, rates: tuple[int, ...], channels: int) -> AudioFormat:
    """Return the first format that the device supports: with `channels`, or all of its own, in one of the rates."""
    check = library.check_input_settings if kind is DeviceKind.MICROPHONE else library.check_output_settings
    most: int = library.query_devices(_device_argument(name), kind.value)[f"max_{kind.value}_channels"]
    formats = [AudioFormat(rate, WIDTH, count) for count, rate in product((min(channels, most) or 1, most), rates)]
    for audio in formats[:-1]:
        try:
            check(**_stream_options(name, audio))
        except library.PortAudioError:
            continue
        return audio
    return formats[-1]  # opening the device will report the reason


def _stream_options(name: str, audio: AudioFormat) -> dict[str, Any]:
    return {"device": _device_argument(name), "samplerate": audio.rate, "channels": audio.channels, "dtype": "int16"}


def _device_argument(name: str) -> str | None:
    return None if name == DEFAULT else name
