"""Offline queue: store runs whose conductor is away, and offer them when it is back."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie.runtime.message_store import StoredMessage
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.integrations.observers import USER_EVENT
from wyoming_rosie_satellite.storage import recorded_run
from wyoming_rosie_satellite.storage.offline_store import OfflineStore
from wyoming_rosie_satellite.storage.recorded_run import RecordedRun

_LOG = structlog.get_logger()
MAX_ATTEMPTS = 3
MAX_UNSTORED = 8
MAX_OFFERED = 8
"""Runs offered at a time: this many may be for conductors that are still away, before one for a conductor that is back."""
OFFER_SECONDS = 30.0
"""Interval at which stored runs are checked, because they may have become too old."""
OFFER_EVENTS = frozenset({"satellite-connected", USER_EVENT})
"""Events after which a stored run may be accepted that was not before."""


class OfflineQueue:
    """Takes the place of a conductor that is away. `on_input` passes inputs to the rules; runs older than `max_seconds` are dropped."""

    def __init__(self, store: OfflineStore, max_seconds: float, on_input: Callable[[m.Input], None]) -> None:
        self._store = store
        self._max_seconds = max_seconds
        self._on_input = on_input
        self._current_events: list[Event] = []  # of the run in progress
        self._completed_runs: deque[bytes] = deque(maxlen=MAX_UNSTORED)
        self._next: tuple[StoredMessage, RecordedRun] | None = None
        self._sent: StoredMessage | None = None
        self._answered: bool | None = None  # whether the run that was sent has been answered
        self._failures: Counter[int] = Counter()
        self._changed = asyncio.Event()

    def queue_event(self, event: Event) -> None:
        """Record an event of the run in progress; never waits."""
        self._current_events.append(event)
        if event.type == "audio-stop":
            self._completed_runs.append(recorded_run.encode_run(self._current_events, time.time()))
            self._current_events = []
            self._changed.set()

    def take_current_run(self) -> Sequence[Event]:
        """Return the events of the run in progress, for a conductor that has joined and gets the rest directly."""
        events, self._current_events = self._current_events, []
        return list(recorded_run.merge_audio(events))

    def discard_run(self) -> None:
        """Drop the run in progress."""
        self._current_events = []

    def take_next_run(self) -> Sequence[Event]:
        """Return the events of the run that is offered; it counts as sent."""
        if self._next is None:
            return []
        self._sent, run = self._next
        _LOG.info("stored run is sent", turn_id=run.turn_id, seconds_old=round(time.time() - self._sent.at))
        return run.events

    def settle(self, *, answered: bool) -> None:
        """Record whether the run that was sent has been answered."""
        self._answered = answered
        self._changed.set()

    def on_event(self, event: Event) -> None:
        if event.type in OFFER_EVENTS:
            self._changed.set()

    async def run(self) -> None:
        """Store and offer runs until cancelled."""
        async with self._store:
            while True:
                self._changed.clear()
                await self._store_runs()
                await self._confirm_answered()
                await self._offer_runs()
                with suppress(TimeoutError):
                    async with asyncio.timeout(OFFER_SECONDS):
                        await self._changed.wait()

    async def _store_runs(self) -> None:
        while self._completed_runs:
            is_stored = await self._store.put(self._completed_runs.popleft())
            _LOG.info("run is stored" if is_stored else "run is lost", dropped=self._store.dropped)
            self._on_input(m.RunStored() if is_stored else m.RunLost())

    async def _confirm_answered(self) -> None:
        if self._sent is None or self._answered is None:
            return
        message, answered, self._sent, self._answered = self._sent, self._answered, None, None
        if answered or self._has_no_attempts_left(message):
            del self._failures[message.id]
            await self._store.confirm(message)

    def _has_no_attempts_left(self, message: StoredMessage) -> bool:
        self._failures[message.id] += 1
        if self._failures[message.id] < MAX_ATTEMPTS:
            return False
        _LOG.warning("stored run is dropped: no conductor has answered it", attempts=MAX_ATTEMPTS)
        return True

    async def _offer_runs(self) -> None:
        """Offer each stored run to the rules, until one is sent."""
        for message in await self._store.peek(MAX_OFFERED):
            if self._sent is not None:
                return
            run = self._decode_recent(message)
            if run is None:
                await self._store.confirm(message)
                self._changed.set()  # there may be more behind it
            else:
                self._next = message, run
                self._on_input(m.StoredRunAvailable(run.wake_word))
                self._next = None

    def _decode_recent(self, message: StoredMessage) -> RecordedRun | None:
        if time.time() - message.at > self._max_seconds:
            _LOG.info("stored run is dropped: it is too old")
            return None
        try:
            return recorded_run.decode_run(message.body)
        except BadEventError as err:
            _LOG.warning("stored run is dropped: it cannot be read", reason=str(err))
            return None
