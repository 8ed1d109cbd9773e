"""Changes the volume of satellites, which then say how loud they are."""

import asyncio
from collections.abc import Callable, Mapping

from wyoming.event import Event

from wyoming_rosie_hub.messages import IntentRequest, SpokenAnswer
from wyoming_rosie_hub.volume_intents import create_volume_event, describe_result, find_targets

REPORT_TIMEOUT_SECONDS = 1.0
"""Satellites that know no volume never answer."""


class VolumeService:
    """`areas` are the rooms of the satellites that are there; `tell(satellite_id, event)` returns False for one that is not."""

    def __init__(self, areas: Callable[[], Mapping[str, str | None]], send: Callable[[str, Event], bool]) -> None:
        self._areas = areas
        self._send = send
        self._pending: dict[str, asyncio.Future[int]] = {}

    async def execute(self, request: IntentRequest) -> SpokenAnswer | None:
        """Carry out an intent about the volume; return what to say, None when it is about something else."""
        event = create_volume_event(request.intent, request.slots)
        if event is None:
            return None
        satellites = find_targets(request.slots, request.satellite.satellite_id, self._areas())
        told = await asyncio.gather(*(self._set_volume(one, event) for one in satellites))
        return SpokenAnswer(
            describe_result(told, request.satellite.language), succeeded=any(percent is not None for percent in told)
        )

    def on_report(self, satellite_id: str, percent: int) -> None:
        """Note how loud a satellite says that it is."""
        asked = self._pending.get(satellite_id)
        if asked is not None and not asked.done():
            asked.set_result(percent)

    async def _set_volume(self, satellite_id: str, event: Event) -> int | None:
        """Return how loud the satellite is then, None when it does not say."""
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pending[satellite_id] = asked
        try:
            if not self._send(satellite_id, event):
                return None
            async with asyncio.timeout(REPORT_TIMEOUT_SECONDS):
                return await asked
        except TimeoutError:
            return None
        finally:
            if self._pending.get(satellite_id) is asked:
                del self._pending[satellite_id]
