"""Web server for slash commands and outgoing webhooks of Mattermost, which prove themselves by a token."""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from aiohttp import web

from wyoming_rosie.errors import ConfigError, RosieError
from wyoming_rosie.http.rate_limit import Rate, RateLimit
from wyoming_rosie_intent.integrations.mattermost.posts import clean_question, neutralize

_LOG = structlog.get_logger()
ANSWER_SECONDS = 2.5
"""Mattermost waits for 3 s."""
MAX_BODY_BYTES = 64_000
MAX_LATE = 16
"""Answers at a time that come after the request."""
WRONG_TOKENS = Rate(per_second=1 / 12, burst=5)
"""Wrong tokens of one address."""


@dataclass(frozen=True)
class ChatCommand:
    """A sentence that came as a slash command or by an outgoing webhook; these have no `response_url`."""

    text: str = field(repr=False)
    channel_id: str = ""
    channel_name: str = ""
    user_id: str = ""
    post_id: str = ""
    response_url: str = ""


class WebhookServer:
    """Answers commands with `answer`; `send_late` gets the answers that take longer, after a `promise`.

    While too many are promised, the answer is the `refusal`. Raises ConfigError.
    """

    def __init__(
        self,
        address: str,
        tokens: Collection[str],
        answer: Callable[[ChatCommand], Awaitable[str]],
        send_late: Callable[[ChatCommand, str], Awaitable[None]],
        promise: str,
        refusal: str,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        host, separator, port = address.rpartition(":")
        if not separator or not port.isdecimal() or not host:
            raise ConfigError(f"listen = {address!r}: write HOST:PORT, such as 127.0.0.1:8066")
        if not tokens:
            raise ConfigError('listen needs the tokens of the commands: commands.NAME = { secret_file = "PATH" }')
        self._host, self._port = host.strip("[]"), int(port)
        self._tokens = [token.encode() for token in tokens]
        self._answer = answer
        self._send_late = send_late
        self._promise = promise
        self._refusal = refusal
        self._seconds = seconds
        self._wrong_tokens = RateLimit(WRONG_TOKENS)
        self._late: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    async def start(self) -> None:
        """Listen. Raises ConfigError if the address is taken."""
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_post("/", self._on_request)
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as err:
            await self.close()
            raise ConfigError(f"cannot listen on {self._host}:{self._port}: {err.strerror}") from err

    async def close(self) -> None:
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _on_request(self, request: web.Request) -> web.Response:
        values = await _read_values(request)
        address, now = request.remote or "", asyncio.get_running_loop().time()
        if not self._is_token(values.get("token", "")):
            is_guessing = self._wrong_tokens.take(address, now) > 0
            status = HTTPStatus.TOO_MANY_REQUESTS if is_guessing else HTTPStatus.UNAUTHORIZED
            _LOG.warning("a command of Mattermost has a wrong token", address=address)
            return web.json_response({"text": "the token is wrong"}, status=status)
        command = _parse_command(values)
        return web.json_response(_create_reply(command, await self._answer_in_time(command)))

    def _is_token(self, given: str) -> bool:
        """Compare with all tokens, in the same time whichever it is."""
        results = [hmac.compare_digest(given.encode(), token) for token in self._tokens]
        return any(results)

    async def _answer_in_time(self, command: ChatCommand) -> str:
        """Return the answer, or a promise if it takes longer than Mattermost waits."""
        if len(self._late) >= MAX_LATE:
            _LOG.warning("too many commands of Mattermost at a time; one is refused")
            return self._refusal
        task = asyncio.ensure_future(self._answer(command))
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(task)
        except TimeoutError:
            late = asyncio.create_task(self._finish_late(command, task))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return self._promise
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _finish_late(self, command: ChatCommand, task: "asyncio.Future[str]") -> None:
        try:
            await self._send_late(command, await task)
        except RosieError as err:
            _LOG.warning("a late answer was not sent", reason=str(err))
        finally:
            task.cancel()


async def _read_values(request: web.Request) -> Mapping[str, str]:
    """Return the texts of a form or of JSON."""
    if request.content_type == "application/json":
        try:
            values = json.loads(await request.read())
        except (ValueError, RecursionError):
            return {}
        pairs = values.items() if isinstance(values, Mapping) else ()
    else:
        pairs = (await request.post()).items()
    return {key: value for key, value in pairs if isinstance(value, str)}


def _parse_command(values: Mapping[str, str]) -> ChatCommand:
    text, trigger = values.get("text", ""), values.get("trigger_word", "")
    if trigger and text.startswith(trigger):
        text = text.removeprefix(trigger)
    names = ("channel_id", "channel_name", "user_id", "post_id", "response_url")
    return ChatCommand(clean_question(text), **{name: values.get(name, "")[:2000] for name in names})


def _create_reply(command: ChatCommand, text: str) -> Mapping[str, str]:
    """Return the answer: for the person alone after a slash command, in the thread after an outgoing webhook."""
    kind = "ephemeral" if command.response_url else "comment"
    return {"response_type": kind, "text": neutralize(text)}
