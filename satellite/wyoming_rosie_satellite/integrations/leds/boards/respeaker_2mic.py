"""ReSpeaker 2-Mics Pi HAT: three LEDs."""

from wyoming_rosie_satellite.integrations.leds import LedDriver
from wyoming_rosie_satellite.integrations.leds.apa102 import Apa102, import_spidev, open_bus

LED_COUNT = 3


def load(brightness: int) -> LedDriver:
    """Create the driver. Raises ConfigError."""
    return Apa102(open_bus(import_spidev()), LED_COUNT, brightness)
