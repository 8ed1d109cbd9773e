"""Command dispatcher: the commands and the state of the local API, without its sockets."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from wyoming_rosie.http.auth import ApiRequestError
from wyoming_rosie.runtime.fields import Fields
from wyoming_rosie.timers.timer import Timer
from wyoming_rosie_satellite.integrations.controls import MAX_VOLUME, Controls


class TimerControls(Protocol):
    """Timers that can be started and cancelled."""

    @property
    def timers(self) -> tuple[Timer, ...]: ...

    def start(self, seconds: float, name: str | None = None) -> str: ...

    def cancel(self, timer_id: str) -> bool: ...


class CommandDispatcher:
    """Executes commands; `now` is the timers' clock."""

    def __init__(self, controls: Controls, timers: TimerControls, now: Callable[[], float]) -> None:
        self._controls = controls
        self._timers = timers
        self._now = now
        self._commands: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "trigger": lambda _: controls.trigger(),
            "stop": lambda _: controls.stop(),
            "mute": lambda _: controls.mute(True),
            "unmute": lambda _: controls.mute(False),
            "volume": self._set_volume,
            "start-timer": self._start_timer,
            "cancel-timer": self._cancel_timer,
        }

    def describe_state(self) -> dict[str, Any]:
        """Return the state of the satellite as JSON."""
        status, now = self._controls.status, self._now()
        return {
            "phase": status.phase,
            "muted": status.muted,
            "volume": status.volume,
            "ringing": status.ringing,
            "timers": [_describe_timer(timer, now) for timer in self._timers.timers],
        }

    def execute(self, command: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Execute a command; return the state after it. Raises RosieError for one that is invalid."""
        action = self._commands.get(command) if isinstance(command, str) else None
        if action is None:
            raise _bad_request(f"there is no such command; there are: {', '.join(self._commands)}")
        action(arguments)
        return self.describe_state()

    def _set_volume(self, arguments: Mapping[str, Any]) -> None:
        self._controls.set_volume(Fields(arguments, _bad_request).integer("percent", 0, MAX_VOLUME))

    def _start_timer(self, arguments: Mapping[str, Any]) -> None:
        fields = Fields(arguments, _bad_request)
        self._timers.start(fields.number("seconds"), fields.optional_text("name"))

    def _cancel_timer(self, arguments: Mapping[str, Any]) -> None:
        if not self._timers.cancel(str(arguments.get("id"))):
            raise ApiRequestError("there is no such timer", "unknown-timer", HTTPStatus.NOT_FOUND)


def _describe_timer(timer: Timer, now: float) -> dict[str, Any]:
    return {
        "id": timer.id,
        "name": timer.name,
        "total_seconds": timer.total_seconds,
        "seconds_left": round(timer.seconds_left(now), 1),
        "is_active": timer.is_active,
    }


def _bad_request(text: str) -> ApiRequestError:
    return ApiRequestError(text, "bad-request", HTTPStatus.BAD_REQUEST)
