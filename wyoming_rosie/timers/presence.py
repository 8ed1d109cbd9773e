"""Reminders that are due when somebody comes home or leaves: rules, and the question where somebody is."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

import structlog
from wyoming.user_event import UserEvent

from wyoming_rosie.errors import RosieError
from wyoming_rosie.protocol.client import connect
from wyoming_rosie.timers.model import HubTimer, PresenceTrigger, TimerSet

_LOG = structlog.get_logger()
ANSWER_TIMEOUT_SECONDS = 5.0
_HOME = "home"
_NO_PLACE = frozenset({"", "unavailable", "unknown"})


def find_persons(timers: TimerSet) -> frozenset[str]:
    """Return the ids of the persons whose arrival or departure is waited for."""
    return frozenset(presence.person for timer in timers.alarms if (presence := _presence(timer)) is not None)


def observe(timers: TimerSet, places: Mapping[str, str], now: float) -> TimerSet:
    """Return the timers after a look at where the persons are: a reminder that is due ends now."""
    return replace(timers, all=tuple(_observe_one(timer, places, now) for timer in timers.all))


def _observe_one(timer: HubTimer, places: Mapping[str, str], now: float) -> HubTimer:
    presence = _presence(timer)
    place = "" if presence is None else places.get(presence.person, "")
    if presence is None or timer.alarm is None or place in _NO_PLACE:
        return timer
    if (place == _HOME) is presence.leaves:
        return replace(timer, alarm=replace(timer.alarm, presence=replace(presence, is_possible=True)))
    return replace(timer, ends_at=now, alarm=replace(timer.alarm, presence=None)) if presence.is_possible else timer


def _presence(timer: HubTimer) -> PresenceTrigger | None:
    return None if timer.alarm is None else timer.alarm.presence


class PlaceReader:
    """Asks the intent daemon where persons are. `uri` returns its address."""

    def __init__(self, uri: Callable[[], str]) -> None:
        self._uri = uri
        self._is_unreachable = False

    async def read(self, persons: Collection[str]) -> Mapping[str, str]:
        """Return the places of persons: home, not_home or a zone. None are known while the daemon is unreachable."""
        asked = UserEvent("home-state", {"entities": sorted(persons)}).event()
        try:
            async with connect(self._uri(), role="intent") as peer:
                await peer.send(asked)
                answer = await peer.wait_for("user-event", seconds=ANSWER_TIMEOUT_SECONDS)
        except RosieError as err:
            self._log_unreachable(err)
            return {}
        self._is_unreachable = False
        return _parse_places(answer.data.get("data"))

    def _log_unreachable(self, error: Exception) -> None:
        if not self._is_unreachable:
            _LOG.warning("arrivals cannot be noticed; the intent daemon is unreachable", reason=str(error))
        self._is_unreachable = True


def _parse_places(data: object) -> Mapping[str, str]:
    entities = data.get("entities") if isinstance(data, dict) else None
    if not isinstance(entities, dict):
        return {}
    return {str(entity): str(state.get("state", "")) for entity, state in entities.items() if isinstance(state, dict)}
