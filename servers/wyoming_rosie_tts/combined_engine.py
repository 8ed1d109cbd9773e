"""Several engines as one: each language is spoken by the best voice that is installed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from wyoming.info import TtsProgram

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_tts.engine import StepCancellation, TtsEngine, UnavailableError, Voice, VoiceRequest
from wyoming_rosie_tts.text.segments import TextSegment

_LOG = structlog.get_logger()
NAME = "auto"
PREFERENCE = ("piper", "pico", "espeak")
"""The engines, those that are understood best and sound best first."""


@dataclass(frozen=True)
class RegionalVoice:
    """A voice of another region, which reads texts as those of the requested one are written, such as dates."""

    voice: Voice
    language: str

    @property
    def audio_format(self) -> AudioFormat:
        return self.voice.audio_format

    @property
    def identity(self) -> str:
        return self.voice.identity

    @property
    def volume(self) -> float:
        return self.voice.volume

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        return self.voice.synthesize(segment, pause=pause, cancellation=cancellation)


class CombinedEngine:
    """Installed engines, the best first; `language` is that of a request without one."""

    is_installed = True

    def __init__(self, engines: Sequence[TtsEngine], language: str) -> None:
        self._engines = engines
        self._language = language
        self.workers = max(engine.workers for engine in engines)

    def describe(self) -> TtsProgram:
        programs = [engine.describe() for engine in self._engines]
        return TtsProgram(
            NAME,
            programs[0].attribution,
            True,
            f"The best installed voice of each language, by {', '.join(program.name for program in programs)}",
            ", ".join(str(program.version) for program in programs),
            [voice for program in programs for voice in program.voices if voice.installed],
            supports_synthesize_streaming=True,
        )

    def select_voice(self, request: VoiceRequest) -> Voice:
        if request.name is not None:
            return self._select_first(request)
        language = request.language or self._language
        wanted = VoiceRequest(None, language, request.speaker)
        voices = (voice for voice in self._select_all(wanted) if _parts(voice.language)[0] == _parts(language)[0])
        voice = next(voices, None) or self._select_first(wanted)  # else of a related language
        has_other_region = len(_parts(language)) > 1 and _parts(voice.language) != _parts(language)
        return RegionalVoice(voice, language) if has_other_region else voice

    async def install(self) -> None: ...

    def _select_all(self, request: VoiceRequest) -> Iterator[Voice]:
        """Yield the voice of each engine that has one."""
        for engine in self._engines:
            try:
                yield engine.select_voice(request)
            except BadEventError:
                continue

    def _select_first(self, request: VoiceRequest) -> Voice:
        """Return the voice of the first engine that has one. Raises BadEventError of the last, which has most voices."""
        if voice := next(self._select_all(request), None):
            return voice
        return self._engines[-1].select_voice(request)


def load(settings: Any, load_engine: Callable[[str, Any], Any]) -> CombinedEngine:
    """Return the engines that are installed, given the function that loads one of them. Raises ConfigError."""
    engines = [engine for name in PREFERENCE if (engine := _load_installed(name, settings, load_engine))]
    if not engines:
        raise ConfigError(f"no engine is installed: {install_command(['tts'])}")
    return CombinedEngine(engines, engines[-1].select_voice(VoiceRequest()).language)


def _load_installed(name: str, settings: Any, load_engine: Callable[[str, Any], Any]) -> TtsEngine | None:
    """Return an engine, or None if its packages or its voices are missing."""
    try:
        engine = load_engine(name, settings)
        if name == "piper" and not engine.is_installed and engine.installed_names:
            piper = replace(settings.piper, voice=engine.installed_names[0], speaker=None)
            engine = load_engine(name, replace(settings, piper=piper))
    except UnavailableError as err:
        _LOG.debug("engine left out", engine=name, reason=str(err))
        return None
    return engine if engine.is_installed else None


def _parts(language: str) -> list[str]:
    return language.lower().replace("_", "-").split("-")
