"""`wyoming-rosie prompt`: send a prompt to the bridge, and print the answer while it comes."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from cyclopts import Parameter

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import BrokerUrl, find_configured, read_configured_broker
from wyoming_rosie.bus.envelope import Envelope
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.interface import Events, Jobs
from wyoming_rosie.bus.messages import ModelPrompt, ResponseDelta, ResponseFinal
from wyoming_rosie.bus.nats_connection import check_nats_files
from wyoming_rosie.bus.nats_jetstream import NatsEvents
from wyoming_rosie.bus.redis_streams import open_redis
from wyoming_rosie.commands import pipeline
from wyoming_rosie.errors import ConfigError, NotUnderstoodError, RosieError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.tasks import run_beside

CONNECT_SECONDS = 3.0
LOOK_SECONDS = 2.0
"""Pause between looks for a recorded answer whose message was missed."""
MAX_UNREAD = 1000
SOURCE = "wyoming-rosie-prompt"
_NOT_UNDERSTOOD = frozenset({"not-handled", "not-recognized"})


@dataclass(frozen=True)
class BrokerOptions:
    """Where the brokers of the bridge are."""

    redis: Annotated[str | None, Parameter(help="redis://HOST:PORT [default: the bridge's, else this machine's]")] = (
        None
    )
    nats: Annotated[str | None, Parameter(help="nats://HOST:PORT [default: the bridge's, else this machine's]")] = None


async def prompt(
    text: Annotated[str, Parameter(help="a prompt, or - for standard input")],
    /,
    *,
    session: Annotated[str | None, Parameter(help="conversation to continue [default: a new one]")] = None,
    area: Annotated[str | None, Parameter(help="area of the speaker, such as Kitchen")] = None,
    language: pipeline.Language = None,
    tools: Annotated[bool, Parameter(help="allow what acts in the home")] = True,
    cloud: Annotated[bool, Parameter(help="allow models outside the home", negative=())] = False,
    seconds: Annotated[float, Parameter(help="time to wait for the answer")] = 60.0,
    as_json: Annotated[
        bool, Parameter(name="--json", help="print the answer as one line of JSON", negative=())
    ] = False,
    brokers: Annotated[BrokerOptions, Parameter(name="*")] = BrokerOptions(),
) -> None:
    """Send a prompt to the language models behind wyoming-rosie-bridge; print the answer as it comes.

    The bridge routes it by what it asks for: a command, media, a question, a long text, or tools.
    """
    message = ModelPrompt(
        pipeline.read_text(text),
        session or uuid4().hex,
        area=area,
        language=language,
        allow_cloud=cloud,
        allow_tools=tools,
    )
    now, key = time.time(), uuid4().hex
    envelope = schema.wrap(message, key=key, source=SOURCE, now=now, deadline=now + seconds)
    shown = AnswerText()
    async with _open_buses(brokers) as (jobs, events):
        final = await _ask(jobs, events, envelope, message.session, None if as_json else shown, seconds)
    if as_json:
        about = {"session": message.session, "key": key, **schema.to_data(final)}
        print(json.dumps(about, ensure_ascii=False))  # noqa: T201
    elif final.ok or shown.text:
        _write(f"{shown.finish(final.text)}\n")
    if not final.ok:
        kind = NotUnderstoodError if final.error in _NOT_UNDERSTOOD else RosieError
        raise kind(f"{final.text} ({final.error})")


class AnswerText:
    """The text of an answer that is shown while it comes. After a missing piece it waits for the final answer."""

    def __init__(self) -> None:
        self.text = ""
        """What was shown."""
        self._next = 0
        self._is_complete = True

    def add(self, delta: ResponseDelta) -> str:
        """Return what to show of a piece: nothing after one that is missing."""
        self._is_complete = self._is_complete and delta.seq == self._next
        self._next += 1
        if not self._is_complete:
            return ""
        self.text += delta.text
        return delta.text

    def finish(self, final: str) -> str:
        """Return what remains to show: the rest, or on a new line the whole if it is another text."""
        shown = self.text
        self.text = final
        if final.startswith(shown):
            return final.removeprefix(shown)
        return f"\n{final}" if final.strip() != shown.strip() else ""


async def _ask(
    jobs: Jobs, events: Events, envelope: Envelope, session: str, shown: AnswerText | None, seconds: float
) -> ResponseFinal:
    """Add a prompt and return the final answer; show the pieces. Raises RosieError if there is none in time."""
    try:
        async with asyncio.timeout(seconds), _listen(events, session) as received:
            await jobs.add(names.LLM_INCOMING, envelope)
            while True:
                message = await _receive(jobs, received, envelope.key)
                if isinstance(message, ResponseFinal):
                    return message
                if shown is not None and message is not None:
                    _write(shown.add(message))
    except TimeoutError as err:
        raise RosieError(
            f"no answer within {seconds:g} s; is wyoming-rosie-bridge with the role mind running? If it is still being "
            f"answered, the answer will be on {names.response_subject(session)}"
        ) from err


async def _receive(jobs: Jobs, received: "asyncio.Queue[Envelope]", key: str) -> ResponseDelta | ResponseFinal | None:
    """Return the next message of an answer, None for another's; after a while without one, look for its record."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            envelope = await received.get()
    except TimeoutError:
        recorded = await jobs.recall(names.recorded_answer(names.model_answer(key)))
        return None if recorded is None else schema.from_data(ResponseFinal, json.loads(recorded))
    if envelope.key != key:
        return None
    try:
        if envelope.schema == schema.schema_of(ResponseDelta):
            return schema.unwrap(ResponseDelta, envelope)
        return schema.unwrap(ResponseFinal, envelope)
    except BadMessageError:
        return None


@asynccontextmanager
async def _listen(events: Events, session: str) -> AsyncIterator["asyncio.Queue[Envelope]"]:
    """Receive the pieces and the final answers of a session during the block."""
    received: asyncio.Queue[Envelope] = asyncio.Queue(MAX_UNREAD)

    async def forward(messages: AsyncIterator[Envelope]) -> None:
        async for message in messages:
            await received.put(message)

    async with AsyncExitStack() as stack:
        for subject in (names.response_subject(session), names.delta_subject(session)):
            messages = await stack.enter_async_context(events.listen(subject))
            await stack.enter_async_context(run_beside(forward(messages)))
        yield received


@asynccontextmanager
async def _open_buses(options: BrokerOptions) -> AsyncIterator[tuple[Jobs, NatsEvents]]:
    """Connect to Redis and NATS. Raises ConfigError for one that is not there."""
    redis = await asyncio.to_thread(read_configured_broker, "redis", "--redis", options.redis, "redis://127.0.0.1:6379")
    nats = await asyncio.to_thread(read_configured_broker, "nats", "--nats", options.nats, "nats://127.0.0.1:4222")
    try:
        async with AsyncExitStack() as stack:
            jobs = await stack.enter_async_context(open_redis(redis))
            events = NatsEvents(nats, SOURCE, *await asyncio.to_thread(_find_nats_files))
            await stack.enter_async_context(run_beside(events.run()))
            await _check_redis(jobs, redis)
            await _check_nats(events, nats)
            yield jobs, events
    except ImportError as err:
        raise ConfigError(f"the module {err.name} is not installed; run: {install_command(['bridge'])}") from err


def _find_nats_files() -> tuple[Path | None, Path | None]:
    """Return the bridge's credentials and nkey for NATS. Raises ConfigError."""
    credentials, nkey = (find_configured(key) for key in ("nats_credentials", "nats_nkey"))
    files = Path(credentials) if credentials else None, Path(nkey) if nkey else None
    check_nats_files("--broker.nats-", *files)
    return files


async def _check_redis(jobs: Jobs, url: BrokerUrl) -> None:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await jobs.recall("prompt")
    except (BusError, TimeoutError) as err:
        raise ConfigError(
            f"no Redis answers at {url.url}: install redis-server and start it, or name the bridge's with --redis"
        ) from err


async def _check_nats(events: NatsEvents, url: BrokerUrl) -> None:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            while events.problem:  # noqa: ASYNC110 - nothing else tells
                await asyncio.sleep(0.02)
    except TimeoutError as err:
        raise ConfigError(
            f"no NATS answers at {url.url}: install nats-server, start it with -js, or name the bridge's with --nats "
            f"({events.problem})"
        ) from err


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
