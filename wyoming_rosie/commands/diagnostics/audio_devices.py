"""Microphones and speakers of this machine, through PortAudio. All functions block: call them in a thread."""

import time
from collections.abc import Callable
from typing import Any

from wyoming_rosie.audio.device_errors import describe_device_error
from wyoming_rosie.audio.formats import SPEECH, AudioFormat, Converter
from wyoming_rosie.commands.diagnostics.report import AudioDevice, AudioDeviceList
from wyoming_rosie.commands.diagnostics.sample_rate import AudioArrival, measure_rate
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.runtime.extras import install_command

BLOCK_SECONDS = 0.05
STALLED_SECONDS = 3.0


class AudioDeviceError(RosieError):
    """A microphone or speaker does not work."""


def load_sounddevice() -> Any:
    """Return the sounddevice module. Raises ConfigError with the command that installs what is missing."""
    try:
        import sounddevice
    except ImportError as err:
        raise ConfigError(f"{install_command(['satellite'])}") from err
    except OSError as err:  # the Python package is installed, the native library is not
        raise ConfigError("sudo apt install libportaudio2") from err
    return sounddevice


def list_devices(sounddevice: Any) -> AudioDeviceList:
    """Return all microphones and speakers."""
    default = set(sounddevice.default.device)
    return AudioDeviceList(
        tuple(
            AudioDevice(
                str(device["name"]),
                int(device["max_input_channels"]),
                int(device["max_output_channels"]),
                float(device["default_samplerate"]),
                device["index"] in default,
            )
            for device in sounddevice.query_devices()
        )
    )


def record(
    sounddevice: Any,
    name: str | None,
    seconds: float,
    is_done: Callable[[AudioFormat, bytes], bool] = lambda _audio, _pcm: False,
) -> tuple[AudioFormat, bytes, float | None]:
    """Record `seconds` at the microphone's default rate; return format, PCM and measured rate. Raises AudioDeviceError.

    `is_done` is called with what came since its last call, and may end the recording.
    """
    frames: list[tuple[float, bytes]] = []

    def keep(pcm: Any, *_: object) -> None:  # on PortAudio's thread
        frames.append((time.monotonic(), bytes(pcm)))

    try:
        rate = int(sounddevice.query_devices(name, "input")["default_samplerate"])
        audio = AudioFormat(rate, 2, 1)
        block = round(rate * BLOCK_SECONDS)
        with sounddevice.RawInputStream(
            device=name, samplerate=rate, channels=1, dtype="int16", blocksize=block, callback=keep
        ):
            blocks = audio.bytes_in(seconds) // audio.bytes_in(BLOCK_SECONDS)
            _wait_for_blocks(frames, blocks, seconds, lambda pcm: is_done(audio, pcm))
    except (sounddevice.PortAudioError, ValueError) as err:
        raise AudioDeviceError(describe_device_error(sounddevice, "input", name, err)) from err
    if not frames:
        raise AudioDeviceError("it delivers no audio")
    return (
        audio,
        b"".join(pcm for _, pcm in frames),
        measure_rate([AudioArrival(at, len(pcm) // 2) for at, pcm in frames]),
    )


def play_recording(sounddevice: Any, name: str | None, audio: AudioFormat, pcm: bytes) -> None:
    """Play 16-bit PCM to its end. Raises AudioDeviceError."""
    try:
        rate = int(sounddevice.query_devices(name, "output")["default_samplerate"])
        target = AudioFormat(rate, 2, 1)
        converter = Converter(audio, target)
        with sounddevice.RawOutputStream(device=name, samplerate=rate, channels=1, dtype="int16") as stream:
            stream.write(converter.convert(pcm) + converter.finish())
    except (sounddevice.PortAudioError, ValueError) as err:
        raise AudioDeviceError(describe_device_error(sounddevice, "output", name, err)) from err


def to_speech_format(audio: AudioFormat, pcm: bytes) -> bytes:
    """Return a recording as speech PCM."""
    converter = Converter(audio, SPEECH)
    return converter.convert(pcm) + converter.finish()


def _wait_for_blocks(
    frames: list[tuple[float, bytes]], blocks: int, seconds: float, is_done: Callable[[bytes], bool]
) -> None:
    """Wait for the blocks, at most three times as long as expected: the true rate may be lower than promised."""
    end = time.monotonic() + 3 * seconds + STALLED_SECONDS
    seen = 0
    while len(frames) < blocks and time.monotonic() < end:
        time.sleep(BLOCK_SECONDS)
        before, seen = seen, len(frames)
        if is_done(b"".join(pcm for _, pcm in frames[before:seen])):
            return
        if not frames and time.monotonic() > end - 3 * seconds:
            return
