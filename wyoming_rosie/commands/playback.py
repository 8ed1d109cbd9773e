"""Playing a finished sound on this machine's speaker."""

import asyncio
from typing import Any

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import ConfigError


async def play(audio: AudioFormat, pcm: bytes) -> None:
    """Play 16-bit samples to their end. Raises ConfigError when there is no way to make a sound."""
    await asyncio.to_thread(_play, _import_sounddevice(), audio, pcm)


def _import_sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as err:
        raise ConfigError("playing needs: pip install sounddevice; or write a file with --output FILE.wav") from err
    except OSError as err:
        raise ConfigError(
            "playing needs the system library PortAudio: apt install libportaudio2; or write a file with --output FILE.wav"
        ) from err
    return sounddevice


def _play(sounddevice: Any, audio: AudioFormat, pcm: bytes) -> None:
    try:
        with sounddevice.RawOutputStream(audio.rate, channels=audio.channels, dtype="int16") as stream:
            stream.write(pcm)
    except sounddevice.PortAudioError as err:
        raise ConfigError(f"there is no speaker to play on ({err}); write a file with --output FILE.wav") from err
