"""Settings of the mind role."""

from dataclasses import dataclass

from wyoming_rosie.config import option


@dataclass(frozen=True)
class MindSettings:
    intent_uri: str = option("tcp://127.0.0.1:10550", "the intent daemon that answers")
