"""Announcements: answers that no turn asked for, queued while their satellite is disconnected."""

from collections import deque
from collections.abc import Callable

import structlog

from wyoming_rosie.protocol import turn
from wyoming_rosie.runtime.tasks import loop_time
from wyoming_rosie.timers.requests import SatelliteIdentity, SpokenAnswer
from wyoming_rosie_hub.messages import Announcement

_LOG = structlog.get_logger()
MAX_QUEUED = 32
EXPIRY_SECONDS = 3600.0


class AnnouncementQueue:
    """Delivers announcements; `deliver(satellite_id, announcement)` returns False if that satellite is not connected."""

    def __init__(self, deliver: Callable[[str, Announcement], bool]) -> None:
        self._deliver = deliver
        self._queue: deque[tuple[float, str, Announcement]] = deque(maxlen=MAX_QUEUED)

    @property
    def waiting(self) -> int:
        """Number of announcements whose satellite is not connected."""
        return len(self._queue)

    def announce(self, satellite: SatelliteIdentity, answer: SpokenAnswer, conversation_id: str | None = None) -> None:
        """Speak the answer now, or once the satellite connects within EXPIRY_SECONDS. A full queue drops its oldest."""
        announcement = Announcement(turn.new_id(), answer, satellite.language, conversation_id)
        if not self._deliver(satellite.satellite_id, announcement):
            _LOG.info("announcement queued until the satellite connects", satellite=satellite.satellite_id)
            self._queue.append((loop_time(), satellite.satellite_id, announcement))

    def on_connected(self, satellite_id: str) -> None:
        """Deliver what is queued for a satellite."""
        queued, self._queue = self._queue, deque(maxlen=MAX_QUEUED)
        for queued_at, recipient, announcement in queued:
            if recipient != satellite_id:
                self._queue.append((queued_at, recipient, announcement))
            elif loop_time() - queued_at < EXPIRY_SECONDS:
                self._deliver(satellite_id, announcement)
