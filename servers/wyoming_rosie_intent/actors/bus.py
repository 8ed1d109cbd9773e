"""Actor that publishes commands on NATS and waits for their results.

Commands go to `voice.intent.DOMAIN.ACTION`, such as `voice.intent.light.turn_on`. The subscriber that executes one publishes
{"ok": true} to the subject in `reply`, with {"message": "…"} if there is something to say.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog

from wyoming_rosie.bus import names, schema
from wyoming_rosie.bus.connection import parse_broker_url
from wyoming_rosie.bus.envelope import MAX_KEY_LENGTH, Envelope, load_json
from wyoming_rosie.bus.errors import BadMessageError, BusError
from wyoming_rosie.bus.messages import VoiceIntent
from wyoming_rosie.bus.nats_connection import NatsConnection, check_nats_files
from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie_intent.engine import ActorContext, Answer, Command, ServedActor
from wyoming_rosie_intent.responses import queries, responses

if TYPE_CHECKING:
    from nats.aio.client import Client

_LOG = structlog.get_logger()
SOURCE = "intent"
NO_DOMAIN = "home"
"""Domain in the subject of commands without one."""
TOKEN_VARIABLE = "NATS_TOKEN"  # noqa: S105 - the name of a variable
MAX_MESSAGE_LENGTH = 1000
"""Characters of a result that are spoken."""
MAX_RESULT_SIZE = 65_536
"""Bytes."""


@dataclass(frozen=True)
class Settings:
    server: tuple[str, ...] = option(
        ("nats://127.0.0.1:4222",), "NATS servers, tls:// with TLS; the others are fallbacks for the first"
    )
    credentials: Path | None = option(None, f"NATS credentials file; a token is read from {TOKEN_VARIABLE}")
    nkey: Path | None = option(None, "file with the seed of this service's NATS nkey")
    ca_file: Path | None = option(None, "certificates of the CA that signed the server's")
    plain: bool = option(False, "connect without TLS to a server on another machine")
    seconds: float = option(3.0, "timeout of a command")


class BusActor(ServedActor):
    """Acts while `run` runs."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings. Raises ConfigError for missing credentials or a malformed token."""
        if find_spec("nats") is None:
            raise ConfigError(f"nats-py is not installed; run: {install_command(['bus'])}")
        check_nats_files("--bus.", settings.credentials, settings.nkey)
        servers = [
            parse_broker_url("--bus.server", url, TOKEN_VARIABLE, settings.ca_file, allow_plain=settings.plain)
            for url in settings.server
        ]
        self._seconds = settings.seconds
        self._connection = NatsConnection(servers, "wyoming-rosie-intent", settings.credentials, settings.nkey)

    @property
    def is_remote(self) -> bool:
        return True

    @property
    def problem(self) -> str | None:
        """The reason why it cannot act now, as a sentence; None when it can."""
        return None if self._connection.problem is None else responses.render("bus_unreachable")

    async def run(self) -> None:
        """Stay connected until cancelled, retrying an unreachable server."""
        await self._connection.run(_prepare_nothing)

    async def act(self, command: Command, now: datetime) -> Answer:
        """Answer queries without targets, or publish the command once. Failures become part of the answer."""
        if not command.targets and (answer := queries.answer_query({}, command, now)) is not None:
            return answer
        client = self._connection.client
        if self.problem is not None or client is None:
            return Answer(responses.render("bus_unreachable", command.match.language), done=False)
        try:
            result = await _request(client, get_subject(command), create_message(command, self._seconds), self._seconds)
        except TimeoutError:
            named = responses.name_targets(command.match, command.targets)
            return Answer(responses.render("did_not_answer", command.match.language, named=named), done=False)
        except (BusError, BadMessageError) as err:
            _LOG.warning("bus command failed", intent=command.match.intent, problem=str(err))
            return Answer(responses.render("cannot", command.match.language), done=False)
        return _create_answer(command, result)

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return nothing: states are requested over the bus as well."""
        return {}


def load(settings: Settings, _context: ActorContext) -> BusActor:
    """Create the actor, not yet connected. Raises ConfigError."""
    return BusActor(settings)


async def _prepare_nothing(_: "Client") -> None:
    """Need nothing of a new connection."""


def create_message(command: Command, seconds: float) -> Envelope:
    """Create the message for a command, which expires after `seconds`."""
    match, key, now = command.match, uuid4().hex, time.time()
    turn = structlog.contextvars.get_contextvars().get("turn_id")
    intent = VoiceIntent(
        match.intent,
        tuple(entity.id for entity in command.targets),
        dict(match.slots),
        text=match.text or None,
        language=match.language,
        expires=now + seconds,
        reply=names.result_subject(key),
    )
    return schema.wrap(
        intent, key=key, source=SOURCE, now=now, trace=str(turn or "")[:MAX_KEY_LENGTH], deadline=now + seconds
    )


def get_subject(command: Command) -> str:
    """Return the subject of a command."""
    domain = command.targets[0].domain if command.targets else command.match.domain or NO_DOMAIN
    return names.intent_subject(domain, names.action_of(command.match.intent))


async def _request(client: "Client", subject: str, message: Envelope, seconds: float) -> Mapping[str, Any]:
    """Publish a command and return its result. Raises TimeoutError, BusError, BadMessageError."""
    from nats.errors import Error

    try:
        results = await client.subscribe(names.result_subject(message.key))
        try:
            await client.publish(subject, message.encode())
            answer = await results.next_msg(seconds)
        finally:
            await results.unsubscribe()
    except TimeoutError:  # NATS raises its own subclass
        raise
    except (Error, OSError) as err:
        raise BusError(type(err).__name__) from err
    return _parse_result(answer.data)


def _parse_result(raw: bytes) -> Mapping[str, Any]:
    """Parse a result, which may be in the `data` of an envelope. Raises BadMessageError."""
    result = load_json(raw, MAX_RESULT_SIZE)
    inner = result.get("data", result) if isinstance(result, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("ok"), bool):
        raise BadMessageError("a result needs 'ok', true or false")
    return inner


def _create_answer(command: Command, result: Mapping[str, Any]) -> Answer:
    message, ok = result.get("message"), bool(result["ok"])
    if isinstance(message, str) and message.strip():
        return Answer(message.strip()[:MAX_MESSAGE_LENGTH], ok)
    return (
        Answer(responses.render_done(command, command.targets))
        if ok
        else Answer(responses.render_impossible(command), done=False)
    )
