"""From a microphone's own sound to what the satellite hears."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie_satellite.audio import channels
from wyoming_rosie_satellite.audio.devices.microphones import FRAME_SECONDS, Microphone
from wyoming_rosie_satellite.audio.processing import ProcessFrame


class MicrophonePipeline:
    """Hears another microphone as 16 kHz 16-bit mono in frames of 20 ms: some of its channels, or all, mixed and cleaned."""

    format = SPEECH

    def __init__(self, source: Microphone, chosen: Sequence[int] = (), cleaners: Sequence[ProcessFrame] = ()) -> None:
        self._source = source
        self._channels = chosen
        self._processors = cleaners

    async def frames(self) -> AsyncGenerator[bytes, None]:
        listening: _FrameConverter | None = None
        async with aclosing(self._source.frames()) as frames:
            async for raw in frames:
                listening = listening or _FrameConverter(self._source.format, self._channels)
                for frame in listening.convert(raw):
                    yield self._process(frame)

    def _process(self, frame: bytes) -> bytes:
        for clean in self._processors:
            frame = clean(frame)
        return frame


class _FrameConverter:
    """One stream of a microphone, until it is gone."""

    def __init__(self, audio: AudioFormat, chosen: Sequence[int]) -> None:
        channels.check_channels(audio, chosen)
        self._format = audio
        self._channels = chosen
        self._converter = Converter(AudioFormat(audio.rate, audio.width, len(chosen) or audio.channels), SPEECH)
        self._rest = b""

    def convert(self, raw: bytes) -> list[bytes]:
        """Return the frames that are whole now."""
        wanted = channels.select_channels(raw, self._format, self._channels) if self._channels else raw
        pcm = self._rest + self._converter.convert(wanted)
        step = SPEECH.bytes_in(FRAME_SECONDS)
        whole = len(pcm) - len(pcm) % step
        self._rest = pcm[whole:]
        return [pcm[start : start + step] for start in range(0, whole, step)]
