"""Stands in for conductors that are away: keeps what is said to them, and has it sent when they are back."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from wyoming.event import Event

from wyoming_rosie.errors import BadEventError
from wyoming_rosie_satellite import messages as m
from wyoming_rosie_satellite.integrations.observers import USER_EVENT
from wyoming_rosie_satellite.storage import recorded_run
from wyoming_rosie_satellite.storage.outbox import Message, Outbox
from wyoming_rosie_satellite.storage.recorded_run import KeptRun

_LOG = structlog.get_logger()
MOST_ATTEMPTS = 3
MOST_UNWRITTEN = 8
MOST_LOOKED_AT = 8
"""So many runs of conductors that are still away may be before one of a conductor that is back."""
LOOK_SECONDS = 30.0
"""How often runs that nobody fetches are looked at, since they may be too old."""
PERHAPS_QUIET = frozenset({"satellite-connected", USER_EVENT})
"""Events after which a run may be sent that could not be before."""


class StandIn:
    """Is told what a conductor would be. `take` gives the satellite's rules an input; runs are sent for `longest_seconds`."""

    def __init__(self, outbox: Outbox, longest_seconds: float, take: Callable[[m.Input], None]) -> None:
        self._outbox = outbox
        self._longest_seconds = longest_seconds
        self._take = take
        self._spoken: list[Event] = []  # of the run that is being spoken
        self._unwritten: deque[bytes] = deque(maxlen=MOST_UNWRITTEN)
        self._next: tuple[Message, KeptRun] | None = None
        self._sent: Message | None = None
        self._answered: bool | None = None  # the one that was sent
        self._failures: Counter[int] = Counter()
        self._news = asyncio.Event()

    def tell(self, event: Event) -> None:
        """Write down what a conductor would be told; never waits."""
        self._spoken.append(event)
        if event.type == "audio-stop":
            self._unwritten.append(recorded_run.dumped(self._spoken, time.time()))
            self._spoken = []
            self._news.set()

    def hand_over(self) -> Sequence[Event]:
        """Return what was told of the run that is being spoken: a conductor has come who hears the rest."""
        spoken, self._spoken = self._spoken, []
        return list(recorded_run.joined(spoken))

    def forget(self) -> None:
        """Forget the run that is being spoken."""
        self._spoken = []

    def send(self) -> Sequence[Event]:
        """Return the run that waits, which the conductor is now told."""
        if self._next is None:
            return []
        self._sent, run = self._next
        _LOG.info("kept run is sent", turn_id=run.turn_id, seconds_old=round(time.time() - self._sent.at))
        return run.events

    def settle(self, *, answered: bool) -> None:
        """Note what became of it."""
        self._answered = answered
        self._news.set()

    def saw(self, event: Event) -> None:
        if event.type in PERHAPS_QUIET:
            self._news.set()

    async def run(self) -> None:
        """Write runs down and offer them until cancelled."""
        async with self._outbox:
            while True:
                self._news.clear()
                await self._write()
                await self._note_answer()
                await self._offer()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._news.wait()

    async def _write(self) -> None:
        while self._unwritten:
            kept = await self._outbox.put(self._unwritten.popleft())
            _LOG.info("run is kept" if kept else "run is lost", dropped=self._outbox.dropped)
            self._take(m.RunKept() if kept else m.RunLost())

    async def _note_answer(self) -> None:
        if self._sent is None or self._answered is None:
            return
        message, answered, self._sent, self._answered = self._sent, self._answered, None, None
        if answered or self._has_failed_too_often(message):
            del self._failures[message.id]
            await self._outbox.confirm(message)

    def _has_failed_too_often(self, message: Message) -> bool:
        self._failures[message.id] += 1
        if self._failures[message.id] < MOST_ATTEMPTS:
            return False
        _LOG.warning("kept run is dropped; nobody has answered it", attempts=MOST_ATTEMPTS)
        return True

    async def _offer(self) -> None:
        """Let the rules decide about each run that waits, until one is sent."""
        for message in await self._outbox.take(MOST_LOOKED_AT):
            if self._sent is not None:
                return
            run = self._usable(message)
            if run is None:
                await self._outbox.confirm(message)
                self._news.set()  # there may be more behind it
            else:
                self._next = message, run
                self._take(m.KeptRunWaits(run.wake_word))
                self._next = None

    def _usable(self, message: Message) -> KeptRun | None:
        if time.time() - message.at > self._longest_seconds:
            _LOG.info("kept run is too old and forgotten")
            return None
        try:
            return recorded_run.loaded(message.body)
        except BadEventError as err:
            _LOG.warning("kept run cannot be read and is dropped", reason=str(err))
            return None
