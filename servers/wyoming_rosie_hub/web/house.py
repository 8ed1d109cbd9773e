"""The house as the web server sees it: what the routes may ask of the hub."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from wyoming.event import Event

from wyoming_rosie.timers.requests import SatelliteIdentity
from wyoming_rosie_hub.satellites.reader import SatelliteReader


@dataclass(frozen=True)
class HouseSatellite:
    """A satellite that is connected, or one of the settings that is not."""

    id: str
    area: str | None
    uri: str
    is_connected: bool
    phase: str


class House(Protocol):
    """The hub's side of the web server. Nothing here blocks."""

    def run_checks(self) -> Mapping[str, str | None]:
        """Return the problem of each part of the hub; None for one that is well."""

    def satellites(self) -> Sequence[HouseSatellite]:
        """Return the satellites, browsers among them."""

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        """Connect a browser as a satellite during the block: its turns run, and timers and announcements reach it.

        `send` queues an event for the browser without waiting. Raises SatelliteTakenError.
        """
