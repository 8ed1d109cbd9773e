"""ReSpeaker 4-Mic Array: twelve LEDs, which a pin switches on."""

from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.integrations.leds import LedDriver
from wyoming_rosie_satellite.integrations.leds.apa102 import Apa102, import_spidev, open_bus

LED_COUNT = 12
POWER_PIN = 5


def load(brightness: int) -> LedDriver:
    """Create the driver. Raises ConfigError."""
    spidev = import_spidev()
    try:
        import gpiozero
    except ImportError as err:
        raise ConfigError(f"--leds respeaker-4mic needs: {install_command(['respeaker'])}") from err
    return Apa102(open_bus(spidev), LED_COUNT, brightness, _power_on(gpiozero))


def _power_on(gpiozero: Any) -> Any:
    try:
        return gpiozero.LED(POWER_PIN, initial_value=True)
    except gpiozero.GPIOZeroError as err:
        raise ConfigError(f"--leds respeaker-4mic: cannot use GPIO {POWER_PIN}: {err}") from err
