"""Jobs in Redis Streams. Needs Redis 7.0 or newer; run it with `appendonly yes` and `maxmemory-policy noeviction`.

A confirmed entry is deleted, so that the length of a stream is its backlog: producers are refused at the limit, and no entry
is ever trimmed away.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from wyoming_rosie.bus import names
from wyoming_rosie.bus.connection import BrokerUrl, explain_failure
from wyoming_rosie.bus.envelope import Envelope, decode
from wyoming_rosie.bus.errors import BacklogFullError, BadMessageError, BusError, raise_if_cancelled
from wyoming_rosie.bus.interface import PASSED, Backlog, DeadLetter, Delivery
from wyoming_rosie.runtime.secrets import Secret

if TYPE_CHECKING:
    from redis.credentials import CredentialProvider

_LOG = structlog.get_logger()
REPLY_SECONDS = 10.0
"""Time-out of an answer; longer than any blocking read, which the client library would else repeat."""
CONNECT_SECONDS, CLOSE_SECONDS = 3.0, 1.0
BLOCK_SECONDS = 4.0
MAX_DEAD_LETTERS = 10_000
CLAIM_SECONDS = 1.0
"""Pause between looks for entries that another consumer has left unconfirmed."""
FORGOTTEN_CONSUMER_MS = 3_600_000
_SEEN, _BLOB, _SCHEME = "seen:", "audio:blob:", "redis:"

_ADD = """
local decided = redis.call('GET', KEYS[2])
if decided then return decided end
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 'full' end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
redis.call('XADD', KEYS[1], '*', 'key', ARGV[4], 'env', ARGV[5])
return 'added'
"""
_EXTEND = """
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1, ARGV[3]) == 0 then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[2], 'IDLE', ARGV[4], 'JUSTID')
return 1
"""
_BURY = """
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'place', KEYS[1], 'reason', ARGV[4], 'detail', ARGV[5],
           'attempts', ARGV[6], 'at', ARGV[7], 'env', ARGV[8])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
"""
_REMOVE_CONSUMERS = """
local removed = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local about = {}
  for index = 1, #consumer, 2 do about[consumer[index]] = consumer[index + 1] end
  if about.pending == 0 and (about.name == ARGV[2] or about.idle > tonumber(ARGV[3])) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], about.name)
    removed = removed + 1
  end
end
return removed
"""
_REPLAY = """
if redis.call('XDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', 'key', ARGV[2], 'env', ARGV[3])
return 1
"""


class RedisJobs:
    """Streams of jobs in one Redis."""

    def __init__(self, client: Any) -> None:
        self.client = client  # redis.asyncio.Redis, whose types leave open what it answers
        self.consumer = f"{socket.gethostname()}-{os.getpid()}"
        self.problem: str | None = None
        self._sources: dict[str, RedisSource] = {}
        self._add = client.register_script(_ADD)
        self._replay = client.register_script(_REPLAY)

    async def add(self, stream: str, message: Envelope, decision: str | None = None) -> bool:
        decided = _SEEN + (decision or f"{stream}:{message.key}")
        limit, seconds = names.limit_of(stream), int(names.DECISION_SECONDS)
        with self.errors():
            answer = await self._add([stream, decided], [limit, PASSED, seconds, message.key, message.encode()])
        if answer == b"full":
            raise BacklogFullError(f"the stream {stream} has {limit} entries already")
        return bool(answer == b"added")

    def source(self, stream: str, idle_seconds: float) -> "RedisSource":
        source = self._sources.setdefault(stream, RedisSource(self, stream, idle_seconds))
        source.idle_seconds = idle_seconds
        return source

    async def decide(self, decision: str, value: str) -> str:
        with self.errors():
            earlier = await self.client.set(_SEEN + decision, value, nx=True, get=True, ex=int(names.DECISION_SECONDS))
        return value if earlier is None else str(earlier, "utf-8")

    async def recall(self, name: str) -> str | None:
        with self.errors():
            value = await self.client.get(_SEEN + name)
        return None if value is None else str(value, "utf-8")

    async def record(self, name: str, value: str, seconds: float) -> None:
        with self.errors():
            await self.client.set(_SEEN + name, value, px=max(1, round(1000 * seconds)))

    async def put_blob(self, key: str, content: bytes, seconds: float) -> str:
        with self.errors():
            await self.client.set(_BLOB + key, content, px=max(1, round(1000 * seconds)))
        return _SCHEME + _BLOB + key

    async def get_blob(self, uri: str) -> bytes | None:
        name = uri.removeprefix(_SCHEME)
        if not name.startswith(_BLOB):
            raise BadMessageError("a redis: URI must name a payload, as redis:audio:blob:KEY")
        with self.errors():
            content: bytes | None = await self.client.get(name)
        return content

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise BusError or BacklogFullError for what goes wrong in the block, and keep it as the problem."""
        from redis.exceptions import OutOfMemoryError, RedisError

        try:
            yield
        except OutOfMemoryError as err:
            raise_if_cancelled()
            self.problem = "Redis: it has no memory left (maxmemory)"
            raise BacklogFullError(self.problem) from err
        except (RedisError, OSError) as err:  # TimeoutError is an OSError
            raise_if_cancelled()
            self.problem = _explain(err)
            raise BusError(self.problem) from err
        self.problem = None

    async def list(self, limit: int) -> Sequence[DeadLetter]:
        """Return the newest dead letters of all streams."""
        letters: list[DeadLetter] = []
        with self.errors():
            async for key in self.client.scan_iter(match=f"{names.DEAD_STREAMS}:*", _type="stream"):
                entries = await self.client.xrevrange(key, count=limit)
                letters += [_parse_dead_letter(key.decode(), entry, fields) for entry, fields in entries]
        return sorted(letters, key=lambda letter: letter.buried_at, reverse=True)[:limit]

    async def replay(self, letter: DeadLetter) -> None:
        stream, _, entry = letter.id.rpartition("/")
        with self.errors():
            moved = await self._replay([letter.place, stream], [entry, decode(letter.raw).key, letter.raw])
        if not moved:
            raise BadMessageError(f"there is no dead letter {letter.id} any more")

    async def close(self) -> None:
        """Leave the groups, unless jobs of this consumer are unconfirmed; then close the connection."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for source in self._sources.values():
                    await source.leave()
        except (BusError, TimeoutError):
            pass  # another process removes this consumer after an hour
        finally:
            await self.client.aclose()


class RedisSource:
    """The jobs of one stream."""

    def __init__(self, jobs: RedisJobs, stream: str, idle_seconds: float) -> None:
        self.jobs, self.stream, self.group = jobs, stream, names.group_of(stream)
        self.idle_seconds = idle_seconds
        self.trimmed = 0
        """Entries that were lost because somebody trimmed the stream."""
        self._next_claim = 0.0
        self._claim_from: bytes | str = "0-0"
        self.extend_script = jobs.client.register_script(_EXTEND)
        self.bury_script = jobs.client.register_script(_BURY)
        self.remove_script = jobs.client.register_script(_REMOVE_CONSUMERS)
        self._next_removal = 0.0

    async def take(self, count: int, seconds: float) -> Sequence[Delivery]:
        from redis.exceptions import ResponseError

        try:
            return await self._take(count, seconds)
        except BusError as err:
            if not (isinstance(err.__cause__, ResponseError) and "NOGROUP" in str(err.__cause__)):
                raise
        await self._create_group()  # the first time, or after Redis has lost its data
        return await self._take(count, seconds)

    async def backlog(self) -> Backlog:
        with self.jobs.errors():
            length = await self.jobs.client.xlen(self.stream)
            first = await self.jobs.client.xrange(self.stream, count=1)
            groups = await self.jobs.client.xinfo_groups(self.stream) if length else []
        pending = next((_get(group, "pending") for group in groups if _get(group, "name") == self.group.encode()), 0)
        age = time.time() - int(first[0][0].split(b"-")[0]) / 1000 if first else 0.0
        return Backlog(max(0, length - pending), pending, max(0.0, age))

    async def leave(self) -> None:
        """Remove this consumer from the group, if it has no unconfirmed jobs, and those that were killed long ago."""
        from redis.exceptions import ResponseError

        with self.jobs.errors(), suppress(ResponseError):  # there may be no such group
            await self.remove_script([self.stream], [self.group, self.jobs.consumer, FORGOTTEN_CONSUMER_MS])

    async def _take(self, count: int, seconds: float) -> Sequence[Delivery]:
        await self._remove_forgotten_consumers()
        if time.monotonic() >= self._next_claim and (claimed := await self._claim(count)):
            return claimed
        with self.jobs.errors():
            answer = await self.jobs.client.xreadgroup(
                self.group,
                self.jobs.consumer,
                {self.stream: ">"},
                count=count,
                block=max(1, round(1000 * min(seconds, BLOCK_SECONDS, CLAIM_SECONDS))),
            )
        entries = answer[0][1] if answer else []
        return await self._to_deliveries([(entry, fields, 1) for entry, fields in entries])

    async def _remove_forgotten_consumers(self) -> None:
        """Remove the consumers of processes that were killed long ago, once an hour."""
        if time.monotonic() < self._next_removal:
            return
        self._next_removal = time.monotonic() + FORGOTTEN_CONSUMER_MS / 1000
        with self.jobs.errors():
            await self.remove_script([self.stream], [self.group, "", FORGOTTEN_CONSUMER_MS])

    async def _claim(self, count: int) -> Sequence[Delivery]:
        """Take over jobs that nobody has confirmed in time."""
        with self.jobs.errors():
            answer = await self.jobs.client.xautoclaim(
                self.stream,
                self.group,
                self.jobs.consumer,
                min_idle_time=round(1000 * self.idle_seconds),
                start_id=self._claim_from,
                count=count,
            )
            self._claim_from, entries, deleted = answer[0], answer[1], answer[2] if len(answer) > 2 else []
            found = []
            for entry, fields in entries:
                pending = await self.jobs.client.xpending_range(self.stream, self.group, entry, entry, 1)
                found.append((entry, fields, _get(pending[0], "times_delivered") if pending else 1))
        if deleted:
            self.trimmed += len(deleted)
            _LOG.error("jobs were trimmed before they were done", stream=self.stream, jobs=len(deleted))
        if self._claim_from in (b"0-0", "0-0") and not entries:
            self._next_claim = time.monotonic() + min(CLAIM_SECONDS, self.idle_seconds / 2)
        return await self._to_deliveries(found)

    async def _to_deliveries(self, entries: Sequence[tuple[bytes, dict[bytes, bytes], int]]) -> Sequence[Delivery]:
        """Return the entries that are valid, and bury the others."""
        deliveries: list[Delivery] = []
        for entry, fields, attempt in entries:
            raw = fields.get(b"env", b"")
            try:
                deliveries.append(RedisDelivery(self, entry, raw, decode(raw), attempt))
            except BadMessageError as err:
                await _bury(self, entry, raw, attempt, "malformed", str(err))
        return deliveries

    async def _create_group(self) -> None:
        from redis.exceptions import ResponseError

        with self.jobs.errors():
            try:
                await self.jobs.client.xgroup_create(self.stream, self.group, id="0", mkstream=True)
            except ResponseError as err:
                if "BUSYGROUP" not in str(err):
                    raise


class RedisDelivery:
    """One delivery of a job."""

    def __init__(self, source: RedisSource, entry: bytes, raw: bytes, envelope: Envelope, attempt: int) -> None:
        self.envelope, self.attempt, self.place = envelope, attempt, source.stream
        self._source, self._entry, self._raw = source, entry, raw

    async def ack(self) -> None:
        jobs = self._source.jobs
        with jobs.errors():
            async with jobs.client.pipeline(transaction=True) as both:
                both.xack(self.place, self._source.group, self._entry)
                both.xdel(self.place, self._entry)
                await both.execute()

    async def extend(self) -> bool:
        return await self._set_idle(0)

    async def release(self, seconds: float) -> None:
        await self._set_idle(max(0, round(1000 * (self._source.idle_seconds - seconds))))

    async def bury(self, reason: str, detail: str = "") -> None:
        await _bury(self._source, self._entry, self._raw, self.attempt, reason, detail)

    async def _set_idle(self, milliseconds: int) -> bool:
        source = self._source
        with source.jobs.errors():
            arguments = [source.group, self._entry, source.jobs.consumer, milliseconds]
            return bool(await source.extend_script([self.place], arguments))


def _explain(err: Exception) -> str:
    from redis.exceptions import AuthenticationError, NoPermissionError

    if isinstance(err, AuthenticationError):
        return f"Redis: the server refuses this identity ({err}); check the user and the password"
    if isinstance(err, NoPermissionError):
        return f"Redis: its ACL does not allow it: {err}"[:200]
    cause = err.__cause__ or err.__context__
    if isinstance(cause, OSError):
        return f"Redis: the server cannot be reached: {explain_failure(cause)}"[:200]
    return f"Redis: {err or type(err).__name__}"[:200]


async def _bury(source: RedisSource, entry: bytes, raw: bytes, attempt: int, reason: str, detail: str) -> None:
    keys = [source.stream, names.dead_stream(source.stream)]
    arguments = [source.group, entry, MAX_DEAD_LETTERS, reason, detail[:500], attempt, time.time(), raw]
    with source.jobs.errors():
        await source.bury_script(keys, arguments)


def _parse_dead_letter(stream: str, entry: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    texts = {name.decode(): value.decode(errors="replace") for name, value in fields.items() if name != b"env"}
    return DeadLetter(
        f"{stream}/{entry.decode()}",
        texts.get("place", stream.removeprefix(f"{names.DEAD_STREAMS}:")),
        texts.get("reason", ""),
        texts.get("detail", ""),
        int(texts.get("attempts", "0")),
        float(texts.get("at", "0")),
        fields.get(b"env", b""),
    )


def _get(answer: Any, name: str) -> Any:
    """Return a field of an answer, whose names are bytes or text, by the library's version."""
    return answer.get(name, answer.get(name.encode()))


def _create_login(user: str | None, secret: Secret) -> "CredentialProvider":
    """Return what gives the client user and password as they are at each connection."""
    from redis.credentials import CredentialProvider

    class Login(CredentialProvider):
        async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
            password = await secret.get()
            return (user, password) if user else (password,)

    return Login()


@asynccontextmanager
async def open_redis(url: BrokerUrl) -> AsyncIterator[RedisJobs]:
    """Open the client of a Redis, which need not run yet."""
    await asyncio.to_thread(import_module, "redis.asyncio")
    from redis import DriverInfo, __version__
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    tls: dict[str, Any] = {"ssl_ca_certs": str(url.ca_file)} if url.ca_file and url.uses_tls else {}
    login: dict[str, Any] = {} if url.secret is None else {"credential_provider": _create_login(url.user, url.secret)}
    client = Redis.from_url(
        url.without_user() if login else url.url,
        socket_timeout=REPLY_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_keepalive=True,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=DriverInfo(lib_version=__version__),  # else each connection reads the package's metadata from disk
        **login,
        **tls,
    )
    jobs = RedisJobs(client)
    try:
        yield jobs
    finally:
        await jobs.close()
