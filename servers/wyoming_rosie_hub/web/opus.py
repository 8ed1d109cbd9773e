"""Opus: the codec of a page's sound, by PyAV."""

from fractions import Fraction
from typing import Literal

import av
from av import AudioFrame, AudioResampler, Packet
from av.audio.codeccontext import AudioCodecContext

from wyoming_rosie.audio.formats import SPEECH, AudioFormat
from wyoming_rosie.errors import BadEventError
from wyoming_rosie_hub.web.stream_messages import OPUS, OPUS_FRAME_BYTES

BITS_PER_SECOND = 32_000
"""Speech of full bandwidth without audible loss (RFC 7587, section 3.1.1, recommends 28 to 40 kbit/s)."""
_LAYOUTS = {1: "mono", 2: "stereo"}


class OpusDecoder:
    """Decodes a page's packets to the input format of all engines."""

    def __init__(self) -> None:
        self._codec = _open_codec("r")
        self._resampler = AudioResampler("s16", "mono", SPEECH.rate)

    def decode(self, packet: bytes) -> bytes:
        """Return the PCM of a packet, of which the resampler keeps a millisecond. Raises BadEventError."""
        try:
            frames = self._codec.decode(Packet(packet))
        except ValueError as err:  # FFmpeg's errors are some
            raise BadEventError("this is no Opus packet") from err
        return b"".join(pcm_of(part) for frame in frames for part in self._resampler.resample(frame))


class OpusEncoder:
    """Encodes frames of OPUS_FRAME_SECONDS in the format OPUS."""

    def __init__(self) -> None:
        self._codec = _open_codec("w")
        self._codec.bit_rate = BITS_PER_SECOND
        self._codec.time_base = Fraction(1, OPUS.rate)
        self._codec.options = {"application": "voip"}
        self._at = 0

    def encode(self, pcm: bytes) -> bytes:
        """Return the packet of OPUS_FRAME_BYTES of PCM; missing bytes are silence."""
        frame = frame_of(pcm.ljust(OPUS_FRAME_BYTES, b"\0"), OPUS)
        frame.pts = self._at
        self._at += frame.samples
        return b"".join(map(bytes, self._codec.encode(frame)))


class OpusInput:
    """Converts the PCM of an answer to the format OPUS."""

    def __init__(self, source: AudioFormat) -> None:
        self._source = source
        self._resampler = AudioResampler("s16", "mono", OPUS.rate)

    def convert(self, pcm: bytes) -> bytes:
        """Return what is ready of whole frames."""
        whole = pcm[: len(pcm) - len(pcm) % self._source.frame_bytes]
        if self._source == OPUS or not whole:
            return whole
        return b"".join(map(pcm_of, self._resampler.resample(frame_of(whole, self._source))))

    def finish(self) -> bytes:
        """Return the rest that the resampler kept."""
        return b"" if self._source == OPUS else b"".join(map(pcm_of, self._resampler.resample(None)))


def can_encode(audio: AudioFormat) -> bool:
    """Return whether an answer of this format can be sent as Opus; all voices that we know can."""
    return audio.width == OPUS.width and audio.channels in _LAYOUTS


def frame_of(pcm: bytes, audio: AudioFormat) -> AudioFrame:
    """Return PCM of a format that can be encoded as a frame of PyAV."""
    frame = AudioFrame("s16", _LAYOUTS[audio.channels], len(pcm) // audio.frame_bytes)
    frame.sample_rate = audio.rate
    frame.planes[0].update(pcm)
    return frame


def pcm_of(frame: AudioFrame) -> bytes:
    """Return the samples of a packed frame, without the padding of its buffer."""
    return bytes(frame.planes[0])[: frame.samples * frame.format.bytes * len(frame.layout.channels)]


def _open_codec(mode: Literal["r", "w"]) -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", mode)
    codec.sample_rate = OPUS.rate
    codec.layout = "mono"
    codec.format = "s16"
    return codec
