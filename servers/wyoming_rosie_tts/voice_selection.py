"""Selection of an engine's voice by name or language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wyoming_rosie.errors import BadEventError, ConfigError
from wyoming_rosie.text.suggestions import find_close_names
from wyoming_rosie_tts.engine import VoiceRequest

_MAX_NAMES_IN_ERROR = 5
_PREFERRED = -1


@dataclass(frozen=True)
class VoiceInfo:
    """A voice's name, its title for people, and its distance to each of its languages (BCP 47 tag; 0 is best)."""

    name: str
    title: str
    languages: Mapping[str, int]
    speakers: Sequence[str] = ()


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
                f"the voice {voice.name} has no speaker {request.speaker[:40]!r}; there is: {some}", "unknown-voice"
            )
        return voice

    def _find_voice(self, request: VoiceRequest) -> VoiceInfo:
        if request.name is not None:
            return self._find_by_name(request.name)
        return self.default if request.language is None else self._find_by_language(request.language)

    def _find_by_name(self, name: str) -> VoiceInfo:
        voice = self._by_name.get(_key(name)) or self._match_language(_key(name))
        if voice is None:
            raise self._unknown_error("voice", name)
        return voice

    def _find_by_language(self, language: str) -> VoiceInfo:
        """Return the best voice for a language, else for a more general one: de for de-AT."""
        key = _key(language)
        while key:
            if voice := self._match_language(key):
                return voice
            key = key.rpartition("-")[0]
        raise self._unknown_error("language", language)

    def _match_language(self, key: str) -> VoiceInfo | None:
        return min(self._by_language.get(key, ()), key=lambda entry: entry[0], default=(0, None))[1]

    def _unknown_error(self, kind: str, unknown: str) -> BadEventError:
        close = [self._by_name[name].name for name in find_close_names(unknown, self._by_name)]
        some = dict.fromkeys([*close, self.default.name, *(voice.name for voice in self.voices)])
        examples = ", ".join(list(some)[:_MAX_NAMES_IN_ERROR])
        return BadEventError(
            f"no {kind} {unknown[:40]!r}; there are {len(self.voices)} voices, such as {examples}", f"unknown-{kind}"
        )


def _key(name: str) -> str:
    return name.strip().lower().replace("_", "-")
