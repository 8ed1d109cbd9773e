"""What the satellite says by itself when something fails: recordings of its own, which are read when they are needed."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import structlog

from wyoming_rosie.audio import AudioFormat
from wyoming_rosie.errors import RosieError
from wyoming_rosie_satellite import cues
from wyoming_rosie_satellite.messages import Cue
from wyoming_rosie_satellite.settings import SatelliteConfig

_LOG = structlog.get_logger()
Read: TypeAlias = Callable[[], bytes]
FOLDER = Path(__file__).with_name("sounds")
SPOKEN = (Cue.UNREACHABLE, Cue.LOST, Cue.KEPT, Cue.ERROR, Cue.DEAF)
"""Each has a file of its name for each language."""
DEFAULT_LANGUAGE = "en"


def wanted(settings: SatelliteConfig, folder: Path = FOLDER) -> dict[Cue, Read]:
    """Return what reads each phrase, in the speaker's format; a sound that the user names stands alone."""
    if not settings.failure_phrases:
        return {}
    language = chosen(settings.language)
    named = cues.named(settings)
    return {
        cue: partial(_read, folder / language / f"{cue}.wav", settings.snd_format)
        for cue in SPOKEN
        if named[cue] is None
    }


def languages() -> list[str]:
    """Return the languages that there are phrases in."""
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def chosen(tag: str) -> str:
    """Return the language of a tag such as de-AT; English, with a warning, if there is none."""
    language = re.split("[-_]", tag, maxsplit=1)[0].lower()
    if language in languages():
        return language
    _LOG.warning("no phrases in this language; they are in English", language=tag, there_are=languages())
    return DEFAULT_LANGUAGE


def _read(path: Path, audio: AudioFormat) -> bytes:
    """Return the phrase, or nothing: the chime before it was heard at least."""
    try:
        return cues.recording(path, audio)
    except RosieError as err:
        _LOG.warning("a phrase cannot be read", reason=str(err))
        return b""
