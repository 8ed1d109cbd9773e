"""Audio formats, and streaming conversion between them with soxr."""

import io
import os
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from wyoming.event import Event

from wyoming_rosie.errors import BadEventError, ConfigError, EngineError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Samples: TypeAlias = npt.NDArray[np.float32]  # frames x channels, -1 to 1


@dataclass(frozen=True)
class AudioFormat:
    """Format of PCM, signed little-endian: rate in Hz, width in bytes per sample, samples per frame."""

    rate: int
    width: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        return self.width * self.channels

    def seconds(self, pcm_bytes: int) -> float:
        return pcm_bytes / (self.frame_bytes * self.rate)

    def bytes_in(self, seconds: float) -> int:
        """Return the bytes of whole frames in `seconds`."""
        return round(seconds * self.rate) * self.frame_bytes


SPEECH = AudioFormat(rate=16_000, width=2, channels=1)
"""Input format of all engines."""

RATES = range(1_000, 384_001)
WIDTHS = range(1, 5)
CHANNELS = range(1, 33)
PIECE_SECONDS = 0.5
PIECE_BYTES = 65_536


def format_of(event: Event) -> AudioFormat:
    """Return the format in an audio-start or audio-chunk. Raises BadEventError."""
    return AudioFormat(
        _parse_int(event, "rate", RATES, "Hz"),
        _parse_int(event, "width", WIDTHS, "bytes"),
        _parse_int(event, "channels", CHANNELS, ""),
    )


def split_chunk(chunk: Event) -> Iterator[Event]:
    """Split an audio-chunk into chunks of at most PIECE_SECONDS and PIECE_BYTES.

    A payload within the limits of the wire may hold minutes of audio, which a conversion makes many times larger.
    A chunk with an invalid format is not split; `SpeechInput` refuses it.
    """
    pcm, size = chunk.payload or b"", _split_bytes(chunk)
    if len(pcm) <= size:
        yield chunk
        return
    for start in range(0, len(pcm), size):
        yield Event(chunk.type, chunk.data, pcm[start : start + size])


def _split_bytes(chunk: Event) -> int:
    try:
        audio = format_of(chunk)
    except BadEventError:
        return len(chunk.payload or b"")
    return min(round(PIECE_SECONDS * audio.rate), PIECE_BYTES // audio.frame_bytes) * audio.frame_bytes


def _format_fields(event: Event) -> tuple[object, object, object]:
    return event.data.get("rate"), event.data.get("width"), event.data.get("channels")


class Converter:
    """Converts a stream of PCM to another format. Several channels are mixed; a single one is copied to all.

    Equal formats pass unchanged and need neither numpy nor soxr.
    """

    def __init__(self, source: AudioFormat, target: AudioFormat) -> None:
        self._source = source
        self._target = target
        self._resample: Callable[[Any, bool], Samples] | None = None
        if source != target:
            self._resample = _create_resampler(source, target)

    def convert(self, pcm: bytes) -> bytes:
        """Convert whole frames; return the PCM that is ready, as the resampler buffers some. Raises BadEventError."""
        if len(pcm) % self._source.frame_bytes:
            raise BadEventError(
                f"{len(pcm)} bytes are not a whole number of {self._source.frame_bytes}-byte frames", "bad-audio"
            )
        return self._convert(pcm, last=False)

    def finish(self) -> bytes:
        """Return the buffered rest; the converter cannot be used again."""
        return self._convert(b"", last=True)

    def _convert(self, pcm: bytes, last: bool) -> bytes:
        if self._resample is None:
            return pcm
        samples = _to_samples(pcm, self._source)
        mixed = _mix_channels(samples, self._target.channels)
        return float_pcm(self._resample(mixed, last), self._target)


class SpeechInput:
    """Converts the audio-start, audio-chunk and audio-stop of a peer to `target`, 16 kHz 16-bit mono by default.

    After invalid audio it ignores events until the next audio-start, so that a stream causes one error only.
    """

    def __init__(self, target: AudioFormat = SPEECH) -> None:
        self.started = False
        self._target = target
        self._target_fields = (target.rate, target.width, target.channels)
        self._is_rejecting = False
        self._format: AudioFormat | None = None
        self._converter: Converter | None = None

    def needs_conversion(self, event: Event) -> bool:
        """Return whether the event's audio needs a conversion, which may take milliseconds."""
        return _format_fields(event) != self._target_fields

    def split(self, chunk: Event) -> Iterator[Event]:
        """Return the chunks for `chunk`: parts of an audio-chunk that needs a conversion, else the chunk itself."""
        return split_chunk(chunk) if self.needs_conversion(chunk) else iter((chunk,))

    def start(self, event: Event) -> None:
        """Start a stream. Raises BadEventError, EngineError."""
        self.started, self._is_rejecting = False, True
        self._open(format_of(event))
        self.started, self._is_rejecting = True, False

    def chunk(self, event: Event) -> bytes:
        """Return the chunk's PCM in the target format. Raises BadEventError for the first invalid chunk."""
        if self._is_rejecting:
            return b""
        try:
            return self._chunk(event)
        except BadEventError:
            self.started, self._is_rejecting = False, True
            raise

    def pass_through(self, event: Event) -> bytes | None:
        """Return the chunk's PCM if it needs no conversion, else None: then call `chunk`."""
        pcm = event.payload or b""
        is_plain = self.started and self._format == self._target and not self.needs_conversion(event)
        return pcm if is_plain and not len(pcm) % self._target.frame_bytes else None

    def stop(self, event: Event) -> bytes:
        """End the stream; return the rest of its PCM. Raises BadEventError without an audio-start."""
        if self._is_rejecting:
            return b""
        if not self.started or self._converter is None:
            raise BadEventError("audio-stop came without audio-start", "no-audio-start")
        self.started = False
        return self._converter.finish()

    def _chunk(self, event: Event) -> bytes:
        if not self.started:
            raise BadEventError("audio-chunk came without audio-start", "no-audio-start")
        tail = b""
        if (chunk_format := format_of(event)) != self._format:
            assert self._converter is not None
            tail = self._converter.finish()
            self._open(chunk_format)
        assert self._converter is not None
        return tail + self._converter.convert(event.payload or b"")

    def _open(self, input_format: AudioFormat) -> None:
        self._format = input_format
        self._converter = Converter(input_format, self._target)


def read_wav(source: Path | BinaryIO) -> tuple[AudioFormat, bytes]:
    """Return format and PCM of a WAV file. Raises ConfigError, which names the file."""
    path = source if isinstance(source, Path) else "standard input"
    try:
        with wave.open(str(source) if isinstance(source, Path) else source, "rb") as file:
            audio = AudioFormat(file.getframerate(), file.getsampwidth(), file.getnchannels())
            pcm = file.readframes(file.getnframes())
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err
    except (wave.Error, EOFError) as err:
        raise ConfigError(
            f"{path} is not a WAV file with uncompressed samples ({err}); convert it: ffmpeg -i {path} -ar 16000 -ac 1 out.wav"
        ) from err
    return audio, swap_sign(pcm[: len(pcm) - len(pcm) % audio.frame_bytes], audio)


def swap_sign(pcm: bytes, audio: AudioFormat) -> bytes:
    """Convert 8-bit samples between signed and unsigned, as WAV files store them; others are unchanged."""
    return bytes(sample ^ 0x80 for sample in pcm) if audio.width == 1 else pcm


def write_wav(path: Path, audio: AudioFormat, pcm: bytes) -> None:
    """Write PCM as a WAV file. Raises ConfigError, which names the file."""
    try:
        # Opened separately: a Wave_write without its file raises again when it is collected.
        with path.open("wb") as file:
            _write_wav(file, audio, pcm)
    except OSError as err:
        raise ConfigError(f"cannot write {path}: {err.strerror}") from err


def encode_wav(audio: AudioFormat, pcm: bytes) -> bytes:
    """Return PCM as the content of a WAV file."""
    target = io.BytesIO()
    _write_wav(target, audio, pcm)
    return target.getvalue()


def _write_wav(target: BinaryIO, audio: AudioFormat, pcm: bytes) -> None:
    with wave.open(target, "wb") as file:
        file.setframerate(audio.rate)
        file.setsampwidth(audio.width)
        file.setnchannels(audio.channels)
        file.writeframes(swap_sign(pcm, audio))


def _parse_int(event: Event, name: str, allowed: range, unit: str) -> int:
    value = event.data.get(name)
    if type(value) is int and value in allowed:
        return value
    raise BadEventError(
        f"{event.type}: {name} must be a whole number from {allowed[0]} to {allowed[-1]} {unit}".rstrip(), "bad-audio"
    )


def _create_resampler(source: AudioFormat, target: AudioFormat) -> "Callable[[Any, bool], Samples]":
    # By default numpy reserves memory for each core; these matrices are too small for several threads.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import soxr
    except ImportError as err:
        raise EngineError("audio in formats other than 16 kHz 16-bit mono needs: pip install soxr numpy") from err
    if source.rate == target.rate:
        return _keep_rate
    stream = soxr.ResampleStream(source.rate, target.rate, target.channels, dtype="float32")
    return lambda samples, last: stream.resample_chunk(samples, last)


def _keep_rate(samples: "Samples", _last: bool) -> "Samples":
    return samples


def _to_samples(pcm: bytes, audio: AudioFormat) -> "Samples":
    import numpy as np

    if audio.width == 3:  # put each sample into the upper bytes of four
        wide = np.zeros((len(pcm) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(pcm, np.uint8).reshape(-1, 3)
        whole = wide.view("<i4")[:, 0]
    else:
        whole = np.frombuffer(pcm, f"<i{audio.width}")
    full_scale = float(2 ** (8 * whole.dtype.itemsize - 1))
    return (whole.astype(np.float32) / full_scale).reshape(-1, audio.channels)


def _mix_channels(samples: "Samples", channels: int) -> "Samples":
    import numpy as np

    if samples.shape[1] == channels:
        return samples
    mono = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    return np.ascontiguousarray(np.repeat(mono, channels, axis=1))


def float_pcm(samples: "Samples", audio: AudioFormat) -> bytes:
    """Return samples as PCM of the format's width; NaN becomes silence."""
    import numpy as np

    full_scale = 2 ** (8 * audio.width - 1)
    finite = np.nan_to_num(samples.astype(np.float64), posinf=1.0, neginf=-1.0)
    whole = np.clip(np.rint(finite * full_scale), -full_scale, full_scale - 1)
    if audio.width == 3:
        return bytes(np.ascontiguousarray(whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]).tobytes())
    return bytes(whole.astype(f"<i{audio.width}").tobytes())
