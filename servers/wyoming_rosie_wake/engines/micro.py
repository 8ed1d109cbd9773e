"""pymicro-wakeword: small models, each a fraction of a percent of a core."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.info import WakeProgram

from wyoming_rosie.config import option
from wyoming_rosie.wake_words import REFRACTORY_SECONDS, MicroStream, WakeStream, Word, bundled, choose, program


@dataclass(frozen=True)
class Settings:
    refractory_seconds: float = option(
        REFRACTORY_SECONDS, "pause after a detection before the same word is reported again, in seconds of audio"
    )


class MicroEngine:
    """The bundled words."""

    def __init__(self, words: dict[str, Word], settings: Settings) -> None:
        self._words = words
        self._settings = settings

    def describe(self) -> WakeProgram:
        return program(self._words.values())

    def check(self, names: Sequence[str]) -> None:
        choose(self._words, names)

    def listen(self, names: Sequence[str]) -> WakeStream:
        return MicroStream(choose(self._words, names), self._settings.refractory_seconds)


def load(settings: Settings) -> MicroEngine:
    """Return the engine; the first stream pays for the native library. Raises ConfigError."""
    return MicroEngine(bundled(), settings)
