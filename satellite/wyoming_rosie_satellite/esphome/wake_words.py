"""Wake words that Home Assistant may choose from, and its choice."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from wyoming.info import WakeModel, WakeProgram

from wyoming_rosie.wakeword.detection import match_name
from wyoming_rosie_satellite.esphome import api_pb2 as api


@dataclass
class WakeWordSelection:
    """The wake words of the main slot; `select` makes the detector listen to the active ones, and saves them.

    Other words, such as those of slots of their own, are not offered and stay as they are.
    """

    select: Callable[[Sequence[str]], None]
    hidden: frozenset[str] = frozenset()
    _available: dict[str, WakeModel] = field(default_factory=dict)
    _active: list[str] = field(default_factory=list)

    def set_available(self, programs: Iterable[WakeProgram], active: Iterable[str]) -> None:
        """Offer the words of these programs."""
        models = (model for program in programs for model in program.models)
        self._available = {model.name: model for model in models if model.name not in self.hidden}
        self._active = self._known(active)

    def describe(self) -> api.VoiceAssistantConfigurationResponse:
        """Return the words and the choice."""
        words = [
            api.VoiceAssistantWakeWord(id=name, wake_word=self.find_phrase(name), trained_languages=model.languages)
            for name, model in self._available.items()
        ]
        return api.VoiceAssistantConfigurationResponse(
            available_wake_words=words, active_wake_words=self._active, max_active_wake_words=len(words)
        )

    def choose(self, names: Iterable[str]) -> None:
        """Listen to these words; unknown ones are ignored."""
        chosen = self._known(names)
        if chosen != self._active:
            self._active = chosen
            self.select(chosen)

    def find_phrase(self, name: str) -> str:
        """Return the phrase of a wake word, its name if it has none."""
        model = self._available.get(match_name(name, self._available))
        return (model.phrase if model is not None else None) or name

    def _known(self, names: Iterable[str]) -> list[str]:
        matched = (match_name(name, self._available) for name in names)
        return [name for name in dict.fromkeys(matched) if name in self._available]
