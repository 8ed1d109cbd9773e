"""Takes any loud sound for its only wake word."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from wyoming.info import Attribution, WakeModel, WakeProgram

from wyoming_rosie.audio.formats import SPEECH
from wyoming_rosie.config import option
from wyoming_rosie.runtime.stream_scheduler import BatchLimits
from wyoming_rosie.wakeword.detection import UnknownWakeWordError, WakeDetection
from wyoming_rosie_wake.engine import TICK_SECONDS
from wyoming_rosie_wake.models import ModelSelection

WORD = "loud"
CREDIT = Attribution("the example", "https://example.org")
HOP_BYTES = SPEECH.bytes_in(0.08)


@dataclass(frozen=True)
class Settings:
    amplitude: int = option(10_000, "the sample value from which a sound is loud")


class LoudStream:
    def __init__(self) -> None:
        self.samples = 0
        self.is_loud = False

    def skip(self, samples: int) -> None:
        self.samples += samples


class LoudEngine:
    batch_limits = BatchLimits(HOP_BYTES, HOP_BYTES, TICK_SECONDS)

    def __init__(self, amplitude: int) -> None:
        self._amplitude = amplitude

    def describe(self) -> WakeProgram:
        model = WakeModel(
            name=WORD, phrase=WORD, languages=[], attribution=CREDIT, installed=True, description="Any", version="1.0"
        )
        return WakeProgram(
            name=WORD, attribution=CREDIT, installed=True, description="Any loud sound", version="1.0", models=[model]
        )

    def match_names(self, names: Sequence[str]) -> list[str]:
        if unknown := [name for name in names if name != WORD]:
            raise UnknownWakeWordError(f"no wake word is named {unknown[0]!r}; there is: {WORD}")
        return list(names)

    def create_stream(self, names: Sequence[str]) -> LoudStream:
        return LoudStream()

    def set_words(self, stream: LoudStream, names: Sequence[str]) -> None: ...

    def process_batch(self, batch: Sequence[tuple[LoudStream, bytes]]) -> list[list[WakeDetection]]:
        return [self._process(stream, pcm) for stream, pcm in batch]

    def _process(self, stream: LoudStream, pcm: bytes) -> list[WakeDetection]:
        was_loud, stream.is_loud = stream.is_loud, max(array("h", pcm)) > self._amplitude
        stream.samples += len(pcm) // SPEECH.frame_bytes
        return [WakeDetection(WORD, 1.0, stream.samples)] if stream.is_loud and not was_loud else []


def load(settings: Settings, models: ModelSelection) -> LoudEngine:
    return LoudEngine(settings.amplitude)
