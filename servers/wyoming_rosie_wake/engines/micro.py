"""pymicro-wakeword: small models, each a fraction of a percent of a core."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.info import WakeProgram

from wyoming_rosie.config import option
from wyoming_rosie.runtime.stream_scheduler import BatchLimits
from wyoming_rosie.wakeword.detection import TriggerRules, WakeDetection, select
from wyoming_rosie.wakeword.micro import STEP_BYTES, MicroModel, MicroStream, from_file, from_folder, packaged, program
from wyoming_rosie_wake.engine import TICK_SECONDS
from wyoming_rosie_wake.models import Models


@dataclass(frozen=True)
class Settings:
    bundled: bool = option(True, "offer the words that come with pymicro-wakeword")


class MicroEngine:
    """Words by name; each stream has models of its own."""

    pace = BatchLimits(hop_bytes=STEP_BYTES, max_bytes=8 * STEP_BYTES, tick_seconds=TICK_SECONDS)

    def __init__(self, words: dict[str, MicroModel], rules: TriggerRules) -> None:
        self._words = words
        self._rules = rules

    def describe(self) -> WakeProgram:
        return program(self._words.values())

    def known_as(self, names: Sequence[str]) -> list[str]:
        return [word.name for word in select(self._words, names)] if names else []

    def begin(self, names: Sequence[str]) -> MicroStream:
        return MicroStream(select(self._words, names), self._rules)

    def choose(self, stream: MicroStream, names: Sequence[str]) -> None:
        stream.set_models(select(self._words, names))

    def process_batch(self, batch: Sequence[tuple[MicroStream, bytes]]) -> list[list[WakeDetection]]:
        return [stream.feed(pcm) for stream, pcm in batch]


def load(settings: Settings, models: Models) -> MicroEngine:
    """Return the engine. Raises ConfigError."""
    words = packaged() if settings.bundled else {}
    for folder in models.folders:
        words = {**words, **from_folder(folder)}
    own = {file.stem: from_file(file) for file in models.files}
    words = models.chosen({**words, **own}, own)
    engine = MicroEngine(words, models.rules)
    engine.begin(())  # the native library is loaded before anybody waits for it
    return engine
