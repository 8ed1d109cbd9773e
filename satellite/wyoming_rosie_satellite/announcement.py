"""Announcement of a name or an address that is not the satellite's own, such as that outside of a container."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from wyoming_rosie.errors import ConfigError
from wyoming_rosie.protocol import address, discovery
from wyoming_rosie.protocol.address import Tcp
from wyoming_rosie_satellite.config import SatelliteConfig

FLAG = "--zeroconf-host"


def local_settings(settings: SatelliteConfig) -> SatelliteConfig:
    """Return the settings by which the server announces the satellite's own address, if at all."""
    is_own = settings.zeroconf and settings.zeroconf_host is None and not settings.esphome
    return replace(settings, name=settings.zeroconf_name or settings.name, zeroconf=is_own)


@asynccontextmanager
async def announce_override(settings: SatelliteConfig) -> AsyncIterator[None]:
    """Announce the address of --zeroconf-host, if any, during the block. Raises ConfigError."""
    override = override_address(settings)
    if override is None or not settings.zeroconf:
        yield
        return
    async with discovery.announce("satellite", settings.zeroconf_name or settings.name, override):
        yield


def override_address(settings: SatelliteConfig) -> Tcp | None:
    """Return the address to announce instead of the satellite's own, if any. Raises ConfigError."""
    if settings.zeroconf_host is None:
        return None
    listens = address.parse(settings.uri)
    if not isinstance(listens, Tcp) or not listens.port:
        raise ConfigError(f"{FLAG} needs --uri tcp://HOST:PORT, whose PORT it shares")
    return Tcp(settings.zeroconf_host, listens.port)
