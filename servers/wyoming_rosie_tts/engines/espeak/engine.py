"""espeak-ng from the package espeakng-loader: over 100 languages, synthesized a thousand times faster than real time."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wyoming.info import Attribution, TtsProgram, TtsVoice

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.config import check_limits, option
from wyoming_rosie.errors import EngineError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_tts.engine import StepCancellation, UnavailableError, VoiceRequest
from wyoming_rosie_tts.engines.espeak.library import EspeakLibrary, LibraryVoice, Parameter
from wyoming_rosie_tts.text.segments import TextSegment
from wyoming_rosie_tts.voice_selection import VoiceInfo, VoiceRegistry

LEVEL = 40
"""Volume of the library, in percent: some of its voices clip at 100."""
_ATTRIBUTION = Attribution("eSpeak NG", "https://github.com/espeak-ng/espeak-ng")
_RATES = range(80, 451)
_PITCHES = range(100)
_PITCH_PER_SEMITONE = 50 / 12  # of espeak-ng's scale, on which 50 is an octave
# What Home Assistant calls the languages that espeak-ng lists under their own codes.
_HOME_ASSISTANT_TAGS = {"cmn": ("zh-CN", "zh-TW"), "yue": ("zh-HK",)}


@dataclass(frozen=True)
class Settings:
    voice: str = option("en-US", "default voice or language")
    rate: int = option(175, "words per minute", minimum=_RATES[0], maximum=_RATES[-1])
    pitch: int = option(50, "pitch", minimum=_PITCHES[0], maximum=_PITCHES[-1])
    volume: int = option(100, "percent", minimum=0, maximum=200)


@dataclass(frozen=True)
class EspeakVoice:
    """One voice of the library."""

    library: EspeakLibrary
    identifier: str
    settings: Settings
    audio_format: AudioFormat
    language: str

    @property
    def identity(self) -> str:
        options = self.settings.rate, self.settings.pitch, self.settings.volume
        return f"espeak-ng {self.library.version} {self.identifier} {options}"

    @property
    def volume(self) -> float:
        return self.settings.volume / 100

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        prosody, settings = segment.prosody, self.settings
        with self.library.lock:
            self.library.set_parameter(Parameter.RATE, _clamp(_RATES, settings.rate * prosody.rate))
            self.library.set_parameter(
                Parameter.PITCH, _clamp(_PITCHES, settings.pitch + prosody.pitch * _PITCH_PER_SEMITONE)
            )
            self.library.set_parameter(Parameter.VOLUME, LEVEL)
            pcm = self.library.synthesize(self.identifier, segment.text, pause=pause)
        yield pcm


class EspeakEngine:
    """All voices of the library."""

    workers = 1  # the library has global state
    is_installed = True

    def __init__(self, library: EspeakLibrary, settings: Settings) -> None:
        listed = library.list_voices()
        names = voice_names(listed)
        self._library = library
        self._identifiers = {names[voice.identifier]: voice.identifier for voice in listed}
        self._voices = VoiceRegistry([_voice_info(names[voice.identifier], voice) for voice in listed], settings.voice)
        self._settings = settings
        self._audio_format = AudioFormat(library.rate, 2, 1)

    def describe(self) -> TtsProgram:
        version = self._library.version
        voices = [
            TtsVoice(card.name, _ATTRIBUTION, True, card.title, version, languages=list(card.languages))
            for card in self._voices.voices
        ]
        return TtsProgram(
            "espeak-ng",
            _ATTRIBUTION,
            True,
            "Small formant synthesiser",
            version,
            voices,
            supports_synthesize_streaming=True,
        )

    def select_voice(self, request: VoiceRequest) -> EspeakVoice:
        name = self._voices.select(request).name
        return EspeakVoice(self._library, self._identifiers[name], self._settings, self._audio_format, name)

    async def install(self) -> None: ...


def load(settings: Settings, _data: Path | None = None) -> EspeakEngine:
    """Return the engine. Raises ConfigError."""
    check_limits(settings, "--espeak.")
    return EspeakEngine(_load_library(), settings)


def voice_names(voices: list[LibraryVoice]) -> dict[str, str]:
    """Return a unique name for each identifier: the tag of the voice's first language if it is free."""
    names: dict[str, str] = {}
    for voice in voices:
        name = language_tag(voice.languages[0][0])
        names[voice.identifier] = (
            name if name not in names.values() else language_tag(voice.identifier.rpartition("/")[2])
        )
    return names


def language_tag(code: str) -> str:
    """Return a language code in the letter case that BCP 47 recommends: en-US, cmn-Latn, en-GB-x-rp."""
    language, *subtags = code.lower().split("-")
    is_private = False
    for position, part in enumerate(subtags):
        is_private = is_private or len(part) == 1
        if not is_private:
            subtags[position] = {2: part.upper(), 4: part.title()}.get(len(part), part)
    return "-".join((language, *subtags))


def _clamp(allowed: range, value: float) -> int:
    return round(min(max(value, allowed[0]), allowed[-1]))


def _voice_info(name: str, voice: LibraryVoice) -> VoiceInfo:
    languages = {language_tag(language): distance for language, distance in voice.languages}
    return VoiceInfo(name, voice.title, languages | dict.fromkeys(_HOME_ASSISTANT_TAGS.get(name, ()), 0))


@cache
def _load_library() -> EspeakLibrary:
    """Return the library, initialized once per process: repeated initialization has crashed it."""
    try:
        import espeakng_loader
    except ImportError as err:
        raise UnavailableError(f"the espeak engine is not installed: {install_command(['tts'])}") from err
    try:
        return EspeakLibrary(Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path()))
    except (EngineError, RuntimeError) as err:
        raise UnavailableError(
            f"the espeak engine does not load: {err}; reinstall the package espeakng-loader"
        ) from err
