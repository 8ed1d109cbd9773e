"""What is to be said without being asked: kept while the satellite is away."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from wyoming_rosie.protocol import turn
from wyoming_rosie_hub.messages import Announcement, SatelliteIdentity, SpokenAnswer

_LOG = structlog.get_logger()
MAX_QUEUED = 32
EXPIRY_SECONDS = 3600.0


class AnnouncementQueue:
    """`say(satellite_id, announcement)` returns False for a satellite that is not there."""

    def __init__(self, deliver: Callable[[str, Announcement], bool]) -> None:
        self._deliver = deliver
        self._queue: deque[tuple[float, str, Announcement]] = deque(maxlen=MAX_QUEUED)

    def announce(self, satellite: SatelliteIdentity, answer: SpokenAnswer, conversation_id: str | None = None) -> None:
        """Say it now, or when the satellite is back within an hour; the oldest of too many is dropped."""
        announced = Announcement(turn.new_id(), answer, satellite.language, conversation_id)
        if not self._deliver(satellite.satellite_id, announced):
            _LOG.info("announcement waits for its satellite", satellite=satellite.satellite_id)
            self._queue.append((_now(), satellite.satellite_id, announced))

    def on_connected(self, satellite_id: str) -> None:
        """Say what was kept for a satellite."""
        kept, self._queue = self._queue, deque(maxlen=MAX_QUEUED)
        for at, whose, announced in kept:
            if whose != satellite_id:
                self._queue.append((at, whose, announced))
            elif _now() - at < EXPIRY_SECONDS:
                self._deliver(satellite_id, announced)


def _now() -> float:
    return asyncio.get_running_loop().time()
