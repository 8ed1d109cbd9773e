"""Recordings in any common format, read in blocks: plain WAV directly, others with soundfile or ffmpeg if installed."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from wyoming_rosie.audio.formats import SPEECH, WIDTHS, AudioFormat, Converter, float_pcm, swap_sign
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.runtime.extras import install_command

if TYPE_CHECKING:
    import soundfile

STDIN = "/dev/stdin"
"""Path that stands for `-` on the command line."""
BLOCK_SECONDS = 1.0
MAX_BYTES = 1 << 30
"""Limit of a recording from a pipe, which is copied to a temporary file."""
COPY_BYTES = 1 << 20
FFMPEG_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class AudioFile:
    """An open recording; `blocks` yields PCM in whole frames, about a second at a time, and only once."""

    audio: AudioFormat
    blocks: Iterator[bytes]


class _UnknownFormatError(RosieError):
    """Raised by a reader that does not support the format."""


_Reader: TypeAlias = Callable[[Path], AbstractContextManager[AudioFile]]


@contextmanager
def open_audio(path: Path) -> Iterator[AudioFile]:
    """Open a recording, or standard input, during the block. Raises ConfigError, which names the file."""
    with ExitStack() as stack:
        file = _to_seekable(path, stack)
        for reader in (_open_wav, _open_soundfile, _open_ffmpeg):
            try:
                recording = stack.enter_context(reader(file))
            except _UnknownFormatError:
                continue
            break
        else:
            raise ConfigError(_format_error(path))
        yield recording


def read_audio(path: Path) -> tuple[AudioFormat, bytes]:
    """Return format and PCM of a short recording. Raises ConfigError."""
    with open_audio(path) as recording:
        return recording.audio, b"".join(recording.blocks)


def speech_blocks(recording: AudioFile) -> Iterator[bytes]:
    """Yield a recording as speech PCM. Raises EngineError if packages for the conversion are missing."""
    converter = Converter(recording.audio, SPEECH)
    for block in recording.blocks:
        yield converter.convert(block)
    yield converter.finish()


def skip_seconds(recording: AudioFile, seconds: float) -> AudioFile:
    """Return a recording without its first `seconds`."""
    return AudioFile(recording.audio, _skip_bytes(recording.blocks, recording.audio.bytes_in(seconds)))


def _skip_bytes(blocks: Iterator[bytes], skipped: int) -> Iterator[bytes]:
    for block in blocks:
        if remaining := block[skipped:]:
            yield remaining
        skipped = max(0, skipped - len(block))


@contextmanager
def buffered(path: Path) -> Iterator[Path]:
    """Yield a file that can be opened repeatedly: the recording, or a copy of it if it is a pipe. Raises ConfigError."""
    with ExitStack() as stack:
        yield _to_seekable(path, stack)


def write_speech(source: Path, target: Path) -> float:
    """Write a recording as a WAV file of speech PCM; return its seconds. Raises ConfigError, EngineError."""
    with open_audio(source) as recording, wave.open(str(target), "wb") as file:
        file.setframerate(SPEECH.rate)
        file.setsampwidth(SPEECH.width)
        file.setnchannels(SPEECH.channels)
        for block in speech_blocks(recording):
            file.writeframes(block)
        return SPEECH.seconds(file.tell() * SPEECH.frame_bytes)


def conversion_hint(path: Path | str) -> str:
    """Return the ffmpeg command that converts a recording to a plain WAV file."""
    return f"ffmpeg -i {shlex.quote(str(path))} -ar 16000 -ac 1 out.wav"


def _to_seekable(path: Path, stack: ExitStack) -> Path:
    """Return the file itself, or a copy of a pipe's content. Raises ConfigError if it is missing or empty."""
    try:
        with _open_raw(path) as raw:
            file = path if path.is_file() and str(path) != STDIN else _copy(raw, path, stack)
        size = file.stat().st_size
    except OSError as err:
        raise ConfigError(f"cannot read {_display_name(path)}: {err.strerror}") from err
    if not size:
        raise ConfigError(f"{_display_name(path)} is empty")
    return file


def _open_raw(path: Path) -> IO[bytes]:
    if str(path) == STDIN:
        return os.fdopen(os.dup(sys.stdin.fileno() if sys.stdin else 0), "rb")
    return path.open("rb")


def _copy(raw: IO[bytes], path: Path, stack: ExitStack) -> Path:
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="wyoming-rosie-"))  # noqa: SIM115 - the stack closes it
    while block := raw.read(COPY_BYTES):
        if copy.tell() > MAX_BYTES:
            raise ConfigError(f"{_display_name(path)} is longer than {MAX_BYTES >> 20} MB; cut it")
        copy.write(block)
    copy.flush()
    return Path(copy.name)


@contextmanager
def _open_wav(path: Path) -> Iterator[AudioFile]:
    try:
        file = wave.open(str(path), "rb")  # noqa: SIM115 - closed below, where errors of the block are not its own
    except (wave.Error, EOFError) as err:
        raise _UnknownFormatError(str(err)) from err
    with file:
        audio = AudioFormat(file.getframerate(), file.getsampwidth(), file.getnchannels())
        if audio.width not in WIDTHS:
            raise _UnknownFormatError(f"samples of {audio.width} bytes")
        yield AudioFile(audio, _wav_blocks(file, audio))


def _wav_blocks(file: wave.Wave_read, audio: AudioFormat) -> Iterator[bytes]:
    while block := file.readframes(max(1, round(audio.rate * BLOCK_SECONDS))):
        if whole := len(block) - len(block) % audio.frame_bytes:
            yield swap_sign(block[:whole], audio)


@contextmanager
def _open_soundfile(path: Path) -> Iterator[AudioFile]:
    soundfile = _import_soundfile()
    if soundfile is None:
        raise _UnknownFormatError("soundfile is not installed")
    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as err:
        raise _UnknownFormatError(str(err)) from err
    with file:
        audio = AudioFormat(file.samplerate, 2, file.channels)
        yield AudioFile(audio, _soundfile_blocks(file, audio, path))


def _import_soundfile() -> Any:
    """Return the soundfile module, or None if it does not work."""
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: the native library
        return None
    return soundfile


def _soundfile_blocks(file: "soundfile.SoundFile", audio: AudioFormat, path: Path) -> Iterator[bytes]:
    import soundfile

    try:
        # As floats: libsndfile does not scale the samples of float files to integers.
        while len(samples := file.read(round(audio.rate * BLOCK_SECONDS), "float32", always_2d=True)):
            yield float_pcm(samples, audio)
    except soundfile.LibsndfileError as err:
        raise ConfigError(f"{path} is damaged: {err}") from err


@contextmanager
def _open_ffmpeg(path: Path) -> Iterator[AudioFile]:
    program = shutil.which("ffmpeg")
    if program is None:
        raise _UnknownFormatError("ffmpeg is not installed")
    source = ("-protocol_whitelist", "file", "-i", f"file:{path}")
    output = ("-vn", "-f", "s16le", "-ar", str(SPEECH.rate), "-ac", str(SPEECH.channels), "-")
    with subprocess.Popen(  # noqa: S603 - a fixed program, and a file's name as one argument
        [program, "-nostdin", "-v", "quiet", *source, *output], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as process:
        try:
            first = _ffmpeg_block(process)
            if not first:
                raise _UnknownFormatError("ffmpeg finds no audio in it")
            yield AudioFile(SPEECH, _ffmpeg_blocks(process, first))
        finally:
            process.kill()
            process.wait(FFMPEG_STOP_SECONDS)


def _ffmpeg_blocks(process: "subprocess.Popen[bytes]", first: bytes) -> Iterator[bytes]:
    block = first
    while block:
        yield block[: len(block) - len(block) % SPEECH.frame_bytes]
        block = _ffmpeg_block(process)


def _ffmpeg_block(process: "subprocess.Popen[Any]") -> bytes:
    assert process.stdout is not None
    return bytes(process.stdout.read(SPEECH.bytes_in(BLOCK_SECONDS)))


def _format_error(path: Path) -> str:
    tools = {"soundfile": _import_soundfile(), "ffmpeg": shutil.which("ffmpeg")}
    missing = [name for name, found in tools.items() if not found]
    if not missing:
        return f"{_display_name(path)} is not a recording: neither soundfile nor ffmpeg finds audio in it"
    remedies = {
        "soundfile": f"{install_command(['files'])} (mp3, flac, ogg, every WAV)",
        "ffmpeg": "sudo apt install ffmpeg (all others)",
    }
    return (
        f"{_display_name(path)} is not a plain WAV file, and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not "
        f"installed, which could read it: {'; '.join(remedies[name] for name in missing)}; or convert it: {conversion_hint(path)}"
    )


def _display_name(path: Path) -> str:
    return "standard input" if str(path) == STDIN else str(path)
