"""Volume service: changes the volume of satellites, which report the new volume."""

import asyncio
from collections.abc import Callable, Mapping

from wyoming.event import Event

from wyoming_rosie.timers.requests import IntentRequest, SpokenAnswer
from wyoming_rosie_hub.volume.intents import create_volume_event, describe_result, find_targets, volume_event

REPORT_TIMEOUT_SECONDS = 3.0
"""Satellites without volume control never report."""


class VolumeService:
    """Carries out volume intents. `areas` returns each connected satellite's area; `send` returns False if not connected."""

    def __init__(self, areas: Callable[[], Mapping[str, str | None]], send: Callable[[str, Event], bool]) -> None:
        self._areas = areas
        self._send = send
        self._pending: dict[str, asyncio.Future[int]] = {}

    async def execute(self, request: IntentRequest) -> SpokenAnswer | None:
        """Carry out a volume intent and return the answer; None for other intents."""
        event = create_volume_event(request.intent, request.slots)
        if event is None:
            return None
        satellites = find_targets(request.slots, request.satellite.satellite_id, self._areas())
        reported = await asyncio.gather(*(self._request(satellite_id, event) for satellite_id in satellites))
        return SpokenAnswer(
            describe_result(reported, request.satellite.language),
            succeeded=any(percent is not None for percent in reported),
        )

    async def set_volume(self, satellite_id: str, percent: int) -> int | None:
        """Set a volume in percent; return the one that the satellite then reports, or None if it reports none."""
        return await self._request(satellite_id, volume_event(percent=percent))

    def on_report(self, satellite_id: str, percent: int) -> None:
        """Process a satellite's report of its volume, in percent."""
        report = self._pending.get(satellite_id)
        if report is not None and not report.done():
            report.set_result(percent)

    async def _request(self, satellite_id: str, event: Event) -> int | None:
        """Request a change; return the volume that the satellite reports, in percent, or None if it reports none."""
        report: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pending[satellite_id] = report
        try:
            if not self._send(satellite_id, event):
                return None
            async with asyncio.timeout(REPORT_TIMEOUT_SECONDS):
                return await report
        except TimeoutError:
            return None
        finally:
            if self._pending.get(satellite_id) is report:
                del self._pending[satellite_id]
