"""Settings of the vision role."""

from dataclasses import dataclass

from wyoming_rosie.config import option


@dataclass(frozen=True)
class VisionSettings:
    frigate_url: str | None = option(
        None, "Frigate's HTTP API, which fills what MQTT lost, such as http://frigate:5000"
    )
