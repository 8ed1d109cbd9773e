"""Changes the volume of satellites, which then say how loud they are."""

import asyncio
from collections.abc import Callable, Mapping

from wyoming.event import Event

from wyoming_rosie_hub.messages import Answer, IntentAsked
from wyoming_rosie_hub.volume_intents import answer, meant, order

ANSWER_SECONDS = 1.0
"""Satellites that know no volume never answer."""


class Volumes:
    """`areas` are the rooms of the satellites that are there; `tell(satellite_id, event)` returns False for one that is not."""

    def __init__(self, areas: Callable[[], Mapping[str, str | None]], tell: Callable[[str, Event], bool]) -> None:
        self._areas = areas
        self._tell = tell
        self._asked: dict[str, asyncio.Future[int]] = {}

    async def do(self, asked: IntentAsked) -> Answer | None:
        """Carry out an intent about the volume; return what to say, None when it is about something else."""
        event = order(asked.intent, asked.slots)
        if event is None:
            return None
        satellites = meant(asked.slots, asked.speaker.satellite_id, self._areas())
        told = await asyncio.gather(*(self._order(one, event) for one in satellites))
        return Answer(answer(told, asked.speaker.language), done=any(percent is not None for percent in told))

    def told(self, satellite_id: str, percent: int) -> None:
        """Note how loud a satellite says that it is."""
        asked = self._asked.get(satellite_id)
        if asked is not None and not asked.done():
            asked.set_result(percent)

    async def _order(self, satellite_id: str, event: Event) -> int | None:
        """Return how loud the satellite is then, None when it does not say."""
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked[satellite_id] = asked
        try:
            if not self._tell(satellite_id, event):
                return None
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asked
        except TimeoutError:
            return None
        finally:
            if self._asked.get(satellite_id) is asked:
                del self._asked[satellite_id]
