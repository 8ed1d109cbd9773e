"""Settings of the voice role."""

from dataclasses import dataclass

from wyoming_rosie.config import option


@dataclass(frozen=True)
class VoiceSettings:
    asr_uri: str = option("tcp://127.0.0.1:10300", "the asr daemon")
