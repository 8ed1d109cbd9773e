"""SVOX Pico from the package py-nanotts: five languages, well understood, a hundred times faster than real time."""

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from wyoming.info import Attribution, TtsProgram, TtsVoice

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import BadEventError, EngineError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_tts.engine import StepCancellation, UnavailableError, VoiceRequest
from wyoming_rosie_tts.engines.pico.library import RATE, PicoLibrary
from wyoming_rosie_tts.text import writing_systems
from wyoming_rosie_tts.text.segments import Prosody, TextSegment
from wyoming_rosie_tts.voice_selection import VoiceInfo, VoiceRegistry

AUDIO = AudioFormat(RATE, 2, 1)
VOICES = {
    "en-US": ("American English", "en-US_lh0_sg.bin"),
    "en-GB": ("British English", "en-GB_kh0_sg.bin"),
    "de-DE": ("German", "de-DE_gl0_sg.bin"),
    "es-ES": ("Spanish", "es-ES_zl0_sg.bin"),
    "fr-FR": ("French", "fr-FR_nk0_sg.bin"),
    "it-IT": ("Italian", "it-IT_cm0_sg.bin"),
}
"""The languages, with their titles and the files of their sounds."""
STEP_SECONDS = 0.2
LEVEL = 30
"""Volume of the library, in percent: at 100 it clips."""
_ATTRIBUTION = Attribution("SVOX Pico", "https://android.googlesource.com/platform/external/svox")
_PACKAGE = "py_nanotts"
_CLAUSE_ENDS = ",;:"
_SPEEDS, _PITCHES = range(20, 501), range(50, 201)
_LONG_WORD = re.compile(r"\S{20}(?=\S{20})")  # the library gives up on words without end
_UNSPEAKABLE = re.compile(r"[<>\\\x00-\x1f\x7f]+")  # the library obeys tags, some of which play and write files
_QUIET = 40
"""Amplitude below which a sample counts as silence."""
_PAUSE_SECONDS, _KEPT_SECONDS = 0.2, 0.05


@dataclass(frozen=True)
class Settings:
    voice: str = option("en-US", "default voice or language")
    rate: float = option(1.0, "speed; 0.8 is slower", minimum=0.2, maximum=5)
    pitch: float = option(0.0, "semitones above the voice's own pitch", minimum=-12, maximum=12)
    volume: float = option(1.0, "volume; 2 is twice the amplitude", minimum=0, maximum=10)


@dataclass(frozen=True)
class PicoVoice:
    """One voice of the library."""

    library: PicoLibrary
    folder: Path
    language: str
    settings: Settings

    @property
    def audio_format(self) -> AudioFormat:
        return AUDIO

    @property
    def identity(self) -> str:
        settings = self.settings.rate, self.settings.pitch, self.settings.volume
        return f"pico {version('py-nanotts')} {self.language} {settings}"

    @property
    def volume(self) -> float:
        return self.settings.volume

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        text = _LONG_WORD.sub(r"\g<0> ", _UNSPEAKABLE.sub(" ", segment.text))
        if not any(map(str.isalnum, text)):
            return
        if not writing_systems.is_readable(text, self.language):
            raise BadEventError(
                f"Pico's voice speaks {self.language} and has no sounds for this text; choose a voice of the text's language",
                "unspeakable",
            )
        files = self.folder / f"{self.language}_ta.bin", self.folder / VOICES[self.language][1]
        pieces = self.library.synthesize(files, self._mark_up(text, segment.prosody))
        yield from _join(_trim_end(pieces), AUDIO.bytes_in(STEP_SECONDS))
        if pause and text.rstrip()[-1:] not in _CLAUSE_ENDS:
            yield bytes(AUDIO.bytes_in(_PAUSE_SECONDS))

    def _mark_up(self, text: str, prosody: Prosody) -> bytes:
        speed = _clamp(_SPEEDS, 100 * self.settings.rate * prosody.rate)
        pitch = _clamp(_PITCHES, 100 * 2 ** ((self.settings.pitch + prosody.pitch) / 12))
        tags = f'<speed level="{speed}"><pitch level="{pitch}"><volume level="{LEVEL}">'
        return f"{tags}{text}".encode("utf-8", "replace")  # closing tags would add a sound


class PicoEngine:
    """All voices of the library."""

    workers = 1
    is_installed = True

    def __init__(self, library: PicoLibrary, folder: Path, settings: Settings) -> None:
        self._library = library
        self._folder = folder
        self._settings = settings
        infos = [
            VoiceInfo(f"pico-{language}", title, {language: 0, language.partition("-")[0]: rank})
            for rank, (language, (title, _)) in enumerate(VOICES.items())
        ]
        self._voices = VoiceRegistry(infos, settings.voice)

    def describe(self) -> TtsProgram:
        number = version("py-nanotts")
        voices = [
            TtsVoice(voice.name, _ATTRIBUTION, True, voice.title, number, languages=list(voice.languages))
            for voice in self._voices.voices
        ]
        return TtsProgram(
            "pico", _ATTRIBUTION, True, "Small voices", number, voices, supports_synthesize_streaming=True
        )

    def select_voice(self, request: VoiceRequest) -> PicoVoice:
        language = self._voices.select(request).name.removeprefix("pico-")
        return PicoVoice(self._library, self._folder, language, self._settings)

    async def install(self) -> None: ...


def load(settings: Settings, _data: Path | None = None) -> PicoEngine:
    """Return the engine. Raises ConfigError."""
    check_limits(settings, "--pico.")
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise UnavailableError(f"the pico engine is not installed: {install_command(['tts'])}")
    folder = Path(spec.origin).parent
    return PicoEngine(_load_library(folder), folder / "lang", settings)


@cache
def _load_library(folder: Path) -> PicoLibrary:
    library = next(folder.glob("_nanotts.*.so"), folder / "_nanotts.so")
    try:
        return PicoLibrary(library)
    except (EngineError, AttributeError) as err:
        raise UnavailableError(f"the pico engine does not load: {err}; reinstall the package py-nanotts") from err


def _trim_end(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces without the silence after the last word, but for _KEPT_SECONDS of it."""
    silent = b""
    for piece in pieces:
        silent += piece
        samples = array("h", piece)
        if max(samples) >= _QUIET or min(samples) <= -_QUIET:
            yield silent
            silent = b""
    yield silent[: AUDIO.bytes_in(_KEPT_SECONDS)]


def _join(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the pieces together, at least `size` bytes at a time until the rest."""
    joined = b""
    for piece in pieces:
        joined += piece
        if len(joined) >= size:
            yield joined
            joined = b""
    yield joined


def _clamp(allowed: range, value: float) -> int:
    return round(min(max(value, allowed[0]), allowed[-1]))
