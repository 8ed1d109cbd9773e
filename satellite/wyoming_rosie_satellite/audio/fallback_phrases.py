"""Fallback phrases: a chime and a spoken phrase for each failure, loaded on demand."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import structlog

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import RosieError
from wyoming_rosie_satellite.audio import cues
from wyoming_rosie_satellite.config import SatelliteConfig
from wyoming_rosie_satellite.messages import Cue

_LOG = structlog.get_logger()
AudioLoader: TypeAlias = Callable[[], bytes]
FOLDER = Path(__file__).parents[1] / "sounds"
DEFAULT_LANGUAGE = "en"


def create_loaders(settings: SatelliteConfig, folder: Path = FOLDER) -> dict[Cue, AudioLoader]:
    """Return a loader for each cue with a phrase, in the speaker's format, unless the settings name a sound for it."""
    named = cues.configured_files(settings)
    words = folder / select_language(settings.language or DEFAULT_LANGUAGE) if settings.failure_phrases else None
    return {
        cue: partial(_load_phrase, cue, words, settings.snd_format) for cue in cues.WITH_PHRASE if named[cue] is None
    }


def available_languages() -> list[str]:
    """Return the languages of the phrases."""
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def select_language(tag: str) -> str:
    """Return the language of a tag such as de-AT; English, with a warning, if it has no phrases."""
    language = re.split("[-_]", tag, maxsplit=1)[0].lower()
    if language in available_languages():
        return language
    _LOG.warning("no phrases in this language; English is used", language=tag, available=available_languages())
    return DEFAULT_LANGUAGE


def _load_phrase(cue: Cue, words: Path | None, audio: AudioFormat) -> bytes:
    """Return the chime and the phrase in a folder, if any; the chime alone when the phrase cannot be read."""
    chime = cues.load_cue(cue, None, audio)
    try:
        return chime if words is None else chime + cues.load_recording(words / f"{cue}.wav", audio)
    except RosieError as err:
        _LOG.warning("phrase cannot be read", reason=str(err))
        return chime
