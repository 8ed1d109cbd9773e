"""The three lights of the ReSpeaker 2-Mics Pi HAT."""

from wyoming_rosie_satellite.integrations.leds import Leds
from wyoming_rosie_satellite.integrations.leds.apa102 import Apa102, library, opened

LIGHTS = 3


def load(brightness: int) -> Leds:
    """Return the lights. Raises ConfigError."""
    return Apa102(opened(library()), LIGHTS, brightness)
