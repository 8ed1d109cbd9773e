"""Speaks each character as a short tone."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi, sin
from pathlib import Path

from wyoming.info import Attribution, TtsProgram, TtsVoice

from wyoming_rosie.audio.formats import AudioFormat
from wyoming_rosie.config import option
from wyoming_rosie_tts.engine import StepCancellation, TtsEngine, VoiceRequest
from wyoming_rosie_tts.text.segments import TextSegment

CREDIT = Attribution("the example", "https://example.org")
FORMAT = AudioFormat(16_000, 2, 1)
TONE_SECONDS = 0.05


@dataclass(frozen=True)
class Settings:
    hertz: float = option(440.0, "the pitch of every character")


class BeepVoice:
    audio_format = FORMAT
    language = "en"
    volume = 1.0

    def __init__(self, hertz: float) -> None:
        self.identity = f"beep {hertz:g}"
        samples = range(round(TONE_SECONDS * FORMAT.rate))
        self._tone = array("h", (round(8000 * sin(2 * pi * hertz * n / FORMAT.rate)) for n in samples)).tobytes()

    def synthesize(
        self, segment: TextSegment, *, pause: bool, cancellation: StepCancellation | None = None
    ) -> Iterator[bytes]:
        for _ in segment.text:
            yield self._tone


class BeepEngine(TtsEngine):
    def __init__(self, hertz: float) -> None:
        self._voice = BeepVoice(hertz)

    def describe(self) -> TtsProgram:
        voice = TtsVoice("beep", CREDIT, True, "Tones", "1.0", languages=["en"])
        return TtsProgram("beep", CREDIT, True, "A tone for each character", "1.0", [voice])

    def select_voice(self, request: VoiceRequest) -> BeepVoice:
        return self._voice


def load(settings: Settings, data: Path) -> BeepEngine:
    return BeepEngine(settings.hertz)
