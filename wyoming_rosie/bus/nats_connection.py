"""Connection to NATS: tries again with growing pauses, comes back after a revoked key, and tells why it does not work.

The library repeats the first connection by itself, every half second and without a word, takes a server that offers no TLS at
its word, and gives up for good when the server refuses it later.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.bus import names
from wyoming_rosie.bus.connection import BrokerUrl, explain_failure
from wyoming_rosie.errors import ConfigError
from wyoming_rosie.runtime.backoff import Backoff
from wyoming_rosie.runtime.secrets import read_secret_file

if TYPE_CHECKING:
    from nats.aio.client import Client

_LOG = structlog.get_logger()
CONNECT_SECONDS = 3
CLOSE_SECONDS = 1.0
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 5.0
_REFUSED = "the server refuses this identity"
REFUSAL_SECONDS = 10.0
"""Age up to which a refusal explains why an answer does not come."""


class NatsConnection:
    """One connection; `run` keeps it."""

    def __init__(
        self, servers: Sequence[BrokerUrl], name: str, credentials: Path | None = None, nkey_seed: Path | None = None
    ) -> None:
        """Take the servers, of which the others are fallbacks for the first, and one of the two files, or none."""
        self.problem: str | None = "NATS: not connected yet"
        self.client: Client | None = None
        self.on_reconnect: Callable[[], Awaitable[None]] | None = None
        """Awaited when the library has connected again by itself."""
        self._servers, self._name = servers, name
        self._credentials, self._nkey_seed = credentials, nkey_seed
        self._backoff = Backoff(FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)
        self._reported: set[str] = set()
        self._refusal = (-inf, "")

    async def run(self, prepare: "Callable[[Client], Awaitable[None]]") -> None:
        """Stay connected until cancelled. `prepare` is awaited after each connection, before `problem` is None."""
        await asyncio.to_thread(import_module, "nats")
        while True:
            await self._run_once(prepare)
            await self._backoff.sleep()

    def report(self, problem: str) -> None:
        """Keep a problem, and log it once until there is a connection."""
        if problem not in self._reported:
            self._reported.add(problem)
            _LOG.warning("NATS not connected", host=self._servers[0].host, reason=problem)
        self.problem = problem

    def recent_refusal(self) -> str:
        """Return what the server's permissions have just refused, an empty text for nothing."""
        refused_at, reason = self._refusal
        return reason if time.monotonic() - refused_at <= REFUSAL_SECONDS else ""

    async def pause(self) -> None:
        """Wait before another attempt, longer each time until a connection is ready."""
        await self._backoff.sleep()

    async def _run_once(self, prepare: "Callable[[Client], Awaitable[None]]") -> None:
        """Connect, and return when the server has ended the connection for good, as it does when a key is revoked."""
        from nats.errors import Error

        closed = asyncio.Event()
        self.client = client = _create_client(requires_tls=self._servers[0].uses_tls)
        try:
            await client.connect(**await self._options(closed))
            await prepare(client)
            if not client.is_closed:
                self._be_ready(client)
            await closed.wait()
            self.report(f"NATS: the server ended the connection: {client.last_error or 'no reason given'}")
        except (ConfigError, OSError, Error) as err:
            self.report(_explain(err))
        finally:
            await _close(client)

    def _be_ready(self, client: "Client") -> None:
        self._forget_problems()
        _LOG.info("NATS connected", server_version=str(client.connected_server_version))

    def _forget_problems(self) -> None:
        self.problem = None
        self._reported.clear()
        self._backoff.reset()

    async def _options(self, closed: asyncio.Event) -> dict[str, Any]:
        """Return the options of a connection, which sets `closed` when it ends for good. Raises ConfigError."""
        first = self._servers[0]
        seed = await asyncio.to_thread(read_nkey_seed, self._nkey_seed) if self._nkey_seed else None

        async def on_closed() -> None:
            closed.set()

        return {
            "servers": [server.url for server in self._servers],
            "dont_randomize": True,
            "name": self._name,
            "inbox_prefix": f"_INBOX.{names.escape_token(self._name)}",  # so that others may not read our answers
            "connect_timeout": CONNECT_SECONDS,
            "max_reconnect_attempts": -1,
            "reconnect_time_wait": 0.1,  # `_on_error` pauses longer
            "ping_interval": 10,
            "error_cb": self._on_error,
            "closed_cb": on_closed,
            "disconnected_cb": self._on_disconnect,
            "reconnected_cb": self._on_reconnect,
            **({"tls": first.ssl_context()} if first.uses_tls else {}),
            **({"user_credentials": str(self._credentials)} if self._credentials else {}),
            **({"nkeys_seed_str": seed} if seed else {}),
            **await self._read_login(),
        }

    async def _read_login(self) -> dict[str, str]:
        """Return user and password, or the token, as they are now."""
        first = self._servers[0]
        if first.secret is None:
            return {}
        secret = await first.secret.get()
        return {"user": first.user, "password": secret} if first.user else {"token": secret}

    async def _on_error(self, err: Exception) -> None:
        """Report an error; while there is no connection, pause as well: the library awaits this before it tries again."""
        if "permissions violation" in str(err).lower():
            self._refusal = (time.monotonic(), f"its permissions do not allow it: {str(err)[:200]}")
            _LOG.error("NATS refused", reason=self._refusal[1])
        elif self.client is not None and not self.client.is_connected:
            if not (isinstance(err, ConnectionError) and _REFUSED in (self.problem or "")):  # what follows a refusal
                self.report(_explain(err))
            await self._backoff.sleep()
            self.client.options.update(await self._read_login())  # which the library uses at its next attempt

    async def _on_disconnect(self) -> None:
        if self.problem is None:
            self.problem = "NATS: the connection is lost"

    async def _on_reconnect(self) -> None:
        self._forget_problems()
        _LOG.info("NATS connected again")
        if self.on_reconnect is not None:
            await self.on_reconnect()


def check_nats_files(setting: str, credentials: Path | None, nkey_seed: Path | None) -> None:
    """Raise ConfigError for files that cannot be used; their flags begin with `setting`."""
    if credentials is not None and not credentials.is_file():
        raise ConfigError(f"{setting}credentials: there is no file {credentials}")
    if nkey_seed is not None:
        read_nkey_seed(nkey_seed, f"{setting}nkey")


def read_nkey_seed(path: Path, setting: str = "nkey") -> str:
    """Return the seed of an nkey in a file. Raises ConfigError."""
    import nkeys

    seed = read_secret_file(path, setting)
    try:
        nkeys.from_seed(bytearray(seed.encode())).wipe()
    except (nkeys.NkeysError, ValueError) as err:
        raise ConfigError(f"{setting}: {path} holds no seed of an nkey, which begins with SU") from err
    return seed


async def _close(client: "Client") -> None:
    """Close a connection that may be broken in any way, as a task of its own: the library swallows cancellations."""
    closing = asyncio.create_task(client.close())
    try:
        await asyncio.wait([closing], timeout=CLOSE_SECONDS)
    finally:
        if not closing.done():
            closing.cancel()
            _abort(client)
        closing.add_done_callback(lambda done: done.cancelled() or done.exception())


def _abort(client: "Client") -> None:
    """Give up a connection whose orderly end takes too long; the library would leave its socket open."""
    writer = getattr(client._transport, "_io_writer", None)  # noqa: SLF001 - nothing public ends it
    if writer is not None:
        writer.transport.abort()


def _create_client(*, requires_tls: bool) -> "Client":
    from nats.aio.client import Client
    from nats.errors import Error

    class TlsClient(Client):
        async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
            if initial_connection and not info.get("tls_required"):
                raise Error("the server offers no TLS on this port")
            await super()._process_info(info, initial_connection)

    return TlsClient() if requires_tls else Client()


def _explain(err: Exception) -> str:
    text = explain_failure(err)
    if "authorization" in text.lower() or "authentication" in text.lower():
        return f"NATS: {_REFUSED} ({text[:100]}); check the nkey, the password or the token"
    return (
        f"NATS: {text}"[:200] if isinstance(err, ConfigError) else f"NATS: the server cannot be reached: {text}"[:200]
    )
