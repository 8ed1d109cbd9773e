"""The announced name and address, when they are not the satellite's own."""

import pytest

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie_satellite.announcement import announce_override, local_settings, override_address
from wyoming_rosie_satellite.config import SatelliteConfig

SETTINGS = SatelliteConfig(uri="tcp://0.0.0.0:10700", name="Kitchen")


@pytest.mark.parametrize(
    ("settings", "name", "announces_itself"),
    [
        (SETTINGS, "Kitchen", True),
        (SatelliteConfig(name="Kitchen", zeroconf_name="0242ac"), "0242ac", True),
        (SatelliteConfig(name="Kitchen", zeroconf_host="192.168.1.5"), "Kitchen", False),
        (SatelliteConfig(zeroconf=False), None, False),
    ],
    ids=["as it is", "another name", "another address", "not at all"],
)
def test_the_service_announces_the_address_that_is_its_own(
    settings: SatelliteConfig, name: str | None, announces_itself: bool
) -> None:
    changed = local_settings(settings)
    assert (changed.name, changed.zeroconf) == (name, announces_itself)


def test_another_address_shares_the_port() -> None:
    assert override_address(SETTINGS) is None
    assert override_address(SatelliteConfig(uri=SETTINGS.uri, zeroconf_host="192.168.1.5")) == Tcp("192.168.1.5", 10700)


@pytest.mark.parametrize("uri", ["unix:///run/satellite", "stdio://", "tcp://0.0.0.0:0"])
def test_another_address_without_a_port_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="--zeroconf-host needs --uri tcp://HOST:PORT"):
        override_address(SatelliteConfig(uri=uri, zeroconf_host="192.168.1.5"))


async def test_who_wants_no_zeroconf_is_not_announced_elsewhere_either() -> None:
    async with announce_override(SatelliteConfig(uri=SETTINGS.uri, zeroconf_host="192.168.1.5", zeroconf=False)):
        pass
