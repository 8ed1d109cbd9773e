"""Actor that publishes commands on NATS and waits for their results.

Commands go to `voice.intent.DOMAIN.ACTION`, such as `voice.intent.light.turn_on`. The subscriber that executes one publishes
{"ok": true} to the subject in `reply`, with {"message": "…"} if there is something to say.
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog

from wyoming_rosie.config import option
from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.protocol import strict_json
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.extras import install_command
from wyoming_rosie.runtime.secrets import read_secret_variable
from wyoming_rosie_intent.engine import ActorContext, Answer, Command, ServedActor
from wyoming_rosie_intent.responses import queries, responses

if TYPE_CHECKING:
    from nats.aio.client import Client

_LOG = structlog.get_logger()
SCHEMA = "rosie.v1.voice.intent"
RESULTS = "automation.result"
NO_DOMAIN = "home"
"""Domain in the subject of commands without one."""
TOKEN_VARIABLE = "NATS_TOKEN"  # noqa: S105 - the name of a variable
MAX_MESSAGE_LENGTH = 1000
"""Characters of a result that are spoken."""
MAX_RESULT_SIZE = 65_536
"""Bytes."""
CONNECT_SECONDS = 2
PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Settings:
    server: tuple[str, ...] = option(("nats://127.0.0.1:4222",), "NATS servers; the others are fallbacks for the first")
    credentials: Path | None = option(None, f"NATS credentials file; a token is read from {TOKEN_VARIABLE}")
    seconds: float = option(3.0, "timeout of a command")


@dataclass(frozen=True)
class CommandMessage:
    """A command as a message: its subject, the subject of the result, and the body."""

    subject: str
    reply: str
    body: Mapping[str, Any] = field(repr=False)

    @property
    def payload(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False).encode("utf-8", "replace")


class BusActor(ServedActor):
    """Acts while `run` runs."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings. Raises ConfigError for missing credentials or a malformed token."""
        if settings.credentials is not None and not settings.credentials.is_file():
            raise ConfigError(f"--bus.credentials: there is no file {settings.credentials}")
        if find_spec("nats") is None:
            raise ConfigError(f"nats-py is not installed; run: {install_command(['bus'])}")
        self._settings = settings
        self._secret = read_secret_variable(TOKEN_VARIABLE)
        self._client: Client | None = None

    @property
    def is_remote(self) -> bool:
        return True

    @property
    def problem(self) -> str | None:
        """The reason why it cannot act now, as a sentence; None when it can."""
        return None if self._client is not None and self._client.is_connected else responses.render("bus_unreachable")

    async def run(self) -> None:
        """Stay connected until cancelled, retrying an unreachable server."""
        client = await self._connect()
        self._client = client
        _LOG.info("bus connected", servers=self._settings.server)
        try:
            await asyncio.Event().wait()
        finally:
            await client.close()

    async def act(self, command: Command, now: datetime) -> Answer:
        """Answer queries without targets, or publish the command once. Failures become part of the answer."""
        if not command.targets and (answer := queries.answer_query({}, command, now)) is not None:
            return answer
        if self.problem is not None or self._client is None:
            return Answer(responses.render("bus_unreachable", command.match.language), done=False)
        try:
            result = await self._request(self._client, create_message(command, self._settings.seconds))
        except TimeoutError:
            named = responses.name_targets(command.match, command.targets)
            return Answer(responses.render("did_not_answer", command.match.language, named=named), done=False)
        except BusError as err:
            _LOG.warning("bus command failed", intent=command.match.intent, problem=str(err))
            return Answer(responses.render("cannot", command.match.language), done=False)
        return _create_answer(command, result)

    def states(self) -> Mapping[str, Mapping[str, object]]:
        """Return nothing: states are requested over the bus as well."""
        return {}

    async def _connect(self) -> "Client":
        """Connect, retrying until it works; from then on the client reconnects by itself. Logs the first failure."""
        import nats

        backoff = Backoff(PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        while True:
            try:
                return await nats.connect(**_connect_options(self._settings, self._secret))
            except (OSError, TimeoutError, nats.errors.Error) as err:
                if not backoff.failures:
                    _LOG.warning("bus not connected", problem=f"NATS cannot be reached: {type(err).__name__}")
            await backoff.sleep()

    async def _request(self, client: "Client", command_message: CommandMessage) -> Mapping[str, Any]:
        """Publish a command and return its result. Raises TimeoutError, BusError."""
        from nats.errors import Error

        try:
            results = await client.subscribe(command_message.reply)
            try:
                await client.publish(command_message.subject, command_message.payload)
                message = await results.next_msg(self._settings.seconds)
            finally:
                await results.unsubscribe()
        except TimeoutError:  # NATS raises its own subclass
            raise
        except (Error, OSError) as err:
            raise BusError(type(err).__name__) from err
        return _parse_result(message.data)


def load(settings: Settings, _context: ActorContext) -> BusActor:
    """Create the actor, not yet connected. Raises ConfigError."""
    return BusActor(settings)


class BusError(RosieError):
    """The result is invalid, or the command could not be published."""

    code = "bus"


def create_message(command: Command, seconds: float) -> CommandMessage:
    """Create the message for a command, which expires after `seconds`."""
    match, key = command.match, uuid4().hex
    reply = f"{RESULTS}.{key}"
    turn = structlog.contextvars.get_contextvars().get("turn_id")
    data = {
        "intent": match.intent,
        "entities": [entity.id for entity in command.targets],
        "args": dict(match.slots),
        "language": match.language,
        "expires": time.time() + seconds,
        "reply": reply,
    }
    body = {"schema": SCHEMA, "key": key, "ts": time.time(), "source": "intent", "trace": turn, "data": data}
    return CommandMessage(_get_subject(command), reply, body)


def _get_subject(command: Command) -> str:
    domain = command.targets[0].domain if command.targets else command.match.domain or NO_DOMAIN
    words = re.findall(r"[A-Z][a-z]*", command.match.intent.removeprefix("Hass")) or [command.match.intent]
    return f"voice.intent.{_escape_token(domain)}.{_escape_token('_'.join(words))}"


def _escape_token(text: str) -> str:
    """Return a text as one token of a subject, without separators and wildcards."""
    return re.sub(r"[^a-z0-9_-]+", "_", text.lower())[:64] or "_"


def _parse_result(raw: bytes) -> Mapping[str, Any]:
    """Parse a result, which may be in the `data` of an envelope. Raises BusError."""
    if len(raw) > MAX_RESULT_SIZE:
        raise BusError(f"a result has more than {MAX_RESULT_SIZE} bytes")
    try:
        result = strict_json.loads(raw)
    except (ValueError, RecursionError) as err:
        raise BusError("a result is not JSON") from err
    inner = result.get("data", result) if isinstance(result, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("ok"), bool):
        raise BusError("a result needs 'ok', true or false")
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


def _connect_options(settings: Settings, secret: str | None) -> dict[str, Any]:
    return {
        "servers": list(settings.server),
        "name": "wyoming-rosie-intent",
        "connect_timeout": CONNECT_SECONDS,
        "allow_reconnect": True,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": PAUSE_SECONDS,
        "error_cb": _ignore,
        **({"user_credentials": str(settings.credentials)} if settings.credentials else {}),
        **({"token": secret} if secret is not None else {}),
    }


async def _ignore(_: Exception) -> None:
    """Ignore connection errors: callers notice them by their timeouts."""
