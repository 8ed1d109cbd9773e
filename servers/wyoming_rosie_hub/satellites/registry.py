"""Satellite registry: the satellites of the house, found by their id."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

import structlog
from wyoming.event import Event

from wyoming_rosie.errors import RosieError
from wyoming_rosie.timers.requests import SatelliteIdentity
from wyoming_rosie_hub.messages import Announcement
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.turn_runner import HubContext, TurnRunner

_LOG = structlog.get_logger()


class SatelliteTakenError(RosieError):
    """Another satellite of that id is connected."""

    code = "taken"


class ConnectedSatellite(Protocol):
    """A satellite that may be connected."""

    uri: str
    satellite_id: str | None  # while connected
    area: str | None
    software: str | None  # its program and version
    wake_words: Sequence[str]  # that it detects itself

    @property
    def volume_percent(self) -> int | None:
        """The volume as it has reported it."""

    @property
    def is_muted(self) -> bool | None:
        """Whether its microphone is muted, as it has reported it."""

    @property
    def phase(self) -> str:
        """The phase of its turn, such as `idle`."""

    def announce(self, announcement: Announcement) -> bool:
        """Queue an announcement; return whether the satellite is connected."""

    def send(self, event: Event) -> None:
        """Queue an event without waiting."""


class SatelliteRegistry:
    """All satellites by address, connected or not."""

    def __init__(self) -> None:
        self._satellites: dict[str, ConnectedSatellite] = {}

    def add(self, satellite: ConnectedSatellite) -> None:
        """Register a satellite by its address."""
        self._satellites[satellite.uri] = satellite

    @property
    def uris(self) -> frozenset[str]:
        return frozenset(self._satellites)

    @property
    def all(self) -> tuple[ConnectedSatellite, ...]:
        return tuple(self._satellites.values())

    @property
    def connected(self) -> tuple[ConnectedSatellite, ...]:
        return tuple(satellite for satellite in self.all if satellite.satellite_id is not None)

    def areas(self) -> dict[str, str | None]:
        """Return the area of each connected satellite by its id."""
        return {satellite.satellite_id: satellite.area for satellite in self.all if satellite.satellite_id is not None}

    def announce(self, satellite_id: str, announcement: Announcement) -> bool:
        """Queue an announcement; return whether a satellite of that id is connected."""
        return any(satellite.announce(announcement) for satellite in self.with_id(satellite_id))

    def send(self, satellite_id: str, event: Event) -> bool:
        """Queue an event; return whether a satellite of that id is connected."""
        satellites = list(self.with_id(satellite_id))
        for satellite in satellites:
            satellite.send(event)
        return bool(satellites)

    def with_id(self, satellite_id: str) -> Iterator[ConnectedSatellite]:
        """Return the satellites that are connected with an id."""
        return (satellite for satellite in self.all if satellite.satellite_id == satellite_id)

    @asynccontextmanager
    async def attach(
        self, hub: HubContext, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AsyncIterator[SatelliteReader]:
        """Register a satellite that came to the hub by itself during the block. Raises SatelliteTakenError."""
        if satellite.satellite_id in self.areas():
            raise SatelliteTakenError(f"a satellite '{satellite.satellite_id}' is connected already")
        turns = TurnRunner(hub, satellite, send)
        reader = SatelliteReader(turns, send, partial(hub.volume.on_report, satellite.satellite_id))
        attached = AttachedSatellite(satellite, turns, reader, send)
        self.add(attached)
        _LOG.info("satellite attached", satellite=satellite.satellite_id, area=satellite.area)
        try:
            hub.timers.on_connected(satellite.satellite_id)
            hub.announcements.on_connected(satellite.satellite_id)
            yield reader
        finally:
            self._satellites.pop(attached.uri)
            await turns.close()
            _LOG.info("satellite detached", satellite=satellite.satellite_id)


class AttachedSatellite:
    """A satellite that connected to the hub, as a browser does."""

    def __init__(
        self,
        satellite: SatelliteIdentity,
        turns: TurnRunner,
        reader: SatelliteReader,
        send: Callable[[Event], None],
    ) -> None:
        self.uri = f"attached:{satellite.satellite_id}"
        self.satellite_id: str | None = satellite.satellite_id
        self.area = satellite.area
        self.software: str | None = None
        self.wake_words: Sequence[str] = ()
        self.send = send
        self._turns = turns
        self._reader = reader

    @property
    def volume_percent(self) -> int | None:
        return self._reader.volume_percent

    @property
    def is_muted(self) -> bool | None:
        return self._reader.is_muted

    @property
    def phase(self) -> str:
        return self._turns.phase.value

    def announce(self, announcement: Announcement) -> bool:
        self._turns.process(announcement)
        return True
