"""Microphone pipeline: channel selection, conversion to 16 kHz mono, and audio processing."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from wyoming_rosie.audio.device_errors import DeviceError
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie_satellite.audio import microphone_pipeline
from wyoming_rosie_satellite.audio.devices.microphones import FRAME_SECONDS, Microphone
from wyoming_rosie_satellite.audio.processing import ProcessFrame


class MicrophonePipeline:
    """A microphone's selected channels, or all, as processed 16 kHz 16-bit mono in frames of 20 ms."""

    format = SPEECH

    def __init__(
        self, source: Microphone, selected: Sequence[int] = (), processors: Sequence[ProcessFrame] = ()
    ) -> None:
        self._source = source
        self._channels = selected
        self._processors = processors

    async def frames(self) -> AsyncGenerator[bytes, None]:
        converter: _FrameConverter | None = None
        async with aclosing(self._source.frames()) as frames:
            async for raw in frames:
                converter = converter or _FrameConverter(self._source.format, self._channels)
                for frame in converter.convert(raw):
                    yield self._process(frame)

    def _process(self, frame: bytes) -> bytes:
        for process in self._processors:
            frame = process(frame)
        return frame


class _FrameConverter:
    """Converts one stream of a microphone to frames. Raises DeviceError for a missing channel."""

    def __init__(self, audio: AudioFormat, selected: Sequence[int]) -> None:
        microphone_pipeline.check_channels(audio, selected)
        self._format = audio
        self._channels = selected
        self._converter = Converter(AudioFormat(audio.rate, audio.width, len(selected) or audio.channels), SPEECH)
        self._buffered = b""

    def convert(self, raw: bytes) -> list[bytes]:
        """Return the frames that are complete now."""
        selected = microphone_pipeline.select_channels(raw, self._format, self._channels) if self._channels else raw
        pcm = self._buffered + self._converter.convert(selected)
        step = SPEECH.bytes_in(FRAME_SECONDS)
        whole = len(pcm) - len(pcm) % step
        self._buffered = pcm[whole:]
        return [pcm[start : start + step] for start in range(0, whole, step)]


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
