"""The micro engine: microWakeWord's small models, each at a fraction of a percent of a core."""

from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.info import WakeProgram

from wyoming_rosie.config import option
from wyoming_rosie.runtime.stream_scheduler import BatchLimits
from wyoming_rosie.wakeword.detection import TriggerRules, WakeDetection, select_words
from wyoming_rosie.wakeword.micro import (
    FRAME_BYTES,
    MicroModel,
    MicroStream,
    describe_models,
    find_package_models,
    load_file,
    load_folder,
)
from wyoming_rosie_wake.engine import TICK_SECONDS
from wyoming_rosie_wake.models import ModelSelection


@dataclass(frozen=True)
class Settings:
    bundled: bool = option(True, "offer the wake words of the pymicro-wakeword package")


class MicroEngine:
    """Wake words by name; each stream has models of its own."""

    batch_limits = BatchLimits(hop_bytes=FRAME_BYTES, max_bytes=8 * FRAME_BYTES, tick_seconds=TICK_SECONDS)

    def __init__(self, words: dict[str, MicroModel], rules: TriggerRules) -> None:
        self._words = words
        self._rules = rules

    def describe(self) -> WakeProgram:
        return describe_models(self._words.values())

    def match_names(self, names: Sequence[str]) -> list[str]:
        return [word.name for word in select_words(self._words, names)] if names else []

    def create_stream(self, names: Sequence[str]) -> MicroStream:
        return MicroStream(select_words(self._words, names), self._rules)

    def set_words(self, stream: MicroStream, names: Sequence[str]) -> None:
        stream.set_models(select_words(self._words, names))

    def process_batch(self, batch: Sequence[tuple[MicroStream, bytes]]) -> list[list[WakeDetection]]:
        return [stream.process(pcm) for stream, pcm in batch]


def load(settings: Settings, models: ModelSelection) -> MicroEngine:
    """Return the engine. Raises ConfigError."""
    words = find_package_models() if settings.bundled else {}
    for folder in models.folders:
        words = {**words, **load_folder(folder)}
    own_words = {file.stem: load_file(file) for file in models.files}
    words = models.select({**words, **own_words}, own_words)
    engine = MicroEngine(words, models.rules)
    engine.create_stream(())  # loads the native library before the first request
    return engine
