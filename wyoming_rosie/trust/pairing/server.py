"""Pairing server: listens while a code is shown, and lets the one program that knows it become a member."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from wyoming_rosie.errors import BadEventError, ConfigError, RosieError, UnreachableError
from wyoming_rosie.protocol.listening import describe_bind_error
from wyoming_rosie.runtime.workers import ThreadWorker
from wyoming_rosie.trust.pairing.code import CodeEnd, OfferedCode
from wyoming_rosie.trust.pairing.exchange import Applied, HubExchange, Reply, Stored, refuse
from wyoming_rosie.trust.pairing.frames import FrameStream
from wyoming_rosie.trust.pairing.messages import Application, Refusal, Refused, Welcome

MAX_CONNECTIONS = 8
MAX_CONNECTIONS_PER_ADDRESS = 2
"""Few, so that a machine with many connections leaves room for the one that knows the code."""
POLL_SECONDS = 0.2


class Admission(Protocol):
    """Makes the program that knows the code a member of the house; both calls block."""

    def admit(self, application: Application) -> Welcome:
        """Make the program a member. Raises ConfigError, BadEventError."""
        ...

    def take_back(self) -> None:
        """Undo `admit`, also one that has failed. Raises ConfigError."""
        ...


@dataclass(frozen=True)
class NewMember:
    """The program that has joined; host and version are what it says of itself."""

    address: str
    host: str
    version: str


class PairingServer:
    """Serves exchanges for one code. `on_wrong_try` gets the address of each wrong try."""

    def __init__(
        self, offered: OfferedCode, role: str, admission: Admission, on_wrong_try: Callable[[str], object]
    ) -> None:
        self._offered = offered
        self._role = role
        self._admission = admission
        self._on_wrong_try = on_wrong_try
        self._worker = ThreadWorker("pairing")  # one thread: exchanges share the code, and a flood has one processor
        self._exchanges: set[asyncio.Task[None]] = set()
        self._per_address: Counter[str] = Counter()
        self._is_over = asyncio.Event()
        self._result: NewMember | RosieError | None = None

    @asynccontextmanager
    async def listening(self, host: str | None, port: int) -> AsyncIterator[int]:
        """Accept connections during the block, without a host at all addresses; yield the port in use. Raises ConfigError."""
        try:
            server = await asyncio.start_server(self._accept, host, port)
        except (OSError, OverflowError) as err:
            reason = describe_bind_error(err)
            raise ConfigError(f"cannot listen at port {port}: {reason}; --port chooses another one") from err
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            exchanges = list(self._exchanges)
            for exchange in exchanges:
                exchange.cancel()
            await asyncio.gather(*exchanges, return_exceptions=True)
            self._worker.close()

    async def wait(self) -> NewMember | CodeEnd:
        """Return the new member, or why the code counts no longer. Raises RosieError if a program could not join."""
        while self._result is None:
            end = self._offered.end(_now())
            if end in (CodeEnd.EXPIRED, CodeEnd.GUESSED):
                return end
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._is_over.wait()
            except TimeoutError:
                continue
        if isinstance(self._result, RosieError):
            raise self._result
        return self._result

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection, unless there are too many."""
        stream = FrameStream(reader, writer)
        address, task = stream.address, asyncio.current_task()
        assert task is not None
        is_busy = len(self._exchanges) >= MAX_CONNECTIONS or self._per_address[address] >= MAX_CONNECTIONS_PER_ADDRESS
        try:
            if is_busy:
                await stream.write(refuse(Refusal.BUSY).frames)
                return
            self._exchanges.add(task)
            self._per_address[address] += 1
            try:
                await self._exchange(stream)
            finally:
                self._exchanges.discard(task)
                self._per_address[address] -= 1
        except (UnreachableError, BadEventError):
            return  # a peer that does not follow the exchange has proved nothing, and learns nothing
        finally:
            stream.close()

    async def _exchange(self, stream: FrameStream) -> None:
        exchange = HubExchange(self._offered, self._role)
        while True:
            output = await self._worker.run(exchange.receive, await stream.read(), _now())
            match output:
                case Applied(application):
                    return await self._admit(exchange, application, stream)
                case Reply():
                    await stream.write(output.frames)
                    if output.is_wrong_try:
                        self._on_wrong_try(stream.address)
                    if output.is_last:
                        return None
                case Stored():
                    raise AssertionError("only a member stores its certificate")

    async def _admit(self, exchange: HubExchange, application: Application, stream: FrameStream) -> None:
        """Make the program a member, and take that back if it does not store what it got."""
        try:
            welcome = await self._worker.run(self._admission.admit, application)
            await stream.write(exchange.answer(welcome).frames)
            await self._worker.run(exchange.receive, await stream.read(), _now())
            self._result = NewMember(stream.address, application.host, application.version)
        except (UnreachableError, BadEventError) as err:
            self._result = UnreachableError(
                f"the program at {stream.address} was to join, and has not confirmed that it stored its certificate: {err};"
                " that certificate is revoked; run this again"
            )
        except ConfigError as err:
            self._result = err
            await stream.write(exchange.answer(Refused(Refusal.FAILED)).frames)
        finally:
            if not isinstance(self._result, NewMember):
                await asyncio.shield(self._worker.run(self._admission.take_back))
            self._is_over.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
