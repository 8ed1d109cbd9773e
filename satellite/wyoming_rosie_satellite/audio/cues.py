"""Cues: the satellite's own short sounds, from the user's WAV files or as chimes of sine waves."""

from pathlib import Path

from wyoming_rosie.audio.formats import AudioFormat, Converter, read_wav
from wyoming_rosie.audio.tones import Tones, synthesize_tones
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.messages import Cue

CHIME = Path("chime")
"""Stands for the satellite's own chime in place of a WAV file."""
SILENT_BY_DEFAULT = frozenset({Cue.AWAKE, Cue.DONE})
"""Cues that are not played unless the settings name a sound."""
WITH_PHRASE = frozenset({Cue.UNREACHABLE, Cue.LOST, Cue.KEPT, Cue.ERROR, Cue.DEAF})
"""Cues that a phrase follows. They are rare, and so loaded on demand, unless the settings name a sound."""
CHIMES: dict[Cue, Tones] = {
    Cue.AWAKE: ((784.0, 0.0), (1174.7, 0.09)),
    Cue.DONE: ((1174.7, 0.0), (784.0, 0.09)),
    Cue.TIMER: ((880.0, 0.0), (1108.7, 0.18), (1318.5, 0.36)),
    Cue.ERROR: ((392.0, 0.0), (311.1, 0.2)),
    Cue.NOTHING: ((587.3, 0.0), (523.3, 0.12)),
    Cue.UNREACHABLE: ((392.0, 0.0), (392.0, 0.25), (311.1, 0.5)),
    Cue.LOST: ((392.0, 0.0), (311.1, 0.25), (311.1, 0.5)),
    Cue.KEPT: ((392.0, 0.0), (392.0, 0.25), (523.3, 0.5)),
    Cue.DEAF: ((311.1, 0.0), (311.1, 0.2)),
    Cue.MUTE: ((587.3, 0.0), (392.0, 0.12)),
    Cue.UNMUTE: ((392.0, 0.0), (587.3, 0.12)),
}


def load_cues(settings: SatelliteConfig) -> dict[Cue, bytes]:
    """Return the cues that are kept in memory, in the speaker's format. Raises ConfigError."""
    paths = configured_files(settings)
    return {
        cue: load_cue(cue, paths[cue], settings.snd_format)
        for cue in Cue
        if paths[cue] or cue not in SILENT_BY_DEFAULT | WITH_PHRASE
    }


def configured_files(settings: SatelliteConfig) -> dict[Cue, Path | None]:
    """Return the WAV file, CHIME or None that the settings name for each cue."""
    files = {
        Cue.AWAKE: settings.awake_wav,
        Cue.DONE: settings.done_wav,
        Cue.TIMER: settings.timer_finished_wav,
        Cue.UNREACHABLE: settings.unreachable_wav,
        Cue.LOST: settings.lost_wav,
        Cue.KEPT: settings.kept_wav,
        Cue.ERROR: settings.error_wav,
        Cue.DEAF: settings.deaf_wav,
    }
    return {cue: files.get(cue) for cue in Cue}


def load_cue(cue: Cue, path: Path | None, audio_format: AudioFormat) -> bytes:
    """Return a cue from a WAV file, or its chime, in a format. Raises ConfigError."""
    return synthesize_tones(CHIMES[cue], audio_format) if path in (None, CHIME) else load_recording(path, audio_format)


def load_recording(path: Path, audio_format: AudioFormat) -> bytes:
    """Return a WAV file's audio in a format. Raises ConfigError."""
    audio, pcm = read_wav(path)
    return _convert(pcm, audio, audio_format)


def _convert(pcm: bytes, audio: AudioFormat, audio_format: AudioFormat) -> bytes:
    converter = Converter(audio, audio_format)
    return converter.convert(pcm) + converter.finish()
