"""Selection of an engine's voice by name or language."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.text.suggestions import find_close_names
from wyoming_rosie_tts.engine import TtsEngine, Voice, VoiceRequest
from wyoming_rosie_tts.text.segment_builder import requested_language

_LOG = structlog.get_logger()
_MAX_NAMES_IN_ERROR = 5
_MAX_LANGUAGES_IN_ERROR = 12
_PREFERRED = -1
_UNKNOWN_VOICE = "unknown-voice"
# Other tags of a language, and languages whose speakers understand it.
_RELATED_LANGUAGES = {
    "no": ("nb", "nn"), "nb": ("no", "nn"), "nn": ("nb", "no"), "zh": ("cmn",), "cmn": ("zh",), "iw": ("he",),
    "he": ("iw",), "in": ("id",), "id": ("in",), "tl": ("fil",), "fil": ("tl",), "mo": ("ro",),
    "sh": ("hr", "bs", "sr"), "hr": ("bs", "sr"), "bs": ("hr", "sr"), "sr": ("hr", "bs"),
}  # fmt: skip
_LATIN_AMERICAN_REGIONS = "ar bo cl co cr cu do ec gt hn mx ni pa pe pr py sv us uy ve"


@dataclass(frozen=True)
class VoiceInfo:
    """A voice's name, its title for people, and its distance to each of its languages (BCP 47 tag; 0 is best)."""

    name: str
    title: str
    languages: Mapping[str, int]
    speakers: Sequence[str] = ()


def parse_language_voices(values: Sequence[str]) -> dict[str, str]:
    """Return the voices' names by language (in small letters) of values such as de=NAME. Raises ConfigError."""
    pairs = [value.partition("=") for value in values]
    for value, (language, _, name) in zip(values, pairs, strict=True):
        if not language.strip() or not name.strip():
            raise ConfigError(
                f"--language-voice {value!r}: give a language and a voice, such as de=de_DE-thorsten-medium"
            )
    return {_key(language): name.strip() for language, _, name in pairs}


def check_language_voices(engine: TtsEngine, language_voices: Mapping[str, str]) -> None:
    """Raise ConfigError if a configured voice does not exist; it may still be downloading."""
    for language, name in language_voices.items():
        try:
            engine.select_voice(VoiceRequest(name))
        except BadEventError as err:
            if err.code == _UNKNOWN_VOICE:
                raise ConfigError(f"--language-voice {language}={name}: {err}") from err


def select_voice(engine: TtsEngine, request: VoiceRequest, language_voices: Mapping[str, str]) -> Voice:
    """Return the requested voice, else the configured one of its language, else the nearest of the language.

    Without a name, the configured voice comes first. Raises BadEventError of the first choice.
    """
    refusal: BadEventError | None = None
    for choice in _list_choices(request, language_voices):
        try:
            voice = engine.select_voice(choice)
        except BadEventError as err:
            if err.code != _UNKNOWN_VOICE:
                raise refusal or err from None
            refusal = refusal or err
        else:
            if refusal:
                _LOG.info("no such voice; using one of the language", voice=request.name, language=choice.language)
            return voice
    assert refusal, "there is a choice for every request"
    raise refusal


def _list_choices(request: VoiceRequest, language_voices: Mapping[str, str]) -> list[VoiceRequest]:
    """Return the requests to try, in order."""
    language = requested_language(request)
    if not language or (request.name and request.speaker):
        return [request]  # another voice would not have the speaker
    choices = [request] if request.name else []
    if name := next((language_voices[tag] for tag in _list_tags(_key(language)) if tag in language_voices), None):
        choices.append(VoiceRequest(name, language, request.speaker))
    return [*choices, VoiceRequest(None, language, request.speaker)]


def _list_tags(key: str) -> list[str]:
    """Return a language and the more general ones: de-AT, de."""
    parts = key.split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)] if key else []


class VoiceRegistry:
    """All voices of an engine. The default voice is preferred for every language it has."""

    def __init__(self, voices: Sequence[VoiceInfo], default: str) -> None:
        self.voices = voices
        self._by_name = {_key(voice.title): voice for voice in voices} | {_key(voice.name): voice for voice in voices}
        self._by_language: dict[str, list[tuple[int, VoiceInfo]]] = {}
        for voice in voices:
            for language, distance in voice.languages.items():
                self._by_language.setdefault(_key(language), []).append((distance, voice))
        self.default = voices[0]
        try:
            self.default = self._find_by_name(default)
        except BadEventError as err:
            raise ConfigError(str(err)) from err
        for language in self.default.languages:
            self._by_language[_key(language)].append((_PREFERRED, self.default))

    def select(self, request: VoiceRequest) -> VoiceInfo:
        """Return the requested voice. Raises BadEventError that names some that exist."""
        voice = self._find_voice(request)
        if request.speaker is not None and request.speaker not in voice.speakers:
            some = ", ".join(voice.speakers[:_MAX_NAMES_IN_ERROR]) or "one, which has no name"
            raise BadEventError(
                f"the voice {voice.name} has no speaker {request.speaker[:40]!r}; there is: {some}", _UNKNOWN_VOICE
            )
        return voice

    def _find_voice(self, request: VoiceRequest) -> VoiceInfo:
        if request.name is not None:
            return self._find_by_name(request.name)
        return self.default if request.language is None else self._find_by_language(request.language)

    def _find_by_name(self, name: str) -> VoiceInfo:
        voice = self._by_name.get(_key(name)) or self._match_language(_key(name))
        if voice is None:
            raise self._unknown_voice_error(name)
        return voice

    def _find_by_language(self, language: str) -> VoiceInfo:
        """Return the best voice for a language, else for a more general one, another region, or a related language."""
        key = _key(language)
        base, _, region = key.partition("-")
        latin = ["es-419"] if base == "es" and region in _LATIN_AMERICAN_REGIONS.split() else []
        tags = [key, *latin, *_list_tags(key), *self._list_regions(base)]
        related = [tag for other in _RELATED_LANGUAGES.get(base, ()) for tag in (other, *self._list_regions(other))]
        for tag in (*tags, *related):
            if voice := self._match_language(tag):
                return voice
        raise self._unknown_language_error(language)

    def _list_regions(self, base: str) -> list[str]:
        """Return the tags of a language in a region, such as de-AT, but not in another script."""
        return [tag for tag in self._by_language if re.fullmatch(rf"{re.escape(base)}-(?:[a-z]{{2}}|\d{{3}})", tag)]

    def _match_language(self, key: str) -> VoiceInfo | None:
        return min(self._by_language.get(key, ()), key=lambda entry: entry[0], default=(0, None))[1]

    def _unknown_language_error(self, language: str) -> BadEventError:
        spoken = sorted({tag.partition("-")[0] for tag in self._by_language})
        some = ", ".join(spoken[:_MAX_LANGUAGES_IN_ERROR]) + (", ..." if len(spoken) > _MAX_LANGUAGES_IN_ERROR else "")
        return BadEventError(
            f"no voice speaks {language[:40]!r}; the voices here speak {some}; "
            "install one of that language, or request a voice by its name",
            "unknown-language",
        )

    def _unknown_voice_error(self, unknown: str) -> BadEventError:
        close = [self._by_name[name].name for name in find_close_names(unknown, self._by_name)]
        some = dict.fromkeys([*close, self.default.name, *(voice.name for voice in self.voices)])
        examples = ", ".join(list(some)[:_MAX_NAMES_IN_ERROR])
        return BadEventError(
            f"no voice {unknown[:40]!r}; there are {len(self.voices)} voices, such as {examples}", _UNKNOWN_VOICE
        )


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-")
