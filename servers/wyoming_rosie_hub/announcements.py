"""What is to be said without being asked: kept while the satellite is away."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from wyoming_rosie.protocol import turn
from wyoming_rosie_hub.messages import Announced, Answer, Speaker

_LOG = structlog.get_logger()
MOST_KEPT = 32
KEPT_SECONDS = 3600.0


class Announcements:
    """`say(satellite_id, announcement)` returns False for a satellite that is not there."""

    def __init__(self, say: Callable[[str, Announced], bool]) -> None:
        self._say = say
        self._kept: deque[tuple[float, str, Announced]] = deque(maxlen=MOST_KEPT)

    def announce(self, speaker: Speaker, answer: Answer, conversation_id: str | None = None) -> None:
        """Say it now, or when the satellite is back within an hour; the oldest of too many is dropped."""
        announced = Announced(turn.new_id(), answer, speaker.language, conversation_id)
        if not self._say(speaker.satellite_id, announced):
            _LOG.info("announcement waits for its satellite", satellite=speaker.satellite_id)
            self._kept.append((_now(), speaker.satellite_id, announced))

    def joined(self, satellite_id: str) -> None:
        """Say what was kept for a satellite."""
        kept, self._kept = self._kept, deque(maxlen=MOST_KEPT)
        for at, whose, announced in kept:
            if whose != satellite_id:
                self._kept.append((at, whose, announced))
            elif _now() - at < KEPT_SECONDS:
                self._say(satellite_id, announced)


def _now() -> float:
    return asyncio.get_running_loop().time()
