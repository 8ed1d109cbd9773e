"""Settings of the vision role."""

from dataclasses import dataclass

from wyoming_rosie.config import option
from wyoming_rosie_bridge.vision.edge.settings import EdgeSettings
from wyoming_rosie_bridge.vision.frigate.settings import FrigateSettings


@dataclass(frozen=True)
class VisionSettings:
    frigate: FrigateSettings = option(FrigateSettings, "objects that Frigate tracks")
    edge: EdgeSettings = option(EdgeSettings, "cameras that the edge classifier looks at")
