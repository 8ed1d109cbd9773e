"""The hub as the house of the web server."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_rosie.http.health import Health
from wyoming_rosie.timers.requests import SatelliteIdentity
from wyoming_rosie_hub.satellites.reader import SatelliteReader
from wyoming_rosie_hub.satellites.registry import SatelliteRegistry
from wyoming_rosie_hub.turn_runner import HubContext
from wyoming_rosie_hub.web.house import HouseSatellite


@dataclass(frozen=True)
class HubHouse:
    """Answers from the hub's services."""

    context: HubContext
    registry: SatelliteRegistry
    health: Health

    def run_checks(self) -> Mapping[str, str | None]:
        return self.health.run_checks()

    def satellites(self) -> Sequence[HouseSatellite]:
        return [
            HouseSatellite(one.satellite_id or one.uri, one.area, one.uri, one.satellite_id is not None, one.phase)
            for one in self.registry.all
        ]

    def open_browser_satellite(
        self, satellite: SatelliteIdentity, send: Callable[[Event], None]
    ) -> AbstractAsyncContextManager[SatelliteReader]:
        return self.registry.attach(self.context, satellite, send)
