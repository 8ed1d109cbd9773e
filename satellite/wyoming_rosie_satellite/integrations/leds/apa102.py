"""APA102 LEDs on the SPI bus, as many boards have them."""

from collections.abc import Sequence
from typing import Any

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_satellite.integrations.leds import Color

BUS, DEVICE = 0, 1
SPEED_HZ = 4_000_000
_START = bytes(4)
_FULL = 0xE0  # the three bits before an LED's brightness


class Apa102:
    """`count` LEDs on an SpiDev; `power`, such as the pin that switches them on, is closed with them."""

    def __init__(self, spi: Any, count: int, brightness: int, power: Any = None) -> None:
        self.count = count
        self._spi = spi
        self._brightness = brightness
        self._power = power

    def show(self, pixels: Sequence[Color]) -> None:
        self._spi.writebytes2(encode_frame(pixels, self._brightness))

    def close(self) -> None:
        self._spi.close()
        if self._power is not None:
            self._power.close()


def encode_frame(pixels: Sequence[Color], brightness: int) -> bytes:
    """Encode the pixels as SPI bytes; the trailer is long enough to clock the last pixel through."""
    encoded = b"".join(bytes((_FULL | brightness, blue, green, red)) for red, green, blue in pixels)
    return _START + encoded + bytes(4 + (len(pixels) + 15) // 16)


def import_spidev() -> Any:
    """Import the spidev module. Raises ConfigError."""
    try:
        import spidev
    except ImportError as err:
        raise ConfigError(f"--leds needs: {install_command(['respeaker'])}") from err
    return spidev


def open_bus(spidev: Any) -> Any:
    """Open the SPI bus. Raises ConfigError when the machine has none."""
    spi = spidev.SpiDev()
    try:
        spi.open(BUS, DEVICE)
    except OSError as err:
        raise ConfigError(
            f"--leds: cannot open /dev/spidev{BUS}.{DEVICE}: {err.strerror}; "
            "enable SPI (raspi-config, Interface Options) and add this user to the group spi"
        ) from err
    spi.max_speed_hz = SPEED_HZ
    return spi
