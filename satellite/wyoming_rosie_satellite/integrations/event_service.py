"""Event service: forward events to a Wyoming service of the operator, such as one for LEDs, and execute its commands."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import structlog
from wyoming.error import Error
from wyoming.event import Event

from wyoming_rosie.errors import ConfigError, RosieError, UnreachableError
from wyoming_rosie.protocol import address, turn
from wyoming_rosie.protocol.client import Client, connect
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.tasks import loop_time, run_until_first_exit
from wyoming_rosie_satellite.integrations.observers import STATES, USER_EVENT

_LOG = structlog.get_logger()
MAX_QUEUED = 256
MAX_AGE_SECONDS = 5.0
"""Older events are dropped: LEDs would show what happened long ago."""
MAX_PAUSE_SECONDS = 30.0
PRIVATE_EVENTS = frozenset({"audio-chunk", "describe", "info", "ping", "pong"})
COMMAND = "command"
NO_CONTEXT: Mapping[str, str] = {}
ExecuteCommand: TypeAlias = Callable[[object, Mapping[str, Any]], object]
"""Executes a command of the local API with its arguments; raises RosieError for one that is invalid."""
_CONDUCTED = frozenset({"satellite-connected", "satellite-disconnected"})


class EventForwarder:
    """Connects to the service, with backoff; when too many events wait, the oldest are dropped. Raises ConfigError.

    A service that reconnects gets the present state: whether there is a conductor, and the latest of each state event.
    `context` (satellite_id, area) is added to each wake word, so that a language model can prepare for that room.
    """

    def __init__(
        self,
        uri: str,
        do: ExecuteCommand | None = None,
        fresh_seconds: float = MAX_AGE_SECONDS,
        context: Mapping[str, str] = NO_CONTEXT,
    ) -> None:
        if isinstance(address.parse(uri), address.Stdio):
            raise ConfigError("--event-uri must be tcp://HOST:PORT or unix:///PATH")
        self.dropped = 0
        self._uri = uri
        self._execute_command = do
        self._fresh_seconds = fresh_seconds
        self._context = context
        self._latest: dict[str, Event] = {}
        self._queue: deque[tuple[float, Event]] = deque()
        self._changed = asyncio.Event()

    def on_event(self, event: Event) -> None:
        if event.type in PRIVATE_EVENTS:
            return
        event = self._add_context(event)
        if (subject := _state_key(event)) is not None:
            self._latest[subject] = event
        if len(self._queue) == MAX_QUEUED:
            self._queue.popleft()
            self.dropped += 1
        self._queue.append((loop_time(), event))
        self._changed.set()

    def _add_context(self, event: Event) -> Event:
        if event.type != "detection" or not self._context:
            return event
        return Event(
            event.type, {**event.data, "context": {**self._context, **turn.event_context(event)}}, event.payload
        )

    async def run(self) -> None:
        """Forward events until cancelled; reconnect with backoff."""
        backoff = Backoff(max_seconds=MAX_PAUSE_SECONDS)
        while True:
            try:
                async with connect(self._uri) as service:
                    if backoff.failures:
                        _LOG.info("event service is back", uri=self._uri)
                    backoff.reset()
                    await run_until_first_exit(self._send_events(service), self._receive_commands(service))
            except UnreachableError as err:
                if not backoff.failures:
                    _LOG.warning("event service failed", reason=str(err))
            await backoff.sleep()

    async def _send_events(self, service: Client) -> None:
        queued = [event for _, event in self._queue]
        for event in [event for event in self._latest.values() if event not in queued]:
            await service.send(event)
        while True:
            while self._queue:
                created_at, event = self._queue.popleft()
                if created_at > loop_time() - self._fresh_seconds:
                    await service.send(event)
                else:
                    self.dropped += 1
            self._changed.clear()
            await self._changed.wait()

    async def _receive_commands(self, service: Client) -> None:
        """Execute the service's commands until it disconnects; other events are ignored."""
        while True:
            event = await service.receive()
            if event.type == USER_EVENT and event.data.get("name") == COMMAND and self._execute_command is not None:
                await self._execute(service, event, self._execute_command)

    async def _execute(self, service: Client, event: Event, do: ExecuteCommand) -> None:
        data = event.data.get("data")
        arguments = data if isinstance(data, dict) else {}
        try:
            do(arguments.get(COMMAND), arguments)
        except RosieError as err:
            await service.send(Error(str(err), err.code).event())


def _state_key(event: Event) -> str | None:
    """Return the name of the state that an event reports, if any."""
    if event.type in _CONDUCTED:
        return "conductor"
    return str(event.data.get("name")) if event.type == USER_EVENT and event.data.get("name") in STATES else None
