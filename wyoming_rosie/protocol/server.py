"""Daemon life cycle: listen, announce, serve connections, and drain them at the end."""

import asyncio
import gc
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import structlog
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Info
from wyoming.user_event import UserEvent

from wyoming_rosie.errors import BadEventError, ConfigError, RosieError
from wyoming_rosie.http import health
from wyoming_rosie.http.health import HEALTHY, Health
from wyoming_rosie.metrics import Metrics
from wyoming_rosie.protocol import address, discovery, listening, titles
from wyoming_rosie.protocol.address import Address, Tcp, Tls
from wyoming_rosie.protocol.admission import PRIVATE_NETWORKS, PlainHosts, create_authorize, is_allowed, parse_networks
from wyoming_rosie.protocol.budgets import BudgetLimits, Budgets
from wyoming_rosie.protocol.connection import STATUS, Authorize, Connection
from wyoming_rosie.protocol.connection import ConnectionHandler as ConnectionHandler
from wyoming_rosie.protocol.connection import Send as Send
from wyoming_rosie.protocol.listening import Listeners
from wyoming_rosie.protocol.metered_connection import MeteredConnection
from wyoming_rosie.protocol.service_config import ServiceConfig
from wyoming_rosie.protocol.stdio import StdioTransport
from wyoming_rosie.protocol.tls_acceptor import HANDSHAKE_SECONDS, TlsAcceptor
from wyoming_rosie.protocol.wire import EventStream, encode
from wyoming_rosie.runtime import systemd
from wyoming_rosie.runtime.exit_status import start_exit_deadline
from wyoming_rosie.runtime.load import ProcessMeter
from wyoming_rosie.runtime.tasks import run_beside
from wyoming_rosie.runtime.terminal import hangup_signal
from wyoming_rosie.trust import membership, roster_client
from wyoming_rosie.trust.membership import Membership
from wyoming_rosie.trust.peer import STDIO_PEER, UNIX_PEER, Peer, PeerKind, member_peer, plain_peer
from wyoming_rosie.trust.tls import MemberCertificate

_LOG = structlog.get_logger()

DRAIN_SECONDS = 10.0
SWEEP_SECONDS = 1.0
MAX_REFUSED_CONNECTIONS = 256


class DaemonServer:
    """Serves connections: answers `describe` and `ping`, and passes other events to a handler per connection."""

    def __init__(
        self,
        role: str,
        info: Info | Mapping[str, Any],
        create_handler: Callable[[Send], ConnectionHandler],
        *,
        is_installed: bool = True,
        metrics: Metrics | None = None,
        waiting: Callable[[], float] = lambda: 0,
    ) -> None:
        self._waiting = waiting
        self._meter = ProcessMeter()
        self.role = role
        self._title: str | None = None
        self._plain: PlainHosts | None = None  # who may connect without TLS; None: everybody in the allowed networks
        self._create_handler = create_handler
        self._connections: dict[Connection, asyncio.Task[None]] = {}
        self._per_address: Counter[str] = Counter()
        self._refused_connections: set[asyncio.Task[None]] = set()  # connections that are closed after an error
        self._is_stopping = False
        self.idle_seconds = ServiceConfig.idle_seconds
        self.handshake_seconds = HANDSHAKE_SECONDS
        self.max_connections = ServiceConfig.peers
        self.max_connections_per_address = ServiceConfig.peers_per_address
        self.allowed = parse_networks(PRIVATE_NETWORKS)
        self.installed = asyncio.Event()
        """Set once a model is installed; only then the daemon is announced, as Home Assistant asks only once."""
        if is_installed:
            self.installed.set()
        self.health = Health()
        self.metrics = metrics or Metrics()
        self.health.add_check("peers", self._connection_errors)
        self.health.add_check("model", lambda: HEALTHY if self.installed.is_set() else "no model is installed yet")
        self.metrics.gauge("peers", "Connections that are open", lambda: len(self._connections))
        self._refused = self.metrics.counter("refused", "Connections that were refused", "code")
        self._sent = self.metrics.counter("sent", "Events sent to peers, without audio; errors by code", "type", "code")
        self._slowed = self.metrics.counter(
            "slowed_seconds", "Waits of clients that were over a budget", "client", "budget"
        )
        self._budgets = Budgets(BudgetLimits(), self._slowed)
        self.health.add_note("clients", lambda: self._budgets.note(asyncio.get_running_loop().time()))
        self.set_info(info)

    def apply_settings(self, settings: ServiceConfig) -> None:
        """Apply limits, allowed networks and name. Raises ConfigError."""
        self.idle_seconds = settings.idle_seconds
        self.allowed = parse_networks(settings.allow)
        self.max_connections, self.max_connections_per_address = settings.peers, settings.peers_per_address
        limits = BudgetLimits(settings.client_audio, settings.client_requests, settings.client_turns)
        self._budgets = Budgets(limits, self._slowed)
        self._title = titles.title(self.role, settings.name, settings.uri)
        self.set_info(self._data)

    def set_info(self, info: Info | Mapping[str, Any]) -> None:
        """Answer `describe` with this info from now on."""
        self._data = info.event().data if isinstance(info, Info) else dict(info)
        self._info = encode(Event("info", dict(titles.with_title(self._data, self._title))))

    async def _encode_status(self) -> bytes:
        """Return the answer to the user-event `status`: load, queue and problems, the same for every daemon."""
        load = asdict(await asyncio.to_thread(self._meter.measure)) | {
            "streams": len(self._connections),
            "queued": self._waiting(),
        }
        problems = {part: problem for part, problem in self.health.run_checks().items() if problem is not None}
        return encode(UserEvent(STATUS, {**load, "problems": problems}).event())

    @asynccontextmanager
    async def listening(self, uri: str, membership: Membership | None = None) -> AsyncIterator[Address]:
        """Accept connections at `uri` during the block; yield the address with the port in use. Raises ConfigError.

        tls:// needs the membership of the house.
        """
        async with self._listening(address.parse(uri), membership) as bound:
            yield bound

    @asynccontextmanager
    async def listening_as(
        self, settings: ServiceConfig, membership: Membership | None, uri: str | None = None
    ) -> AsyncIterator[Listeners]:
        """Apply the settings, and accept connections where they say, for members over TLS as well. Raises ConfigError.

        `uri` replaces that of the settings.
        """
        self.apply_settings(settings)
        if membership is not None:
            self.health.add_check("certificate", membership.find_problem)
        main = address.parse(uri or settings.uri)
        secured = listening.tls_address(main, settings.tls_port, is_member=membership is not None)
        async with AsyncExitStack() as stack:
            if membership is not None and isinstance(main, Tcp) and not main.is_loopback:
                self._plain = PlainHosts(settings.plain)
                await stack.enter_async_context(run_beside(self._plain.refresh()))
            bound = await stack.enter_async_context(self._listening(main, membership))
            members = None
            if secured is not None:
                members = await stack.enter_async_context(self._listening(secured, membership, is_second=True))
            used = members or bound
            yield Listeners(bound, used if isinstance(used, Tls) else None, listening.house_of(membership))

    @asynccontextmanager
    async def _listening(
        self, requested: Address, membership: Membership | None, *, is_second: bool = False
    ) -> AsyncIterator[Address]:
        async with AsyncExitStack() as stack:
            create_protocol: Callable[[], asyncio.BaseProtocol] = self._create_stream
            if isinstance(requested, Tls):
                acceptor = self._create_acceptor(membership)
                stack.push_async_callback(acceptor.close)
                create_protocol = acceptor.create_protocol
            try:
                server = await listening.open_server(
                    requested, create_protocol, self._admits, takes_systemd_socket=not is_second
                )
            except (OSError, OverflowError) as err:
                raise ConfigError(f"cannot listen at {requested}: {listening.describe_bind_error(err)}") from err
            stack.callback(server.close)
            if not is_second:
                await stack.enter_async_context(run_beside(self._close_idle_connections()))
            if isinstance(requested, address.Unix):
                path = Path(requested.path)
                stack.push_async_callback(asyncio.to_thread, path.unlink, missing_ok=True)
            yield listening.bound_address(requested, server)

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Close idle connections at once, and the others after their answer, at the latest after `seconds`."""
        self._is_stopping = True
        reason = BadEventError("this daemon is stopping", "stopping")
        for connection in self._connections:
            connection.close_with_reason(reason, when_done=True)
        if self._connections:
            _, remaining = await asyncio.wait(self._connections.values(), timeout=seconds)
            for connection in [connection for connection, task in self._connections.items() if task in remaining]:
                connection.close_with_reason(reason)
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=2 * SWEEP_SECONDS)

    async def serve_stdio(self, read_fd: int = 0, write_fd: int = 1) -> None:
        """Serve one peer on standard input and output until its input ends."""
        stream = EventStream()
        StdioTransport(stream, read_fd, write_fd).start()
        answers = (lambda: self._info, self._encode_status)
        await Connection(stream, STDIO_PEER, *answers, self._create_handler, finish_at_end=True).serve()

    def _admits(self, host: str) -> bool:
        """Count a connection from an address, and return whether it gets an answer, if only an error."""
        is_admitted = self._budgets.admits(host, asyncio.get_running_loop().time())
        if not is_admitted:
            self._refused.add("flood")
        return is_admitted

    def _create_stream(self) -> EventStream:
        return EventStream(self._accept_plain)

    def _create_acceptor(self, membership: Membership | None) -> TlsAcceptor:
        if membership is None:
            raise ConfigError("tls:// needs an identity of the house; `wyoming-rosie pair NAME` tells how to join")

        def accept(stream: EventStream, host: str, certificate: MemberCertificate) -> None:
            peer = member_peer(host, membership.member(certificate), certificate)
            authorize = create_authorize(self.role, lambda: replace(peer, member=membership.member(certificate)))
            connection = self._accept(stream, peer, authorize)
            if connection is not None:
                watching = ExitStack()
                watching.enter_context(membership.watching(certificate, connection.close_with_reason))
                self._connections[connection].add_done_callback(lambda _: watching.close())

        return TlsAcceptor(membership, accept, self._reject, lambda: self._refused.add("tls"), self.handshake_seconds)

    def _accept_plain(self, stream: EventStream) -> None:
        name = stream.transport.get_extra_info("peername")
        peer = plain_peer(name[0]) if isinstance(name, tuple) else UNIX_PEER
        is_restricted = self._plain is not None and peer.kind is PeerKind.PLAIN  # without a house, all may do all
        self._accept(stream, peer, create_authorize(self.role, lambda: peer) if is_restricted else None)

    def _accept(self, stream: EventStream, peer: Peer, authorize: Authorize | None) -> Connection | None:
        """Serve a connection, or refuse it and return None."""
        refusal = self._find_refusal(peer)
        if refusal is not None:
            self._reject(stream, refusal)
            return None
        connection = MeteredConnection(
            self._sent,
            stream,
            peer,
            lambda: self._info,
            self._encode_status,
            self._create_handler,
            authorize,
            self._budgets.account(peer),
        )
        self._per_address[peer.host] += 1
        task = asyncio.get_running_loop().create_task(connection.serve())
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._remove_connection(connection, peer.host))
        return connection

    def _reject(self, stream: EventStream, refusal: RosieError) -> None:
        """Refuse a connection with an error, cheaply: there may be many."""
        self._refused.add(refusal.code)
        if len(self._refused_connections) >= MAX_REFUSED_CONNECTIONS:
            stream.abort()
            return
        if stream.write_nowait(Error(str(refusal), refusal.code).event()):
            self._sent.add("error", refusal.code)
        closing = asyncio.get_running_loop().create_task(stream.close())
        self._refused_connections.add(closing)
        closing.add_done_callback(self._refused_connections.discard)

    def _remove_connection(self, connection: Connection, host: str) -> None:
        del self._connections[connection]
        self._per_address[host] -= 1
        if not self._per_address[host]:
            del self._per_address[host]

    def _find_refusal(self, peer: Peer) -> BadEventError | None:
        has_address = peer is not UNIX_PEER
        if has_address and not is_allowed(peer.host, self.allowed):
            return BadEventError("connections from your network are not allowed here; see --allow", "forbidden")
        if peer.kind is PeerKind.PLAIN and self._plain is not None and not self._plain.admits(peer.host):
            return BadEventError(
                "this port is closed to your machine without TLS; connect by tls://, or see --plain", "tls"
            )
        if self._is_stopping:
            return BadEventError("this daemon is stopping", "stopping")
        is_crowded = has_address and self._per_address[peer.host] >= self.max_connections_per_address
        if len(self._connections) >= self.max_connections or is_crowded:
            return BadEventError("too many connections; try again later", "busy")
        return self._budgets.find_excess(peer.host, asyncio.get_running_loop().time())

    def _connection_errors(self) -> str | None:
        if self._is_stopping:
            return "this daemon is stopping"
        if len(self._connections) >= self.max_connections:
            return f"all {self.max_connections} connections are in use; see --peers"
        return HEALTHY

    async def _close_idle_connections(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, self.idle_seconds / 4))
            idle_since = loop.time() - self.idle_seconds
            for connection in self._connections:
                if connection.last_event < idle_since and not connection.is_working and not connection.allows_idle:
                    connection.close_with_reason(
                        BadEventError(f"no event was received for {self.idle_seconds:g} s", "idle")
                    )


async def run(service: DaemonServer, settings: ServiceConfig) -> None:
    """Serve until SIGTERM or SIGINT, or on stdio until the input ends. Raises ConfigError."""
    _keep_loop_responsive()
    if isinstance(address.parse(settings.uri), address.Stdio):
        service.apply_settings(settings)
        await service.serve_stdio()
        return
    stop = stop_signal()
    async with AsyncExitStack() as stack:
        listeners = await stack.enter_async_context(service.listening_as(settings, membership.current()))
        await stack.enter_async_context(
            roster_client.following(
                membership.current(), searches=settings.zeroconf and listeners.announced is not None
            )
        )
        if settings.zeroconf and listeners.announced is not None:
            await stack.enter_async_context(
                discovery.announce(
                    service.role,
                    settings.name,
                    listeners.announced,
                    when=service.installed,
                    properties=listeners.properties,
                )
            )
        await stack.enter_async_context(
            health.serve_health(service.role, service.health, service.metrics, settings.http_host, settings.http_port)
        )
        systemd.notify("READY=1")
        _LOG.info("ready", uri=str(listeners.main), **({"tls": str(listeners.tls)} if listeners.tls else {}))
        await stop.wait()
        start_exit_deadline(0)
        systemd.notify("STOPPING=1")
        _LOG.info("stopping")
    await service.drain()


async def run_until_stopped(running: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    """Wait for the end of a client's only task or for `stop`, end the task in order, and raise what it raised."""
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    start_exit_deadline(0)
    systemd.notify("STOPPING=1")
    for task in (running, stopped):
        task.cancel()
    await asyncio.wait({running, stopped})
    if not running.cancelled():
        running.result()


def _keep_loop_responsive() -> None:
    """Reduce the latency of the event loop beside a busy engine."""
    # With the default of 5 ms, an engine's thread delays the loop by that much, several times for one answer.
    sys.setswitchinterval(0.0001)
    # Each collection of an engine's objects would stop the process: 15 ms with hassil's templates.
    gc.collect()
    gc.freeze()
    # The collector's next run depends on the number of objects in its last one, which must be small.
    gc.collect()


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM, SIGINT and SIGHUP set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, *hangup_signal()):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
