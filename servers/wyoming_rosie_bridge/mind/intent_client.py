"""Asking an intent daemon over Wyoming, and the tiers: which of several daemons is asked."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from wyoming.asr import Transcript
from wyoming.event import Event

from wyoming_rosie.bus.messages import ModelJob
from wyoming_rosie.bus.names import escape_token
from wyoming_rosie.errors import UnreachableError
from wyoming_rosie.protocol.client import Client, PeerError, connect
from wyoming_rosie.runtime.circuit_breaker import CircuitBreaker
from wyoming_rosie.text.language_tags import is_language_tag
from wyoming_rosie_bridge.mind.settings import MindSettings

_LOG = structlog.get_logger()
CONNECT_SECONDS = 3.0
MAX_ANSWER_CHARACTERS = 40_000
"""A longer answer is cut, so that its envelope is never too large."""
MAX_NAME_CHARACTERS = 128
NOBODY = "no intent daemon can be reached; is it running at --mind.intent-uri?"
NO_ACTOR = "no-actor"
"""Error of a daemon that delegates a command to its peer, which only a conductor can execute."""
_DELEGATED = frozenset({"intent", "intents-start"})
_FAILED = frozenset({"not-handled", "not-recognized"})

PieceCallback = Callable[[str], Awaitable[None]]
"""Called with each piece of an answer."""


@dataclass(frozen=True)
class DaemonAnswer:
    """What a daemon answered; `error` is None or the code of the failure."""

    text: str
    error: str | None = None


@dataclass(frozen=True)
class AskTimeouts:
    """Seconds until the beginning and the end of an answer."""

    first: float
    total: float


async def ask(client: Client, question: Event, timeouts: AskTimeouts, on_text: PieceCallback) -> DaemonAnswer:
    """Send a transcript and return the answer. Raises UnreachableError for none in time, PeerError for `error`."""
    try:
        async with asyncio.timeout(timeouts.total):
            await client.send(question)
            return await _receive_answer(client, timeouts.first, on_text)
    except TimeoutError as err:
        raise UnreachableError(f"{client.uri} has not ended its answer for {timeouts.total:g} s") from err


async def _receive_answer(client: Client, first_seconds: float, on_text: PieceCallback) -> DaemonAnswer:
    deadline, text = time.monotonic() + first_seconds, ""
    while True:
        event = await client.receive(None if text else max(0.0, deadline - time.monotonic()))
        match event.type:
            case "handled-chunk":
                text += _text_of(event)
                await on_text(_text_of(event))
            case "handled":
                return DaemonAnswer((_text_of(event) or text)[:MAX_ANSWER_CHARACTERS])
            case "handled-stop":
                return DaemonAnswer(text[:MAX_ANSWER_CHARACTERS])
            case failed if failed in _FAILED:
                return DaemonAnswer(_text_of(event)[:MAX_ANSWER_CHARACTERS], failed)
            case delegated if delegated in _DELEGATED:
                return DaemonAnswer("", NO_ACTOR)
            case "error":
                raise PeerError(_text_of(event), str(event.data.get("code") or "") or None)


def _text_of(event: Event) -> str:
    return str(event.data.get("text") or "")


def create_question(job: ModelJob, trace: str) -> Event:
    """Return the transcript of a job, with what the daemon should know about it."""
    prompt = job.prompt
    language = prompt.language if is_language_tag(prompt.language) else None
    context: dict[str, Any] = {
        "conversation_id": escape_token(prompt.session),
        "turn_id": trace[:MAX_NAME_CHARACTERS],
        "allow_tools": job.allow_tools,
        "allow_cloud": prompt.allow_cloud,
    }
    if prompt.area:
        context["area"] = prompt.area[:MAX_NAME_CHARACTERS]
    if prompt.device_id:
        context["satellite_id"] = prompt.device_id[:MAX_NAME_CHARACTERS]
    return Transcript(text=prompt.text, language=language, context=context).event()


class IntentTier:
    """An intent daemon; after three failures in a row it is left alone for 30 seconds."""

    def __init__(self, uri: str, *, is_cloud: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.uri, self.is_cloud = uri, is_cloud
        self._clock = clock
        self._breaker = CircuitBreaker()

    @property
    def allows_attempt(self) -> bool:
        return self._breaker.allows_attempt(self._clock())

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        """Open a connection. Raises UnreachableError."""
        is_trial = self._breaker.start_attempt()
        async with AsyncExitStack() as stack:
            stack.callback(self._breaker.end_attempt, is_trial)
            try:
                client = await stack.enter_async_context(connect(self.uri, CONNECT_SECONDS, role="intent"))
            except UnreachableError as err:
                self._record_failure(err)
                raise
            yield client

    async def ask(self, client: Client, question: Event, timeouts: AskTimeouts, on_text: PieceCallback) -> DaemonAnswer:
        """Return the answer to a transcript. Raises UnreachableError, PeerError."""
        try:
            answer = await ask(client, question, timeouts, on_text)
        except (UnreachableError, PeerError) as err:
            self._record_failure(err)
            raise
        self._breaker.record_success()
        return answer

    def _record_failure(self, err: Exception) -> None:
        self._breaker.record_failure(self._clock())
        _LOG.warning("intent daemon failed", uri=self.uri, reason=str(err))


class IntentTiers:
    """The intent daemons, in the order in which they are asked."""

    def __init__(self, settings: MindSettings) -> None:
        self._tiers = [IntentTier(uri) for uri in settings.intent_uri]
        if settings.cloud_uri is not None:
            self._tiers.append(IntentTier(settings.cloud_uri, is_cloud=True))

    def select(self, *, allow_cloud: bool) -> Sequence[IntentTier]:
        """Return the daemons that may be asked now."""
        return [tier for tier in self._tiers if tier.allows_attempt and (allow_cloud or not tier.is_cloud)]

    @asynccontextmanager
    async def connect(self, *, allow_cloud: bool) -> AsyncIterator[tuple[IntentTier, Client]]:
        """Open a connection to the first daemon that can be reached. Raises UnreachableError."""
        async with AsyncExitStack() as stack:
            for tier in self.select(allow_cloud=allow_cloud):
                try:
                    client = await stack.enter_async_context(tier.connect())
                except UnreachableError:
                    continue
                yield tier, client
                return
            raise UnreachableError(NOBODY)

    @property
    def problem(self) -> str | None:
        """Why no daemon is asked now, as a sentence."""
        return None if self.select(allow_cloud=True) else NOBODY
