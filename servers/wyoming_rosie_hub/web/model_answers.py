"""Model answers: what the bridge publishes for the sessions of its prompts, read from NATS for clients of the HTTP API."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import structlog

from wyoming_rosie.bus import envelope, names, schema
from wyoming_rosie.bus.connection import BrokerUrl, find_configured, parse_configured
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BadMessageError
from wyoming_rosie.bus.messages import ResponseDelta, ResponseFinal
from wyoming_rosie.bus.nats_connection import check_nats_files
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.tasks import loop_time, run_beside

_LOG = structlog.get_logger()
SOURCE = "wyoming-rosie-hub"
MAX_READERS = 64
MAX_UNREAD = 256
MAX_ANSWERS = 100
"""Answers that one request returns; the next one begins after them."""
LOOK_SECONDS = 1.0
"""Pause between looks for an answer whose message did not come."""
NO_BUS = "no bus is configured; set nats in [bridge.broker], as docs/model-jobs.md says"


class NoAnswersError(RosieError):
    """The answers cannot be read now."""

    code = "bus"


@dataclass(frozen=True)
class ModelAnswer:
    """The whole answer to the prompt of a key; `number` grows with each answer of the house."""

    number: int
    key: str
    final: ResponseFinal


@dataclass(frozen=True)
class AnswerPiece:
    """A piece of an answer that comes later as a whole."""

    key: str
    delta: ResponseDelta


Received: TypeAlias = ModelAnswer | AnswerPiece


@dataclass
class ModelAnswers:
    """Reads answers while `run` is connected to the bus of the bridge's settings; `file` replaces their usual files."""

    file: Path | None = None
    _events: NatsEvents | None = None
    _problem: str = NO_BUS
    _readers: set[object] = field(default_factory=set)

    async def run(self) -> None:
        """Stay connected until cancelled, if a bus is configured."""
        try:
            self._events = await asyncio.to_thread(_create_events, self.file)
            if self._events is not None:
                await self._events.run()
        except ConfigError as err:
            self._give_up(str(err))
        except ImportError as err:
            self._give_up(f"{err.name} is missing; run: {install_command(['bridge'])}")

    def _give_up(self, reason: str) -> None:
        self._events, self._problem = None, reason
        _LOG.warning("answers of models cannot be read", reason=reason)

    def check(self) -> None:
        """Raise NoAnswersError if the answers cannot be read now."""
        self._connected()

    async def poll(self, session: str, after: int, seconds: float) -> list[ModelAnswer]:
        """Return the answers of the last hour after a number, waiting so long for the first. Raises RosieError."""
        end = loop_time() + seconds
        async with self._open(session) as (events, woken):
            while not (answers := await _read_stored(events, session, after)) and loop_time() < end:
                await _wait(woken, min(LOOK_SECONDS, end - loop_time()))
        return answers

    async def follow(self, session: str, after: int) -> AsyncGenerator[Received | None, None]:
        """Yield the answers after a number, then pieces and answers as they come; None now and then. Raises RosieError."""
        async with self._open(session) as (events, woken):
            while True:
                for answer in await _read_stored(events, session, after):
                    after = answer.number
                    yield answer
                yield await _wait(woken)

    @asynccontextmanager
    async def _open(self, session: str) -> AsyncIterator[tuple[NatsEvents, "asyncio.Queue[AnswerPiece | None]"]]:
        """Listen to a session during the block: pieces arrive in the queue, and None for each answer that is there."""
        events = self._connected()
        if len(self._readers) >= MAX_READERS:
            raise NoAnswersError(f"{MAX_READERS} clients wait for answers; try again later")
        queue = asyncio.Queue[AnswerPiece | None](MAX_UNREAD)
        self._readers.add(queue)
        try:
            async with AsyncExitStack() as stack:
                for subject in (names.response_subject(session), names.delta_subject(session)):
                    messages = await stack.enter_async_context(events.listen(subject))
                    await stack.enter_async_context(run_beside(_forward(messages, queue)))
                yield events, queue
        finally:
            self._readers.remove(queue)

    def _connected(self) -> NatsEvents:
        if self._events is None:
            raise NoAnswersError(self._problem)
        if self._events.problem:
            raise NoAnswersError(self._events.problem)
        return self._events


def _create_events(file: Path | None) -> NatsEvents | None:
    """Return the bus of the bridge's settings; None if they name none. Raises ConfigError."""
    url = find_configured("nats", file)
    if url is None:
        return None
    broker: BrokerUrl = parse_configured("nats", "[bridge.broker] nats", url, file)
    found = (find_configured(key, file) for key in ("nats_credentials", "nats_nkey"))
    credentials, nkey = (Path(path) if path else None for path in found)
    check_nats_files("[bridge.broker] nats_", credentials, nkey)
    return NatsEvents(broker, SOURCE, credentials, nkey)


async def _read_stored(events: NatsEvents, session: str, after: int) -> list[ModelAnswer]:
    """Return the answers of a session that are kept after a number."""
    answers: list[ModelAnswer] = []
    subject = names.response_subject(session)
    while len(answers) < MAX_ANSWERS:
        stored = await events.read_stored(names.RESPONSES_STREAM, subject, after)
        if stored is None:
            break
        after = stored.number
        try:
            message = envelope.decode(stored.data)
            answers.append(ModelAnswer(after, message.key, schema.unwrap(ResponseFinal, message)))
        except BadMessageError as err:
            _LOG.warning("no answer", number=after, reason=str(err))
    return answers


async def _forward(messages: AsyncIterator[Envelope], queue: "asyncio.Queue[AnswerPiece | None]") -> None:
    async for message in messages:
        if message.schema != schema.schema_of(ResponseDelta):
            await queue.put(None)
            continue
        try:
            await queue.put(AnswerPiece(message.key, schema.unwrap(ResponseDelta, message)))
        except BadMessageError:
            _LOG.debug("piece lost", key=message.key)


async def _wait(woken: "asyncio.Queue[AnswerPiece | None]", seconds: float = LOOK_SECONDS) -> AnswerPiece | None:
    """Return the next piece; None for an answer, or after a while."""
    try:
        async with asyncio.timeout(seconds):
            return await woken.get()
    except TimeoutError:
        return None
