"""Playback of PCM on this machine's speaker."""

import asyncio
from typing import Any

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import ConfigError


async def play(audio: AudioFormat, pcm: bytes) -> None:
    """Play 16-bit PCM to its end. Raises ConfigError without a working speaker."""
    await asyncio.to_thread(_play, _import_sounddevice(), audio, pcm)


def _import_sounddevice() -> Any:
    try:
        import sounddevice
    except ImportError as err:
        raise ConfigError("playback needs: pip install sounddevice; or write a file with --output FILE.wav") from err
    except OSError as err:
        raise ConfigError(
            "playback needs the system library PortAudio: apt install libportaudio2; or write a file with --output FILE.wav"
        ) from err
    return sounddevice


def _play(sounddevice: Any, audio: AudioFormat, pcm: bytes) -> None:
    try:
        with sounddevice.RawOutputStream(audio.rate, channels=audio.channels, dtype="int16") as stream:
            stream.write(pcm)
    except sounddevice.PortAudioError as err:
        raise ConfigError(f"the speaker cannot be used ({err}); write a file with --output FILE.wav") from err
